"""Check that a process may start on this SQLite file.

The very first start makes the file. A missing file that was there once is never made anew.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import sqlite3
import stat

from ...errors import SettingsError, StoreMissing, StoreUnavailable
from ..common.atomic_file import alone_in, sync
from ..common.network_fs import network_type_of
from .file import StoreFile, is_busy, name_of, store_id_of
from .generation_file import ACCEPTED
from .schema import APPLICATION_ID, SCHEMA, upgrade, version_of

OLDEST_SQLITE = (3, 35, 0)
_CHECKED_WHOLE = 32 * 2**20
"""Up to this size a file is read through at the start; larger ones are checked where they are read."""


_NO_LINKS = frozenset(
    {errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV, errno.EACCES}
)
"""What a volume without hard links says."""


def start(file: StoreFile, *, make: bool) -> None:
    """Check the file; create it if it has never been there and ``make`` is True.

    Raises ``StoreMissing`` if it has never been there and ``make`` is False.

    Raises ``SettingsError`` naming the fix, or ``StoreUnavailable``.
    """
    if not make and not any(map(os.path.lexists, (file.given, file.path, file.generation_file.path))):
        raise StoreMissing(f"the SQLite store {file.path}")
    if sqlite3.sqlite_version_info < OLDEST_SQLITE:
        raise SettingsError(
            f"SQLite {sqlite3.sqlite_version} is too old: 3.35 or newer is needed; update Python or the system"
        )
    directory = os.path.dirname(file.path)
    if not os.path.isdir(directory):
        raise SettingsError(f"the SQLite store {file.path} has no directory: make {directory}")
    if kind := network_type_of(directory):
        raise SettingsError(
            f"the SQLite store {file.path} lies on a network file system ({kind}), where its locks do not hold: "
            "put it on a local disk, or use postgresql:// or redis:// for several machines"
        )
    try:
        if os.path.islink(file.given) and not os.path.exists(file.path):
            raise SettingsError(
                f"the SQLite store {file.given} cannot be used: it is a link to {file.path}, which is missing"
            )
        if not os.path.lexists(file.path):
            _create(file)
        _require_own(file)
        _open_first(file)
    except OSError as error:
        raise SettingsError(
            f"the SQLite store {file.path} cannot be used: {error.strerror}: {error.filename}"
        ) from error


def _create(file: StoreFile) -> None:
    if os.path.lexists(file.generation_file.path):
        if os.path.lexists(file.path):  # another worker made both since this one looked
            return
        raise SettingsError(
            f"the SQLite store {file.path} is missing, but was created here once. An empty store means that everybody is "
            f"unenrolled: restore it from a copy, or delete {file.generation_file.path} to begin anew"
        )
    fresh = StoreFile(f"{file.path}.{secrets.token_hex(8)}.new")
    os.close(os.open(fresh.path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    try:
        connection = fresh.raw()
        try:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("BEGIN IMMEDIATE")
            upgrade(connection)
            connection.execute("INSERT INTO about VALUES ('store', ?)", (secrets.token_hex(16),))
            connection.execute("COMMIT")
        finally:
            connection.close()
        _give_name(fresh.path, file.path)
        sync(os.path.dirname(file.path))
    except sqlite3.Error as error:
        raise SettingsError(f"the SQLite store {file.path} cannot be created: {error}") from error
    finally:
        for ending in ("", "-wal", "-shm", "-journal"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(fresh.path + ending)


def _give_name(fresh: str, path: str) -> None:
    """Let the new file be the store, unless another worker was faster: then its file is."""
    try:
        os.link(fresh, path)
    except FileExistsError:
        return
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        with alone_in(os.path.dirname(path)) as is_alone:
            if not is_alone:
                raise SettingsError(
                    f"the SQLite store {path} cannot be created: its volume has neither hard links nor file locks "
                    f"({error.strerror}): put it on a local disk, or use redis://"
                ) from error
            if not os.path.lexists(path):
                os.rename(fresh, path)


def _require_own(file: StoreFile) -> None:
    found, folder = os.stat(file.path), os.stat(os.path.dirname(file.path))
    if not stat.S_ISREG(found.st_mode):
        raise SettingsError(f"the SQLite store {file.path} is not a regular file")
    if found.st_size == 0:
        raise SettingsError(f"the SQLite store {file.path} is empty: restore it from a copy, or delete it")
    _require_one_name(file, found)
    is_shared = is_shared_with_group(found, folder)
    if os.geteuid() not in (0, found.st_uid) and not (is_shared and _is_in_group(found.st_gid)):
        raise SettingsError(
            f"the SQLite store {file.path} belongs to user {found.st_uid}, this process runs as {os.geteuid()}: run as its "
            f"owner, change the owner, or let a group that this process is in write it, in a folder that is closed to others: "
            f"chmod 660 {file.path}* and chmod 2770 {os.path.dirname(file.path)}"
        )
    mode = 0o660 if is_shared else 0o600
    for ending in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError, PermissionError):
            if stat.S_IMODE(os.stat(file.path + ending).st_mode) & 0o777 & ~mode:
                os.chmod(file.path + ending, mode)


def is_shared_with_group(file: os.stat_result, folder: os.stat_result) -> bool:
    """Tell if a group takes turns with the file, and nobody else does.

    The group may write it, in a folder that is closed to others. Volumes of container platforms are open to others at
    times, and have the set-group-id bit.
    """
    is_private = not folder.st_mode & 0o007 or bool(folder.st_mode & stat.S_ISGID and not folder.st_mode & 0o002)
    return file.st_mode & 0o060 == 0o060 and is_private


def _is_in_group(group: int) -> bool:
    return group == os.getegid() or group in os.getgroups()


def _require_one_name(file: StoreFile, found: os.stat_result) -> None:
    """Refuse a file with two names.

    Each name has a log of its own beside it: two processes that use two names would destroy the file.
    """
    if found.st_nlink == 1:
        return
    directory, name = os.path.split(file.path)
    for left in os.listdir(directory):  # by a first start that was killed, or is just at it
        if left.startswith(f"{name}.") and left.endswith(".new"):
            with contextlib.suppress(FileNotFoundError):
                if os.path.samestat(os.stat(os.path.join(directory, left)), found):
                    os.unlink(os.path.join(directory, left))
    if os.stat(file.path).st_nlink > 1:
        raise SettingsError(
            f"the SQLite store {file.path} has a second name (a hard link), and with it a second log: remove all names but one"
        )


def _open_first(file: StoreFile) -> None:
    try:
        connection = file.raw()
    except sqlite3.Error as error:
        raise _refusal(file, error) from error
    try:
        _require_ours(file, connection)
        mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
        if mode != "wal":
            raise SettingsError(
                f"the SQLite store {file.path} cannot keep a write-ahead log ({mode}): use a local disk"
            )
        _try_writing(connection)
        if version_of(connection) < SCHEMA:
            connection.execute("BEGIN IMMEDIATE")
            upgrade(connection)
            connection.execute("COMMIT")
        if os.stat(file.path).st_size <= _CHECKED_WHOLE:
            _require_sound(file, connection)
        file.store_id = store_id_of(connection)
        _require_remembered(file, connection)
    except sqlite3.Error as error:
        raise _refusal(file, error) from error
    finally:
        connection.close()


def _require_ours(file: StoreFile, connection: sqlite3.Connection) -> None:
    if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'roster_status'").fetchone():
            raise SettingsError(
                f"{file.path} was made of a dump, which leaves out what marks a store and its version: put a copy there that "
                "VACUUM INTO has made"
            )
        raise SettingsError(f"{file.path} is another program's SQLite file: give the store a file of its own")
    if (version := version_of(connection)) > SCHEMA:
        raise SettingsError(
            f"the SQLite store {file.path} has schema {version}, this release knows {SCHEMA}: "
            "install the release that wrote it, or restore the copy from before the upgrade"
        )


def _try_writing(connection: sqlite3.Connection) -> None:
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    except sqlite3.Error as error:
        if not is_busy(error):  # busy: somebody else is writing, so it can be written
            raise


def _require_sound(file: StoreFile, connection: sqlite3.Connection) -> None:
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise SettingsError(f"the SQLite store {file.path} is damaged ({found}): restore it from a copy")


def _refusal(file: StoreFile, error: sqlite3.Error) -> Exception:
    if is_busy(error):
        return StoreUnavailable(f"the SQLite store {file.path} is locked by another process")
    if name_of(error).startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_IOERR", "SQLITE_FULL")):
        return SettingsError(
            f"the SQLite store {file.path} cannot be opened for writing ({error}): give this process's user the file "
            "and its directory, on a disk with room"
        )
    return SettingsError(f"{file.path} is no SQLite file, or a damaged one ({error}): restore it from a copy")


def _require_remembered(file: StoreFile, connection: sqlite3.Connection) -> None:
    """Check that this is the store that was created here, and no old copy of it.

    At the first start it is remembered.
    """
    try:
        memory = file.compare(connection)
    except StoreUnavailable as error:
        raise SettingsError(str(error)) from error
    if memory is not None and memory.store_id not in (file.store_id, ACCEPTED):
        raise SettingsError(
            f"{file.path} is not the store that was created here: restore that one, or accept this one: mfa-gate store accept"
        )
    if memory is not None and memory.store_id == ACCEPTED:
        file.accept_now(connection)
    file.remember(connection)
    if file.generation_file.read() is None:
        raise SettingsError(f"{file.generation_file.path} cannot be written: give this process's user the directory")
