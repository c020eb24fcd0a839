"""The connections to the store's file, their locks, and how they are closed."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Iterable

from ...errors import StoreUnavailable
from .file import LOOK_EVERY, OPEN_PATIENCE, Identity, Moved, StoreFile
from .log_index import LogIndex

_FORK_PATIENCE = 2.0


class PooledConnection:
    """A place for one connection. Whoever uses the connection holds ``lock``."""

    def __init__(
        self, file: StoreFile, *, opening: float = OPEN_PATIENCE, patience: float = 0, knocks: bool = True
    ) -> None:
        """Make a place without a connection.

        ``opening`` and ``patience`` are the seconds to wait for another process's lock, at first and later on. With
        ``knocks`` the disk itself is looked at now and then.
        """
        self.file = file
        self.lock = threading.Lock()
        self.connection: sqlite3.Connection | None = None
        self.opened: Identity | None = None
        self.stuck = False
        self._opening = opening
        self._patience = patience
        self._knocks = knocks
        self._knock_at = 0.0

    def ready(self) -> sqlite3.Connection:
        """Return the connection; open it if there is none.

        Raises ``Moved`` if another file took the place of the one that was open, ``StoreUnavailable`` or ``sqlite3.Error``
        if there is no connection to be had.
        """
        if self.stuck:
            raise StoreUnavailable("this process was forked while its SQLite store hung: restart it")
        now = self.file.identity()
        if self.connection is not None and now == self.opened:
            self._knock()
            return self.connection
        if self.connection is not None or self.file.known not in (None, now.file):
            raise Moved
        connection = self.file.connect(patience=self._opening)
        try:
            connection.execute(f"PRAGMA busy_timeout = {self._patience * 1000:.0f}")
            opened = self.file.identity()
            if opened.file != now.file:
                raise StoreUnavailable(f"{self.file.path} was replaced while it was opened")
        except BaseException:
            connection.close()
            raise
        self.connection, self.opened, self.file.known = connection, opened, opened.file
        return connection

    def _knock(self) -> None:
        """Open a fresh connection, to see if the disk still holds the store.

        The connection that is open may answer from its cache.
        """
        if not self._knocks or (at := time.monotonic()) < self._knock_at:
            return
        try:
            with contextlib.closing(self.file.connect(patience=self._opening)) as fresh:
                self.file.remember(fresh, after=self.file.timing.mark_every)
        except BaseException:
            self.drop()
            raise
        self._knock_at = at + LOOK_EVERY

    def drop(self) -> None:
        """Close; the next use opens anew."""
        connection, self.connection = self.connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()


class ConnectionPool:
    """All connections of one store.

    SQLite shares state between them, so a moved file means that all are closed at once.
    """

    def __init__(self, file: StoreFile, *pooled: PooledConnection) -> None:
        self._file = file
        self._all = pooled
        self._held: list[PooledConnection] = []
        self.view: LogIndex | None = None

    def look(self, one: PooledConnection) -> LogIndex | None:
        """Return the view of the log's index that fits the connection of ``one``.

        The caller holds the lock of ``one``.
        """
        place = one.opened.log_index if one.opened else None
        if self.view is None and place is not None:
            self.view = LogIndex.of(self._file.index, place)
        return self.view if self.view is not None and self.view.place == place else None

    def close(self) -> None:
        """Close every connection."""
        with contextlib.ExitStack() as held:
            for one in self._all:
                held.enter_context(one.lock)
            self._let_go(self._all)

    def _let_go(self, pooled: Iterable[PooledConnection]) -> None:
        """Close the connections whose locks the caller holds.

        Nobody may look at the view meanwhile, and hear that nothing is new. The view is closed last, see ``LogIndex``.
        """
        view, self.view = self.view, None
        for one in pooled:
            one.drop()
        if view is not None:
            view.release()

    def reopen(self) -> None:
        """Close the open connections after ``Moved``, and check the file that is there now.

        Raises ``StoreUnavailable`` where it is not; then the next use looks again.
        """
        with contextlib.ExitStack() as held:
            for one in self._all:
                held.enter_context(one.lock)
            now = self._file.identity()
            opened = [one for one in self._all if one.connection is not None]
            stale = [one for one in opened if one.opened != now]
            if stale and self._file.known == now.file:
                _rescue_log(stale[0])
            self._let_go(opened)
            if self._file.known != now.file:
                self._file.require_sound()
                self._file.known = now.file

    def before_fork(self) -> None:
        """Wait until no thread is inside SQLite, and close all connections.

        A connection that a child inherits open can be used by neither process.
        """
        self._held = [one for one in self._all if one.lock.acquire(timeout=_FORK_PATIENCE)]
        if len(self._held) == len(self._all):
            self._let_go(self._held)
            return
        for one in self._held:
            one.drop()

    def after_fork(self, *, child: bool) -> None:
        """Let the threads go on; a one that could not be closed is lost to the child."""
        for one in self._all:
            if one in self._held:
                one.lock.release()
            elif child:
                one.lock, one.stuck = threading.Lock(), True
        self._held = []


def _rescue_log(one: PooledConnection) -> None:
    """Write the rows of a removed log into the database.

    The log was removed under us, but is still open here.
    """
    if one.connection is not None:
        with contextlib.suppress(sqlite3.Error):
            one.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
