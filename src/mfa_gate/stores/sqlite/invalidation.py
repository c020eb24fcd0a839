"""Tell the changes since the last look.

Every guarded request asks, so it takes microseconds and waits for nothing.
"""

from __future__ import annotations

import sqlite3
from time import monotonic

from ...core.model import SubjectKey
from ...errors import StoreUnavailable
from ...storage import Changed, Reader
from ..common.change_log import NOTHING, ChangeLog, told
from .connection import ConnectionPool, PooledConnection
from .file import LOOK_EVERY, Moved, StoreFile, outage
from .log_index import HEADER, LogIndex
from .worker_thread import Job, WorkerThread

CHANGES_KEPT = 10_000
_HEADER = slice(HEADER)
_TRIMMED_EVERY = 500
_OVERDUE = 0.75
_LOCK_PATIENCE = 0.02
"""Seconds; the lock is free unless another event loop looks at the same moment, or the file is being opened anew."""


def note_change(connection: sqlite3.Connection, key: SubjectKey | None) -> None:
    """Tell the other processes that ``key`` changed; None: all may have changed."""
    tenant, id = (None, None) if key is None else (key.tenant, key.id)
    seq = connection.execute("INSERT INTO change (tenant, id) VALUES (?, ?)", (tenant, id)).lastrowid or 0
    if seq % _TRIMMED_EVERY == 0:
        connection.execute("DELETE FROM change WHERE seq <= ?", (seq - CHANGES_KEPT,))


def scrub_changes(connection: sqlite3.Connection, key: SubjectKey) -> None:
    """Tell the other processes that ``key`` changed, without its name.

    Earlier notices of it are made to say that all may have changed: nobody reads the name of a forgotten person there.
    """
    connection.execute("UPDATE change SET tenant = NULL, id = NULL WHERE tenant = ? AND id = ?", (key.tenant, key.id))
    note_change(connection, None)


class Invalidation:
    """Notice commits, by any process, and read the log of changes only then.

    While the header of the log's index is the same, nothing was committed. Else SQLite is asked for the number that it raises
    with every commit by another connection (``PRAGMA data_version``). The writer is another connection, so commits of this
    process show as well. Only if that number moved is the change log read.
    """

    def __init__(self, file: StoreFile, pooled: PooledConnection, pool: ConnectionPool, reader: WorkerThread) -> None:
        self._file = file
        self._pooled = pooled
        self._pool = pool
        self._reader = reader
        self.close()

    def open(self) -> None:
        """Begin to tell changes."""
        self.forget()
        self._is_open = True

    def close(self) -> None:
        """Stop: the next look raises ``StoreUnavailable``."""
        self.forget()
        self._is_open = False

    def forget(self) -> None:
        """Begin anew: the next answer to each reader is ``EVERYTHING``."""
        self._connection: sqlite3.Connection | None = None
        self._view: LogIndex | None = None
        self._header = b""
        self._data_version = -1
        self._seen = -1
        self._log = ChangeLog()
        self._look_at = 0.0
        self._probe: Job | None = None
        self._asked_at = 0.0

    def changed(self, reader: Reader) -> Changed:
        """Tell the changes since the reader's last look. Raises ``StoreUnavailable``."""
        if monotonic() >= self._look_at:
            self._look()
        view, log = self._view, self._log
        if view is None or view is not self._pool.view or view.bytes[_HEADER] != self._header:
            self._read_changes()
        # The answer of nearly every look, without a call: each request of a known browser asks.
        elif log is reader.log and log.count == reader.place:
            return NOTHING
        return told(log, reader)

    def _read_changes(self) -> None:
        """Bring the log of changes up to date. Raises ``StoreUnavailable``."""
        lock = self._pooled.lock
        if not (lock.acquire(blocking=False) or lock.acquire(timeout=_LOCK_PATIENCE)):
            raise StoreUnavailable("the SQLite store is being opened anew")
        try:
            connection = self._pooled.connection
            if connection is None or connection is not self._connection:
                connection = self._open()
            # Read before SQLite is asked: a commit in between is seen at the next look.
            header = b"" if self._view is None else self._view.bytes[_HEADER]
            moved = connection.execute("PRAGMA data_version").fetchone()[0]
            if moved != self._data_version:
                self._read_log(connection)
                self._data_version = moved
            self._header = header
        except (sqlite3.Error, OSError) as error:
            self._connection = self._view = None
            self._pooled.drop()
            raise outage(error) from error
        finally:
            lock.release()

    def _open(self) -> sqlite3.Connection:
        self._connection = self._view = None
        self._seen = self._data_version = -1
        try:
            self._connection = self._pooled.ready()
        except Moved:
            raise StoreUnavailable(f"{self._file.path} was replaced") from None
        self._header, self._view = b"", self._pool.look(self._pooled)
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

    def _look(self) -> None:
        """Check that the file is still there and still answers.

        Another thread tries: a sick disk may hang it.
        """
        now = monotonic()
        if not self._is_open:
            raise StoreUnavailable("the SQLite store is not open")
        identity = self._file.identity()
        if self._probe is None or self._probe.settled:
            self._probe, self._asked_at = self._reader.knock(), now
        elif now > self._asked_at + _OVERDUE:
            raise StoreUnavailable("the SQLite store does not answer")
        if (trouble := self._reader.trouble) is not None:
            raise StoreUnavailable(f"the SQLite store is out of order: {trouble}") from trouble
        if self._pooled.connection is not None and identity != self._pooled.opened:
            raise StoreUnavailable(f"{self._file.path} was replaced")
        self._look_at = now + LOOK_EVERY
