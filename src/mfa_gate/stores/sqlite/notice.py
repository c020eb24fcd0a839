"""What changed since the last look, for every guarded request: microseconds, and never a wait."""

from __future__ import annotations

import sqlite3
import time

from ...core.model import SubjectKey
from ...errors import StoreUnavailable
from ...ports import EVERYTHING, Changed
from .file import LOOK_EVERY, Moved, StoreFile, outage
from .index import HEADER, View
from .lane import Job, Lane
from .slot import Slot, Slots

_OVERDUE = 0.75
_LOCK_PATIENCE = 0.02
"""Seconds; the lock is free unless another event loop looks at the same moment, or the file is being opened anew."""
_NOTHING: frozenset[SubjectKey] = frozenset()


class Notice:
    """Where the log's index looks the same, nothing was committed. Else SQLite is asked for the number that it raises with
    every commit by another connection (``PRAGMA data_version``); the writer is one, so commits of this process show as
    well. Only when that moved is the change log read."""

    def __init__(self, file: StoreFile, slot: Slot, slots: Slots, reader: Lane) -> None:
        self._file = file
        self._slot = slot
        self._slots = slots
        self._reader = reader
        self.close()

    def open(self) -> None:
        """From now on there is something to tell."""
        self.forget()
        self._is_open = True

    def close(self) -> None:
        """The store is not open, or no longer: the next look says so."""
        self.forget()
        self._is_open = False

    def forget(self) -> None:
        """Begin anew: the next answer is ``EVERYTHING``."""
        self._connection: sqlite3.Connection | None = None
        self._view: View | None = None
        self._header = b""
        self._data_version = -1
        self._seen = -1
        self._look_at = 0.0
        self._probe: Job | None = None
        self._asked_at = 0.0
        self._trouble: BaseException | None = None

    def changed(self) -> Changed:
        """As the port says."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look(now)
        view = self._view
        if view is not None and view is self._slots.view and view.bytes[:HEADER] == self._header:
            return _NOTHING
        lock = self._slot.lock
        if not (lock.acquire(blocking=False) or lock.acquire(timeout=_LOCK_PATIENCE)):
            raise StoreUnavailable("the SQLite store is being opened anew")
        try:
            connection = self._slot.connection
            if connection is None or connection is not self._connection:
                connection = self._open()
            if self._view is not None:  # before SQLite is asked: what comes in between is seen the next time
                self._header = self._view.bytes[:HEADER]
            moved = connection.execute("PRAGMA data_version").fetchone()[0]
            if moved == self._data_version:
                return _NOTHING
            changed = self._read_log(connection)
            self._data_version = moved
            return changed
        except (sqlite3.Error, OSError) as error:
            self._connection = self._view = None
            self._slot.drop()
            raise outage(error) from error
        finally:
            lock.release()

    def _open(self) -> sqlite3.Connection:
        self._connection = self._view = None
        self._seen = self._data_version = -1
        try:
            self._connection = self._slot.ready()
        except Moved:
            raise StoreUnavailable(f"{self._file.path} was replaced") from None
        self._view = self._slots.look(self._slot)
        return self._connection

    def _read_log(self, connection: sqlite3.Connection) -> Changed:
        seen = self._seen
        if seen < 0:
            self._seen = connection.execute("SELECT coalesce(max(seq), 0) FROM change").fetchone()[0]
            return EVERYTHING
        rows = connection.execute("SELECT seq, tenant, id FROM change WHERE seq > ? ORDER BY seq", (seen,)).fetchall()
        if not rows:
            return _NOTHING
        self._seen = rows[-1][0]
        if rows[0][0] != seen + 1 or any(tenant is None for _, tenant, _ in rows):
            return EVERYTHING
        return frozenset(SubjectKey(tenant, id) for _, tenant, id in rows)

    def _look(self, now: float) -> None:
        """Is the file still there, and does it still answer? Another thread tries, since a sick disk may hang it."""
        if not self._is_open:
            raise StoreUnavailable("the SQLite store is not open")
        identity = self._file.identity()
        if self._probe is None or self._probe.settled:
            self._trouble = None if self._probe is None else self._probe.error
            self._probe, self._asked_at = self._reader.knock(), now
        elif now > self._asked_at + _OVERDUE:
            raise StoreUnavailable("the SQLite store does not answer")
        if self._trouble is not None:
            raise StoreUnavailable(f"the SQLite store is out of order: {self._trouble}") from self._trouble
        if self._slot.connection is not None and identity != self._slot.opened:
            raise StoreUnavailable(f"{self._file.path} was replaced")
        self._look_at = now + LOOK_EVERY
