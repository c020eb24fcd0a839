"""Find lines of the trails in the SQLite store by address, browser, or reference."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from ...storage import EventPage
from ..common.documents import SEARCHED, cursor_from, event_from
from .worker_thread import WorkerThread

Row = tuple[int, str]


async def lines_with(
    thread: WorkerThread, tenant: str, name: str, values: Sequence[str], *, after: str, limit: int
) -> EventPage:
    """Return the events with one of the values, newest first."""
    before = cursor_from(after)
    if before is None:
        return EventPage(items=())
    found = await thread.run(_newest(tenant, name, values, before=before, limit=limit + 1))
    more = str(found[limit - 1][0]) if len(found) > limit else ""
    return EventPage(items=tuple(event_from(tenant, seq, line) for seq, line in found[:limit]), next=more)


def _newest(
    tenant: str, name: str, values: Sequence[str], *, before: int, limit: int
) -> Callable[[sqlite3.Connection], list[Row]]:
    """Look at each index for each value, and keep the newest lines of all.

    A look costs as much as its answer.
    """
    behind = " AND seq < ?" if before >= 0 else ""
    statements = [
        f"SELECT seq, body FROM event WHERE tenant = ? AND {column} = ? AND {column} <> ''{behind} ORDER BY seq DESC LIMIT ?"  # noqa: S608
        for column in SEARCHED[name]
    ]

    def work(connection: sqlite3.Connection) -> list[Row]:
        rows: dict[int, str] = {}
        for statement in statements:
            for value in values:
                given = (tenant, value, *((before,) if before >= 0 else ()), limit)
                rows.update(connection.execute(statement, given).fetchall())
        return sorted(rows.items(), reverse=True)[:limit]

    return work
