"""The store's file: its identity, its id, and the checks before it is used."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import stat
import time
from typing import NamedTuple
from urllib.parse import quote

from ...errors import SettingsError, StoreUnavailable
from ..common.atomic_file import alone_in
from .generation_file import ACCEPTED, GenerationFile, Memory
from .schema import APPLICATION_ID, SCHEMA, version_of
from .timing import USUAL, Timing

log = logging.getLogger("mfa_gate")

RESTORED = "restored"
"""Where the store keeps when an older copy was accepted as itself (UTC seconds)."""
OPEN_PATIENCE = 0.4
"""Seconds that an opener or a reader waits for another process, which may be reading the log after a crash."""
COMPACT_PATIENCE = 60.0
"""Seconds that writing the file anew waits for the writes of others."""

_SETTINGS = (
    "synchronous = FULL",
    "temp_store = MEMORY",
    "trusted_schema = OFF",
    "cell_size_check = ON",
    "secure_delete = ON",
    "cache_size = -16384",
)
HOW_TO_ACCEPT = (
    "put the one there that belongs to this store, or go on with the store as an older copy, which ends all proofs: "
    "mfa-gate store accept"
)
LOOK_EVERY = 0.25
"""Seconds between two looks at the file on the disk."""


class Identity(NamedTuple):
    """The files that a connection has open.

    Device and inode of the database, of its write-ahead log, and of the log's index.
    """

    file: tuple[int, int]
    log: tuple[int, int] | None
    log_index: tuple[int, int] | None


class Moved(Exception):
    """Another file stands at the path than the one that is open."""


def outage(error: BaseException) -> StoreUnavailable:
    """Turn a fault of SQLite or of the disk into the error that the store raises."""
    if isinstance(error, StoreUnavailable):
        return error
    return StoreUnavailable(f"the SQLite store refuses ({name_of(error) or type(error).__name__}): {error}")


def name_of(error: BaseException) -> str:
    """Return SQLite's name of a fault, or "".

    The module ``sqlite3`` raises errors of its own without a name.
    """
    return error.sqlite_errorname if isinstance(error, sqlite3.Error) and hasattr(error, "sqlite_errorname") else ""


def is_busy(error: sqlite3.Error) -> bool:
    """Tell if another connection or process holds the lock."""
    return name_of(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


class StoreFile:
    """The path of a store, and the random id of the store that belongs there.

    The id is empty until ``open`` has read it.
    """

    def __init__(self, path: str | os.PathLike[str], timing: Timing = USUAL) -> None:
        self.timing = timing
        self.given = os.path.abspath(os.fspath(path))
        self.path = os.path.realpath(self.given)
        self.generation_file = GenerationFile(self.path + ".created")
        self.log = self.path + "-wal"
        self.index = self.path + "-shm"
        self.store_id = ""
        self.known: tuple[int, int] | None = None
        self._mark_at = 0.0
        self._remembered = 0
        self._cannot_mark = ""

    def identity(self) -> Identity:
        """Return the identity of the files at the path.

        Raises ``StoreUnavailable`` if the file is missing or may not be read.
        """
        try:
            found = os.stat(self.path)
        except OSError as error:
            raise StoreUnavailable(f"the SQLite store {self.path} cannot be reached: {error.strerror}") from error
        if self.given != self.path and not _is_same(self.given, found):
            raise StoreUnavailable(f"{self.given} leads to another file than at the start ({self.path}): restart")
        if not found.st_mode & stat.S_IRUSR:
            raise StoreUnavailable(
                f"the SQLite store {self.path} may not be read: as its owner, run chmod 600 {self.path}"
            )
        return Identity((found.st_dev, found.st_ino), _place_of(self.log), _place_of(self.index))

    def require_writable(self) -> None:
        """Check that the file's mode lets its owner write, for root as well.

        Raises ``StoreUnavailable``.
        """
        if not os.stat(self.path).st_mode & stat.S_IWUSR:
            raise StoreUnavailable(
                f"the SQLite store {self.path} is read-only: as its owner, run chmod 600 {self.path}"
            )

    def raw(self, *, mode: str = "rw", patience: float = OPEN_PATIENCE) -> sqlite3.Connection:
        """A connection that never creates the file, whoever it belongs to."""
        uri = f"file:{quote(os.fsencode(self.path))}?mode={mode}"
        connection = sqlite3.connect(uri, uri=True, timeout=patience, isolation_level=None, check_same_thread=False)
        try:
            for setting in _SETTINGS:
                connection.execute(f"PRAGMA {setting}")
        except BaseException:
            connection.close()
            raise
        return connection

    def connect(self, *, patience: float) -> sqlite3.Connection:
        """Open a connection to this store and no other.

        Raises ``StoreUnavailable`` or ``sqlite3.Error``.
        """
        connection = self.raw(patience=patience)
        try:
            self.recognize(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def compact(self) -> int:
        """Write the file anew, and empty its log. Raises ``StoreUnavailable``.

        Returns by how many bytes it is smaller.
        """
        try:
            before = os.path.getsize(self.path)
            with contextlib.closing(self.connect(patience=COMPACT_PATIENCE)) as connection:
                connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
            return before - os.path.getsize(self.path)
        except (sqlite3.Error, OSError) as error:
            raise outage(error) from error

    def recognize(self, connection: sqlite3.Connection) -> None:
        """Check that this is the store that was opened, in a schema that we know.

        Raises ``StoreUnavailable``.
        """
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise StoreUnavailable(f"{self.path} was replaced by a file that is not a store of mfa_gate")
        if (version := version_of(connection)) != SCHEMA:
            raise StoreUnavailable(
                f"the store has schema {version}, this process knows {SCHEMA}: restart it with that release"
            )
        if store_id_of(connection) != self.store_id:
            raise StoreUnavailable(f"{self.path} was replaced by another store")

    def require_sound(self) -> None:
        """Check a file that was put in the place of the one that was open.

        It may not fit the log that lies beside it.

        Reading alone changes nothing. Raises ``StoreUnavailable`` unless it is this store, whole.
        """
        memory: Memory | None = None
        try:
            with contextlib.closing(self.raw(mode="ro")) as connection:
                self.recognize(connection)
                found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
                if found == "ok":
                    memory = self.compare(connection)
        except sqlite3.Error as error:
            raise StoreUnavailable(f"{self.path} was replaced by a file that cannot be read: {error}") from error
        if found != "ok":
            raise StoreUnavailable(
                f"{self.path} was replaced by a copy that does not fit the log beside it ({found}): "
                f"put the -wal of that copy there as well, or remove {self.log}"
            )
        if memory is not None and memory.store_id == ACCEPTED:
            with contextlib.closing(self.raw()) as connection:
                self.accept_now(connection)
                self.remember(connection)

    def accept_next(self) -> None:
        """Accept the file that is there now as the store: an operator says so.

        Raises ``SettingsError`` if there is no file.
        """
        if not os.path.exists(self.path):
            raise SettingsError(
                f"the SQLite store {self.path} is missing: put a copy in place first, or delete "
                f"{self.generation_file.path} to begin anew"
            )
        try:
            self.generation_file.accept()
        except OSError as error:
            raise SettingsError(f"{self.generation_file.path} cannot be written: {error.strerror}") from error

    def accept_now(self, connection: sqlite3.Connection) -> None:
        """Write down when an operator chose this copy, and tell whoever has the file open.

        No account of it is taken as it stands from then on (F-38). This is the one clock that a store reads: whoever
        replaces a file passes by everybody who could tell the time.
        """
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(
            "INSERT INTO meta (name, value) VALUES (?, strftime('%s', 'now')) ON CONFLICT DO UPDATE SET value ="
            " CAST(max(CAST(excluded.value AS INTEGER), CAST(value AS INTEGER)) AS TEXT)",
            (RESTORED,),
        )
        connection.execute("INSERT INTO change (tenant, id) VALUES (NULL, NULL)")
        connection.execute("COMMIT")

    def compare(self, connection: sqlite3.Connection) -> Memory | None:
        """Compare the file with what was remembered of it, and return that.

        Returns None for a store in which nothing was done yet.

        An old copy would bring back spent codes and take back locks, so somebody has to want that (S-123). Raises
        ``StoreUnavailable`` for one, and ``OSError`` for a marker that cannot be read.
        """
        memory = self.generation_file.read()  # before the file is asked: whoever writes meanwhile moves both on
        newest = last_change(connection)
        if memory is None and newest:
            memory, newest = self.generation_file.read(), last_change(connection)
        if memory is None:
            if newest:
                raise StoreUnavailable(
                    f"{self.generation_file.path} is missing beside a store that is in use: {HOW_TO_ACCEPT}"
                )
            return None
        if memory.store_id == store_id_of(connection) and newest < memory.newest:
            raise StoreUnavailable(
                f"{self.path} is an old copy of the store (change {newest}; {memory.newest} was here): restore the newest "
                "one, or accept this one, in which locks are gone again: mfa-gate store accept"
            )
        return memory

    def remember(self, connection: sqlite3.Connection, *, after: float = 0) -> None:
        """Write down how far the store has come, at most every ``after`` seconds.

        A disk that refuses is no fault here, but it is logged.
        """
        now = time.monotonic()
        if after and now < self._mark_at:
            return
        self._mark_at = now + (after or self.timing.mark_every)
        newest = last_change(connection)
        if newest and newest == self._remembered and after:
            return
        try:
            with alone_in(os.path.dirname(self.path)):  # else an older number could be written over a newer one
                memory = self.generation_file.read()
                if memory is None or memory.store_id == ACCEPTED or self._is_behind(memory, newest):
                    self.generation_file.write(Memory(self.store_id, newest), like=os.stat(self.path))
            self._remembered, self._cannot_mark = newest, ""
        except OSError as error:
            if self._cannot_mark != (trouble := str(error)):
                self._cannot_mark = trouble
                log.error(
                    "%s cannot be kept: an older copy of the store would not be noticed: %s",
                    self.generation_file.path,
                    error,
                )

    def _is_behind(self, memory: Memory, newest: int) -> bool:
        return memory.store_id == self.store_id and memory.newest < newest

    def guard(self, connection: sqlite3.Connection, *, is_grave: bool) -> None:
        """Remember a commit at once if it must never be lost unseen, before it is told.

        These are the first change of all, without which the store looks new, and every ``is_grave`` one.
        """
        if is_grave or not self._remembered:
            self.remember(connection)


def _is_same(path: str, found: os.stat_result) -> bool:
    try:
        return os.path.samestat(os.stat(path), found)
    except OSError as error:
        raise StoreUnavailable(f"the SQLite store {path} cannot be reached: {error.strerror}") from error


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
