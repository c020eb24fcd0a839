"""List, search and count the people of a tenant in PostgreSQL.

A search looks at the first people in the order of their ids. Where that fills no page, the index of names answers the
rest; where there is none, the people are looked through piece by piece.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...core.model import SubjectKey
from ...core.summary import STATUSES, Summary
from ...storage import Page
from ..common.documents import search_word, summary_from
from .session import Row, Session

LOOKED_AT_FIRST = 500
SEARCHED_AT_ONCE = 20_000
NAMED_AT_ONCE = 500
SHORTEST_INDEXED = 3
"""Letters; a trigram has three, and a shorter word is in no index."""
_COLUMNS = "id, name, status, factors, locked_at, last_proof_at"


async def page(session: Session, tenant: str, *, status: str, query: str, after: str, limit: int) -> Page:
    """Return summaries of a tenant, by id."""
    found, word = list[Summary](), search_word(query)
    if "\0" in word or "\0" in after or "\0" in status:
        return Page(items=())  # no stored text holds it
    size = LOOKED_AT_FIRST
    while True:
        rest = limit + 1 - len(found)
        last = await _border(session, tenant, after, size) if word else ""
        found += await _look_through(session, tenant, status=status, word=word, after=after, last=last, limit=rest)
        if not last or len(found) > limit:
            break
        after, size = last, SEARCHED_AT_ONCE
        if session.found is not None and session.found.has_trigrams and len(word) >= SHORTEST_INDEXED:
            rest = limit + 1 - len(found)
            found += await _look_up(session, tenant, status=status, word=word, after=after, limit=rest)
            break
    more = found[limit - 1].key.id if len(found) > limit else ""
    return Page(items=tuple(found[:limit]), next=more)


async def _border(session: Session, tenant: str, after: str, size: int) -> str:
    """Return the last id of the next piece, or "" where it is the last piece."""
    statement = f"SELECT id FROM {session.schema}.roster WHERE tenant = %s AND id > %s ORDER BY id LIMIT 1 OFFSET %s"
    row = await session.row(statement, (tenant, after, size), is_list=True)
    return "" if row is None else str(row[0])


async def _look_through(
    session: Session, tenant: str, *, status: str, word: str, after: str, last: str, limit: int
) -> list[Summary]:
    """Look at one person after the other.

    The index of names cannot answer ``strpos``. A planner that does not know the word would ask the index with ``LIKE``,
    and for a word of one letter it would read all of it.
    """
    terms = {"id <= %s": last, "strpos(search, %s) > 0": word}
    return await _rows(session, tenant, status, after, {term: value for term, value in terms.items() if value}, limit)


async def _look_up(session: Session, tenant: str, *, status: str, word: str, after: str, limit: int) -> list[Summary]:
    """Let the index of names answer."""
    pattern = "%" + word.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_") + "%"
    return await _rows(session, tenant, status, after, {"search LIKE %s": pattern}, limit)


async def _rows(
    session: Session, tenant: str, status: str, after: str, terms: dict[str, str], limit: int
) -> list[Summary]:
    wanted = {"tenant = %s": tenant, "id > %s": after, **({"status = %s": status} if status else {}), **terms}
    statement = f"SELECT {_COLUMNS} FROM {session.schema}.roster WHERE {' AND '.join(wanted)} ORDER BY id LIMIT %s"
    return [_summary(tenant, row) for row in await session.rows(statement, (*wanted.values(), limit), is_list=True)]


async def summaries(session: Session, tenant: str, ids: Sequence[str]) -> dict[str, Summary]:
    """Return the summaries of these people by id, some hundreds in one call."""
    statement = f"SELECT {_COLUMNS} FROM {session.schema}.roster WHERE tenant = %s AND id = ANY(%s)"
    found: dict[str, Summary] = {}
    for start in range(0, len(ids), NAMED_AT_ONCE):
        piece = [id for id in ids[start : start + NAMED_AT_ONCE] if "\0" not in id]
        rows = await session.rows(statement, (tenant, piece), is_list=True)
        found |= {line.key.id: line for line in (_summary(tenant, row) for row in rows)}
    return found


def _summary(tenant: str, row: Row) -> Summary:
    id, name, status, factors, locked_at, last_proof_at = row
    return summary_from(SubjectKey(tenant, id), (name, status, factors.split(), locked_at, last_proof_at))


async def counts(session: Session, tenant: str) -> dict[str, int]:
    """Count the accounts of the tenant by status."""
    statement = f"SELECT status, people FROM {session.schema}.tally WHERE tenant = %s"
    return dict.fromkeys(STATUSES, 0) | {
        status: people
        for status, people in await session.rows(statement, (tenant,), is_list=True)
        if status in STATUSES
    }
