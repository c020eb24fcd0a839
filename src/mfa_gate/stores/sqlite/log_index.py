"""A look at the header of SQLite's shared log index.

It tells if anything was committed since, for a fraction of a statement's time.

The header (48 bytes, https://www.sqlite.org/walformat.html#the_wal_index_header) is what SQLite itself compares before each
read; it differs after every commit. Reading it can only say "nothing new"; what is new, SQLite is asked.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import threading

HEADER = 48
_Place = tuple[int, int]
_GUARD = threading.Lock()


class LogIndex:
    """The mapped index, shared by the stores of a process.

    It is closed only after the last store's connections: to close any descriptor of the file would drop the locks that
    SQLite holds on it in this process.
    """

    __slots__ = ("_descriptor", "_users", "bytes", "place")

    def __init__(self, descriptor: int, place: _Place) -> None:
        self.bytes = mmap.mmap(descriptor, HEADER, prot=mmap.PROT_READ)
        self.place = place
        self._descriptor = descriptor
        self._users = 0

    def release(self) -> None:
        """The caller has closed all its connections to the store."""
        with _GUARD:
            self._users -= 1
            if self._users == 0:
                del _OPEN[self.place]
                self.bytes.close()
                os.close(self._descriptor)

    @classmethod
    def of(cls, path: str, place: _Place) -> LogIndex | None:
        """Map the index at ``path``, if it is the file ``place``.

        Returns None if it is another file, or cannot be mapped.
        """
        with _GUARD:
            view = _OPEN.get(place)
            if view is None:
                view = _open(path, place)
            if view is not None:
                _OPEN[place] = view
                view._users += 1
            return view


_OPEN: dict[_Place, LogIndex] = {}
_UNFIT: list[int] = []
"""Descriptors of an index that could not be mapped: kept, see ``LogIndex``."""


def _open(path: str, place: _Place) -> LogIndex | None:
    with contextlib.suppress(OSError, ValueError):
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        found = os.fstat(descriptor)
        if (found.st_dev, found.st_ino) == place:
            with contextlib.suppress(OSError, ValueError):
                return LogIndex(descriptor, place)
        _UNFIT.append(descriptor)
    return None
