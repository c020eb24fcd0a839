"""Erasure of a forgotten person from the trail of the tenant."""

from __future__ import annotations

import asyncio

from ..core.events import Moment
from ..core.model import SubjectKey
from ..core.trail import digest_of
from ..core.trail_erasure import KIND, Erasure
from ..storage import Rewrite
from .accounts import Engine

PIECE = 1_000


async def erase_from_trail(engine: Engine, key: SubjectKey, moment: Moment, *, pseudonym: str, until: str) -> int:
    """Put ``pseudonym`` in the place of the person in every line.

    The lines are those up to the event ``until`` ("": all). The event that binds the new texts commits first, and a store
    rewrites the newest lines first. So the trail verifies at every moment, also after a crash between the two; the same
    call then does the rest. Returns the number of lines. Raises ``StoreUnavailable``.
    """
    event = moment.event(KIND, SubjectKey(key.tenant, ""))
    erasure = Erasure(id=key.id, pseudonym=pseudonym, ref=event.id)
    found = await _found(engine, key, erasure, until)
    if not found:
        return 0
    event = moment.event(
        KIND, SubjectKey(key.tenant, ""), pseudonym=pseudonym, lines=len(found), last=digest_of(found[-1].line)
    )
    await engine.record((event,))
    await engine.store.rewrite(key.tenant, found)
    return len(found)


async def _found(engine: Engine, key: SubjectKey, erasure: Erasure, until: str) -> list[Rewrite]:
    """Read the trail, and make the new text of each line that names the person."""
    found, previous, place = list[Rewrite](), "", -1
    stop = f'"id":"{until}"' if until else ""
    while piece := await engine.store.links(key.tenant, after=place, limit=PIECE):
        for link in piece:
            if stop and stop in link.line:
                return found
            line = erasure.apply(link.line, previous)
            if line is not None:
                previous = digest_of(line)
                found.append(Rewrite(link.place, link.line, line))
        place = piece[-1].place
        await asyncio.sleep(0)
    return found
