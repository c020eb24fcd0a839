"""Another interpreter beside the test, which follows its orders."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PATIENCE = 1200
"""Seconds after which something hangs: the longest takes half of that on a busy machine."""


@contextmanager
def beside(module: str) -> Iterator[Callable[[Any], Any]]:
    """Run ``module`` in a fresh interpreter until the end of the block.

    Yields a function that hands it one order, in JSON, and returns its answer.
    """
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"}
    with (
        tempfile.TemporaryFile("w+") as complaints,
        subprocess.Popen(
            [sys.executable, "-m", module],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=complaints,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        told, said = process.stdin, process.stdout

        def ask(what: Any) -> Any:
            watch = threading.Timer(PATIENCE, process.kill)
            watch.start()
            print(json.dumps(what), file=told, flush=True)
            line = said.readline()
            watch.cancel()
            complaints.seek(0)
            assert line, complaints.read()
            return json.loads(line)

        yield ask
