"""The sibling file that remembers which store belongs here and how far it had come: neither its loss nor an old copy passes
for the store (F-8, S-123)."""

from __future__ import annotations

import contextlib
import os
from typing import NamedTuple

from ..written import sync, write


class Memory(NamedTuple):
    """The store's random id, and the number of its newest change when that was last written down."""

    store_id: str
    newest: int


class Marker:
    """``<file>.created``. Deleting it is how an operator says: begin anew, or take what stands there now."""

    def __init__(self, path: str) -> None:
        self.path = path

    def read(self) -> Memory | None:
        """What is remembered; None where there is no marker. Raises ``OSError``."""
        try:
            with open(self.path, encoding="ascii", errors="replace") as file:
                store_id, _, newest = file.read(128).partition("\n")
        except FileNotFoundError:
            return None
        newest = newest.strip()
        return Memory(store_id.strip(), int(newest) if newest.isdecimal() else 0)

    def write(self, memory: Memory) -> None:
        """Replace it in one step. Raises ``OSError``."""
        write(self.path, f"{memory.store_id}\n{memory.newest}\n")

    def forget(self) -> None:
        """Take what stands there now. Raises ``OSError``."""
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)
            sync(os.path.dirname(self.path))
