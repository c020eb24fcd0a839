"""Start the example app on a machine with nothing but Python 3.11 or later.

It sets up a virtual environment, then serves.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOME = ROOT / ".venv-example"
PYTHON = HOME / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
STAMP = HOME / ".installed"


def main() -> int:
    """Serve with the options given; ``--help`` lists them. Returns the exit code."""
    if sys.version_info < (3, 11):  # noqa: UP036 - whoever starts this has not installed anything yet
        print(f"Python 3.11 or later is needed; this is {sys.version.split()[0]}.", file=sys.stderr)
        return 1
    wanted = stamp()
    if not (PYTHON.exists() and STAMP.exists() and STAMP.read_text() == wanted):
        if fault := set_up():
            print(fault, file=sys.stderr)
            return 1
        STAMP.write_text(wanted)
    paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))}
    command = [str(PYTHON), "-m", "example_app", *sys.argv[1:]]
    if os.name == "nt":
        return subprocess.run(command, env=environment, check=False).returncode
    return os.execve(command[0], command, environment)


def stamp() -> str:
    """Return a mark of the project's file and the Python.

    A mark that changed means a new environment.
    """
    project = (ROOT / "pyproject.toml").read_bytes()
    return hashlib.sha256(project + sys.version.encode() + str(ROOT).encode()).hexdigest()


def set_up() -> str:
    """Make the virtual environment and install the app into it.

    Returns the error, or "".
    """
    print("Setting up the example app. The first start takes a minute.", file=sys.stderr, flush=True)
    STAMP.unlink(missing_ok=True)
    made = subprocess.run(
        [sys.executable, "-m", "venv", "--clear", str(HOME)], check=False, capture_output=True, text=True
    )
    if made.returncode:
        return (
            "The virtual environment could not be made. Python's own venv module is needed"
            f" (Debian and Ubuntu: apt install python3-venv).\n{tail(made)}"
        )
    installed = subprocess.run(
        [str(PYTHON), "-m", "pip", "install", "--disable-pip-version-check", "--quiet", "--editable", ".[demo]"],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    if installed.returncode:
        return f"The packages could not be installed; the first start needs the network.\n{tail(installed)}"
    return ""


def tail(run: subprocess.CompletedProcess[str]) -> str:
    """Return the last lines of a command's output."""
    return "\n".join((run.stdout + run.stderr).strip().splitlines()[-12:])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
