"""List and search the people of a tenant in the SQLite store, piece by piece."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

from ...core.model import SubjectKey
from ...core.summary import Summary
from ..common.documents import summary_from

SEARCHED_AT_ONCE = 20_000
"""So many people are looked through in one piece of work; searches at the same time take turns."""

COUNTED_AT_ONCE = 100_000


def find_summaries(
    tenant: str, *, status: str, word: str, after: str, limit: int
) -> Callable[[sqlite3.Connection], tuple[list[Summary], str]]:
    """Lines of the roster by id, from a piece of it; and the id to go on behind, or "" where all of it was looked at."""
    statement = "SELECT id, name, status, factors, locked_at, last_proof_at FROM roster WHERE tenant = ? AND id > ?"
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
        summaries = [
            summary_from(SubjectKey(tenant, str(id)), (name, status, _words(factors), locked_at, last_proof_at))
            for id, name, status, factors, locked_at, last_proof_at in rows
        ]
        return summaries, last

    return work


def count_people(tenant: str, status: str, after: str) -> Callable[[sqlite3.Connection], tuple[int, str]]:
    """How many have a status, in a piece of the roster; and the id to go on behind, or "" at the end."""
    piece = "SELECT id FROM roster WHERE tenant = ? AND status = ? AND id > ? ORDER BY id LIMIT ?"
    statement = f"SELECT count(*), max(id) FROM ({piece})"  # noqa: S608 - its own words

    def work(connection: sqlite3.Connection) -> tuple[int, str]:
        count, last = connection.execute(statement, (tenant, status, after, COUNTED_AT_ONCE)).fetchone()
        return count, last if count == COUNTED_AT_ONCE else ""

    return work


def _words(text: object) -> list[str] | None:
    return text.split() if isinstance(text, str) else None
