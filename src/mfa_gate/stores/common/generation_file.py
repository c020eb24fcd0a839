"""A file on this machine that remembers the store and the change numbers of its tenants.

With it an older copy is recognized although every worker was down while the copy was put in place (F-38, S-123).
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from typing import NamedTuple

from ...errors import SettingsError
from .atomic_file import write

log = logging.getLogger("mfa_gate")


class Memory(NamedTuple):
    """The store's random id, the last acceptance, and the newest change number of each tenant.

    ``restored_at`` is the time when an operator last accepted a copy (UTC seconds, 0: never).
    """

    store_id: str
    restored_at: int
    numbers: Mapping[str, int]


class GenerationFile:
    """The file that ``?marker=`` names. All processes of a machine share it.

    ``server`` is the kind of server that holds the store, as messages name it.
    """

    def __init__(self, path: str, *, server: str) -> None:
        self.path = os.path.abspath(path)
        self._server = server

    def read(self) -> Memory | None:
        """Read the file. Returns None if it does not exist.

        Raises ``SettingsError`` if it cannot be read or is damaged.
        """
        try:
            with open(self.path, encoding="utf-8") as file:
                document = json.load(file)
            return Memory(
                str(document["store"]),
                int(document["restored_at"]),
                {str(tenant): int(number) for tenant, number in document["numbers"].items()},
            )
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SettingsError(f"marker {self.path} cannot be read: {error.strerror}") from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise SettingsError(
                f"marker {self.path} is damaged: delete it, if {self._server} holds the newest store and no older copy"
            ) from error

    def require(self, store_id: str) -> Memory | None:
        """Read the file and compare it with ``store_id`` ("": there is no store).

        Returns None if the file does not exist. Raises ``SettingsError`` if this machine used another store before, or if the
        file's directory is not writable.
        """
        if not os.access(os.path.dirname(self.path), os.W_OK):
            raise SettingsError(
                f"marker {self.path} cannot be written: make its directory, writable for this process's user"
            )
        memory = self.read()
        if memory is not None and memory.store_id != store_id:
            found = "another store than was used here" if store_id else "no store, but there was one"
            raise SettingsError(
                f"{self._server} holds {found}. An empty store means that everybody is unenrolled: put the newest copy back, or "
                f"delete {self.path} to go on with what is there"
            )
        return memory

    def keep(self, memory: Memory) -> None:
        """Write ``memory`` if it is newer than the file. Logs a warning if the disk refuses."""
        try:
            known = self.read()
            merged = _merged(known, memory)
            if merged != known:
                document = {"store": merged.store_id, "restored_at": merged.restored_at, "numbers": merged.numbers}
                write(self.path, json.dumps(document, ensure_ascii=False, sort_keys=True) + "\n")
        except (OSError, SettingsError) as error:
            log.warning("the marker %s cannot be kept, an older copy may not be recognized: %s", self.path, error)


def _merged(known: Memory | None, memory: Memory) -> Memory:
    if known is None or (known.store_id == memory.store_id and known.restored_at < memory.restored_at):
        return memory
    if known.store_id != memory.store_id or known.restored_at > memory.restored_at:
        return known  # the file knows a later acceptance, or another store
    tenants = {*known.numbers, *memory.numbers}
    numbers = {tenant: max(known.numbers.get(tenant, 0), memory.numbers.get(tenant, 0)) for tenant in tenants}
    return known._replace(numbers=numbers)
