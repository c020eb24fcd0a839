"""Other processes beside a test.

Each is a fork of one interpreter that has imported what they need: a start costs milliseconds, where Python's own costs a
second of a core.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 1200
"""Seconds after which something hangs: the longest takes half of that on a busy machine."""
EARLY = (
    "tests.harness",
    "mfa_gate.cli",
    "mfa_gate.policyfile",
    "mfa_gate.stores.sqlite",
    "mfa_gate.stores.redis",
    "mfa_gate.stores.postgres",
    "mfa_gate.testing.store_suite",
)
"""Modules that are imported before the first fork."""

_forks = multiprocessing.get_context("forkserver")
_forks.set_forkserver_preload([*EARLY])


@dataclass(frozen=True)
class Ended:
    """A process that ended, and its output.

    ``code`` is its exit code, or the signal that killed it as a negative number.
    """

    code: int
    out: str
    errors: str


def ran(module: str, *arguments: str | Path) -> Ended:
    """Run ``python -m module arguments`` until it ends or PATIENCE is over."""
    with tempfile.TemporaryDirectory() as name:
        said, complaints = Path(name) / "out", Path(name) / "errors"
        streams = (Path(os.devnull), said, complaints)
        process = _forks.Process(target=_be, args=(module, [*map(str, arguments)], dict(os.environ), streams))
        process.start()
        process.join(PATIENCE)
        process.kill()
        process.join()
        code = process.exitcode
        process.close()
        assert code is not None
        return Ended(code, said.read_text(), complaints.read_text())


@contextmanager
def beside(module: str) -> Iterator[Callable[[Any], Any]]:
    """Run ``module`` in a process of its own until the end of the block.

    Yields a function that hands it one order, in JSON, and returns its answer.
    """
    orders, telling = _forks.Pipe(duplex=False)
    hearing, answers = _forks.Pipe(duplex=False)
    with (
        tempfile.NamedTemporaryFile("r") as complaints,
        open(telling.fileno(), "w", closefd=False) as told,
        open(hearing.fileno(), closefd=False) as said,
    ):
        streams = (orders, answers, Path(complaints.name))
        process = _forks.Process(target=_be, args=(module, [], dict(os.environ), streams))
        process.start()
        orders.close()
        answers.close()

        def ask(what: Any) -> Any:
            watch = threading.Timer(PATIENCE, process.kill)
            watch.start()
            print(json.dumps(what), file=told, flush=True)
            line = said.readline()
            watch.cancel()
            assert line, Path(complaints.name).read_text()
            return json.loads(line)

        try:
            yield ask
        finally:
            telling.close()
            process.join()
            hearing.close()
            process.close()


def _be(
    module: str, arguments: list[str], environment: Mapping[str, str], streams: tuple[Connection | Path, ...]
) -> None:
    """Be the program ``module``, with ``streams`` as standard input, output and error."""
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    for number, stream in enumerate(streams):
        opened = os.open(stream, os.O_RDWR | os.O_CREAT) if isinstance(stream, Path) else stream.fileno()
        os.dup2(opened, number)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - it is the process's own
    sys.argv[1:] = arguments
    sys.modules.pop(module, None)
    runpy.run_module(module, run_name="__main__", alter_sys=True)
