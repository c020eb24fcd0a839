"""List, search and count the people of a tenant in the SQLite store, piece by piece."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from ...core.model import SubjectKey
from ...core.summary import STATUSES, Summary
from ...storage import Page
from ..common.documents import search_text, search_word, summary_from
from .worker_thread import WorkerThread

SEARCHED_AT_ONCE = 5_000
"""People looked through in one piece of work; searches at the same time take turns."""

NAMED_AT_ONCE = 500
_COLUMNS = "id, name, status, factors, locked_at, last_proof_at"


def write_summary(connection: sqlite3.Connection, line: Summary) -> None:
    """Write the account's line of the roster, if it is another one than before."""
    connection.execute(
        "INSERT INTO roster VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name,"
        " status = excluded.status, factors = excluded.factors, locked_at = excluded.locked_at,"
        " last_proof_at = excluded.last_proof_at, search = excluded.search"
        " WHERE (name, status, factors, locked_at, last_proof_at) IS NOT"
        " (excluded.name, excluded.status, excluded.factors, excluded.locked_at, excluded.last_proof_at)",
        (
            line.key.tenant,
            line.key.id,
            line.name,
            line.status,
            " ".join(line.factors),
            line.locked_at,
            line.last_proof_at,
            search_text(line),
        ),
    )


def remove_summary(connection: sqlite3.Connection, key: SubjectKey) -> None:
    """Remove the line of a person who was forgotten."""
    connection.execute("DELETE FROM roster WHERE tenant = ? AND id = ?", (key.tenant, key.id))


async def page(thread: WorkerThread, tenant: str, *, status: str, query: str, after: str, limit: int) -> Page:
    """Return summaries of a tenant, by id."""
    found, word = list[Summary](), search_word(query)
    while True:
        work = _find_summaries(tenant, status=status, word=word, after=after, limit=limit + 1 - len(found))
        some, after = await thread.run(work)
        found += some
        if not after or len(found) > limit:
            break
    more = found[limit - 1].key.id if len(found) > limit else ""
    return Page(items=tuple(found[:limit]), next=more)


async def counts(thread: WorkerThread, tenant: str) -> dict[str, int]:
    """Return the number of accounts of the tenant by status.

    Every write keeps the numbers (``roster_count`` in ``schema.py``), so a tenant of any size is counted at once.
    """
    statement = "SELECT status, people FROM roster_count WHERE tenant = ?"
    kept = dict(await thread.run(lambda connection: connection.execute(statement, (tenant,)).fetchall()))
    return {status: kept.get(status, 0) for status in STATUSES}


async def summaries(thread: WorkerThread, tenant: str, ids: Sequence[str]) -> dict[str, Summary]:
    """Return the summaries of these people by id, some hundreds in one piece of work."""
    found: dict[str, Summary] = {}
    for start in range(0, len(ids), NAMED_AT_ONCE):
        found |= await thread.run(_named(tenant, ids[start : start + NAMED_AT_ONCE]))
    return found


def _named(tenant: str, ids: Sequence[str]) -> Callable[[sqlite3.Connection], dict[str, Summary]]:
    marks = ", ".join("?" * len(ids))
    statement = f"SELECT {_COLUMNS} FROM roster WHERE tenant = ? AND id IN ({marks})"  # noqa: S608 - its own words

    def work(connection: sqlite3.Connection) -> dict[str, Summary]:
        return {
            line.key.id: line
            for line in (_summary(tenant, row) for row in connection.execute(statement, (tenant, *ids)))
        }

    return work


def _summary(tenant: str, row: Sequence[object]) -> Summary:
    id, name, status, factors, locked_at, last_proof_at = row
    return summary_from(SubjectKey(tenant, str(id)), (name, status, _words(factors), locked_at, last_proof_at))


def _find_summaries(
    tenant: str, *, status: str, word: str, after: str, limit: int
) -> Callable[[sqlite3.Connection], tuple[list[Summary], str]]:
    """Find summaries by id in a piece of the roster.

    Returns them, and the id to go on behind, "" at the end.
    """
    statement = f"SELECT {_COLUMNS} FROM roster WHERE tenant = ? AND id > ?"  # noqa: S608 - its own words
    border = "SELECT id FROM roster WHERE tenant = ? AND id > ?"
    terms, values = "", list[str | int]()
    if status:
        terms += " AND status = ?"
        values.append(status)

    def work(connection: sqlite3.Connection) -> tuple[list[Summary], str]:
        ending, more, last = terms, list(values), ""
        if word:
            found = connection.execute(
                f"{border}{terms} ORDER BY id LIMIT 1 OFFSET ?", (tenant, after, *values, SEARCHED_AT_ONCE)
            ).fetchone()
            last = found[0] if found else ""
            ending, more = f"{terms} AND instr(search, ?)", [*values, word]
            if last:
                ending, more = f"{ending} AND id <= ?", [*more, last]
        rows = connection.execute(f"{statement}{ending} ORDER BY id LIMIT ?", (tenant, after, *more, limit)).fetchall()
        return [_summary(tenant, row) for row in rows], last

    return work


def _words(text: object) -> list[str] | None:
    return text.split() if isinstance(text, str) else None
