"""Newest change number of each part of a store; a lower one is an older copy.

F-38, S-123.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from .generation_file import Memory

_MOST_RECENT = 60
_WHAT_TO_DO = "spent codes would be valid and locks gone again. Put the newest copy back, or accept this one: mfa-gate store accept"


class HighWaterMark:
    """The number of each part's newest change. A settled number never falls.

    A part is what the store numbers by itself: a tenant in Redis, the whole store in PostgreSQL. ``server`` is the kind of
    server, and ``part`` the kind of part, as messages name them. A number that is not there ``settled_after`` seconds
    later was lost in a failover. Changes within ``noted_together`` seconds settle together.

    A number settles when it is old enough and a later look finds it still on the servers. So changes that a failover has
    lost never settle. One object serves all connections of a store, for the store's whole life. Times are seconds of one
    steady clock.
    """

    def __init__(self, server: str, *, part: str = "", settled_after: float, noted_together: float) -> None:
        self._server = server
        self._part = part
        self._settled_after = settled_after
        self._noted_together = noted_together
        self.store_id = ""
        self.restored_at = 0
        self.settled: dict[str, int] = {}
        self.newest: dict[str, int] = {}
        self.trouble = ""
        self._recent: deque[tuple[float, dict[str, int]]] = deque(maxlen=_MOST_RECENT)

    def begin(self, store_id: str, restored_at: int) -> None:
        """Begin to watch the store ``store_id``.

        ``restored_at`` is the time when an operator last accepted a copy (UTC seconds; 0: never). Numbers of another store, or
        of the time before that acceptance, are dropped.
        """
        if store_id == self.store_id and restored_at <= self.restored_at:
            return
        self.store_id, self.restored_at, self.trouble = store_id, restored_at, ""
        self.settled = {}
        self.newest = {}
        self._recent.clear()

    def recall(self, memory: Memory) -> None:
        """Take over the numbers that this machine remembers as settled.

        Does nothing if they are of another store, or older than the last acceptance.
        """
        if memory.store_id == self.store_id and memory.restored_at >= self.restored_at:
            self.restored_at = memory.restored_at
            for tenant, number in memory.numbers.items():
                self.settled[tenant] = max(number, self.settled.get(tenant, 0))

    def memory(self) -> Memory:
        """Return the settled numbers, for the file that outlives this process."""
        return Memory(self.store_id, self.restored_at, dict(self.settled))

    def note(self, tenant: str, number: int, now: float) -> None:
        """Record that a change with this number was announced or read."""
        if not self._recent or now >= self._recent[-1][0] + self._noted_together:
            self._recent.append((now, {}))
        self.newest[tenant] = number
        numbers = self._recent[-1][1]
        if number > numbers.get(tenant, 0):
            numbers[tenant] = number

    def is_behind(self, tenant: str, number: int) -> bool:
        """Tell whether ``number`` is less than the tenant's settled number."""
        return number < self.settled.get(tenant, 0)

    def compare(self, found: Mapping[str, int], now: float) -> None:
        """Compare the change numbers ``found`` on the servers at ``now`` with the known ones.

        Sets ``trouble`` if a tenant is behind its settled number. Clears it if all numbers are there again.
        """
        older = next((tenant for tenant, number in self.settled.items() if found.get(tenant, 0) < number), None)
        if older is not None:
            self.trouble = self.older_copy(older, found.get(older, 0))
            return
        self.trouble = ""
        for _, numbers in self._recent:
            for tenant in [tenant for tenant, number in numbers.items() if number > found.get(tenant, 0)]:
                del numbers[tenant]
        while self._recent and self._recent[0][0] <= now - self._settled_after:
            for tenant, number in self._recent.popleft()[1].items():
                self.settled[tenant] = max(number, self.settled.get(tenant, 0))
        for tenant, number in found.items():
            if number > self.settled.get(tenant, 0):
                self.note(tenant, number, now)

    def older_copy(self, part: str, number: int) -> str:
        """Describe the older copy, in which ``part`` has this number, and the ways out."""
        where = f"{self._part} {part!r}: " if self._part else ""
        return (
            f"{self._server} holds an older copy of the store ({where}change {number}; {self.settled[part]} was here): "
            f"{_WHAT_TO_DO}"
        )
