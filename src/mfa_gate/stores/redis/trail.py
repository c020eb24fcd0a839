"""The trail in Redis: a stream for each tenant.

It is read from either end, verified, and pruned from the beginning.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...core.events import UNREADABLE, Event
from ...core.trail import count_old
from ...storage import END, ChainPoint, EventPage, Link
from ..common.documents import cursor_from, event_from
from . import scripts
from .names import keys_of
from .session import Session
from .writes import append_lines, in_tenant, tenants_of

PRUNED_AT_ONCE = 500
MOST_SEEN = 10_000


async def append(session: Session, events: Sequence[Event]) -> None:
    """Write events that belong to no change of an account; those of one tenant in one script."""
    for tenant in dict.fromkeys(event.tenant for event in events):
        await append_lines(session, tenant, [event for event in events if event.tenant == tenant])


async def trails(session: Session) -> tuple[str, ...]:
    """List the tenants that were ever written."""
    return tuple(await tenants_of(session))


async def events(session: Session, tenant: str, *, account: str, kind: str, after: str, limit: int) -> EventPage:
    """Return the tenant's trail, newest first. All tenants' are ordered by the servers' clock."""
    stamp, colon, last_tenant = after.partition(":")
    if after and not (colon and stamp.isascii() and stamp.isdecimal() and len(stamp) <= 18):
        return EventPage(items=())
    tenants = [tenant] if tenant else await tenants_of(session)
    found: list[tuple[int, str, bytes]] = []
    for name in tenants:
        bound = "+inf" if not after else stamp if name < last_tenant else f"({stamp}"
        found += await _find(session, name, account=account, kind=kind, bound=bound, limit=limit + 1)
    found.sort(key=lambda entry: entry[:2], reverse=True)
    more = f"{found[limit - 1][0]}:{found[limit - 1][1]}" if len(found) > limit else ""
    items = [event_from(name, stamp, line) for stamp, name, line in found[:limit]]
    # An index is no proof: a line that it names wrongly is left out.
    return EventPage(items=tuple(e for e in items if account in ("", e.account) or e.kind == UNREADABLE), next=more)


async def _find(
    session: Session, tenant: str, *, account: str, kind: str, bound: str, limit: int
) -> list[tuple[int, str, bytes]]:
    keys = keys_of(tenant)
    index = [keys.events_of_account(account)] if account else [keys.events_of_kind(kind)] if kind else []
    arguments = (session.store_id, bound, limit, kind if account else "")
    reply = await session.run(scripts.EVENTS, [keys.head, keys.trail, *index], *arguments, writes=False)
    if reply[0] == b"gone":
        await session.is_unknown(tenant)
        return []
    return [(int(stamp), tenant, line) for stamp, line in zip(reply[1::2], reply[2::2], strict=True)]


async def trail(session: Session, tenant: str, *, after: str, limit: int) -> EventPage:
    """Return the tenant's trail, oldest first."""
    keys = keys_of(tenant)
    if after == END:
        ((stamp,),) = await session.ask(keys.head, ("HMGET", keys.head, "stamp"))
        return EventPage(items=(), next=(stamp or b"0").decode())
    place = cursor_from(after)
    if place is None:
        return EventPage(items=(), next=after)
    first = f"({place}-0" if place > 0 else "-"
    (entries,) = await session.ask(keys.trail, ("XRANGE", keys.trail, first, "+", "COUNT", limit))
    last = entries[-1][0].decode().partition("-")[0] if entries else str(max(place, 0))
    items = tuple(event_from(tenant, stamp.decode(), parts[3]) for stamp, parts in entries)
    return EventPage(items=items, next=last)


async def links(session: Session, tenant: str, *, after: int, limit: int) -> list[Link]:
    """Return stored lines as they are, oldest first."""
    keys, first = keys_of(tenant), f"({after}" if after >= 0 else "-"
    (entries,) = await session.ask(keys.trail, ("XRANGE", keys.trail, first, "+", "COUNT", limit))
    return [
        Link(int(stamp.partition(b"-")[0]), parts[3].decode(errors="replace"), parts[5].decode())
        for stamp, parts in entries
    ]


async def misfiled(session: Session, tenant: str, *, after: int, limit: int) -> list[int]:
    """Return the places of lines whose kind or indexes say something else than their text."""
    keys, first = keys_of(tenant), f"({after}" if after >= 0 else "-"
    (entries,) = await session.ask(keys.trail, ("XRANGE", keys.trail, first, "+", "COUNT", limit))
    read = [
        (stamp.decode().partition("-")[0], event_from(tenant, stamp.decode(), parts[3]), parts)
        for stamp, parts in entries
    ]
    read = [entry for entry in read if entry[1].kind != UNREADABLE]
    asked = [("ZSCORE", keys.events_of_kind(event.kind), stamp) for stamp, event, _ in read]
    asked += [("ZSCORE", keys.events_of_account(event.account), stamp) for stamp, event, _ in read if event.account]
    found = await session.ask(keys.trail, *asked) if asked else []
    missing = {stamp for (_, _, stamp), score in zip(asked, found, strict=True) if score is None}
    return [int(stamp) for stamp, event, parts in read if stamp in missing or parts[1] != event.kind.encode()]


async def head(session: Session, tenant: str) -> ChainPoint:
    """Return the point behind the last line."""
    return await _point(session, tenant, "length", "digest")


async def anchor(session: Session, tenant: str) -> ChainPoint:
    """Return the point where the kept part of the trail begins."""
    return await _point(session, tenant, "pruned", "anchor")


async def _point(session: Session, tenant: str, *fields: str) -> ChainPoint:
    keys = keys_of(tenant)
    ((lines, digest),) = await session.ask(keys.head, ("HMGET", keys.head, *fields))
    return ChainPoint(lines=int(lines or 0), digest=(digest or b"").decode())


async def prune(session: Session, tenant: str, *, before: int, limit: int, now: int) -> int:
    """Remove the tenant's oldest lines and move the anchor.

    Returns how many lines were removed. Lines that another process has pruned are not counted.
    """
    keys, pruned, seen = keys_of(tenant), 0, PRUNED_AT_ONCE
    while pruned < limit:
        size = min(limit - pruned, PRUNED_AT_ONCE)
        (entries,) = await session.ask(keys.trail, ("XRANGE", keys.trail, "-", "+", "COUNT", seen))
        read = [(stamp, event_from(tenant, stamp.decode(), parts[3]), parts[5]) for stamp, parts in entries]
        old = read[: count_old([event.at for _, event, _ in read], before=before, now=now)][:size]
        if not old and len(read) == seen < MOST_SEEN and not any(0 < event.at <= now for _, event, _ in read):
            seen = MOST_SEEN  # all have a time in the future: a later line decides
            continue
        if not old:
            break
        marks = [mark for stamp, event, _ in old for mark in (stamp, "1" if event.account else "0")]
        indexes = keys.indexes([event for _, event, _ in old])
        reply = await in_tenant(
            session, tenant, scripts.PRUNE, [keys.head, keys.trail, *indexes], old[0][0], old[-1][2], *marks
        )
        pruned += len(old) if reply[0] == b"done" else 0
        if len(old) < size:
            break
    return pruned
