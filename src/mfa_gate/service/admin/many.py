"""An act on many people: the number of those it would reach, then a result for each.

Nothing is kept between two runs. A person for whom the act would change nothing is left out, so a run that was cut off is
gone on with by the same call.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from ...core.model import Account, Subject, SubjectKey
from ...core.people_search import PeopleSearch
from ...core.reasons import Refusal
from ...core.roles import is_self
from ...core.text_safety import stated
from ...errors import DamagedAccount, StoreContention
from ..accounts import Engine
from ..turns import Turns
from .accounts import SPENT, AccountDesk, Done, Idle
from .actions import ACTIONS
from .hierarchy import ABOVE
from .reviews import Reviews
from .rights import Actor, Rights

REACHED = ("done", "waits")
"""The words for people to whom something happened."""
MOST = 10_000
"""People that one run reaches."""
OF_THE_ACTOR = ("proof_required", "enrollment_required", "agreement_required", "locked", "spent")
"""The refusals that stop a run, because the actor meets them and not the person."""


def _needs_no_ticket(account: Account, now: int) -> str:
    if account.authenticators:
        return "already_enrolled"
    return "idle" if account.ticket and account.ticket.expires_at > now else ""


def _is_signed_out(account: Account, now: int) -> str:
    epochs = [{proof.epoch for proof in browser.proofs} or {account.epoch} for browser in account.browsers]
    return "" if any(account.epoch in known for known in epochs) else "idle"


IDLE: Mapping[str, Idle] = {
    "unlock": lambda account, now: "" if account.lock else "idle",
    "ticket": _needs_no_ticket,
    "end-sessions": _is_signed_out,
    "forget": lambda account, now: "idle" if account.is_unknown else "",
}
"""The acts that are done to many, and the accounts for which each has nothing to do."""
STATE = {"unlock": "locked", "ticket": "not_enrolled"}
"""The state of the people whom an act concerns: a store finds them by an index."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The people of an act: some ids, or everybody who fits a search."""

    ids: tuple[str, ...] = ()
    search: PeopleSearch | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The result for one person.

    ``word`` is ``done``, ``waits`` (a second administrator has to confirm), ``idle`` (there was nothing to do), ``own``,
    ``above``, ``spent`` (the actor's day is full), or the reason of a refusal; ``detail`` goes with a reason. ``name`` is the
    person's, where it is known and the actor may look.
    """

    id: str
    word: str
    detail: str = ""
    name: str = ""
    done: Done | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The number of people by the word of their outcome.

    ``is_cut``: more than ``MOST`` were chosen.
    """

    counts: Mapping[str, int]
    is_cut: bool = False

    @property
    def fits(self) -> int:
        """Return the number of people to whom something happens."""
        return min(MOST, sum(self.counts.get(word, 0) for word in REACHED))


class ManyDesk:
    """Use cases of administrators on many accounts of a tenant."""

    def __init__(self, engine: Engine, rights: Rights, accounts: AccountDesk, reviews: Reviews) -> None:
        self.engine = engine
        self.rights = rights
        self.accounts = accounts
        self.reviews = reviews

    def offered(self, actor: Actor, tenant: str) -> tuple[str, ...]:
        """List the acts that the actor may do to many."""
        return tuple(name for name in IDLE if self.rights.has(actor, ACTIONS[name].right, tenant))

    async def plan(self, actor: Actor, name: str, tenant: str, chosen: Chosen) -> Plan | Refusal:
        """Count the people whom the act would reach. Nothing is written."""
        refusal = await self._refusal(actor, name, tenant, chosen)
        if refusal is not None:
            return refusal
        found: Counter[str] = Counter()
        async for outcome in self._outcomes(actor, name, tenant, chosen, MOST + 1, is_dry=True, reason="."):
            found[outcome.word] += 1
        return Plan(counts=found, is_cut=sum(found[word] for word in REACHED) > MOST)

    async def run(
        self, actor: Actor, name: str, tenant: str, chosen: Chosen, *, most: int = MOST, **given: Any
    ) -> AsyncIterator[Outcome] | Refusal:
        """Do the act, and yield a result for each person who was not left out as ``idle``.

        At most ``most`` people are reached. ``given`` are the fields of the act.
        """
        refusal = await self._refusal(actor, name, tenant, chosen)
        if refusal is None and not stated(given.get("reason", "")):
            refusal = Refusal(reason="malformed", member="reason")
        return refusal or self._outcomes(actor, name, tenant, chosen, min(most, MOST), **given)

    async def _refusal(self, actor: Actor, name: str, tenant: str, chosen: Chosen) -> Refusal | None:
        if name not in IDLE:
            return Refusal(reason="not_found")
        key = SubjectKey(tenant, "")
        refusal = await self.rights.permit(actor, ACTIONS[name].right, key, changing=True)
        if refusal is None and chosen.search is not None:
            refusal = await self.rights.permit(actor, "look", key, changing=False)
        if refusal is None and chosen.search is None and not chosen.ids:
            refusal = Refusal(reason="malformed", member="ids")
        return refusal

    async def _outcomes(
        self, actor: Actor, name: str, tenant: str, chosen: Chosen, most: int, **given: Any
    ) -> AsyncIterator[Outcome]:
        """Yield the results in the order of the people.

        One account is in work at a time, so nobody else waits for many. Nothing is begun after a refusal of the actor.
        """
        reached, turns = 0, Turns()
        async for id in self._ids(name, tenant, chosen):
            outcome = await self._one(actor, name, tenant, id, given)
            yield outcome
            reached += outcome.word in REACHED
            if outcome.word in OF_THE_ACTOR or reached >= most:
                return
            await turns.give()

    async def _ids(self, name: str, tenant: str, chosen: Chosen) -> AsyncIterator[str]:
        if chosen.search is None:
            for id in dict.fromkeys(chosen.ids):
                yield id
            return
        words = {"status": STATE[name], **chosen.search.words} if name in STATE else chosen.search.words
        async for line in self.reviews.lines(tenant, PeopleSearch(words=words), whole=False):
            yield line.id

    async def _one(self, actor: Actor, name: str, tenant: str, id: str, given: dict[str, Any]) -> Outcome:
        if actor.caller is not None and is_self(actor.caller.subject, SubjectKey(tenant, id)):
            return Outcome(id=id, word="own")
        seen = ""

        def idle(account: Account, now: int) -> str:
            nonlocal seen
            seen = account.name
            return IDLE[name](account, now)

        found = await outcome_of(self.accounts, actor, name, tenant, id, idle=idle, **given)
        return replace(found, name=seen) if self.rights.has(actor, "look", tenant) else found


async def outcome_of(desk: AccountDesk, actor: Actor, name: str, tenant: str, id: str, **given: Any) -> Outcome:
    """Do an act to one of many.

    A set-up code that cannot be mailed for want of an address is made all the same, to be handed over.
    """
    try:
        key = Subject(id, tenant).key
        done = await desk.act(actor, name, key, drawn=False, **given)
        if isinstance(done, Refusal) and done.reason == "no_contact" and given.get("mail"):
            done = await desk.act(actor, name, key, drawn=False, **{**given, "mail": False})
    except ValueError as error:
        return Outcome(id=id, word="malformed", detail=str(error))
    except (DamagedAccount, StoreContention) as error:
        return Outcome(id=id, word="fault", detail=str(error))
    if not isinstance(done, Refusal):
        if done.idle:
            return Outcome(id=id, word=done.idle)
        return Outcome(id=id, word="waits" if done.waits else "done", done=done)
    word = {ABOVE.detail: "above", SPENT.detail: "spent"}.get(done.detail, done.reason)
    return Outcome(id=id, word=word, detail=done.detail or done.row.title)
