"""How far each tenant had come, as this process has seen it: a store that is behind that is an older copy (F-38, S-123)."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from .generation_file import Memory
from .replication_ids import ReplicationIds
from .timing import USUAL, Timing

_MOST_RECENT = 60
_WHAT_TO_DO = "spent codes would be valid and locks gone again. Put the newest copy back, or accept this one: mfa-gate store accept"


class HighWaterMark:
    """The number of each tenant's newest change, which only ever rises. Numbers settle when they are old enough and the
    servers, looked at once more, still have them: what a failover has lost meanwhile never does.

    One for all connections of a store, and for as long as it lives. Times are seconds of one steady clock.
    """

    def __init__(self, timing: Timing = USUAL) -> None:
        self._timing = timing
        self.replication_ids = ReplicationIds()
        self.store_id = ""
        self.restored_at = 0
        self.settled: dict[str, int] = {}
        self.newest: dict[str, int] = {}
        self.trouble = ""
        self._recent: deque[tuple[float, dict[str, int]]] = deque(maxlen=_MOST_RECENT)

    def begin(self, store_id: str, restored_at: int) -> None:
        """This is the store from now on, with a copy accepted at ``restored_at`` (UTC seconds; 0: never). What was known of
        another one, or of before an operator accepted a copy, counts no more."""
        if store_id == self.store_id and restored_at <= self.restored_at:
            return
        self.store_id, self.restored_at, self.trouble = store_id, restored_at, ""
        self.settled = {}
        self.newest = {}
        self._recent.clear()

    def recall(self, memory: Memory) -> None:
        """What this machine remembers of the store counts as settled, unless a copy was accepted since."""
        if memory.store_id == self.store_id and memory.restored_at >= self.restored_at:
            self.restored_at = memory.restored_at
            for tenant, number in memory.numbers.items():
                self.settled[tenant] = max(number, self.settled.get(tenant, 0))

    def memory(self) -> Memory:
        """What is worth remembering beyond this process."""
        return Memory(self.store_id, self.restored_at, dict(self.settled))

    def note(self, tenant: str, number: int, now: float) -> None:
        """A change with this number was heard of, or seen."""
        if not self._recent or now >= self._recent[-1][0] + self._timing.noted_together:
            self._recent.append((now, {}))
        self.newest[tenant] = number
        numbers = self._recent[-1][1]
        if number > numbers.get(tenant, 0):
            numbers[tenant] = number

    def is_behind(self, tenant: str, number: int) -> bool:
        """Whether a tenant that has come to ``number`` has once come further."""
        return number < self.settled.get(tenant, 0)

    def compare(self, found: Mapping[str, int], now: float) -> None:
        """``found`` is how far every tenant had come at ``now``. Sets ``trouble``, or takes it back where the newer store is
        there again."""
        older = next((tenant for tenant, number in self.settled.items() if found.get(tenant, 0) < number), None)
        if older is not None:
            self.trouble = older_copy(older, found.get(older, 0), self.settled[older])
            return
        self.trouble = ""
        for _, numbers in self._recent:
            for tenant in [tenant for tenant, number in numbers.items() if number > found.get(tenant, 0)]:
                del numbers[tenant]
        while self._recent and self._recent[0][0] <= now - self._timing.settled_after:
            for tenant, number in self._recent.popleft()[1].items():
                self.settled[tenant] = max(number, self.settled.get(tenant, 0))
        for tenant, number in found.items():
            if number > self.settled.get(tenant, 0):
                self.note(tenant, number, now)


def older_copy(tenant: str, number: int, known: int) -> str:
    """What is wrong, and what an operator can do."""
    return (
        f"Redis holds an older copy of the store (tenant {tenant!r}: change {number}; {known} was here): {_WHAT_TO_DO}"
    )
