"""The signing of the trails' heads in the store, a moment after lines were written.

A head is signed only where the lines since the last signed one follow it. So a trail that somebody altered is told of with
its next line, and is never signed over by itself.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import replace

from ..core.model import SubjectKey
from ..core.rules import DAY
from ..core.trail import chain, link_digest
from ..errors import StoreUnavailable
from ..storage import ChainPoint, take_one
from .accounts import Engine
from .admin_alerts import Alarms
from .store_checks import is_keyed, mark_keyed
from .trail_notes import ForgedNote, SignedHead, TrailNotes
from .trail_verification import LIST_GONE, Fault, Terms, first_fault, key_of_line, missing_beginning
from .turns import AT_ONCE, give_way

log = logging.getLogger("mfa_gate")

TURNS = 20
MAX_NEW, MAX_LOOKED_AT = 200, 5_000
"""New lines among which those of this process are looked for, and all lines before one counts as lost.

With more new lines in half a second, none is read once more."""
LOST = "lines that were written are not there any more, and the trail looks as if they never were"
ALTERED, ACCEPTED = "audit.altered", "audit.accepted"


class AlteredTrail(Exception):
    """The error for a trail that cannot be signed: it does not follow the signed head."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(f"line {fault.place + 1}: {fault.text}")
        self.fault = fault


class TrailSigner:
    """Signs the heads of trails that have grown, in the background."""

    def __init__(self, engine: Engine, alarms: Alarms) -> None:
        self.engine = engine
        self.alarms = alarms
        self._signed: dict[str, SignedHead] = {}
        self._looked_from: dict[str, int] = {}
        """Lines of a trail that were signed when the lines to look for began."""
        self._altered: set[str] = set()
        self._turn = asyncio.Lock()
        self._is_ready = False
        engine.sign_heads = self._due

    @property
    def notes(self) -> TrailNotes:
        """Return the signed notes of the store."""
        return TrailNotes(self.engine.store, self.engine.trail_keys)

    async def begin(self, *, is_new: bool) -> None:
        """Load the older keys. A new store gets its signed list of trails.

        Raises ``StoreUnavailable``.

        The trails of a store of an earlier release are signed in the background, with ``flush``.
        """
        engine = self.engine
        await engine.trail_keys.load(engine.store)
        await engine.trail_keys.keep(engine.store, engine.wiring.entropy)
        if is_new:
            await self.notes.add_tenants(())
            await mark_keyed(engine.store, engine.keyring, engine.wiring.entropy)

    def _due(self) -> None:
        self.engine.effects.later(self.flush())

    async def flush(self) -> None:
        """Sign the heads of all trails that have grown.

        It must not raise: what fails is tried with the next line.
        """
        async with self._turn:
            grown = self.engine.grown.copy()
            self.engine.grown.clear()
            try:
                await self._get_ready()
                for tenant in sorted(grown):
                    await self._sign_or_tell(tenant)
            except StoreUnavailable as error:
                self.engine.grown |= grown
                log.info("the heads of trails could not be signed now: %s", error)
            except Exception:
                log.exception("the heads of trails could not be signed")

    async def aclose(self) -> None:
        """Sign what has grown, and stop."""
        self.engine.sign_heads = None
        if self.engine.grown:
            await self.flush()

    # -- a store of an earlier release ----------------------------------------------------------------------------

    async def _get_ready(self) -> None:
        """Sign the trails of a store that was made before trails were signed.

        Their lines are checked as far as that is possible without a key.
        """
        store = self.engine.store
        if self._is_ready:
            return
        try:
            listed = await self.notes.tenants()
        except ForgedNote as error:
            await self.tell("", Fault(0, "the signed list of trails was altered", error))
            return
        if listed is None and await is_keyed(store, self.engine.keyring):
            await self.tell("", Fault(0, LIST_GONE))
            return
        if listed is None:
            tenants = await store.trails()
            for tenant in tenants:
                await self._adopt(tenant)
            await self.notes.add_tenants(tenants)
            await mark_keyed(store, self.engine.keyring, self.engine.wiring.entropy)
        self._is_ready = True

    async def _adopt(self, tenant: str) -> None:
        anchor = await self.engine.store.anchor(tenant)
        fault = await missing_beginning(self.engine.store, tenant, anchor)
        fault = fault or await first_fault(self.engine.store, tenant, Terms(self.engine.trail_keys))
        if fault is not None:
            await self.tell(tenant, fault)
            return
        start = SignedHead(
            tenant=tenant, lines=anchor.lines, digest=anchor.digest, place=-1, since=anchor.lines, at=self.engine.now()
        )
        await self.notes.put_pruned(tenant, anchor.lines)
        head = await self._walked(start, is_old=True)
        await self.notes.put_head(head)
        log.info("the trail of %s is signed from now on: its first %d lines have no key", tenant, head.since)

    # -- signing --------------------------------------------------------------------------------------------------

    async def _sign_or_tell(self, tenant: str) -> None:
        written, since = self.engine.written.pop(tenant, set()), self._looked_from.get(tenant, 0)
        signed = self._signed.get(tenant)
        self._looked_from[tenant] = signed.lines if signed else 0
        try:
            head = await self.sign(tenant)
            if await self._misses(tenant, written, newest=head.lines - since):
                raise AlteredTrail(Fault(head.lines, LOST))
        except AlteredTrail as error:
            await self.tell(tenant, error.fault)
        except StoreUnavailable:
            self.engine.written.setdefault(tenant, set()).update(written)
            self._looked_from[tenant] = since
            raise

    async def _misses(self, tenant: str, written: set[str], *, newest: int) -> bool:
        """Tell if lines of this process are gone, although the rest of the trail is whole.

        Somebody who takes lines away before a head is signed leaves no other trace: a trigger in the database, for example.
        ``newest`` lines were written since, by this process and by others.
        """
        if newest > MAX_NEW:
            return False
        # A line whose commit was heard of late is older than it seems, so the second look goes further back.
        return await self._lacks(tenant, written, newest) and await self._lacks(tenant, written, MAX_LOOKED_AT)

    async def _lacks(self, tenant: str, wanted: set[str], most: int) -> bool:
        """Tell if the newest lines, ``most`` of them, lack one that is wanted."""
        after, left = "", set(wanted)
        while left and most > 0:
            page = await self.engine.store.events(tenant, after=after, limit=min(AT_ONCE, most))
            left -= {event.id for event in page.items}
            after, most = page.next, most - len(page.items)
            if not after:
                break
        return bool(left)

    async def sign(self, tenant: str) -> SignedHead:
        """Sign the head of one trail, if its lines follow the last signed one.

        Raises ``AlteredTrail``.

        Another process may sign at the same time. The last one looks again, so the newest head is signed in the end.
        """
        for _ in range(TURNS):
            known = await self._known(tenant)
            head = await self._walked(known)
            if head.lines == known.lines and known.place >= 0:
                break
            head = replace(head, at=self.engine.now())
            await self.notes.put_head(head)
            await self.notes.add_tenants((tenant,))
            self._signed[tenant] = head
            if (await self.engine.store.head(tenant)).lines <= head.lines:
                break
        return head

    async def accept(self, tenant: str, fault: Fault, *, actor: str, reason: str) -> None:
        """Sign a trail as it stands: an operator has looked at its fault.

        An event tells of it for good. It heals what only the signed notes knew, such as lines that a failover lost. A line
        that does not fit the chain is still named by every verification, and the lines behind it are signed again.
        """
        engine, store = self.engine, self.engine.store
        moment = engine.moment(actor=actor)
        event = moment.event(ACCEPTED, SubjectKey(tenant, ""), reason=reason, line=fault.place + 1, found=fault.text)
        await engine.record((event,))
        point, place = await store.head(tenant), -1
        while piece := await store.links(tenant, after=place, limit=AT_ONCE):
            place = piece[-1].place
        since = 0
        with suppress(ForgedNote):
            known = await self.notes.head(tenant)
            since = known.since if known else 0
        await self.notes.put_head(
            SignedHead(tenant=tenant, lines=point.lines, digest=point.digest, place=place, since=since, at=moment.now)
        )
        await self.notes.put_pruned(tenant, (await store.anchor(tenant)).lines, anew=True)
        await self.notes.add_tenants((*await store.trails(), tenant), anew=True)
        self._signed.pop(tenant, None)
        self._altered.discard(tenant)

    async def _known(self, tenant: str) -> SignedHead:
        """Return the last signed head, or the beginning of a trail that was never signed."""
        store, mine = self.engine.store, self._signed.get(tenant)
        try:
            known = await self.notes.head(tenant)
            listed = await self.notes.tenants()
        except ForgedNote as error:
            raise AlteredTrail(Fault(0, "a signed note was altered", error)) from error
        if listed is None and await is_keyed(store, self.engine.keyring):
            # A new list would lack the trails that went with it.
            raise AlteredTrail(Fault(0, LIST_GONE))
        anchor = await store.anchor(tenant)
        if known is None:
            if mine is not None or tenant in (listed or ()):
                raise AlteredTrail(Fault(mine.lines if mine else 0, "the signed head was removed"))
            return SignedHead(tenant=tenant, lines=anchor.lines, digest=anchor.digest, place=-1, since=0, at=0)
        if mine is not None and known.lines < mine.lines and mine.lines > anchor.lines:
            found = await store.links(tenant, after=mine.place - 1, limit=1)
            if not found or (found[0].place, found[0].digest) != (mine.place, mine.digest):
                self._signed[tenant] = known  # it is told once; an accepted older copy of the store goes on from here
                raise AlteredTrail(Fault(known.lines, "the signed head was set back, and lines behind it are gone"))
        if known.lines < anchor.lines:
            return replace(known, lines=anchor.lines, digest=anchor.digest, place=-1)
        return known

    async def _walked(self, known: SignedHead, *, is_old: bool = False) -> SignedHead:
        """Follow the lines behind ``known`` to the head. Raises ``AlteredTrail``."""
        store, keys, tenant = self.engine.store, self.engine.trail_keys, known.tenant
        digest, count, place, since = known.digest, known.lines, known.place, known.since
        while True:
            piece = await store.links(tenant, after=place, limit=AT_ONCE)
            for link in piece:
                key = key_of_line(link.line)
                own = link_digest(link.line)
                own = keys.own(key, tenant, own) if key else own
                if not own or (digest := chain(digest, own)) != link.digest or (not key and not is_old):
                    raise AlteredTrail(Fault(count, "this line does not follow the signed head"))
                count += 1
                since = count if not key else since
            if piece:
                place = piece[-1].place
                await give_way()
                continue
            head = await store.head(tenant)
            if head == ChainPoint(lines=count, digest=digest):
                break
            if head.lines <= count or not await store.links(tenant, after=place, limit=1):
                raise AlteredTrail(Fault(min(count, head.lines), "the head is not the last line’s"))
        return SignedHead(tenant=tenant, lines=count, digest=digest, place=place, since=since, at=self.engine.now())

    async def tell(self, tenant: str, fault: Fault) -> None:
        """Log that a trail was altered, and once a day raise the alarm."""
        engine = self.engine
        if tenant not in self._altered:
            self._altered.add(tenant)
            log.error(
                "the trail of %s was altered and is not signed: line %d: %s. Look with: mfa-gate audit verify",
                tenant or "all tenants",
                fault.place + 1,
                fault.text,
            )
        if not tenant or await take_one(engine.store, f"{ALTERED}:{tenant}", limit=1, window=DAY, now=engine.now()):
            return
        moment = engine.moment(actor="mfa_gate")
        event = moment.event(ALTERED, SubjectKey(tenant, ""), reason="altered", line=fault.place + 1, found=fault.text)
        await engine.record((event,))
        await self.alarms.raise_for(event)
