"""What changed since the last look, for every guarded request: microseconds, and never a wait."""

from __future__ import annotations

import sqlite3
import time

from ...core.model import SubjectKey
from ...errors import StoreUnavailable
from ..common.change_log import ChangeLog
from .connection import ConnectionPool, PooledConnection
from .file import LOOK_EVERY, Moved, StoreFile, outage
from .index import HEADER, View
from .worker_thread import Job, WorkerThread

_OVERDUE = 0.75
_LOCK_PATIENCE = 0.02
"""Seconds; the lock is free unless another event loop looks at the same moment, or the file is being opened anew."""


class Notice:
    """Where the log's index looks the same, nothing was committed. Else SQLite is asked for the number that it raises with
    every commit by another connection (``PRAGMA data_version``); the writer is one, so commits of this process show as
    well. Only when that moved is the change log read."""

    def __init__(self, file: StoreFile, slot: PooledConnection, slots: ConnectionPool, reader: WorkerThread) -> None:
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
        """Begin anew: each reader's next answer is ``EVERYTHING``."""
        self._connection: sqlite3.Connection | None = None
        self._view: View | None = None
        self._header = b""
        self._data_version = -1
        self._seen = -1
        self._log = ChangeLog()
        self._look_at = 0.0
        self._probe: Job | None = None
        self._asked_at = 0.0
        self._trouble: BaseException | None = None

    def changes(self) -> ChangeLog:
        """Bring the log of changes up to date, and return it. Raises ``StoreUnavailable``."""
        now = time.monotonic()
        if now >= self._look_at:
            self._look(now)
        view = self._view
        if view is not None and view is self._slots.view and view.bytes[:HEADER] == self._header:
            return self._log
        lock = self._slot.lock
        if not (lock.acquire(blocking=False) or lock.acquire(timeout=_LOCK_PATIENCE)):
            raise StoreUnavailable("the SQLite store is being opened anew")
        try:
            connection = self._slot.connection
            if connection is None or connection is not self._connection:
                connection = self._open()
            # Before SQLite is asked: what comes in between is seen the next time.
            header = b"" if self._view is None else self._view.bytes[:HEADER]
            moved = connection.execute("PRAGMA data_version").fetchone()[0]
            if moved != self._data_version:
                self._read_log(connection)
                self._data_version = moved
            self._header = header
            return self._log
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
        self._header, self._view = b"", self._slots.look(self._slot)
        return self._connection

    def _read_log(self, connection: sqlite3.Connection) -> None:
        seen = self._seen
        if seen < 0:
            self._seen = connection.execute("SELECT coalesce(max(seq), 0) FROM change").fetchone()[0]
            self._log.note(None)
            return
        rows = connection.execute("SELECT seq, tenant, id FROM change WHERE seq > ? ORDER BY seq", (seen,)).fetchall()
        if not rows:
            return
        self._seen = rows[-1][0]
        if rows[0][0] != seen + 1:
            self._log.note(None)
        for _, tenant, id in rows:
            self._log.note(None if tenant is None else SubjectKey(tenant, id))

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
