"""The page with the measured prices: ``tests/benchmarks/README.md``.

``python3 tests/run.py --bench --publish`` runs every script of this folder, and writes their tables with the machine and the
versions.
"""

from __future__ import annotations

import ast
import json
import os
import platform
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE / "README.md"
PACKAGES = (
    *("starlette", "uvicorn", "granian", "itsdangerous", "jinja2", "cryptography", "psycopg"),
    *("django", "django-otp", "django-multifactor"),
)
PROGRAMS = {"Redis": ("redis-server", "--version"), "nginx": ("nginx", "-v")}
HEAD = """# The price of the gate

Written by `python3 tests/run.py --bench --publish`. Do not edit it. Add `--long` for a million accounts.

Times are of the processor where a table says so: they leave out what other programs did meanwhile. Stacks that are compared run in
turns in one process, so a drift of the machine meets them alike. A ratio holds for other machines; a time does not.
**To reach** is the goal that the project has set itself. Where it is missed, the table shows it.
"""


def publish(outputs: Mapping[str, str]) -> None:
    """Write the page from the printed tables, by the name of their script."""
    PAGE.write_text(page(outputs, machine(), datetime.now(UTC).date().isoformat()))


def page(outputs: Mapping[str, str], parts: Mapping[str, str], day: str) -> str:
    """Return the page."""
    rows = "\n".join(f"| {name} | {words} |" for name, words in parts.items())
    found = [HEAD, f"Measured on {day}.\n\n| part | version |\n|---|---|\n{rows}\n"]
    for name, output in outputs.items():
        title, about = about_script(name)
        found.append(f"## {title}\n\n{about}`python -m tests.benchmarks.{name}`\n\n```\n{table_in(output)}\n```\n")
    return "\n".join(found)


def about_script(name: str) -> tuple[str, str]:
    """Return the title of a script, and the rest of its docstring as a paragraph."""
    words = ast.get_docstring(ast.parse((HERE / f"{name}.py").read_text())) or name
    first, _, rest = words.partition("\n")
    return first.rstrip("."), f"{rest.strip()}\n\n" if rest.strip() else ""


def table_in(output: str) -> str:
    """Return a script's output without spaces at the ends of lines."""
    return "\n".join(line.rstrip() for line in output.strip().splitlines())


def machine() -> dict[str, str]:
    """Name the machine, Python, the packages and the servers."""
    found = {
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
    }
    found |= {name: version(name) for name in PACKAGES}
    for name, command in PROGRAMS.items():
        if shutil.which(command[0]):
            done = subprocess.run(command, check=False, capture_output=True, text=True)
            found[name] = _number_in(done.stdout + done.stderr)
    from tests.stores.postgres_servers import binaries

    done = subprocess.run([binaries() / "postgres", "--version"], check=False, capture_output=True, text=True)
    found["PostgreSQL"] = _number_in(done.stdout)
    return found


def _number_in(text: str) -> str:
    """Return the first version number in a program's words."""
    known = re.search(r"\d+(?:\.\d+)+", text)
    return known[0] if known else "unknown"


def _processor() -> str:
    """Return the processor's name, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", info.read_text()) if info.exists() else None
    return named[1] if named else platform.machine()


if __name__ == "__main__":
    publish(json.loads(Path(sys.argv[1]).read_text()))
    print(f"written: {PAGE}")
