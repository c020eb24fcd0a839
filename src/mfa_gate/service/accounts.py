"""Load, step, swap: the one retry loop, and the cache of decoded accounts."""

from __future__ import annotations

import asyncio
import random
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from ..core.changes import Change
from ..core.events import Event, Moment
from ..core.model import Account, Contacts, Subject, SubjectKey, replace
from ..core.rules import Policy, Rules, TenantSettings
from ..errors import StoreContention, StoreUnavailable
from ..ports import Closes
from ..storage import Changed, Reader
from .effects import Effects
from .strangers import Strangers
from .wiring import Wiring

A = TypeVar("A")

MAX_TURNS = 200
MAX_CACHED = 10_000
CONTACTS_TIMEOUT = 3.0


@dataclass(slots=True, eq=False)
class Entry:
    """One account in the cache. ``stale`` is set when the store tells of a change; who holds the entry looks at it."""

    account: Account
    stale: bool = False


class Engine:
    """Everything that a use case needs, and nothing that it decides."""

    def __init__(self, wiring: Wiring, policy: Policy) -> None:
        self.wiring = wiring
        self.policy = wiring.factors.complete(policy)
        self.store = wiring.store
        self.reader = Reader()
        self.keyring = wiring.keyring
        self.factors = wiring.factors
        self._accounts: OrderedDict[SubjectKey, Entry] = OrderedDict()
        self._settings: OrderedDict[str, TenantSettings] = OrderedDict()
        self._last_settings: OrderedDict[str, TenantSettings] = OrderedDict()
        self._generation = 0
        self.away_since: int | None = None
        self.root = ""
        self._turns: WeakValueDictionary[SubjectKey, asyncio.Lock] = WeakValueDictionary()
        self._committed: WeakKeyDictionary[asyncio.Lock, Account] = WeakKeyDictionary()
        self.effects = Effects(wiring.on_event)
        self.strangers = Strangers()

    def now(self) -> int:
        """UTC seconds by the one clock."""
        return int(self.wiring.clock.now())

    def moment(self, *, network: str = "", actor: str = "") -> Moment:
        """The time and fresh entropy for one change, drawn before its first turn."""
        return Moment(
            now=self.now(),
            nonce=self.wiring.entropy(32),
            app=self.wiring.app,
            network=network,
            actor=actor,
            policy=self.policy.digest[:12],
        )

    def public(self, root: str | None = None) -> str:
        """Where our own pages are reached from outside, "" where that is not known. ``root`` is the path that the app is
        mounted under, as the request at hand shows it; without one it is that of the last visit. The origin is configured."""
        if not self.wiring.public:
            return ""
        scheme, _, rest = self.wiring.public.partition("://")
        host, _, prefix = rest.partition("/")
        return f"{scheme}://{host}{self.root if root is None else root}/{prefix}"

    def rules(self, tenant: str) -> Rules:
        """The rules of a tenant."""
        return self.policy.rules_for(tenant)

    def use_policy(self, policy: Policy) -> None:
        """Another policy is in force from now on; all that was judged by the old one is forgotten."""
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
        self.forget_all()

    # -- reading --------------------------------------------------------------------------------------------------

    def notice(self) -> None:
        """Drop what the store says has changed. Cheap: once a guarded request. Raises ``StoreUnavailable``."""
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
        """Drop what the store said has changed."""
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
        """The account for reading, from the cache where the store has told of no change. ``notice`` comes first."""
        entry = self._accounts.get(key)
        if entry is not None:
            self._accounts.move_to_end(key)
            return entry
        generation = self._generation
        entry = Entry(await self.store.load(key))
        if generation != self._generation:
            entry.stale = True
            return entry
        self._accounts[key] = entry
        if len(self._accounts) > MAX_CACHED:
            _, oldest = self._accounts.popitem(last=False)
            oldest.stale = True
        return entry

    async def settings(self, tenant: str) -> TenantSettings:
        """The tenant's settings, from the cache where nothing has changed."""
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
        """Return the tenant's settings, if nothing has changed since. ``notice`` comes first."""
        return self._settings.get(tenant)

    def last_settings(self, tenant: str) -> TenantSettings | None:
        """Return the tenant's settings as last read: while the store is away nothing is newer."""
        return self._last_settings.get(tenant)

    async def contacts(self, subject: Subject) -> Contacts:
        """What the host has on file. Raises what the host raises, or ``TimeoutError`` after three seconds."""
        if self.wiring.contacts is None:
            return Contacts()
        async with asyncio.timeout(CONTACTS_TIMEOUT):
            return await self.wiring.contacts(subject)

    # -- changing -------------------------------------------------------------------------------------------------

    def turn(self, key: SubjectKey) -> asyncio.Lock:
        """The lock that lines up this process's answers for one account. It lives while somebody holds it."""
        lock = self._turns.get(key)
        if lock is None:
            lock = self._turns[key] = asyncio.Lock()
        return lock

    async def change(self, key: SubjectKey, step: Callable[[Account], Change[A]]) -> A:
        """Load, ``step``, swap, until the swap holds; ``step`` is pure, so repeating it is harmless.

        The first turn begins with what this process has just committed, if somebody has the account's turn: where that is
        no longer so, the swap fails. An answer that writes nothing is only given by what the store has now.

        Raises ``StoreUnavailable``, or ``StoreContention`` when the race is lost more often than is plausible.
        """
        lock = self._turns.get(key)
        guess = None if lock is None else self._committed.pop(lock, None)
        for attempt in range(MAX_TURNS):
            account = guess or await self.store.load(key)
            change = step(account)
            if not change.events and change.account == account:
                if guess is None:
                    return change.answer
                guess = None
                continue
            guess = None
            if await self.store.swap(change.account, change.events):
                if lock is not None:
                    self._committed[lock] = replace(change.account, version=change.account.version + 1, stamp="")
                await self.effects.follow(change.events, change.account)
                return change.answer
            await asyncio.sleep(random.uniform(0, min(0.05, 0.001 * (attempt + 1))))  # noqa: S311 - only spreads a race
        raise StoreContention(f"the account of one subject changed {MAX_TURNS} times meanwhile")

    def seen(self, account: Account) -> None:
        """What the caller, who has the account's turn, read just before: the turn begins with it, unless somebody had the
        turn meanwhile. Nothing is decided by it alone; see ``change``."""
        lock = self._turns.get(account.key)
        if lock is not None:
            self._committed.setdefault(lock, account)

    async def latest(self, key: SubjectKey) -> Account:
        """The account as this process has just committed it, in the turn that the caller has; else as it is stored."""
        lock = self._turns.get(key)
        committed = None if lock is None else self._committed.get(lock)
        return committed or await self.store.load(key)

    async def record(self, events: Sequence[Event]) -> None:
        """Write events that belong to no change. The caller decides what a failure means."""
        await self.store.append(events)
        for event in events:
            self.effects.tell(event, committed=True)

    async def aclose(self) -> None:
        """Finish what is under way, then let go of senders and store."""
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
