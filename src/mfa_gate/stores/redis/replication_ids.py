"""Memory of Redis primaries that a failover has replaced (F-4).

An old primary holds locks and spent codes as they were before the failover, so it must not be used again.
"""

from __future__ import annotations

from collections.abc import Mapping

from ...errors import StoreUnavailable

MAX_KNOWN = 1_000
_NOBODY = "0" * 40


class ReplicationIds:
    """The replication ids of replaced primaries; bounded.

    Redis names each history of writes by a random id. A server that continues another's history tells that server's id
    (``INFO replication``). An old id is never used again: a demoted or restarted server has another one. One object serves
    all connections of a store.
    """

    def __init__(self) -> None:
        self._superseded: dict[str, None] = {}

    def admit(self, answer: Mapping[str, str]) -> str:
        """Return the id of the primary that gave this answer to ``INFO replication``.

        The id is "" if the answer names none. Raises ``StoreUnavailable`` if the server is no primary, or a replaced one.
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
        """Tell whether another server has continued the history with this id."""
        return id in self._superseded
