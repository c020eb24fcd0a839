"""A process that does one thing and leaves a text, with an end to its time and its memory."""

from __future__ import annotations

import os
import resource
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


class Fork:
    """A fork of this process, in a process group and with temporary files of its own.

    ``answer`` says what it leaves. It gets so many ``seconds`` of processor time, or ten times as many of waiting.
    """

    def __init__(self, folder: Path, seconds: float, answer: Callable[[], str]) -> None:
        self.folder = folder
        self.seconds = seconds
        self.started = time.monotonic()
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o711)  # some tests act as another user
        self.pid = os.fork()
        if self.pid == 0:
            self._end_with(answer)

    def answered(self) -> str | None:
        """Return the text once the process has ended, None before."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        late = pid == 0 and time.monotonic() - self.started > 10 * self.seconds
        if pid == 0 and not late:
            return None
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # with the servers that it started
        if late:
            os.waitpid(self.pid, 0)
        left = self._left.read_text(encoding="utf-8") if self._left.exists() else ""
        shutil.rmtree(self.folder, ignore_errors=True)
        if late or os.waitstatus_to_exitcode(status) == -signal.SIGXCPU:
            return f"no end after {self.seconds:.0f} s"
        return left or f"ended with {status}"

    @property
    def _left(self) -> Path:
        return self.folder / "answer.txt"

    def _end_with(self, answer: Callable[[], str]) -> None:
        try:
            os.setsid()
            resource.setrlimit(resource.RLIMIT_CPU, (int(self.seconds), int(self.seconds) + 5))
            os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.tempdir = str(self.folder)
            sys.dont_write_bytecode = True
            text = answer()
        except BaseException as error:  # noqa: BLE001 - whatever a fault raises, this process ends here
            text = f"{type(error).__name__} outside of a test"
        self._left.write_text(text, encoding="utf-8")
        os._exit(0)  # no thread that a fault left behind holds this up
