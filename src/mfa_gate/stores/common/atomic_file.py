"""A small file that is replaced in one step.

A reader finds the old text or the new one, also after a power cut.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import secrets
import time
from collections.abc import Iterator

PATIENCE = 0.3
"""Seconds to wait for another process that replaces a file in the same directory."""


_CANNOT_SYNC = frozenset(
    {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF, errno.EACCES, errno.EPERM, errno.EISDIR}
)
"""What a file system says whose directories cannot be synced, or not by this user: nothing can be done about it."""


def write(path: str, text: str, *, like: os.stat_result | None = None) -> None:
    """Replace the file at ``path``, readable by its owner only.

    If ``like`` is a file that its group may write, the group may read and write the new one as well. A file written by root
    belongs to the owner of the file before, or of the directory: else the service could not read it. Raises ``OSError``.
    """
    directory = os.path.dirname(path)
    fresh = f"{path}.{secrets.token_hex(8)}"
    try:
        descriptor = os.open(fresh, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            if os.geteuid() == 0:
                owner = os.stat(path if os.path.exists(path) else directory)
                os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
            if like is not None and like.st_mode & 0o060 == 0o060:
                with contextlib.suppress(OSError):  # a group that this user is not in
                    os.fchown(file.fileno(), -1, like.st_gid)
                os.fchmod(file.fileno(), 0o660)
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(fresh)
        raise
    sync(directory)


def sync(directory: str) -> None:
    """Have a new name in ``directory`` survive a power cut, where the file system can do that."""
    try:
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


@contextlib.contextmanager
def alone_in(directory: str) -> Iterator[bool]:
    """Let in one process at a time, of those that ask for the same directory.

    Yields False if this file system has no locks, or if another process holds the lock for longer than ``PATIENCE``.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY)
    except OSError:
        yield False
        return
    try:
        yield _lock(descriptor)
    finally:
        os.close(descriptor)


def _lock(descriptor: int) -> bool:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > until:
                return False
            time.sleep(0.002)
        except OSError:
            return False
