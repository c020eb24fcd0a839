"""Legal holds: while a trail has one, retention removes nothing from it.

Several matters may hold one trail. Each hold ends by itself, by its reference.

A hold stands in a note and in the trail, and either of the two keeps the lines. So nobody ends a hold by a write to the store
that `audit verify` does not find: the line of the hold is chained with a key.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ..core.events import Event
from ..core.model import SubjectKey
from .accounts import Engine
from .turns import AT_ONCE

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
        """List every hold, tenant by tenant, the oldest first."""
        noted = await self._noted()
        tenants = sorted({*await self.engine.store.trails(), *(hold.tenant for hold in noted)})
        return tuple([hold for tenant in tenants for hold in await self._of(tenant, noted)])

    async def of(self, tenant: str) -> tuple[LegalHold, ...]:
        """List the holds of a tenant's trail, the oldest first."""
        return await self._of(tenant, await self._noted())

    async def _of(self, tenant: str, noted: tuple[LegalHold, ...]) -> tuple[LegalHold, ...]:
        mine = (hold for hold in noted if hold.tenant == tenant)
        known = {hold.ref: hold for hold in (*await self._told(tenant), *mine)}
        return tuple(sorted(known.values(), key=lambda hold: hold.at))

    async def _noted(self) -> tuple[LegalHold, ...]:
        body = await self.engine.store.meta(NOTE)
        return tuple(LegalHold(**row) for row in json.loads(body)) if body else ()

    async def _told(self, tenant: str) -> list[LegalHold]:
        """Read the holds that the trail tells of, and no release ends. The oldest is first."""
        released = {str(event.detail.get("hold", "")) for event in await self._lines(tenant, "audit.released")}
        return [
            LegalHold(ref=event.id, tenant=tenant, by=event.actor, at=event.at, reason=event.reason)
            for event in reversed(await self._lines(tenant, "audit.hold"))
            if event.id not in released
        ]

    async def _lines(self, tenant: str, kind: str) -> list[Event]:
        found, after = list[Event](), ""
        while True:
            page = await self.engine.store.events(tenant, kind=kind, after=after, limit=AT_ONCE)
            found += page.items
            after = page.next
            if not after:
                return found

    async def begin(self, tenant: str, *, by: str, reason: str) -> LegalHold:
        """Hold the trail of a tenant from now on."""
        moment = self.engine.moment(actor=by)
        event = moment.event("audit.hold", SubjectKey(tenant, ""), reason=reason)
        await self.engine.record((event,))
        hold = LegalHold(ref=event.id, tenant=tenant, by=by, at=moment.now, reason=reason)
        # Notes have no version: where somebody else wrote at the same time, the last one wins.
        for _ in range(TURNS):
            known = await self._noted()
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
        await self._write(tuple(one for one in await self._noted() if one.ref != hold.ref))

    async def _write(self, holds: tuple[LegalHold, ...]) -> None:
        await self.engine.store.put_meta(NOTE, json.dumps([asdict(hold) for hold in holds]).encode())
