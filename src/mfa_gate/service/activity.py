"""The part of an account's trail that people see on their own page."""

from __future__ import annotations

from ..core.events import OWN, Event
from ..core.model import SubjectKey
from .accounts import Engine

PIECE = 50
MAX_PIECES = 4
"""Pieces of the trail that one page reads. Many events that are not shown must not make it read the whole trail."""


async def own_activity(engine: Engine, key: SubjectKey, *, limit: int) -> list[Event]:
    """Return up to ``limit`` of the newest events that the person may see.

    The row of each event kind decides if the person sees it (``OWN``).
    """
    found: list[Event] = []
    after = ""
    for _ in range(MAX_PIECES):
        page = await engine.store.events(key.tenant, account=key.id, after=after, limit=PIECE)
        found += [event for event in page.items if event.kind in OWN]
        after = page.next
        if len(found) >= limit or not after:
            break
    return found[:limit]
