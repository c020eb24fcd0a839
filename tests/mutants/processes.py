"""Runs of pytest in processes that have imported everything but the package.

They are forked from one that is warm, which saves two seconds a run. One process runs one set of tests against one copy.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPUTES = "not (browser or slow or long)"
WARM = [
    *("_pytest.fixtures", "pytest_asyncio", "hypothesis", "hypothesis.stateful"),
    *("starlette.testclient", "fastapi", "httpx", "websockets", "uvicorn", "jinja2", "babel.support"),
    *(
        "webauthn",
        "cryptography.x509",
        "itsdangerous",
        "pyotp",
        "redis.asyncio",
        "psycopg_pool",
        "sqlite3",
        "aiosmtplib",
    ),
]
"""Modules that are imported before a process is forked."""
MEMORY = 6 * 2**30
"""Bytes of data that one process may hold: a fault may fill the memory without end."""

START = multiprocessing.get_context("forkserver")
START.set_forkserver_preload(WARM)


@dataclass(frozen=True)
class Ran:
    """The end of one run: its exit code and its output."""

    code: int
    output: str

    @property
    def failed(self) -> str:
        """Return the test that failed first, or "" if all passed."""
        if self.code in (0, pytest.ExitCode.NO_TESTS_COLLECTED):
            return ""
        failed = [line for line in self.output.splitlines() if line.startswith(("FAILED", "ERROR"))]
        return failed[0] if failed else f"exit code {self.code}"


class Chosen:
    """The plugin of pytest that runs these tests only, in this order."""

    def __init__(self, tests: Iterable[str]) -> None:
        self.order = {test: index for index, test in enumerate(tests)}

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Leave all others out."""
        items[:] = sorted(
            (item for item in items if item.nodeid in self.order), key=lambda item: self.order[item.nodeid]
        )


def run(source: Path, arguments: Sequence[str], plugins: Sequence[object] = (), *, seconds: float) -> Ran:
    """Run pytest in a process of its own against the package in ``source``.

    It ends after so many ``seconds`` of processor time, or ten times as many of waiting.
    """
    output = source.parent / "output.txt"
    process = START.Process(target=_run, args=(str(source), list(arguments), list(plugins), str(output), int(seconds)))
    process.start()
    process.join(10 * seconds)
    late = process.is_alive()
    if process.pid is not None:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # with the servers that it started
    process.join()
    if late or process.exitcode == -signal.SIGXCPU:
        return Ran(1, f"FAILED no end after {seconds:.0f} s")
    return Ran(process.exitcode or 0, output.read_text(encoding="utf-8", errors="replace"))


def _run(source: str, arguments: list[str], plugins: list[object], output: str, seconds: int) -> None:
    """Run pytest in this process."""
    os.setsid()
    with open(output, "wb") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
    os.chdir(ROOT)
    os.environ["PYTHONPATH"] = f"{source}:{ROOT}"
    # Two faults in one second would look alike to compiled files, which know the second and the size.
    os.environ["PYTHONDONTWRITEBYTECODE"] = "1"
    sys.dont_write_bytecode = True
    sys.path[:0] = [source, str(ROOT)]
    own = ["-o", f"pythonpath={source} {ROOT}"]  # pyproject.toml names the checkout's source first
    own += ["-W", "ignore::pytest.PytestAssertRewriteWarning", "-p", "no:cacheprovider"]
    code = pytest.main(["-q", "--tb=no", *own, "-m", COMPUTES, *arguments], plugins=plugins)
    os._exit(int(code))  # no thread that a fault left behind holds this up
