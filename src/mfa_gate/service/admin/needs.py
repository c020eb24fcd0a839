"""The start page of the desk: everything that needs somebody, one row a kind.

To add a kind, add its row to ``NEEDS`` and its words to ``web/templates/admin/_needs.html``.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from ...core.changes import two_people
from ...core.events import EVENTS
from ...core.model import SubjectKey
from ...core.people_search import PeopleSearch
from ...core.person_line import PersonLine
from ...core.reasons import Refusal
from ...core.roles import Right
from ...core.rules import DAY
from ..send_limits import Sending
from ..waiting_policies import WaitingPolicies
from .people import TenantPeople
from .reports import Sources
from .rights import Actor, Rights

PIECE = 50
SHOWN = 5
"""People or events of one kind that the page names."""
SOON = 30 * DAY
"""Seconds before the end of an exemption in which somebody decides about it."""
ALARM_KINDS = tuple(kind for kind, row in EVENTS.items() if row.alarm is not None)
WATCHED = DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """One thing that needs somebody.

    ``id`` is a person ("" for none), ``name`` their name or that of the thing, ``word`` a kind of event or channel, ``at``
    the time (UTC seconds, 0 for none) since when, or at which it ends.
    """

    id: str = ""
    name: str = ""
    word: str = ""
    at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """A kind of things that need somebody: its name, their number, and the first of them."""

    kind: str
    count: int
    first: tuple[Named, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """The parts that the rows read."""

    sources: Sources
    sending: Sending

    @property
    def people(self) -> TenantPeople:
        """Return the people of the tenants."""
        return self.sources.people

    async def lines(self, tenant: str, **words: str) -> list[PersonLine]:
        """List the first people who fit, and their number in all as ``len`` of the list."""
        return [line async for line in self.sources.reviews.lines(tenant, PeopleSearch(words=words))]


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: the kind, the right that its reader needs, and the look-up."""

    kind: str
    right: Right
    look: Callable[[Desk, str], Awaitable[Need | None]]


def _need(kind: str, count: int, first: list[Named]) -> Need | None:
    return Need(kind=kind, count=count, first=tuple(first[:SHOWN])) if count else None


async def _in_state(desk: Desk, tenant: str, kind: str, status: str) -> Need | None:
    """Name the first people with a status; the store counts all of them."""
    store = desk.sources.engine.store
    count = (await desk.people.counts(tenant)).states.get(status, 0)
    if not count:
        return None
    page = await store.page(tenant, status=status, limit=SHOWN)
    first = []
    for summary in page.items:
        account = await desk.sources.engine.load(summary.key)
        at = account.recovery.at if status == "recovery" and account.recovery else summary.locked_at
        first.append(Named(id=summary.key.id, name=summary.name, at=at))
    return _need(kind, max(count, len(first)), first)


async def _requests(desk: Desk, tenant: str) -> Need | None:
    return await _in_state(desk, tenant, "requests", "recovery")


async def _locks(desk: Desk, tenant: str) -> Need | None:
    return await _in_state(desk, tenant, "locks", "locked")


async def _grants(desk: Desk, tenant: str) -> Need | None:
    asked = await desk.lines(tenant, break_glass="asked")
    opened = await desk.lines(tenant, break_glass="open")
    found = [Named(id=line.id, name=line.name, word="asked") for line in asked]
    found += [Named(id=line.id, name=line.name, word="open", at=line.break_glass_ends_at) for line in opened]
    return _need("grants", len(found), found)


async def _acts(desk: Desk, tenant: str) -> Need | None:
    """Name the acts that wait for a second administrator. They wait for an hour at most."""
    engine, found = desk.sources.engine, dict[str, Named]()
    page = await engine.store.events(tenant, kind="act.asked", limit=PIECE)
    for event in page.items:
        if event.at < engine.now() - DAY or event.account in found:
            continue
        account = await engine.load(SubjectKey(tenant, event.account))
        asked = two_people.asked_now(account, engine.now())
        if asked is not None:
            found[event.account] = Named(id=event.account, name=account.name, word=asked.act, at=asked.asked_at)
    return _need("acts", len(found), list(found.values()))


async def _disputes(desk: Desk, tenant: str) -> Need | None:
    lines = await desk.lines(tenant, disputed="yes")
    return _need("disputes", len(lines), [Named(id=line.id, name=line.name, at=line.disputed_until) for line in lines])


async def _alarms(desk: Desk, tenant: str) -> Need | None:
    """Name the alarms of the last day. Each kind is found by the index of kinds."""
    engine, found = desk.sources.engine, list[Named]()
    since = engine.now() - WATCHED
    for kind in ALARM_KINDS:
        page = await engine.store.events(tenant, kind=kind, limit=SHOWN)
        found += [Named(id=e.account, name=e.account, word=kind, at=e.at) for e in page.items if e.at >= since]
    found.sort(key=lambda one: -one.at)
    return _need("alarms", len(found), found)


async def _exemptions(desk: Desk, tenant: str) -> Need | None:
    engine = desk.sources.engine
    rules, now = engine.rules(tenant), engine.now()
    ends = [(rule.name, rule.expires_at) for rule in rules.exempt]
    ends += [(rule.name, rule.expires_at) for rule in rules.exempt_subjects]
    found = [Named(name=name, at=at) for name, at in ends if at is not None and at - now < SOON]
    return _need("exemptions", len(found), sorted(found, key=lambda one: one.at))


async def _senders(desk: Desk, tenant: str) -> Need | None:
    paused = sorted(desk.sending.paused_channels())
    return _need("senders", len(paused), [Named(word=channel) for channel in paused])


async def _policies(desk: Desk, tenant: str) -> Need | None:
    """Name the policies that wait for approvals."""
    waiting = await WaitingPolicies(desk.sources.engine.store).all()
    return _need("policies", len(waiting), [Named(name=one.name, at=one.since) for one in waiting])


async def _policy(desk: Desk, tenant: str) -> Need | None:
    """Name a policy with faults that was refused after the one in force was loaded."""
    store = desk.sources.engine.store
    refused = (await store.events(tenant, kind="policy.refused", limit=1)).items
    loaded = (await store.events(tenant, kind="policy.loaded", limit=1)).items
    if not refused or (loaded and loaded[0].at >= refused[0].at) or await WaitingPolicies(store).all():
        return None
    return _need("policy", 1, [Named(name=str(refused[0].detail.get("first", "")), at=refused[0].at)])


NEEDS = (
    Row("requests", "look", _requests),
    Row("locks", "look", _locks),
    Row("acts", "look", _acts),
    Row("grants", "look", _grants),
    Row("disputes", "look", _disputes),
    Row("alarms", "audit", _alarms),
    Row("policies", "policy", _policies),
    Row("policy", "audit", _policy),
    Row("senders", "look", _senders),
    Row("exemptions", "look", _exemptions),
)
"""The kinds in the order of the page: people who wait come first."""


class StartPage:
    """Use case of the start page."""

    def __init__(self, rights: Rights, sources: Sources, sending: Sending) -> None:
        self.rights = rights
        self.desk = Desk(sources, sending)

    async def look(self, actor: Actor, tenant: str) -> Mapping[str, Need] | Refusal:
        """Return everything that needs somebody and that the actor may see, by kind."""
        refusal = await self.rights.permit(actor, "look", SubjectKey(tenant, ""), changing=False)
        if refusal is not None:
            return refusal
        found = [await row.look(self.desk, tenant) for row in NEEDS if self.rights.has(actor, row.right, tenant)]
        return {need.kind: need for need in found if need is not None}
