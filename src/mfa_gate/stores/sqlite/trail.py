"""Keep the audit trails in the SQLite store: write, read from either end, prune."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Sequence
from functools import partial

from ...core.events import UNREADABLE, Event
from ...core.trail import START, chain_event, event_to_json
from ...storage import END, ChainPoint, EventPage, Link, Rewrite
from ..common.documents import cursor_from, event_from, parts_found_by, parts_searched
from .worker_thread import WorkerThread

_NO_SEQ = 2**63 - 1
REWRITTEN_AT_ONCE = 500

Lines = Sequence[tuple[Event, str]]


def to_lines(events: Sequence[Event]) -> Lines:
    """Encode events as canonical lines, before the transaction begins."""
    return [(event, event_to_json(event)) for event in events]


def write_lines(connection: sqlite3.Connection, lines: Lines) -> None:
    """Append lines to the trails, each chained to the one before it in its tenant."""
    heads: dict[str, tuple[str, int]] = {}
    for event, line in lines:
        if event.tenant not in heads:
            row = connection.execute("SELECT digest, length FROM trail WHERE tenant = ?", (event.tenant,)).fetchone()
            heads[event.tenant] = row or (START, 0)
        before, length = heads[event.tenant]
        digest = chain_event(before, event, line)
        heads[event.tenant] = (digest, length + 1)
        connection.execute(
            "INSERT INTO event (id, tenant, account, kind, at, body, digest, address, network, browser)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (event.id, event.tenant, event.account, event.kind, event.at, line, digest, *parts_searched(event)),
        )
    for tenant, head in heads.items():
        connection.execute(
            "INSERT INTO trail VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET digest = excluded.digest, length = excluded.length",
            (tenant, *head),
        )


async def append(thread: WorkerThread, events: Sequence[Event]) -> None:
    """Write events that belong to no change of an account."""
    lines = to_lines(events)
    await thread.run(lambda connection: write_lines(connection, lines))


async def events(thread: WorkerThread, tenant: str, *, account: str, kind: str, after: str, limit: int) -> EventPage:
    """Return the tenant's events, newest first."""
    before = cursor_from(after)
    if before is None:
        return EventPage(items=())
    terms = {"seq < ?": before if before >= 0 else "", "tenant = ?": tenant, "account = ?": account, "kind = ?": kind}
    wanted = {term: value for term, value in terms.items() if value != ""}
    where = " AND ".join([*wanted, "account <> ''" if account else "TRUE"])
    statement = f"SELECT seq, tenant, body FROM event WHERE {where} ORDER BY seq DESC LIMIT ?"  # noqa: S608

    values = [*wanted.values(), limit + 1]
    found = await thread.run(lambda connection: connection.execute(statement, values).fetchall())
    more = str(found[limit - 1][0]) if len(found) > limit else ""
    return EventPage(items=tuple(event_from(name, seq, line) for seq, name, line in found[:limit]), next=more)


async def trail(thread: WorkerThread, tenant: str, *, after: str, limit: int) -> EventPage:
    """Return the tenant's events, oldest first."""
    if after == END:
        return EventPage(items=(), next=str(await _last_place(thread, tenant)))
    place = cursor_from(after)
    if place is None:
        return EventPage(items=(), next=after)
    statement = "SELECT seq, body FROM event WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?"
    found = await thread.run(lambda connection: connection.execute(statement, (tenant, place, limit)).fetchall())
    items = tuple(event_from(tenant, seq, line) for seq, line in found)
    return EventPage(items=items, next=str(found[-1][0]) if found else str(max(place, 0)))


async def _last_place(thread: WorkerThread, tenant: str) -> int:
    """Find the place of the last line.

    A pruned line keeps its place, so later places are always larger.
    """
    statement = "SELECT coalesce(max(seq), 0) FROM event WHERE tenant = ?"
    return await thread.run(lambda connection: int(connection.execute(statement, (tenant,)).fetchone()[0]))


async def trails(thread: WorkerThread) -> tuple[str, ...]:
    """List the tenants that have a trail, or a head that says so."""
    statement = "SELECT tenant FROM trail UNION SELECT tenant FROM event ORDER BY 1"
    return await thread.run(lambda connection: tuple(row[0] for row in connection.execute(statement)))


async def links(thread: WorkerThread, tenant: str, *, after: int, limit: int) -> list[Link]:
    """Return stored lines as they are, oldest first."""
    statement = "SELECT seq, body, digest FROM event WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?"
    values = (tenant, after, limit)

    def work(connection: sqlite3.Connection) -> list[Link]:
        found = [Link(*row) for row in connection.execute(statement, values)]
        if len(found) == limit:  # a walk through the whole trail fills the cache with pages that nobody reads again
            connection.execute("PRAGMA shrink_memory").close()
        return found

    return await thread.run(work)


_INDEXED = {"id": "", "kind": "", "account": "<> ''", "address": "<> ''", "network": "<> ''", "browser": "<> ''"}
"""The columns by which lines are found, each with the condition of its index ``event_NAME``."""


def _lacking(name: str, condition: str) -> str:
    """Write the statement that finds the lines of a piece that one index does not have."""
    mine, theirs = (f" AND {table}.{name} {condition}" if condition else "" for table in ("piece", "found"))
    found = f"SELECT 1 FROM event AS found INDEXED BY event_{name} WHERE found.tenant = piece.tenant AND found.seq = piece.seq"  # noqa: S608
    return f"SELECT seq FROM piece WHERE NOT EXISTS ({found} AND found.{name} = piece.{name}{theirs}){mine}"  # noqa: S608


_UNINDEXED = " UNION ALL ".join(_lacking(*column) for column in _INDEXED.items())
"""Find lines that an index does not have: somebody may empty an index and leave the lines as they are."""


async def misfiled(thread: WorkerThread, tenant: str, *, after: int, limit: int) -> list[int]:
    """Return the places of lines whose columns or indexes say something else than their text."""
    statement = (
        "SELECT seq, body, id, tenant, account, kind, at, address, network, browser"
        " FROM event WHERE tenant = ? AND seq > ? ORDER BY seq LIMIT ?"
    )
    rows = await thread.run(lambda connection: connection.execute(statement, (tenant, after, limit)).fetchall())
    if not rows:
        return []
    read = [(seq, event_from(tenant, seq, line), tuple(columns)) for seq, line, *columns in rows]
    piece = (
        f"WITH piece AS MATERIALIZED (SELECT seq, tenant, {', '.join(_INDEXED)} FROM event NOT INDEXED"  # noqa: S608
        " WHERE tenant = ? AND seq BETWEEN ? AND ?) "
    )
    span = (tenant, rows[0][0], rows[-1][0])
    unindexed = {seq for (seq,) in await thread.run(lambda c: c.execute(piece + _UNINDEXED, span).fetchall())}
    return [
        seq
        for seq, event, columns in read
        if seq in unindexed
        or (event.kind != UNREADABLE and columns != (*parts_found_by(event), *parts_searched(event)))
    ]


async def anchor(thread: WorkerThread, tenant: str) -> ChainPoint:
    """Return the point where the kept part of the trail begins."""
    return await _point(thread, "SELECT lines, digest FROM anchor WHERE tenant = ?", tenant)


async def head(thread: WorkerThread, tenant: str) -> ChainPoint:
    """Return the point behind the last line."""
    return await _point(thread, "SELECT length, digest FROM trail WHERE tenant = ?", tenant)


async def _point(thread: WorkerThread, statement: str, tenant: str) -> ChainPoint:
    row = await thread.run(lambda connection: connection.execute(statement, (tenant,)).fetchone())
    return ChainPoint() if row is None else ChainPoint(lines=row[0], digest=row[1])


async def prune(thread: WorkerThread, tenant: str, *, before: int, limit: int, now: int) -> int:
    """Remove the oldest lines that are old enough, and move the anchor.

    ``count_old`` in ``core/trail.py`` tells which are.
    """

    def work(connection: sqlite3.Connection) -> int:
        young = connection.execute(
            "SELECT seq FROM event WHERE tenant = ? AND at BETWEEN ? AND ? ORDER BY seq LIMIT 1",
            (tenant, max(before, 1), now),
        ).fetchone()
        last = connection.execute(
            "SELECT seq FROM event WHERE tenant = ? AND seq < ? AND at > 0 AND at < ? AND at <= ? ORDER BY seq DESC LIMIT 1",
            (tenant, young[0] if young else _NO_SEQ, before, now),
        ).fetchone()
        rows = connection.execute(
            "SELECT seq, digest FROM event WHERE tenant = ? AND seq <= ? ORDER BY seq LIMIT ?",
            (tenant, last[0] if last else 0, limit),
        ).fetchall()
        if not rows:
            return 0
        seq, digest = rows[-1]
        connection.execute("DELETE FROM event WHERE tenant = ? AND seq <= ?", (tenant, seq))
        connection.execute(
            "INSERT INTO anchor VALUES (?, ?, ?)"
            " ON CONFLICT DO UPDATE SET digest = excluded.digest, lines = lines + excluded.lines",
            (tenant, digest, len(rows)),
        )
        return len(rows)

    return await thread.run(work)


async def rewrite(thread: WorkerThread, tenant: str, lines: Sequence[Rewrite]) -> None:
    """Replace the text of stored lines where it is still the same, the newest lines first."""
    read = [(event_from(tenant, place, line), place, before, line) for place, before, line in lines]
    rows = [(line, event.account, *parts_searched(event), tenant, place, before) for event, place, before, line in read]
    statement = (
        "UPDATE event SET body = ?, account = ?, address = ?, network = ?, browser = ?"
        " WHERE tenant = ? AND seq = ? AND body = ?"
    )
    while rows:
        piece = rows[-REWRITTEN_AT_ONCE:]
        del rows[-REWRITTEN_AT_ONCE:]
        await thread.run(partial(_update_all, statement, piece))


def empty_log(connection: sqlite3.Connection) -> None:
    """Write the log into the database and empty it.

    So no older text of a row is left there. A reader of another process may hold it for a while: then the next time does it.
    """
    with contextlib.suppress(sqlite3.Error):
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _update_all(statement: str, rows: Sequence[tuple[object, ...]], connection: sqlite3.Connection) -> None:
    connection.executemany(statement, rows).close()
