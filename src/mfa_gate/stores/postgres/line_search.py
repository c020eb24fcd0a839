"""Find lines of the trails in PostgreSQL by address, browser, or reference."""

from __future__ import annotations

from collections.abc import Sequence

from ...storage import EventPage
from ..common.documents import SEARCHED, cursor_from, event_from
from .session import Session


async def lines_with(
    session: Session, tenant: str, name: str, values: Sequence[str], *, after: str, limit: int
) -> EventPage:
    """Return the events with one of the values, newest first.

    Each index is asked for the newest lines of each value, so a search costs as much as its answer.
    """
    before = cursor_from(after)
    wanted = [value for value in values if "\0" not in value]
    if before is None or not wanted:
        return EventPage(items=())
    behind, place = (" AND e.seq < %s", [before]) if before >= 0 else ("", list[int]())
    looks, given = list[str](), list[object]()
    for column in SEARCHED[name]:
        looks.append(
            "SELECT f.* FROM pg_catalog.unnest(%s::text[]) v CROSS JOIN LATERAL (SELECT e.seq, e.line"
            f" FROM {session.schema}.event e WHERE e.tenant = %s AND e.{column} = v AND e.{column} <> ''{behind}"
            " ORDER BY e.seq DESC LIMIT %s) f"
        )
        given += [wanted, tenant, *place, limit + 1]
    statement = f"{' UNION '.join(looks)} ORDER BY seq DESC LIMIT %s"
    found = await session.rows(statement, (*given, limit + 1), is_list=True)
    more = str(found[limit - 1][0]) if len(found) > limit else ""
    return EventPage(items=tuple(event_from(tenant, seq, line) for seq, line in found[:limit]), next=more)
