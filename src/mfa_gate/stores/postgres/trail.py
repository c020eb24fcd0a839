"""The audit trails in PostgreSQL: write, read from either end, prune."""

from __future__ import annotations

from collections.abc import Sequence

from ...core.events import UNREADABLE, Event
from ...core.trail import event_to_json, own_digest
from ...storage import END, ChainPoint, EventPage, Link, Rewrite
from ..common.documents import cursor_from, event_from, parts_found_by, parts_searched
from .session import Session

REWRITTEN_AT_ONCE = 500
Lines = Sequence[tuple[Event, str]]
LINE_PARTS = "%b::text[], %b::text[], %b::text[], %s::bigint[], %b::text[], %b::text[], %b::text[]"
"""In binary: as text every quote of a line would be escaped here, and read back there."""


def to_lines(events: Sequence[Event]) -> Lines:
    """Encode events as canonical lines, before the transaction begins."""
    return [(event, event_to_json(event)) for event in events]


def arguments_of(lines: Lines) -> tuple[list[object], ...]:
    """Turn lines into the arguments of the functions, as ``LINE_PARTS`` takes them.

    The last but one is the line's own digest. The server links it to the line before.
    """
    return (
        [event.tenant for event, _ in lines],
        [event.account for event, _ in lines],
        [event.kind for event, _ in lines],
        [event.at for event, _ in lines],
        [line for _, line in lines],
        [own_digest(event, line) for event, line in lines],
        [_searched(event) for event, _ in lines],
    )


def _searched(event: Event) -> list[str]:
    """Return the values of the columns by which lines are searched.

    No text here can hold a NUL.
    """
    return [part.replace("\0", "") for part in (event.id, *parts_searched(event))]


async def append(session: Session, events: Sequence[Event]) -> None:
    """Write events that belong to no change of an account."""
    if not events:
        return
    statement = f"SELECT {session.schema}.append_2(%s, {LINE_PARTS})"
    await session.call(statement, (session.store_id, *arguments_of(to_lines(events))))


async def events(session: Session, tenant: str, *, account: str, kind: str, after: str, limit: int) -> EventPage:
    """Return the tenant's events, newest first."""
    before = cursor_from(after)
    if before is None or "\0" in account + kind:  # no stored text holds it
        return EventPage(items=())
    terms: dict[str, str | int] = {"seq < %s": before if before >= 0 else "", "tenant = %s": tenant}
    terms |= {"account = %s": account, "kind = %s": kind}
    wanted = {term: value for term, value in terms.items() if value != ""}
    where = " AND ".join([*wanted, "account <> ''" if account else "TRUE"])
    statement = f"SELECT seq, tenant, line FROM {session.schema}.event WHERE {where} ORDER BY seq DESC LIMIT %s"
    found = await session.rows(statement, (*wanted.values(), limit + 1), is_list=True)
    more = str(found[limit - 1][0]) if len(found) > limit else ""
    return EventPage(items=tuple(event_from(name, seq, line) for seq, name, line in found[:limit]), next=more)


async def trail(session: Session, tenant: str, *, after: str, limit: int) -> EventPage:
    """Return the tenant's events, oldest first."""
    table = f"{session.schema}.event"
    if after == END:
        last = await session.row(f"SELECT coalesce(max(seq), 0) FROM {table} WHERE tenant = %s", (tenant,))
        return EventPage(items=(), next=str(last[0] if last else 0))
    place = cursor_from(after)
    if place is None:
        return EventPage(items=(), next=after)
    statement = f"SELECT seq, line FROM {table} WHERE tenant = %s AND seq > %s ORDER BY seq LIMIT %s"
    found = await session.rows(statement, (tenant, place, limit), is_list=True)
    items = tuple(event_from(tenant, seq, line) for seq, line in found)
    return EventPage(items=items, next=str(found[-1][0]) if found else str(max(place, 0)))


async def trails(session: Session) -> tuple[str, ...]:
    """List the tenants that have a trail, or lines without a head."""
    schema = session.schema
    # The tenants with lines are found one by one by the index: there are few of them, and many lines.
    statement = (
        f"WITH RECURSIVE named AS ((SELECT tenant FROM {schema}.event ORDER BY tenant LIMIT 1) UNION ALL"
        f" SELECT (SELECT e.tenant FROM {schema}.event e WHERE e.tenant > n.tenant ORDER BY e.tenant LIMIT 1)"
        f" FROM named n WHERE n.tenant IS NOT NULL)"
        f" SELECT tenant FROM {schema}.trail UNION SELECT tenant FROM named WHERE tenant IS NOT NULL ORDER BY 1"
    )
    return tuple(row[0] for row in await session.rows(statement, (), is_list=True))


async def links(session: Session, tenant: str, *, after: int, limit: int) -> list[Link]:
    """Return stored lines as they are, oldest first."""
    statement = (
        f"SELECT seq, line, digest FROM {session.schema}.event WHERE tenant = %s AND seq > %s ORDER BY seq LIMIT %s"
    )
    return [Link(*row) for row in await session.rows(statement, (tenant, after, limit), is_list=True)]


async def misfiled(session: Session, tenant: str, *, after: int, limit: int) -> list[int]:
    """Return the places of lines whose columns say something else than their text."""
    statement = (
        "SELECT seq, line, id, address, network, browser, tenant, account, kind, at"
        f" FROM {session.schema}.event WHERE tenant = %s AND seq > %s ORDER BY seq LIMIT %s"
    )
    rows = await session.rows(statement, (tenant, after, limit), is_list=True)
    read = [(seq, event_from(tenant, seq, line), tuple(columns)) for seq, line, *columns in rows]
    return [
        seq
        for seq, event, columns in read
        if event.kind != UNREADABLE and columns != (*_searched(event), *parts_found_by(event)[1:])
    ]


async def anchor(session: Session, tenant: str) -> ChainPoint:
    """Return the point where the kept part of the trail begins."""
    return await _point(session, "pruned, anchor", tenant)


async def head(session: Session, tenant: str) -> ChainPoint:
    """Return the point behind the last line."""
    return await _point(session, "length, digest", tenant)


async def _point(session: Session, columns: str, tenant: str) -> ChainPoint:
    statement = f"SELECT {columns} FROM {session.schema}.trail WHERE tenant = %s"
    row = await session.row(statement, (tenant,), is_list=True)
    return ChainPoint() if row is None else ChainPoint(lines=row[0], digest=row[1])


async def prune(session: Session, tenant: str, *, before: int, limit: int, now: int) -> int:
    """Remove the oldest lines that are old enough, and move the anchor."""
    statement = f"SELECT {session.schema}.prune_1(%s, %s::bigint, %s::bigint, %s::integer)"
    return int(await session.call(statement, (tenant, before, now, limit)))


async def rewrite(session: Session, tenant: str, lines: Sequence[Rewrite]) -> None:
    """Replace the text of stored lines where it is still the same, the newest lines first."""
    statement = (
        f"UPDATE {session.schema}.event e SET line = v.line, account = v.account, address = v.address, network = v.network,"
        " browser = v.browser FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],"
        " %s::text[]) AS v(seq, before, line, account, address, network, browser)"
        " WHERE e.tenant = %s AND e.seq = v.seq AND e.line = v.before"
    )
    left = list(lines)
    while left:
        piece = left[-REWRITTEN_AT_ONCE:]
        del left[-REWRITTEN_AT_ONCE:]
        events = [event_from(tenant, line.place, line.line) for line in piece]
        searched = [[_searched(event)[at] for event in events] for at in (1, 2, 3)]
        texts = ([p.place for p in piece], [p.before for p in piece], [p.line for p in piece])
        await session.call(statement, (*texts, [event.account for event in events], *searched, tenant))
