"""Which Redis server was taken over from: whoever comes back to it would find locks and spent codes as they were before (F-4)."""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import StoreUnavailable

MAX_KNOWN = 1_000
_NOBODY = "0" * 40


class ReplicationIds:
    """Redis names each history of writes by a random id, and a server that goes on from another's history says whose
    (``INFO replication``). The older id is never given again: a demoted or restarted server has another one.

    One for all connections of a store; bounded.
    """

    def __init__(self) -> None:
        self._superseded: dict[str, None] = {}

    def admit(self, answer: Mapping[str, str]) -> str:
        """The id of the primary that answered ``INFO replication`` so ("" where it names none).

        Raises ``StoreUnavailable`` where it is no primary, or one that another has taken over from.
        """
        role, id, before = (answer.get(name, "") for name in ("role", "master_replid", "master_replid2"))
        if role != "master":
            raise StoreUnavailable(f"the Redis server is a {role or 'stranger'}, not the primary")
        if self.is_superseded(id):
            raise StoreUnavailable(
                "the Redis server is a primary from before the failover: make it a replica of the one in charge now, or "
                "restart it if it shall be in charge again"
            )
        if before not in ("", _NOBODY, id):
            self._superseded.pop(before, None)
            self._superseded[before] = None
            if len(self._superseded) > MAX_KNOWN:
                del self._superseded[next(iter(self._superseded))]
        return id

    def is_superseded(self, id: str) -> bool:
        """Whether another server goes on from where the one with this id was."""
        return id in self._superseded
