"""List, search and count the people of a tenant in the SQLite store.

A search looks at the first people in the order of their ids. Where that fills no page, the index of names answers the
rest. A word that is too short or too frequent for it is looked for in everybody, piece by piece.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence

from ...core.model import SubjectKey
from ...core.summary import STATUSES, Summary
from ...storage import Page
from ..common.documents import search_text, search_word, summary_from
from . import name_index
from .worker_thread import WorkerThread

LOOKED_AT_FIRST = 1_000
SEARCHED_AT_ONCE = 5_000
"""People looked through in one piece of work; searches at the same time take turns."""

NAMED_AT_ONCE = 500
_COLUMNS = "id, name, status, factors, locked_at, last_proof_at"


def write_summary(connection: sqlite3.Connection, line: Summary) -> None:
    """Write the account's line of the roster, if it is another one than before."""
    key, text = line.key, search_text(line)
    number, before = _indexed(connection, key)
    if number == 0 or before != text:
        number = name_index.put(connection, number, before, text)
    connection.execute(
        "INSERT INTO roster (tenant, id, name, status, factors, locked_at, last_proof_at, search, number)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET name = excluded.name,"
        " status = excluded.status, factors = excluded.factors, locked_at = excluded.locked_at,"
        " last_proof_at = excluded.last_proof_at, search = excluded.search, number = excluded.number"
        " WHERE (name, status, factors, locked_at, last_proof_at, number) IS NOT"
        " (excluded.name, excluded.status, excluded.factors, excluded.locked_at, excluded.last_proof_at, excluded.number)",
        (
            key.tenant,
            key.id,
            line.name,
            line.status,
            " ".join(line.factors),
            line.locked_at,
            line.last_proof_at,
            text,
            number,
        ),
    )


def remove_summary(connection: sqlite3.Connection, key: SubjectKey) -> None:
    """Remove the line of a person who was forgotten, and what the index of names has of them."""
    name_index.remove(connection, *_indexed(connection, key))
    connection.execute("DELETE FROM roster WHERE tenant = ? AND id = ?", (key.tenant, key.id))


def _indexed(connection: sqlite3.Connection, key: SubjectKey) -> tuple[int, str]:
    """Return the person's number in the index of names, and the text that it was made of."""
    found = connection.execute(
        "SELECT number, search FROM roster WHERE tenant = ? AND id = ?", (key.tenant, key.id)
    ).fetchone()
    number, text = found or (0, "")
    return int(number), text if isinstance(text, str) else ""


async def page(thread: WorkerThread, tenant: str, *, status: str, query: str, after: str, limit: int) -> Page:
    """Return summaries of a tenant, by id."""
    found, search = list[Summary](), _Search(tenant, status, search_word(query))
    work: Work = search.look_first(after, limit + 1)
    while True:
        some, after = await thread.run(work)
        found += some
        if not after or len(found) > limit:
            break
        work = search.look_on(after, limit + 1 - len(found))
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


Rows = tuple[list[Summary], str]
Work = Callable[[sqlite3.Connection], Rows]


class _Search:
    """A search among the people of a tenant.

    Each of its pieces of work returns people by id, and the id to go on behind, "" at the end.
    """

    def __init__(self, tenant: str, status: str, word: str) -> None:
        self._tenant, self._word = tenant, word
        self._terms, self._values = (" AND status = ?", [status]) if status else ("", list[str]())
        if word:
            self._matches, self._sought = f"{self._terms} AND instr(search, ?)", [*self._values, word]
        else:
            self._matches, self._sought = self._terms, self._values

    def look_first(self, after: str, limit: int) -> Work:
        """Look at the first people behind ``after``; the index answers the rest if it can."""

        def work(connection: sqlite3.Connection) -> Rows:
            if not self._word:
                return self._rows(connection, after, "", limit), ""
            last = self._border(connection, after, LOOKED_AT_FIRST)
            found = self._rows(connection, after, last, limit)
            if last and len(found) < limit and name_index.has_everybody(connection):
                places = name_index.places_of(connection, self._word)
                if places is not None:
                    found += self._proposed(connection, last, places, limit - len(found))
                    last = ""
            return found, last

        return work

    def look_on(self, after: str, limit: int) -> Work:
        """Look at the next piece of the people."""

        def work(connection: sqlite3.Connection) -> Rows:
            last = self._border(connection, after, SEARCHED_AT_ONCE)
            return self._rows(connection, after, last, limit), last

        return work

    def _border(self, connection: sqlite3.Connection, after: str, size: int) -> str:
        """Return the last id of the next piece, or "" where it is the last piece."""
        statement = f"SELECT id FROM roster WHERE tenant = ? AND id > ?{self._terms} ORDER BY id LIMIT 1 OFFSET ?"  # noqa: S608
        found = connection.execute(statement, (self._tenant, after, *self._values, size)).fetchone()
        return str(found[0]) if found else ""

    def _rows(self, connection: sqlite3.Connection, after: str, last: str, limit: int) -> list[Summary]:
        """Return those of a piece that match."""
        ending, more = (" AND id <= ?", [last]) if last else ("", list[str]())
        statement = (
            f"SELECT {_COLUMNS} FROM roster WHERE tenant = ? AND id > ?{self._matches}{ending} ORDER BY id LIMIT ?"  # noqa: S608
        )
        rows = connection.execute(statement, (self._tenant, after, *self._sought, *more, limit))
        return [_summary(self._tenant, row) for row in rows.fetchall()]

    def _proposed(
        self, connection: sqlite3.Connection, after: str, places: Sequence[name_index.Range], limit: int
    ) -> list[Summary]:
        """Return those that match of the people whom the index proposes."""
        part = "SELECT number FROM name_part WHERE part >= ? AND part < ?"
        statement = (
            f"SELECT {_COLUMNS} FROM roster INDEXED BY roster_number WHERE number > 0"  # noqa: S608 - its own words
            f" AND number IN ({' UNION '.join([part] * len(places))})"
            f" AND tenant = ? AND id > ?{self._matches} ORDER BY id LIMIT ?"
        )
        borders = [border for place in places for border in place]
        rows = connection.execute(statement, (*borders, self._tenant, after, *self._sought, limit))
        return [_summary(self._tenant, row) for row in rows.fetchall()]


def _words(text: object) -> list[str] | None:
    return text.split() if isinstance(text, str) else None
