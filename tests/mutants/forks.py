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
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Answer:
    """The text that a process left, and the seconds of processor time that it took."""

    text: str
    seconds: float


def allow(seconds: float) -> None:
    """Let this process go on for so many seconds of processor time, or ten times of waiting."""
    most = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, resource.getrlimit(resource.RLIMIT_CPU)[1]))
    signal.setitimer(signal.ITIMER_REAL, 10 * seconds)


class Fork:
    """A fork of this process, in a process group and with temporary files of its own.

    ``answer`` says what it leaves. It calls ``allow`` for each step, so that it ends.
    """

    def __init__(self, folder: Path, answer: Callable[[], str]) -> None:
        self.folder = folder
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(mode=0o711)  # some tests act as another user
        self.pid = os.fork()
        if self.pid == 0:
            self._end_with(answer)

    def answered(self) -> Answer | None:
        """Return the answer once the process has ended, None before."""
        pid, status, used = os.wait4(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)  # with the servers that it started
        left = self._left.read_text(encoding="utf-8") if self._left.exists() else ""
        shutil.rmtree(self.folder, ignore_errors=True)
        code = os.waitstatus_to_exitcode(status)
        ended = "no end in time" if -code in (signal.SIGXCPU, signal.SIGALRM) else f"ended with {code}"
        return Answer(left or ended, used.ru_utime + used.ru_stime)

    @property
    def _left(self) -> Path:
        return self.folder / "answer.txt"

    def _end_with(self, answer: Callable[[], str]) -> None:
        try:
            os.setsid()
            os.environ["TMPDIR"] = os.environ["PYTEST_DEBUG_TEMPROOT"] = tempfile.tempdir = str(self.folder)
            sys.dont_write_bytecode = True
            text = answer()
        except BaseException as error:  # noqa: BLE001 - whatever a fault raises, this process ends here
            text = f"{type(error).__name__} outside of a test"
        self._left.write_text(text, encoding="utf-8")
        os._exit(0)  # no thread that a fault left behind holds this up
