"""Legal holds: while a trail has one, retention removes nothing from it.

Several matters may hold one trail. Each hold ends by itself, by its reference.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ..core.model import SubjectKey
from .accounts import Engine

NOTE = "audit:holds"
TURNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class LegalHold:
    """One hold. ``ref`` is the line of the trail that tells of it, ``at`` is in UTC seconds."""

    ref: str
    tenant: str
    by: str
    at: int
    reason: str


class LegalHolds:
    """Use cases of holds.

    The event always comes first: a hold without its line in the trail never counts.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def all(self) -> tuple[LegalHold, ...]:
        """List every hold, the oldest first."""
        body = await self.engine.store.meta(NOTE)
        return tuple(LegalHold(**row) for row in json.loads(body)) if body else ()

    async def of(self, tenant: str) -> tuple[LegalHold, ...]:
        """List the holds of a tenant's trail."""
        return tuple(hold for hold in await self.all() if hold.tenant == tenant)

    async def begin(self, tenant: str, *, by: str, reason: str) -> LegalHold:
        """Hold the trail of a tenant from now on."""
        moment = self.engine.moment(actor=by)
        event = moment.event("audit.hold", SubjectKey(tenant, ""), reason=reason)
        await self.engine.record((event,))
        hold = LegalHold(ref=event.id, tenant=tenant, by=by, at=moment.now, reason=reason)
        # Notes have no version: where somebody else wrote at the same time, the last one wins.
        for _ in range(TURNS):
            known = await self.all()
            if hold in known:
                break
            await self._write((*known, hold))
        return hold

    async def end(self, hold: LegalHold, *, by: str, reason: str) -> None:
        """Release one hold. Others of the same trail stay."""
        event = self.engine.moment(actor=by).event(
            "audit.released", SubjectKey(hold.tenant, ""), reason=reason, hold=hold.ref
        )
        await self.engine.record((event,))
        await self._write(tuple(one for one in await self.all() if one.ref != hold.ref))

    async def _write(self, holds: tuple[LegalHold, ...]) -> None:
        await self.engine.store.put_meta(NOTE, json.dumps([asdict(hold) for hold in holds]).encode())
