"""Retention of the trail: remove lines that are older than the policy allows, and say so.

The policy's key is ``[audit] retention``. The event about it is written before the lines go.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ..core.model import Seconds, SubjectKey
from ..core.rules import DAY
from ..core.trail import count_old
from ..storage import ChainPoint, take_one
from .accounts import Engine
from .admin_alerts import Alarms
from .legal_holds import LegalHolds
from .retention_grace import TRAIL, RetentionGrace
from .store_checks import is_keyed
from .trail_notes import ForgedNote, TrailNotes
from .trail_signer import ACCEPTED, AlteredTrail, TrailSigner
from .trail_verification import PRUNED, Fault, Terms, TrailCheck, Verdict, first_fault
from .turns import AT_ONCE

log = logging.getLogger("mfa_gate")

PIECE = 1_000
SEEN = 10_000
"""Lines that are looked at for a piece: lines with a time in the future are as old as a later line."""
MAX_PIECES = 50
"""A round removes at most so many pieces of a tenant's trail; the rest goes the next time."""
MAX_STEP = 7 * DAY
"""The most seconds of old lines that a round removes by itself; also at most a quarter of the retention."""
HELD = "audit.prune_held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """The lines that retention removes at ``now``: those older than ``before``.

    ``first_at`` is the time of the oldest line. Times are UTC seconds, ``retention`` is in seconds.
    """

    first_at: int
    before: int
    retention: int
    now: int


class Retention:
    """Use cases of retention. Nothing is pruned if the policy names no retention."""

    def __init__(self, engine: Engine, alarms: Alarms, signer: TrailSigner) -> None:
        self.engine = engine
        self.alarms = alarms
        self.signer = signer
        self.grace = RetentionGrace(engine, TRAIL)
        self.holds = LegalHolds(engine)

    async def keep(self) -> None:
        """Prune the trail of every tenant, if the amount is ordinary.

        An hourly round removes about an hour of lines. A round that would remove many days of them comes after a long
        rest, after a first retention, or from a clock that runs ahead. Removed lines never come back. So nothing is
        removed then: the administrators are told, and an operator who trusts the clock prunes by command.
        """
        for tenant in await self.engine.store.trails():
            try:
                await self._keep(tenant)
            except Exception as error:
                log.error("old lines of the trail of %s could not be removed; the others go on: %s", tenant, error)

    async def _keep(self, tenant: str) -> None:
        cut = await self._cut(tenant)
        if cut is None or cut.first_at >= cut.before:
            return
        if cut.before - cut.first_at <= min(MAX_STEP, cut.retention // 4):
            await self._prune(tenant, cut, actor="mfa_gate")
        elif not await take_one(self.engine.store, f"{HELD}:{tenant}", limit=1, window=DAY, now=self.engine.now()):
            days = (cut.before - cut.first_at) // DAY
            log.error(
                "nothing is removed from the trail of %s: %d days of lines would go at once, and the clock may be wrong. "
                "If the time of this machine is right, run: mfa-gate audit prune --tenant %s --actor NAME",
                tenant,
                days,
                tenant,
            )
            moment = self.engine.moment(actor="mfa_gate")
            event = moment.event(HELD, SubjectKey(tenant, ""), reason="retention", before=cut.before, days=days)
            await self.engine.record((event,))
            await self.alarms.raise_for(event)

    async def prune(self, *, tenant: str = "", actor: str) -> dict[str, int]:
        """Prune the trails of all tenants, or of one, because an operator says so.

        Returns how many lines went from each trail. Raises ``AlteredTrail`` for one that somebody has altered, when the
        others are done.
        """
        found, altered = dict[str, int](), list[AlteredTrail]()
        for name in (tenant,) if tenant else await self.engine.store.trails():
            cut = await self._cut(name)
            if cut is not None and cut.first_at < cut.before:
                try:
                    found[name] = await self._prune(name, cut, actor=actor)
                except AlteredTrail as error:
                    altered.append(error)
        if altered:
            raise altered[0]
        return {name: count for name, count in found.items() if count}

    async def keeps_all(self, tenant: str = "") -> bool:
        """Tell if the policy names no retention for any trail, or for the one of ``tenant``."""
        names = (tenant,) if tenant else await self.engine.store.trails()
        return bool(names) and all(self.engine.rules(name).audit.retention is None for name in names)

    async def _cut(self, tenant: str) -> Cut | None:
        """Return the cut that a tenant's retention asks for now.

        Returns None if every line is kept, if a legal hold keeps them, or if no line has a usable time.
        """
        retention, now = self.engine.rules(tenant).audit.retention, self.engine.now()
        if retention is None or await self.holds.of(tenant):
            return None
        longer = await self.grace.for_tenant(tenant)
        if longer is not None:
            if longer.retention is None:
                return None
            retention = Seconds(max(int(retention), longer.retention))
        after, size = "", 1
        while (page := await self.engine.store.trail(tenant, after=after, limit=size)).items:
            after, size = page.next, PIECE
            for event in page.items:
                if 0 < event.at <= now:
                    return Cut(first_at=event.at, before=now - int(retention), retention=int(retention), now=now)
        return None

    async def _prune(self, tenant: str, cut: Cut, *, actor: str) -> int:
        """Record the event, with the number of lines, then remove them. Returns how many went.

        The event commits first. A crash between the two leaves lines that should have gone, never a gap without an
        event. Raises ``AlteredTrail`` before a line goes that somebody has altered: it is the only trace.
        """
        await self._permit(tenant, cut, is_dry=True)
        moment, count, lines = self.engine.moment(actor=actor), 0, await self._count(tenant, cut)
        event = moment.event(PRUNED, SubjectKey(tenant, ""), reason="retention", before=cut.before, lines=lines)
        await self.engine.record((event,))
        self.engine.written.pop(tenant, None)  # lines that go now are not missed
        for _ in range(MAX_PIECES):
            size = 0 if await self.holds.of(tenant) else await self._permit(tenant, cut)
            gone = await self.engine.store.prune(tenant, before=cut.before, limit=size, now=cut.now) if size else 0
            count += gone
            if gone < PIECE:
                break
        return count

    async def _count(self, tenant: str, cut: Cut) -> int:
        """Count the lines that a round removes."""
        times, after = list[int](), ""
        while (page := await self.engine.store.trail(tenant, after=after, limit=PIECE)).items:
            times += [event.at for event in page.items]
            after = page.next
            if len(times) >= MAX_PIECES * PIECE or any(cut.before <= event.at <= cut.now for event in page.items):
                break
        return min(count_old(times, before=cut.before, now=cut.now), MAX_PIECES * PIECE)

    async def _permit(self, tenant: str, cut: Cut, *, is_dry: bool = False) -> int:
        """Verify a piece of the oldest lines, and sign the leave to prune it.

        Returns the number of its lines. The leave commits before a line goes, so a beginning that somebody else removed is
        told apart. ``is_dry``: nothing is signed. Raises ``AlteredTrail``, when the administrators are told.
        """
        store = self.engine.store
        while True:
            anchor = await store.anchor(tenant)
            times = [event.at for event in (await store.trail(tenant, limit=SEEN)).items]
            if anchor == await store.anchor(tenant):
                break
        size = min(PIECE, count_old(times, before=cut.before, now=cut.now))
        if size and (fault := await self._altered(tenant, size)):
            await self.signer.tell(tenant, fault)
            raise AlteredTrail(fault)
        if size and not is_dry:
            await TrailNotes(store, self.engine.trail_keys).put_pruned(tenant, anchor.lines + size)
        return size

    async def _altered(self, tenant: str, size: int) -> Fault | None:
        """Look for a fault that no operator has accepted among the oldest lines."""
        store, keys = self.engine.store, self.engine.trail_keys
        try:
            signed = await TrailNotes(store, keys).head(tenant)
        except ForgedNote as error:
            return Fault(0, "the signed head was altered", error)
        fault = await first_fault(store, tenant, Terms(keys, signed.since if signed else None), most=size)
        accepted = (await store.events(tenant, kind=ACCEPTED, limit=AT_ONCE)).items if fault else ()
        return None if fault and any(one.detail.get("line") == fault.place + 1 for one in accepted) else fault

    async def verify(self, tenant: str = "", *, expected: Mapping[str, Sequence[ChainPoint]] | None = None) -> Verdict:
        """Check all trails, or the one of ``tenant``. Nothing is written.

        ``expected`` are points that somebody has kept elsewhere, by tenant.
        """
        engine = self.engine
        keyed = await is_keyed(engine.store, engine.keyring)
        check = TrailCheck(engine.store, engine.trail_keys, is_keyed=keyed, expected=expected)
        return await check.run(tenant)
