"""The file beside the store that remembers its id and how far it had come.

Neither a lost store nor an old copy passes for the store (F-8, S-123).
"""

from __future__ import annotations

import errno
import os
from typing import NamedTuple

from ..common.atomic_file import write


class Memory(NamedTuple):
    """The store's random id, and the number of its newest change when it was written."""

    store_id: str
    newest: int


ACCEPTED = "accepted"
"""What stands in the marker while an operator's word, that the file is the store, waits for the next start."""


class GenerationFile:
    """``<file>.created``: to be moved and copied together with the store's file."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> Memory | None:
        """Read what is remembered; None if there is no such file.

        Raises ``OSError``, also for a file that is damaged.
        """
        try:
            with open(self.path, encoding="ascii", errors="replace") as file:
                store_id, _, newest = (part.strip() for part in file.read(128).partition("\n"))
        except FileNotFoundError:
            return None
        if not store_id or not (newest.isascii() and newest.isdecimal()):
            raise OSError(errno.EILSEQ, "it is damaged: put the one of the newest backup there", self.path)
        return Memory(store_id, int(newest))

    def write(self, memory: Memory, *, like: os.stat_result | None = None) -> None:
        """Replace it in one step, with the rights of ``like``. Raises ``OSError``."""
        write(self.path, f"{memory.store_id}\n{memory.newest}\n", like=like)

    def accept(self) -> None:
        """Have the next start take what stands there now. Raises ``OSError``."""
        self.write(Memory(ACCEPTED, 0))
