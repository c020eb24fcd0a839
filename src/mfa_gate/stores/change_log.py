"""The latest changes of a store in this process, and the place of each reader among them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from itertools import islice

from ..core.model import SubjectKey
from ..ports import EVERYTHING, Changed

KEPT = 10_000
_NOTHING: frozenset[SubjectKey] = frozenset()


class ChangeLog:
    """Number the changes and keep the latest. Reading removes nothing, so any number of readers may follow."""

    def __init__(self) -> None:
        self.count = 0
        self._lock = threading.Lock()
        self._changes: deque[SubjectKey | None] = deque(maxlen=KEPT)

    def note(self, key: SubjectKey | None) -> None:
        """Add a change: of one account, or (None) of anything."""
        with self._lock:
            self._changes.append(key)
            self.count += 1

    def since(self, place: int) -> tuple[Changed, int]:
        """Tell the changes after the first ``place`` of them, and how many there are now.

        They are ``EVERYTHING`` where some of them are no longer kept.
        """
        with self._lock:
            missed = self.count - place
            if not 0 <= missed <= len(self._changes):
                return EVERYTHING, self.count
            recent = list(islice(self._changes, len(self._changes) - missed, None))
            if None in recent:
                return EVERYTHING, self.count
            return frozenset(key for key in recent if key is not None), self.count


class LogFollower:
    """One reader of the log that ``log_now`` gives. Another log than before begins with ``EVERYTHING``.

    ``log_now`` raises ``StoreUnavailable`` where nobody can tell, and returns None where all may have changed.
    """

    __slots__ = ("_log", "_log_now", "_place")

    def __init__(self, log_now: Callable[[], ChangeLog | None]) -> None:
        self._log_now = log_now
        self._log: ChangeLog | None = None
        self._place = 0

    def changed(self) -> Changed:
        """Tell the changes since this reader's last look."""
        log = self._log_now()
        if log is None:
            return EVERYTHING
        if log is not self._log:
            self._log, self._place = log, log.count
            return EVERYTHING
        if log.count == self._place:
            return _NOTHING
        told, self._place = log.since(self._place)
        return told
