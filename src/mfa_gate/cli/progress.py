"""Show the progress of long work, on a terminal only."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import TextIO

EVERY = 0.2


class Progress:
    """Count on one line of standard error.

    ``with Progress("rotating") as progress: progress.step()``.
    """

    def __init__(self, what: str, *, total: int = 0, stream: TextIO | None = None) -> None:
        """Set ``total``; 0: the number is not known beforehand."""
        self._what = what
        self._total = total
        self._stream = stream or sys.stderr
        self._shown_at = 0.0
        self._is_terminal = self._stream.isatty()
        self.count = 0

    def __enter__(self) -> Progress:
        return self

    def step(self, count: int = 1) -> None:
        """Count ``count`` more."""
        self.count += count
        if self._is_terminal and time.monotonic() - self._shown_at >= EVERY:
            self._show()

    def _show(self) -> None:
        self._shown_at = time.monotonic()
        of = f" of {self._total} ({100 * self.count // self._total} %)" if self._total else ""
        self._stream.write(f"\r\x1b[K{self._what}: {self.count}{of}")
        self._stream.flush()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._is_terminal:
            self._show()
            self._stream.write("\n")
