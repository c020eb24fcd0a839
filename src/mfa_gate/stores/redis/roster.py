"""The administrators' lists in Redis, with a line for each person.

People are found by place, by status, or by a part of the name.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence

from ...core.model import SubjectKey
from ...core.summary import STATUSES, Summary
from ...errors import StoreUnavailable
from ...storage import Page
from ..common import documents
from ..common.documents import search_text, search_word
from . import name_bits, scripts
from .monitor import number_of
from .names import keys_of
from .session import Session

log = logging.getLogger("mfa_gate")

_FREQUENT = 10
"""If a first look finds fewer than this, the rest is looked up in the index of names."""
_LOOKED_AT_FIRST, _LOOKED_AT = 1_000, 2_000
"""The number of roster lines that one script looks at, in a few milliseconds: at first, and later."""
_STRINGS_AT_ONCE = 1_000
_PIECE = 500
_PIECES_A_SEARCH = 4
_PARTED = dict.fromkeys(range(3), " ")
"""Separators of the index of names are replaced by spaces in names."""
_MOST_NAMED = 20_000
_LINES_AT_ONCE = 500


async def page(session: Session, tenant: str, *, status: str, query: str, after: str, limit: int) -> Page:
    """Return summaries of a tenant, by id.

    A long search is done in pieces, so it does not block other callers. A frequent word is found by a look at one line after
    the other, a rare word in the index of names.
    """
    keys, word = keys_of(tenant), search_word(query)
    ids = keys.status(status) if status else keys.ids
    found: list[Summary] = []
    bound = f"({after}" if after else "-"
    look_at = _LOOKED_AT_FIRST if word else limit + 1
    while True:
        arguments = (session.store_id, bound, limit + 1 - len(found), word, look_at)
        reply = await session.run(scripts.FIND, [keys.head, keys.lines, ids], *arguments, writes=False)
        if reply[0] == b"gone":
            await session.is_unknown(tenant)
            return Page(items=())
        found += [summary_from(tenant, id, line) for id, line in zip(reply[2::2], reply[3::2], strict=True)]
        if len(found) > limit:
            return Page(items=tuple(found[:limit]), next=found[limit - 1].key.id)
        if not reply[1]:
            return Page(items=tuple(found))
        bound, look_at = "(" + reply[1].decode(), _LOOKED_AT
        if len(found) < _FREQUENT and (seldom := await find_by_name(session, tenant, word)) is not None:
            rest = [id for id in seldom if id > reply[1]]
            found += await summaries_of(session, tenant, rest, status=status, limit=limit + 1 - len(found))
            more = found[limit - 1].key.id if len(found) > limit else ""
            return Page(items=tuple(found[:limit]), next=more)


async def counts(session: Session, tenant: str) -> dict[str, int]:
    """Count the accounts of the tenant by status."""
    keys = keys_of(tenant)
    counting = [("ZCARD", keys.status(status)) for status in STATUSES]
    *found, head = await session.ask(keys.head, *counting, ("HGET", keys.head, "store"))
    if head != session.store_id.encode():
        await session.is_unknown(tenant)
    return dict(zip(STATUSES, found, strict=True))


async def summaries(session: Session, tenant: str, ids: Sequence[str]) -> dict[str, Summary]:
    """Return the summaries of these people by id, some hundreds in one call."""
    keys, found = keys_of(tenant), dict[str, Summary]()
    for start in range(0, len(ids), _LINES_AT_ONCE):
        piece = [id.encode() for id in ids[start : start + _LINES_AT_ONCE]]
        lines, head = await session.ask(keys.head, ("HMGET", keys.lines, *piece), ("HGET", keys.head, "store"))
        if head != session.store_id.encode():
            await session.is_unknown(tenant)
            return {}
        found |= {
            id.decode(): summary_from(tenant, id, line)
            for id, line in zip(piece, lines, strict=True)
            if line is not None
        }
    return found


async def find_by_name(session: Session, tenant: str, word: str) -> list[bytes] | None:
    """List the ids that have ``word`` in id or name, in order.

    Returns None if the index is not complete yet, or if too many are found to be sorted here.
    """
    keys, found = keys_of(tenant), list[bytes]()
    if not word or any(mark in word for mark in "\0\1\2"):
        return None
    if (index := await _whole_index(session, tenant)) is None:
        return None
    placed, with_bits = index
    made = await name_bits.make(session, keys, placed, with_bits)
    strings = await name_bits.strings_with(session, keys, word, placed=placed, made=made)
    for at in range(0, len(strings), _STRINGS_AT_ONCE):
        piece = strings[at : at + _STRINGS_AT_ONCE]
        reply = await session.run(scripts.NAMED, [keys.head, keys.names], session.store_id, word, *piece, writes=False)
        found += reply[1:] if reply[0] == b"done" else []
        if len(found) > _MOST_NAMED:
            return None
    return sorted(found)


async def _whole_index(session: Session, tenant: str) -> tuple[int, int] | None:
    """Return the places that are taken in the index of names, and its blocks that have bits.

    Returns None if it is not complete. Adds some missing people to it first.
    """
    keys = keys_of(tenant)
    asked = ("HLEN", keys.places), ("ZCARD", keys.ids), ("HMGET", keys.head, "indexed", "with_bits")
    for _ in range(_PIECES_A_SEARCH):
        places, known, (indexed, with_bits) = await session.ask(keys.head, *asked)
        if places == known:
            return number_of(indexed), number_of(with_bits)
        index = [keys.head, keys.lines, keys.ids, keys.names, keys.places, keys.named_before]
        try:
            await session.run(scripts.INDEX, index, session.store_id, _PIECE)
        except StoreUnavailable as error:
            log.info("the index of names is not complete yet: %s", error)
            return None
    return None


async def summaries_of(
    session: Session, tenant: str, ids: Sequence[bytes], *, status: str, limit: int
) -> list[Summary]:
    """Return the summaries of these ids, in their order, up to ``limit``."""
    keys, found = keys_of(tenant), list[Summary]()
    for start in range(0, len(ids), _LINES_AT_ONCE):
        piece = ids[start : start + _LINES_AT_ONCE]
        (lines,) = await session.ask(keys.head, ("HMGET", keys.lines, *piece))
        read = [summary_from(tenant, id, line) for id, line in zip(piece, lines, strict=True) if line is not None]
        found += [summary for summary in read if not status or summary.status == status]
        if len(found) >= limit:
            break
    return found[:limit]


def line_of(summary: Summary) -> str:
    """Write a roster line: JSON (ASCII, one line), then the text for searches."""
    parts = [summary.name, summary.status, summary.factors, summary.locked_at, summary.last_proof_at]
    return json.dumps(parts) + "\n" + search_text(summary).translate(_PARTED)


def summary_from(tenant: str, id: bytes, line: bytes) -> Summary:
    """Read a stored line of the roster. A damaged one gives a summary with the id alone."""
    key = SubjectKey(tenant, id.decode(errors="replace"))
    try:
        parts = json.loads(line.partition(b"\n")[0])
    except (ValueError, RecursionError):
        parts = []
    return documents.summary_from(key, parts if isinstance(parts, list) else [])
