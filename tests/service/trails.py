"""A trail that a test writes itself, to verify it."""

from __future__ import annotations

from collections.abc import Sequence

from mfa_gate.storage import ChainPoint, Link
from mfa_gate.stores.memory import MemoryStore


class StoredTrail(MemoryStore):
    """A trail of the tenant ``t``: lines with their digests, and the digest of the last."""

    def __init__(self, lines: Sequence[tuple[str, str]], digest: str) -> None:
        super().__init__()
        self._links = [Link(place, *line) for place, line in enumerate(lines)]
        self._head = ChainPoint(lines=len(lines), digest=digest)

    async def trails(self) -> tuple[str, ...]:
        return ("t",)

    async def anchor(self, tenant: str, /) -> ChainPoint:
        return ChainPoint()

    async def head(self, tenant: str, /) -> ChainPoint:
        return self._head

    async def links(self, tenant: str, /, *, after: int = -1, limit: int = 1_000) -> list[Link]:
        return [link for link in self._links if link.place > after][:limit]

    async def misfiled(self, tenant: str, /, *, after: int = -1, limit: int = 1_000) -> list[int]:
        return []
