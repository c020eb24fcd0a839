"""Where a stored trail stops being what was written, read in pieces while others go on writing to it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from ...core.trail import chain_line
from ...ports import Anchor

PIECE = 1_000

Link = tuple[int, str | bytes, str]
"""The place of a line, larger than that of the line before; the line; the digest that was written with it."""
Links = Callable[[str, int], Awaitable[Sequence[Link]]]
"""Up to ``PIECE`` links of a tenant after a place."""
Head = Callable[[str], Awaitable[tuple[str, int]]]
"""The digest of a tenant's last line, and how many lines there are, those that were pruned included."""
AnchorOf = Callable[[str], Awaitable[Anchor]]
"""Where the kept part begins."""


async def broken_trails(tenants: Iterable[str], links: Links, head: Head, anchor: AnchorOf) -> dict[str, int]:
    """The tenants whose trail is broken, with the place, counted from 0, of the first wrong line."""
    found = {tenant: await _broken_in(tenant, links, head, anchor) for tenant in tenants}
    return {tenant: at for tenant, at in found.items() if at is not None}


async def _broken_in(tenant: str, links: Links, head: Head, anchor: AnchorOf) -> int | None:
    """As ``_broken_at``; where lines were pruned meanwhile, once more."""
    while True:
        start = await anchor(tenant)
        at = await _broken_at(tenant, links, head, start)
        if at is None or start == await anchor(tenant):
            return at


async def _broken_at(tenant: str, links: Links, head: Head, start: Anchor) -> int | None:
    digest, count, place = start.digest, start.lines, -1
    while True:
        piece = await links(tenant, place)
        for _, line, written in piece:
            digest = chain_line(digest, line if isinstance(line, str) else line.decode(errors="replace"))
            if digest != written:
                return count
            count += 1
        if piece:
            place = piece[-1][0]
            await asyncio.sleep(0)
            continue
        last, length = await head(tenant)  # after the lines: whoever writes meanwhile makes it larger, never smaller
        if length <= count or not await links(tenant, place):
            return None if (last, length) == (digest, count) else min(length, count)
