"""The people of a tenant: listed by the host, not set up yet, exempt, or out of reach."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from dataclasses import dataclass
from time import monotonic
from weakref import WeakValueDictionary

from ...core.model import Contacts, Subject, SubjectKey
from ...core.policy import subject_exemption_for
from ...core.roles import has_right
from ...core.summary import Summary
from ..accounts import Engine
from ..directory import NoDirectory, people_of, pieces_of
from ..turns import AT_ONCE

MAX_REMINDED = 10_000
COUNTED_AT_ONCE = 2_000
"""People of a directory that are counted anew at every look. The count of a larger one is kept for a minute."""
KEPT_FOR = 60.0
MAX_KEPT = 100
"""Tenants whose counts are kept, the latest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleCounts:
    """The people of a tenant in numbers.

    ``known`` are the people of the host's directory (``is_listed``), else those whom the gate has met. Each of them is
    ``set_up``, ``exempt`` or ``missing``. ``states`` counts the accounts by status. ``unlisted`` are accounts that the
    directory does not name, ``unlisted_missing`` those of them without a factor. ``exempt_by`` counts the exempt people by
    the name of the exemption, set up or not.
    """

    known: int
    set_up: int
    missing: int
    exempt: int = 0
    unlisted: int = 0
    unlisted_missing: int = 0
    is_listed: bool = False
    states: Mapping[str, int]
    exempt_by: Mapping[str, int]


class TenantPeople:
    """The people of a tenant, as the store and the host's directory list them."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._counted: OrderedDict[str, tuple[float, PeopleCounts]] = OrderedDict()
        self._counting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def exemption(self, subject: Subject) -> str:
        """Return the name of the exemption that covers a person whatever they ask for, or ""."""
        rules = self.engine.rules(subject.tenant)
        return subject_exemption_for(rules.exempt_subjects, subject.groups, self.engine.now())

    async def listed(self, tenant: str) -> AsyncIterator[tuple[Subject, Contacts, Summary | None]]:
        """Yield the people of the host's directory, each with the summary of the account.

        It is None for a person without one.

        The directory is read as it is consumed. Raises ``NoDirectory``.
        """
        async for piece in pieces_of(self.engine.wiring.directory, tenant):
            own = [person for person in piece if person[0].tenant == tenant]
            met = await self.engine.store.summaries(tenant, [subject.id for subject, _ in own])
            for subject, contacts in own:
                yield subject, contacts, met.get(subject.id)

    async def counts(self, tenant: str) -> PeopleCounts:
        """Count the people of a tenant. Where there is a directory, it says who they are."""
        if self.engine.wiring.directory is None:
            return _met(await self.engine.store.counts(tenant))
        async with self._turn(tenant):
            at, kept = self._counted.get(tenant, (0.0, None))
            if kept is not None and monotonic() - at < KEPT_FOR:
                return kept
            counts = await self._count(tenant)
            if counts.known > COUNTED_AT_ONCE:
                self._counted[tenant] = monotonic(), counts
            if len(self._counted) > MAX_KEPT:
                self._counted.popitem(last=False)
            return counts

    def _turn(self, tenant: str) -> asyncio.Lock:
        """Return the lock of those who count a tenant. It exists as long as some code holds it."""
        lock = self._counting.get(tenant)
        if lock is None:
            lock = self._counting[tenant] = asyncio.Lock()
        return lock

    async def _count(self, tenant: str) -> PeopleCounts:
        states = await self.engine.store.counts(tenant)
        known = set_up = exempt = met = bare = 0
        exempt_by: dict[str, int] = {}
        try:
            async for subject, _, summary in self.listed(tenant):
                name = self.exemption(subject)
                has = summary is not None and summary.status != "not_enrolled"
                known, set_up, met = known + 1, set_up + has, met + (summary is not None)
                bare += summary is not None and not has
                exempt += bool(name) and not has
                if name:
                    exempt_by[name] = exempt_by.get(name, 0) + 1
        except NoDirectory:
            return _met(states)
        return PeopleCounts(
            known=known,
            set_up=set_up,
            missing=known - set_up - exempt,
            exempt=exempt,
            unlisted=max(0, sum(states.values()) - met),
            unlisted_missing=max(0, states.get("not_enrolled", 0) - bare),
            is_listed=True,
            states=states,
            exempt_by=exempt_by,
        )

    async def missing(self, tenant: str) -> tuple[SubjectKey, ...]:
        """List the first ten thousand people who have nothing set up and are not exempt.

        They are known to the gate or to the host's directory. A person who signs in elsewhere with a second factor that the
        policy trusts needs nothing.
        """
        found, exempt = dict.fromkeys(await self._missing_met(tenant)), set[SubjectKey]()
        try:
            async for subject, _, summary in self.listed(tenant):
                if self.exemption(subject):
                    exempt.add(subject.key)
                elif summary is None and len(found) < MAX_REMINDED:
                    found[subject.key] = None
        except NoDirectory:
            pass
        return tuple(key for key in found if key not in exempt)

    async def missing_among(self, tenant: str, ids: Sequence[str]) -> tuple[SubjectKey, ...]:
        """List those of ``ids`` who have nothing set up and are not exempt.

        A stranger's id is left out.
        """
        met, wanted = await self.engine.store.summaries(tenant, ids), set(ids)
        found = {one.key: None for one in met.values() if one.status == "not_enrolled"}
        exempt = set[SubjectKey]()
        try:
            async for subject, _, summary in self.listed(tenant):
                if subject.id in wanted and self.exemption(subject):
                    exempt.add(subject.key)
                elif subject.id in wanted and summary is None:
                    found[subject.key] = None
        except NoDirectory:
            pass
        return tuple(key for key in found if key not in exempt)

    async def _missing_met(self, tenant: str) -> tuple[SubjectKey, ...]:
        found, after = list[SubjectKey](), ""
        while len(found) < MAX_REMINDED:
            page = await self.engine.store.page(tenant, status="not_enrolled", after=after, limit=AT_ONCE)
            found += [one.key for one in page.items if not await self._signs_in_elsewhere(one.key, one)]
            after = page.next
            if not after:
                break
        return tuple(found[:MAX_REMINDED])

    async def _signs_in_elsewhere(self, key: SubjectKey, summary: Summary | None) -> bool:
        if summary is None or not self.engine.rules(key.tenant).freshness.trusts_logins:
            return False
        return bool((await self.engine.load(key)).logins)

    async def known(self, tenant: str) -> Iterable[tuple[Subject, Contacts]] | None:
        """Ask the host's directory for its people.

        Returns None if there is no directory, or if it does not answer.
        """
        return await people_of(self.engine.wiring.directory, tenant)

    async def two_administrators(self, tenant: str, people: Iterable[tuple[Subject, Contacts]]) -> bool:
        """Tell if two people with the right to unlock have set up a second step.

        Then they can let each other in.
        """
        roles, ready, known = self.engine.rules(tenant).roles, 0, self.engine.factors.traits
        for subject, _ in people:
            if subject.tenant == tenant and has_right(roles, subject.groups, "unlock"):
                account = await self.engine.load(subject.key)
                ready += any(a.factor in known and not known[a.factor].backup for a in account.authenticators)
            if ready >= 2:
                return True
        return False


def _met(states: Mapping[str, int]) -> PeopleCounts:
    """Make the numbers of a tenant without a directory, from its accounts."""
    total, missing = sum(states.values()), states.get("not_enrolled", 0)
    return PeopleCounts(known=total, set_up=total - missing, missing=missing, states=states, exempt_by={})


def all_reachable(people: Iterable[tuple[Subject, Contacts]]) -> bool:
    """Tell if each person has an own e-mail address, or a number.

    An address must belong to one person only. A number may be shared.
    """
    owners: dict[str, str] = {}
    for subject, contacts in people:
        email = contacts.email.strip().casefold()
        if email and owners.setdefault(email, subject.id) == subject.id:
            continue
        if not contacts.phone.strip():
            return False
    return True
