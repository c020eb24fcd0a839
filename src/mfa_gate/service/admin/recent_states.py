"""People with a grant, a dispute or a ticket, found by the trail.

Such a state lasts hours or days.

No store has an index of them, and nobody else has to be looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ...core.changes.dispute import FREEZE
from ...core.model import SubjectKey
from ...core.rules import DAY
from ..accounts import Engine
from ..turns import AT_ONCE

MAX_PIECES = 800
"""Pieces of the trail that are read for one kind: 40,000 lines of the last days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentState:
    """The ``kinds`` of events that begin a state, and its longest life (seconds)."""

    kinds: tuple[str, ...]
    lasts: int


STATES: Mapping[str, RecentState] = {
    "break_glass": RecentState(kinds=("break_glass.asked", "break_glass.granted"), lasts=2 * DAY),
    "disputed": RecentState(kinds=("account.disputed",), lasts=FREEZE + DAY),
    "ticket": RecentState(kinds=("enrollment.ticket",), lasts=31 * DAY),
}


async def people_in(engine: Engine, tenant: str, state: str) -> tuple[SubjectKey, ...]:
    """List the people of a tenant who may be in a state of ``STATES``, by id.

    Whether they still are, their accounts say.
    """
    row = STATES[state]
    return await people_since(engine, tenant, row.kinds, engine.now() - row.lasts)


async def people_since(engine: Engine, tenant: str, kinds: tuple[str, ...], since: int) -> tuple[SubjectKey, ...]:
    """List the people of whom an event of these kinds tells from ``since`` on, by id.

    The events are read tenant by tenant. Over all trails at once, a rare kind would read every line.
    """
    found = set[SubjectKey]()
    for kind in kinds:
        after = ""
        for _ in range(MAX_PIECES):
            page = await engine.store.events(tenant, kind=kind, after=after, limit=AT_ONCE)
            found |= {SubjectKey(e.tenant, e.account) for e in page.items if e.at >= since and e.account}
            after = page.next
            if not after or page.items[-1].at < since:
                break
    return tuple(sorted(found, key=lambda key: key.id))
