"""Verification of stored trails, in pieces, while others go on writing to them."""

from __future__ import annotations

import asyncio

from ..core.trail import chain_line
from ..core.trail_erasure import ErasureCheck
from ..storage import ChainPoint, Trail

PIECE = 1_000


async def verify_trail(trail: Trail, tenant: str = "", /) -> dict[str, int]:
    """Find the trails that were changed after they were written; the tenant "" means all.

    Returns for each broken trail, by its tenant, the place of the first line that was removed, moved or altered.
    Places count from 0 and include pruned lines. Pruning is no fault: a trail is verified from its anchor on. Nor is the
    erasure of a person, which an event binds.
    """
    tenants = (tenant,) if tenant else await trail.trails()
    found = {name: await _broken_in(trail, name) for name in tenants}
    return {name: at for name, at in found.items() if at is not None}


async def _broken_in(trail: Trail, tenant: str) -> int | None:
    """Verify one trail, and again if lines were pruned meanwhile."""
    while True:
        start = await trail.anchor(tenant)
        at = await _broken_behind(trail, tenant, start)
        if at is None or start == await trail.anchor(tenant):
            return at


async def _broken_behind(trail: Trail, tenant: str, start: ChainPoint) -> int | None:
    digest, count, place, erasures = start.digest, start.lines, -1, ErasureCheck()
    while True:
        piece = await trail.links(tenant, after=place, limit=PIECE)
        for link in piece:
            digest = chain_line(digest, link.line)
            if digest != link.digest:
                return count
            if (at := erasures.look(link.line, count)) is not None:
                return at
            count += 1
        if piece:
            place = piece[-1].place
            await asyncio.sleep(0)
            continue
        head = await trail.head(tenant)  # read after the lines: lines that others write meanwhile only make it larger
        if head.lines <= count or not await trail.links(tenant, after=place, limit=PIECE):
            return erasures.end() if head == ChainPoint(lines=count, digest=digest) else min(head.lines, count)
