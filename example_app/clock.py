"""Move the time of all workers at once: real time plus the advances of the demo page."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["DemoClock", "rfc3339"]


class DemoClock:
    """Tell a time that can be advanced; it satisfies ``mfa_gate.ports.Clock``.

    Every advance is one line appended to a small file, so the file's size tells if anything is new: one ``stat`` a look, no
    lock, and an advance by one worker holds for all from then on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = 0
        self._offset = 0.0

    def now(self) -> float:
        """Return UTC seconds since 1970, the advances included."""
        try:
            size = self._path.stat().st_size
        except FileNotFoundError:
            size = 0
        if size != self._size:
            lines = self._path.read_bytes()[:size].split() if size else []
            self._offset = sum(float(line) for line in lines)
            self._size = size
        return time.time() + self._offset

    def advance(self, seconds: float) -> float:
        """Move the time of all workers by ``seconds``, and return the new ``now``."""
        descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(descriptor, f"{seconds!r}\n".encode())
        finally:
            os.close(descriptor)
        return self.now()


def rfc3339(at: float) -> str:
    """Write a point in time as RFC 3339 in UTC, to the second."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
