"""The index of parts of names in the SQLite store, to find a seldom word at once.

The text that is searched (id and name) is cut at every second byte into parts of eight bytes. A word that stands in a text
covers such a cut, at its first byte or at its second: so the first bytes of a part are a window of the word, and its
entries lie beside each other. The index only proposes people; the text itself is compared. ``roster.number`` is a
person's number in it, 0 as long as it has none of them. An entry is removed as any row is: no piece of a name stays.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Iterator

from ...errors import StoreUnavailable
from .worker_thread import WorkerThread

log = logging.getLogger("mfa_gate")

PART, STEP = 8, 2
"""Bytes of a part, and from one cut to the next. Smaller steps find shorter words, and take more room."""
SHORTEST = 2
"""Bytes of the shortest window that is looked up."""
_MOST = (64, 1_024, 8_192)
"""Entries that are counted of each window, at first and later: with more of them the people are looked through."""
FILLED_AT_ONCE = 200
"""People of an older store that one transaction adds."""
_PAUSE, _LONG_PAUSE = 0.05, 5.0
"""Seconds between two such transactions, and after one that could not be made."""

Range = tuple[bytes, bytes]
_COUNT = "SELECT count(*) FROM (SELECT 1 FROM name_part WHERE part >= ? AND part < ? LIMIT ?)"
_UNNUMBERED = "FROM roster INDEXED BY roster_unnumbered WHERE number = 0"


def parts_of(text: str) -> set[bytes]:
    """Cut a text into the parts that are kept of it."""
    whole = text.encode()
    return {whole[at : at + PART] for at in range(0, len(whole), STEP)}


def put(connection: sqlite3.Connection, number: int, before: str, after: str) -> int:
    """Let the index have the parts of ``after`` instead of those of ``before``.

    ``number`` is the person's, 0 for somebody who has none yet. Returns the number.
    """
    if number == 0:
        highest = "SELECT max(number) FROM roster INDEXED BY roster_number WHERE number > 0"
        number, before = 1 + (connection.execute(highest).fetchone()[0] or 0), ""
    old, new = parts_of(before), parts_of(after)
    connection.executemany("DELETE FROM name_part WHERE part = ? AND number = ?", [(p, number) for p in old - new])
    connection.executemany("INSERT OR IGNORE INTO name_part VALUES (?, ?)", [(p, number) for p in sorted(new - old)])
    return number


def remove(connection: sqlite3.Connection, number: int, text: str) -> None:
    """Remove all parts of a person."""
    if number:
        put(connection, number, text, "")


def fill(connection: sqlite3.Connection) -> int:
    """Add some people of a store that an older release wrote.

    Returns how many.
    """
    rows = connection.execute(f"SELECT tenant, id, search {_UNNUMBERED} LIMIT ?", (FILLED_AT_ONCE,)).fetchall()
    for tenant, id, text in rows:
        number = put(connection, 0, "", text)
        connection.execute("UPDATE roster SET number = ? WHERE tenant = ? AND id = ?", (number, tenant, id))
    return len(rows)


async def fill_all(writer: WorkerThread) -> None:
    """Add everybody who is missing, bit by bit, so that other writes wait for a moment only."""
    added = 1
    while added:
        try:
            added = await writer.run(fill)
            await asyncio.sleep(_PAUSE)
        except StoreUnavailable as error:
            log.info("the index of names is not complete yet: %s", error)
            await asyncio.sleep(_LONG_PAUSE)


def has_everybody(connection: sqlite3.Connection) -> bool:
    """Tell whether nobody is missing in the index."""
    return connection.execute(f"SELECT 1 {_UNNUMBERED} LIMIT 1").fetchone() is None


def places_of(connection: sqlite3.Connection, word: str) -> list[Range] | None:
    """Find ranges of the index that have all people with the word, and few others.

    Returns None where they would be many, or where the word is too short.
    """
    whole, found = word.encode(), list[Range]()
    for first in range(STEP):
        windows = [whole[at : at + PART] for at in range(first, len(whole) - SHORTEST + 1, STEP)]
        place = next(_seldom(connection, windows), None)
        if place is None:
            return None
        found.append(place)
    return found


def _seldom(connection: sqlite3.Connection, windows: list[bytes]) -> Iterator[Range]:
    """Yield the windows with few entries; a look at a frequent one ends soon."""
    for most in _MOST:
        for window in windows:
            place = window, window + b"\xff"  # no text in UTF-8 has this byte
            if connection.execute(_COUNT, (*place, most + 1)).fetchone()[0] <= most:
                yield place
