"""The signed notes about the audit trails.

They are the newest head of each, how far each was pruned, and the list of all.

They stand in the store, beside the trails. Nobody without a key can write one.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from ..storage import ChainPoint, Notes
from .trail_keys import ID, TrailKeys

LIST = "trails"
SIGNATURE = ID + 64
TURNS = 5


class ForgedNote(ValueError):
    """The error for a note that bears no signature of a known key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedHead:
    """The head of a trail as a gate has signed it.

    ``lines`` and ``digest`` are the point, ``place`` is the store's place of the last line (-1: none). Lines before
    ``since`` may be without a key: they are of before the chain was keyed. ``at`` is in UTC seconds.
    """

    tenant: str
    lines: int
    digest: str
    place: int
    since: int
    at: int

    @property
    def point(self) -> ChainPoint:
        """Return the point of the chain."""
        return ChainPoint(lines=self.lines, digest=self.digest)


class TrailNotes:
    """Reads and writes of the signed notes. Reads raise ``ForgedNote``."""

    def __init__(self, notes: Notes, keys: TrailKeys) -> None:
        self._notes = notes
        self._keys = keys

    async def head(self, tenant: str) -> SignedHead | None:
        """Return the signed head of a trail, None where there is none.

        The signature is over the name of the note as well, so no head can stand for another tenant.
        """
        found = await self._read(f"trail-head:{tenant}")
        return None if found is None else SignedHead(**found)

    async def put_head(self, head: SignedHead) -> None:
        """Sign and write the head of a trail."""
        await self._write(f"trail-head:{head.tenant}", asdict(head))

    async def pruned(self, tenant: str) -> int:
        """Return the number of the last line that the gate has leave to prune, 0 for none."""
        found = await self._read(f"trail-pruned:{tenant}")
        return int(found["lines"]) if found else 0

    async def put_pruned(self, tenant: str, lines: int, *, anew: bool = False) -> None:
        """Give leave to prune the first ``lines`` lines. Written before a line goes.

        ``anew``: whatever stands there.
        """
        if anew or lines > await self.pruned(tenant):
            await self._write(f"trail-pruned:{tenant}", {"tenant": tenant, "lines": lines})

    async def tenants(self) -> frozenset[str] | None:
        """Return the tenants that have a signed trail; None where no list was ever written."""
        found = await self._read(LIST)
        return None if found is None else frozenset(found["tenants"])

    async def add_tenants(self, tenants: Iterable[str], *, anew: bool = False) -> None:
        """Add to the list, also where others add to it at the same time.

        ``anew``: a list that bears no signature is replaced.
        """
        wanted = frozenset(tenants)
        for _ in range(TURNS):
            try:
                known = await self.tenants()
            except ForgedNote:
                if not anew:
                    raise
                known = None
            if known is not None and wanted <= known:
                return
            await self._write(LIST, {"tenants": sorted(wanted | (known or frozenset()))})

    async def _read(self, name: str) -> dict[str, Any] | None:
        raw = await self._notes.meta(name)
        if raw is None:
            return None
        text, _, signature = raw.decode("utf-8", "replace").rpartition("\n")
        if len(signature) != SIGNATURE or not self._keys.is_signed(name, text, signature):
            raise ForgedNote("it bears no signature of a known key")
        return json.loads(text)  # type: ignore[no-any-return]

    async def _write(self, name: str, parts: object) -> None:
        text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
        await self._notes.put_meta(name, f"{text}\n{self._keys.sign(name, text)}".encode())
