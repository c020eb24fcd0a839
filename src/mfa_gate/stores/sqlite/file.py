"""The store's file: which one it is, that it is still that one, and when it must not be used."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import stat
import time
from typing import NamedTuple
from urllib.parse import quote

from ...errors import SettingsError, StoreUnavailable
from .marker import Marker, Memory
from .schema import APPLICATION_ID, SCHEMA, version_of

RESTORED = "restored"
"""Where the store keeps when an older copy was accepted as itself (UTC seconds)."""
OPEN_PATIENCE = 0.4
"""Seconds that an opener or a reader waits for another process, which may be reading the log after a crash."""

_SETTINGS = (
    "synchronous = FULL",
    "temp_store = MEMORY",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "cache_size = -16384",
)
MARK_EVERY = 60.0
LOOK_EVERY = 0.25
"""Seconds between two looks at the file on the disk."""


class Identity(NamedTuple):
    """Which files a connection has open: device and inode of the database, of its write-ahead log, and of the log's index."""

    file: tuple[int, int]
    log: tuple[int, int] | None
    log_index: tuple[int, int] | None


class Moved(Exception):
    """Another file stands at the path than the one that is open."""


def outage(error: BaseException) -> StoreUnavailable:
    """What a fault of SQLite or of the disk is called outside of the store."""
    if isinstance(error, StoreUnavailable):
        return error
    word = getattr(error, "sqlite_errorname", "") or type(error).__name__
    return StoreUnavailable(f"the SQLite store refuses ({word}): {error}")


def is_busy(error: sqlite3.Error) -> bool:
    """Whether somebody else holds the lock."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


class StoreFile:
    """A path, and the random id of the store that belongs there (empty until ``open`` learnt it)."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self.marker = Marker(self.path + ".created")
        self.log = self.path + "-wal"
        self.index = self.path + "-shm"
        self.store_id = ""
        self.known: tuple[int, int] | None = None
        self._mark_at = 0.0

    def identity(self) -> Identity:
        """What stands at the path now. Raises ``StoreUnavailable`` where it is missing or may not be read."""
        try:
            found = os.stat(self.path)
        except OSError as error:
            raise StoreUnavailable(f"the SQLite store {self.path} cannot be reached: {error.strerror}") from error
        if not found.st_mode & stat.S_IRUSR:
            raise StoreUnavailable(f"the SQLite store {self.path} may not be read: chmod 600")
        return Identity((found.st_dev, found.st_ino), _place_of(self.log), _place_of(self.index))

    def require_writable(self) -> None:
        """Raises ``StoreUnavailable`` where the file says that it is not to be written, for root as well."""
        if not os.stat(self.path).st_mode & stat.S_IWUSR:
            raise StoreUnavailable(f"the SQLite store {self.path} is read-only: chmod 600")

    def raw(self, *, mode: str = "rw", patience: float = OPEN_PATIENCE) -> sqlite3.Connection:
        """A connection that never creates the file, whoever it belongs to."""
        uri = f"file:{quote(self.path)}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False)
        try:
            for setting in _SETTINGS:
                connection.execute(f"PRAGMA {setting}")
        except BaseException:
            connection.close()
            raise
        return connection

    def connect(self, *, patience: float) -> sqlite3.Connection:
        """A connection to this store and no other. Raises ``StoreUnavailable`` or ``sqlite3.Error``."""
        connection = self.raw(patience=patience)
        try:
            self.recognize(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def recognize(self, connection: sqlite3.Connection) -> None:
        """Raises ``StoreUnavailable`` unless this is the store that was opened, in a version that we know."""
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreUnavailable(f"{self.path} was replaced by a file that is not a store of mfa_gate")
        if (version := version_of(connection)) != SCHEMA:
            raise StoreUnavailable(
                f"the store has schema {version}, this process knows {SCHEMA}: restart it with that release"
            )
        if store_id_of(connection) != self.store_id:
            raise StoreUnavailable(f"{self.path} was replaced by another store")

    def require_sound(self) -> None:
        """For a file that was put in the place of the one we had: it may not fit the log that lies beside it.

        Reading alone changes nothing. Raises ``StoreUnavailable`` unless it is this store, whole.
        """
        try:
            with contextlib.closing(self.raw(mode="ro")) as connection:
                self.recognize(connection)
                found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
                newest = last_change(connection)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self.path} was replaced by a file that cannot be read: {error}") from error
        if found != "ok":
            raise StoreUnavailable(
                f"{self.path} was replaced by a copy that does not fit the log beside it ({found}): "
                f"put the -wal of that copy there as well, or remove {self.log}"
            )
        if older := self.older_than_remembered(newest):
            raise StoreUnavailable(older)
        if self.marker.read() is None:
            with contextlib.closing(self.raw()) as connection:
                self.accept(connection)
                self.remember(connection)

    def forget(self) -> None:
        """An operator chooses what stands there now. Raises ``SettingsError`` where nothing does."""
        if not os.path.exists(self.path):
            raise SettingsError(
                f"the SQLite store {self.path} is missing: put a copy in place first, or delete {self.marker.path} to begin anew"
            )
        try:
            self.marker.forget()
        except OSError as error:
            raise SettingsError(f"{self.marker.path} cannot be deleted: {error.strerror}") from error

    def accept(self, connection: sqlite3.Connection) -> None:
        """An operator chose this copy, by deleting the marker: write down when, so that no account of it is taken as it
        stands (F-38), and tell whoever has the file open. The one clock that a store reads: whoever replaces a file passes
        by everybody who could tell the time.
        """
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT INTO meta VALUES (?, strftime('%s', 'now')) ON CONFLICT DO UPDATE SET value ="
            " CAST(max(CAST(excluded.value AS INTEGER), CAST(value AS INTEGER)) AS TEXT)",
            (RESTORED,),
        )
        connection.execute("INSERT INTO change (tenant, id) VALUES (NULL, NULL)")
        connection.execute("COMMIT")

    def older_than_remembered(self, newest: int) -> str:
        """What is wrong where the file has come less far than was written down, or "": an old copy would bring back spent
        codes and take back locks, so somebody has to want that (S-123)."""
        with contextlib.suppress(OSError):
            memory = self.marker.read()
            if memory is not None and memory.store_id == self.store_id and newest < memory.newest:
                return (
                    f"{self.path} is an old copy of the store (change {newest}; {memory.newest} was here): restore the newest "
                    f"one, or accept this one, in which locks are gone again: mfa-gate store accept, or delete {self.marker.path}"
                )
        return ""

    def remember(self, connection: sqlite3.Connection, *, after: float = 0) -> None:
        """Write down how far the store has come, at most every ``after`` seconds. A disk that refuses is no fault here."""
        now = time.monotonic()
        if after and now < self._mark_at:
            return
        self._mark_at = now + after
        newest = last_change(connection)
        with contextlib.suppress(OSError):
            memory = self.marker.read()
            if memory is None or (memory.store_id == self.store_id and memory.newest < newest):
                self.marker.write(Memory(self.store_id, newest))


def _place_of(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise StoreUnavailable(f"the SQLite store {path} cannot be reached: {error.strerror}") from error
    return found.st_dev, found.st_ino


def last_change(connection: sqlite3.Connection) -> int:
    """The number of the newest change notice; it only ever rises."""
    return int(connection.execute("SELECT coalesce(max(seq), 0) FROM change").fetchone()[0])


def store_id_of(connection: sqlite3.Connection) -> str:
    """The random id that the store was created with."""
    row = connection.execute("SELECT value FROM about WHERE name = 'store'").fetchone()
    return str(row[0]) if row else ""
