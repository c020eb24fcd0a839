"""Load, step, swap: the one retry loop, and the cache of decoded accounts."""

from __future__ import annotations

import asyncio
import logging
import random
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from ..core.changes import Change
from ..core.changes.tenant_end import with_tenant
from ..core.entropy import LETTERS, MARK, session_id
from ..core.events import Event, KeyedEvent, Moment
from ..core.model import NOTHING_ON_FILE, Account, Caller, Contacts, Subject, SubjectKey, replace
from ..core.networks import full_address
from ..core.rules import Policy, Rules, TenantSettings
from ..core.text_safety import may_be_mailbox
from ..core.trail import keyed
from ..errors import SettingsError, StoreContention, StoreUnavailable
from ..host_faults import misbehaved
from ..keyring import CHAIN
from ..ports import Closes
from ..storage import Changed, Reader
from .effects import Effects
from .exemption_uses import ExemptionUses
from .own_address import OwnAddress
from .places import Places
from .strangers import Strangers
from .trail_keys import TrailKeys
from .wiring import Wiring

log = logging.getLogger("mfa_gate")

A = TypeVar("A")

MAX_TURNS = 200
MAX_CACHED = 10_000
CONTACTS_TIMEOUT = 3.0
MAX_WRITTEN = 1_000
"""Lines of a trail that are looked for in it, before its head is signed."""
SIGN_AFTER = 0.5
"""Seconds from a line to the signature of its trail's head: many lines share one."""


@dataclass(slots=True, eq=False)
class Entry:
    """One account in the cache.

    ``stale`` is set when the store reports a change. Code that still holds the entry checks this flag.
    """

    account: Account
    stale: bool = False


class Engine:
    """The shared means of all use cases: store, keys, clock, cache and effects.

    It decides nothing itself.
    """

    def __init__(self, wiring: Wiring, policy: Policy) -> None:
        self.wiring = wiring
        self.policy = wiring.factors.complete(policy)
        self.store = wiring.store
        self.reader = Reader()
        self.keyring = wiring.keyring
        self.trail_keys = TrailKeys(wiring.keyring)
        self._chain_key, self._chain_secret = wiring.keyring.newest, wiring.keyring.secret_of(CHAIN)
        self.factors = wiring.factors
        self._accounts: OrderedDict[SubjectKey, Entry] = OrderedDict()
        self._settings: OrderedDict[str, TenantSettings] = OrderedDict()
        self._last_settings: OrderedDict[str, TenantSettings] = OrderedDict()
        self._generation = 0
        self.away_since: int | None = None
        self.clock_apart = 0
        """Seconds by which the store's clock was ahead of ours at the last look; 0 for a few (``clock_watch``)."""
        self.own_address = OwnAddress(wiring, self.public)
        self._turns: WeakValueDictionary[SubjectKey, asyncio.Lock] = WeakValueDictionary()
        self._committed: WeakKeyDictionary[asyncio.Lock, Account] = WeakKeyDictionary()
        self.effects = Effects(wiring.on_event)
        self.places = Places(wiring.describe_network) if wiring.describe_network else None
        if self.places is not None:
            self.effects.closers.append(self.places.close)
        self.strangers = Strangers()
        self.exemption_uses = ExemptionUses(wiring.store)
        self.grown: set[str] = set()
        """Tenants whose trail has grown since its head was signed (``trail_signer``)."""
        self.written: dict[str, set[str]] = {}
        """References of the lines that this process has committed since then, by tenant."""
        self.sign_heads: Callable[[], None] | None = None
        self._signing: asyncio.AbstractEventLoop | None = None

    async def place_of(self, network: str) -> str:
        """Return the place of a network in the host's words, "" where the host names none."""
        return await self.places.of(network) if self.places is not None else ""

    async def places_of(self, networks: Iterable[str]) -> Mapping[str, str]:
        """Return the places of several networks, by network; those without one are left out."""
        return await self.places.all_of(networks) if self.places is not None else {}

    def now(self) -> int:
        """Return the time of the gate's clock in UTC seconds."""
        return int(self.wiring.clock.now())

    def moment(self, *, network: str = "", actor: str = "", address: str = "") -> Moment:
        """Draw the time and fresh entropy for one change.

        The caller draws it before the first try and uses the same moment for each repetition.
        """
        at = self.wiring.clock.now()
        return Moment(
            now=int(at),
            ms=int(at % 1 * 1000),
            nonce=self.wiring.entropy(32),
            app=self.wiring.app,
            network=network,
            actor=actor,
            address=address,
            policy=self.policy.digest[:12],
        )

    def moment_of(self, caller: Caller, *, actor: str = "") -> Moment:
        """Draw the moment of a change that ``caller`` makes. See ``moment``."""
        at = self.wiring.clock.now()
        return Moment(
            now=int(at),
            ms=int(at % 1 * 1000),
            nonce=self.wiring.entropy(32),
            app=self.wiring.app,
            network=caller.network,
            actor=actor,
            policy=self.policy.digest[:12],
            acts_as="" if caller.acts_as is None else caller.acts_as.id,
            address=full_address(caller.address),
            browser=caller.handle[:MARK].translate(LETTERS),
            agent=caller.label,
            session=session_id(caller.subject.session),
            request=caller.request,
        )

    def bucket(self, word: str, *people: SubjectKey) -> str:
        """Name the counter of people.

        The store reads no id in it, and so keeps none of a forgotten person.
        """
        return f"{word}:{self.keyring.digest('bucket', *(part for key in people for part in (key.tenant, key.id)))}"

    def public(self, root: str) -> str:
        """Return the address of our own pages as seen from outside, "" if it is not known.

        ``root`` is the quoted path below which the current request reached the app. It counts where the developer named
        none. The origin comes from the configuration, never from a request.
        """
        wiring = self.wiring
        root = root if wiring.root is None else wiring.root
        return f"{wiring.origin}{root}{wiring.prefix}" if wiring.origin else ""

    def rules(self, tenant: str) -> Rules:
        """Return the rules of a tenant."""
        return self.policy.rules_for(tenant)

    def use_policy(self, policy: Policy) -> None:
        """Put another policy in force and forget all results of the old one."""
        self.policy = self.factors.complete(policy)
        self.forget_all()

    def use_wiring(self, wiring: Wiring) -> None:
        """Work with other parts from now on. All that was read from the store before is forgotten."""
        self.wiring = wiring
        if wiring.store is not self.store:
            self.store = wiring.store
            self.reader = Reader()
            self.away_since = None
            self._last_settings.clear()
        self.own_address = OwnAddress(wiring, self.public)
        self.forget_all()

    # -- reading --------------------------------------------------------------------------------------------------

    def notice(self) -> None:
        """Drop the cached data that the store reports as changed. Raises ``StoreUnavailable``.

        It is cheap and runs once for each guarded request.
        """
        try:
            changed = self.store.changed(self.reader)
        except StoreUnavailable:
            if self.away_since is None:
                self.away_since = self.now()
            raise
        if self.away_since is not None:
            self.away_since = None
            self.forget_all()
        if changed:
            self.heed(changed)

    def heed(self, changed: Changed) -> None:
        """Drop the accounts that the store reported as changed, or the whole cache.

        The whole cache goes if the store did not name the accounts.
        """
        self._generation += 1
        if isinstance(changed, frozenset):
            for key in changed:
                self._drop(key)
        else:
            self.forget_all()

    def forget_all(self) -> None:
        """Empty the cache."""
        self._generation += 1
        for entry in self._accounts.values():
            entry.stale = True
        self._accounts.clear()
        self._settings.clear()

    def _drop(self, key: SubjectKey) -> None:
        entry = self._accounts.pop(key, None)
        if entry is not None:
            entry.stale = True

    async def entry(self, key: SubjectKey) -> Entry:
        """Return an account for reading, from the cache if it is there.

        Call ``notice`` first, so that changed accounts have left the cache.
        """
        entry = self.known_entry(key)
        if entry is not None:
            return entry
        generation = self._generation
        entry = Entry(await self._counting(await self.store.load(key)))
        if generation != self._generation:
            entry.stale = True
            return entry
        self._accounts[key] = entry
        if len(self._accounts) > MAX_CACHED:
            _, oldest = self._accounts.popitem(last=False)
            oldest.stale = True
        return entry

    def known_entry(self, key: SubjectKey) -> Entry | None:
        """Return an account from the cache, or None. Call ``notice`` first."""
        entry = self._accounts.get(key)
        if entry is not None:
            self._accounts.move_to_end(key)
        return entry

    async def load(self, key: SubjectKey) -> Account:
        """Return an account from the store as it counts now.

        An end of all proofs of its tenant is taken into account (``with_tenant``).
        """
        self.notice()
        return await self._counting(await self.store.load(key))

    async def _counting(self, account: Account) -> Account:
        """Bring an account up to the last end of all proofs of its tenant.

        The kept settings may be older than the account, so a difference is looked at with those of the store.
        """
        tenant = account.key.tenant
        known = self._settings.get(tenant) or await self.settings(tenant)
        if account.tenant_epoch == known.epoch:
            return account
        return with_tenant(account, await self.store.settings(tenant), self.now())

    async def settings(self, tenant: str) -> TenantSettings:
        """Return the tenant's settings, from the cache if nothing has changed."""
        known = self._settings.get(tenant)
        if known is not None:
            return known
        generation = self._generation
        known = await self.store.settings(tenant)
        if generation == self._generation:
            for kept in (self._settings, self._last_settings):
                kept[tenant] = known
                if len(kept) > MAX_CACHED:
                    kept.popitem(last=False)
        return known

    def known_settings(self, tenant: str) -> TenantSettings | None:
        """Return the tenant's settings from the cache, or None. Call ``notice`` first."""
        return self._settings.get(tenant)

    def last_settings(self, tenant: str) -> TenantSettings | None:
        """Return the tenant's settings as last read, or None.

        While the store is away, nothing newer can be read.
        """
        return self._last_settings.get(tenant)

    async def contacts(self, subject: Subject) -> Contacts:
        """Ask the host for the person's contacts.

        An e-mail address that can be none counts as none on file: it would be kept in the account, and handed to a sender.
        Raises any exception of the host's function, ``SettingsError`` for an answer that is no ``Contacts``, or
        ``TimeoutError`` after three seconds.
        """
        if self.wiring.contacts is None:
            return NOTHING_ON_FILE
        try:
            async with asyncio.timeout(CONTACTS_TIMEOUT):
                found = await self.wiring.contacts(subject)
        except Exception:
            raise
        except BaseException as error:
            raise misbehaved("contacts", error) from error
        if isinstance(found, Contacts):
            if may_be_mailbox(found.email):
                return found
            log.warning(
                "contacts: the e-mail address of %s counts as none on file: it is too long, or holds characters that cannot "
                "be seen",
                subject.id,
            )
            return Contacts(name=found.name, phone=found.phone)
        raise SettingsError(
            f"contacts: {self.wiring.contacts!r} has returned a value of type {type(found).__name__}: return "
            "mfa_gate.Contacts(name=..., email=..., phone=...), and Contacts() for somebody with nothing on file"
        )

    # -- changing -------------------------------------------------------------------------------------------------

    def turn(self, key: SubjectKey) -> asyncio.Lock:
        """Return the lock that puts this process's answers for one account in a line.

        The lock exists as long as some code holds it.
        """
        lock = self._turns.get(key)
        if lock is None:
            lock = self._turns[key] = asyncio.Lock()
        return lock

    async def change(self, key: SubjectKey, step: Callable[[Account], Change[A]]) -> A:
        """Load the account, run ``step`` and swap, until the swap succeeds.

        ``step`` is pure, so it may run many times without harm.

        If some code holds the account's lock (``turn``), the first try uses the account that this process committed
        last. If the store has a newer one, the swap fails and the next try loads it. An answer that writes nothing is
        only returned for an account that was just loaded.

        Raises ``StoreUnavailable``, or ``StoreContention`` after ``MAX_TURNS`` lost races.
        """
        lock = self._turns.get(key)
        if lock is None:
            self.notice()  # no request of this account does it first, and its tenant's proofs may have been ended
        guess = None if lock is None else self._committed.pop(lock, None)
        for attempt in range(MAX_TURNS):
            account = await self._counting(guess or await self.store.load(key))
            change = step(account)
            events = change.events
            if events and (
                ids := [b.id for b in account.browsers if b.handle[:MARK].translate(LETTERS) == events[0].browser]
            ):
                events = tuple([replace(event, browser=event.browser and ids[0]) for event in events])
            if not events and change.account == account:
                if guess is None:
                    return change.answer
                guess = None
                continue
            guess = None
            if await self.store.swap(change.account, self.chained(events) if events else ()):
                if lock is not None:
                    self._committed[lock] = replace(change.account, version=change.account.version + 1, stamp="")
                self._wrote(events)
                await self.effects.follow(events, change.account)
                return change.answer
            await asyncio.sleep(_pause(attempt))
        raise StoreContention(f"the account of one subject changed {MAX_TURNS} times meanwhile")

    def chained(self, events: Sequence[Event]) -> tuple[KeyedEvent, ...]:
        """Make the events that a store is given, with lines and secret digests.

        The heads of their trails are signed a moment later.
        """
        for event in events:
            self.grown.add(event.tenant)
        if events and self.sign_heads is not None and self._signing is not (loop := asyncio.get_running_loop()):
            self._signing = loop
            loop.call_later(SIGN_AFTER, self._tick)
        return tuple([keyed(event, self._chain_key, self._chain_secret) for event in events])

    def _wrote(self, events: Sequence[Event]) -> None:
        for event in events if self.sign_heads is not None else ():
            known = self.written.setdefault(event.tenant, set())
            if len(known) < MAX_WRITTEN:
                known.add(event.id)

    def _tick(self) -> None:
        self._signing = None
        if self.sign_heads is not None:
            self.sign_heads()

    def seen(self, account: Account) -> None:
        """Remember the account that the holder of the lock has just loaded.

        The next ``change`` begins with it, unless another task committed a newer one meanwhile. This saves a load and
        decides nothing; see ``change``.
        """
        lock = self._turns.get(account.key)
        if lock is not None:
            self._committed.setdefault(lock, account)

    async def latest(self, key: SubjectKey) -> Account:
        """Return the account as this process has just committed it, while its lock is held.

        Otherwise the account is loaded from the store.
        """
        lock = self._turns.get(key)
        committed = None if lock is None else self._committed.get(lock)
        return await self._counting(committed or await self.store.load(key))

    async def record(self, events: Sequence[Event]) -> None:
        """Write events that belong to no change of an account.

        The caller decides what a failure means.
        """
        await self.store.append(self.chained(events))
        self._wrote(events)
        for event in events:
            self.effects.tell(event, committed=True)

    async def aclose(self) -> None:
        """Finish the work under way, then close the senders and the store."""
        await self.effects.settle()
        for sender in (
            self.wiring.senders.email,
            self.wiring.senders.sms,
            self.wiring.senders.voice,
            self.wiring.senders.push,
        ):
            if isinstance(sender, Closes):
                await sender.aclose()
        await self.store.aclose()


def _pause(attempt: int) -> float:
    """Draw the seconds of the wait after a lost race: few, and more with each one."""
    return random.uniform(0, min(0.05, 0.001 * (attempt + 1)))  # noqa: S311 - only spreads a race
