"""Erasure of a forgotten person from the trail of the tenant."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ..core.events import Event, Moment
from ..core.model import SubjectKey
from ..core.trail import digest_of
from ..core.trail_erasure import KIND, Erasure
from ..storage import Rewrite
from .accounts import Engine
from .turns import AT_ONCE, give_way


@dataclass(frozen=True, slots=True, kw_only=True)
class NamingLines:
    """The lines of a tenant's trail that name a person, with their new texts.

    ``event`` binds the new texts. ``acted_on`` are the ids of other people whom these lines are about.
    """

    tenant: str
    lines: Sequence[Rewrite]
    event: Event
    acted_on: frozenset[str]


async def lines_naming(
    engine: Engine, key: SubjectKey, moment: Moment, *, pseudonym: str, until: str, only_about: bool
) -> NamingLines:
    """Find the lines that name a person, and put ``pseudonym`` in their place.

    They are the lines up to the event ``until``, or all for "". ``only_about``: only the lines about this account.
    """
    event = moment.event(KIND, SubjectKey(key.tenant, ""))
    erasure = Erasure(id=key.id, pseudonym=pseudonym, ref=event.id, only_about=only_about)
    found = await _found(engine, key, erasure, until)
    last = digest_of(found[-1].line) if found else ""
    return NamingLines(
        tenant=key.tenant,
        lines=found,
        event=moment.event(KIND, SubjectKey(key.tenant, ""), pseudonym=pseudonym, lines=len(found), last=last),
        acted_on=frozenset(filter(None, (_account_of(line.line) for line in found))) - {key.id, pseudonym},
    )


async def erase_from_trail(engine: Engine, naming: NamingLines) -> int:
    """Write the new texts.

    The event that binds them commits first, and a store rewrites the newest lines first. So the trail verifies at every
    moment, also after a crash between the two; the same call then does the rest. Returns the number of lines. Raises
    ``StoreUnavailable``.
    """
    if naming.lines:
        await engine.record((naming.event,))
        await engine.store.rewrite(naming.tenant, naming.lines)
    return len(naming.lines)


def _account_of(line: str) -> str:
    found = json.loads(line).get("account", "")
    return found if isinstance(found, str) else ""


async def _found(engine: Engine, key: SubjectKey, erasure: Erasure, until: str) -> list[Rewrite]:
    """Read the trail, and make the new text of each line that names the person."""
    found, previous, place = list[Rewrite](), "", -1
    stop = f'"id":"{until}"' if until else ""
    while piece := await engine.store.links(key.tenant, after=place, limit=AT_ONCE):
        for link in piece:
            if stop and stop in link.line:
                return found
            line = erasure.apply(link.line, previous)
            if line is not None:
                previous = digest_of(line)
                found.append(Rewrite(link.place, link.line, line))
        place = piece[-1].place
        await give_way()
    return found
