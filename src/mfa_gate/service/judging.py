"""May this request pass? Reads only, but for the first use of a break-glass grant; a proven browser's request costs a look
at what was judged before."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace

from ..core.changes import breaking
from ..core.decision import Allow, Decision, decide, mark_of
from ..core.events import Event
from ..core.grants import is_known
from ..core.model import Account, Caller, Subject
from ..core.policy import Demand, Facts, Requirement, requirement_for
from ..core.standing import Standing, standing_for
from ..errors import StoreUnavailable
from ..factors import TRAITS
from .engine import Engine, Entry

MAX_PASSES = 10_000
MAX_COOKIES = 2048
PASS_LIFE = 30
"""Seconds after which a request is judged anew although nothing is known to have changed (calendars, expiries)."""


@dataclass(slots=True, eq=False)
class Pass:
    """What was judged: this subject, from this address, with this cookie, may reach what demands no more until then."""

    entry: Entry
    subject: Subject
    address: str
    until: float
    ends_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A decision with what it was made of. ``standing`` is None where nothing was demanded and nothing was read."""

    decision: Decision
    requirement: Requirement
    standing: Standing | None = None
    entry: Entry | None = None

    @property
    def account(self) -> Account | None:
        """The account that was looked at."""
        return self.standing.account if self.standing else None


class Judge:
    """Decides; grants nothing."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._passes: OrderedDict[bytes, Pass] = OrderedDict()

    def passes(self, subject: Subject, cookies: bytes, address: str) -> Pass | None:
        """Find what this browser was judged to pass by a moment ago, if nothing has changed. Raises ``StoreUnavailable``.

        ``cookies`` is the whole header, which a browser repeats to the letter. Only for requests that no step-up rule
        names. None means: judge.
        """
        engine = self.engine
        if engine.away_since is not None:
            engine.notice()
        elif changed := engine.store.changed():
            engine.heed(changed)
        known = self._passes.get(cookies)
        if known is None:
            return None
        if known.entry.stale or engine.wiring.clock.now() >= known.until:
            del self._passes[cookies]
            return None
        return known if known.address == address and (known.subject is subject or known.subject == subject) else None

    def remember(self, judgement: Judgement, subject: Subject, cookies: bytes, address: str) -> None:
        """Keep what was judged for the next request of this browser. Only a proof or a skip is worth it."""
        decision, entry = judgement.decision, judgement.entry
        if not isinstance(decision, Allow) or entry is None or entry.stale or decision.why.watched or decision.granted:
            return
        if judgement.requirement.free_kind or len(cookies) > MAX_COOKIES:
            return
        until = min(decision.until - judgement.requirement.rules.freshness.renew_early, self.engine.now() + PASS_LIFE)
        self._passes[cookies] = Pass(entry, subject, address, until, decision.until)
        if len(self._passes) > MAX_PASSES:
            self._passes.popitem(last=False)

    def has_grace(self, subject: Subject, cookies: bytes, address: str) -> bool:
        """Whether the store's outage is young enough, by the policy, for a browser that had passed before it began.

        (decisions 14.) Nothing new passes, no proof is stretched, and no step-up rule is met by it.
        """
        grace = self.engine.rules(subject.tenant).freshness.outage_grace
        known, since = self._passes.get(cookies), self.engine.away_since
        if not grace or known is None or since is None or known.entry.stale:
            return False
        now = self.engine.now()
        return now - since < grace and now < known.ends_at and known.address == address and known.subject == subject

    async def judge(self, caller: Caller, facts: Facts, *, extra: tuple[Demand, ...] = ()) -> Judgement:
        """The decision on a request. ``extra`` are demands of the endpoint itself. Raises ``StoreUnavailable``."""
        engine = self.engine
        engine.notice()
        settings = await engine.settings(facts.tenant)
        now = engine.now()
        requirement = requirement_for(engine.policy, facts, settings, now)
        if requirement.free_kind and not extra:
            return Judgement(decision=decide(requirement, nobody(caller), now), requirement=requirement)
        if extra:
            requirement = demanding(requirement, extra)
        entry = await engine.entry(caller.subject.key)
        standing = self.standing(caller, entry.account, requirement, now)
        decision = decide(requirement, standing, now)
        if isinstance(decision, Allow) and decision.granted and not is_known(entry.account, mark_of(standing)):
            decision = await self._enter_by_grant(caller, requirement, standing, decision)
        return Judgement(decision=decision, requirement=requirement, standing=standing, entry=entry)

    async def _enter_by_grant(
        self, caller: Caller, requirement: Requirement, standing: Standing, decision: Decision
    ) -> Decision:
        """A browser's first request under a break-glass grant passes once that is written down (S-125)."""
        key, moment, mark = caller.subject.key, self.engine.moment(network=caller.network), mark_of(standing)
        if await self.engine.change(key, lambda account: breaking.use(account, moment, mark=mark)):
            return decision
        standing = self.standing(caller, await self.engine.store.load(key), requirement, moment.now)
        return decide(requirement, standing, moment.now)

    def standing(self, caller: Caller, account: Account, requirement: Requirement, now: int) -> Standing:
        """The account joined with the caller: only proofs that count here and now."""
        return standing_for(caller, account, now=now, traits=TRAITS, freshness=requirement.rules.freshness)

    async def own(self, caller: Caller, *, extra: tuple[Demand, ...] = (), account: Account | None = None) -> Judgement:
        """Where the caller stands at the gate's own pages: as at any path that no rule names.

        ``account`` is what the caller of this has just read from the store.
        """
        self.engine.notice()
        settings = await self.engine.settings(caller.subject.tenant)
        now = self.engine.now()
        facts = Facts(tenant=caller.subject.tenant, groups=caller.subject.groups, method="GET", path="", clean=True)
        requirement = requirement_for(self.engine.policy, facts, settings, now)
        if extra:
            requirement = demanding(requirement, extra)
        entry = Entry(account, stale=True) if account else await self.engine.entry(caller.subject.key)
        standing = self.standing(caller, entry.account, requirement, now)
        return Judgement(
            decision=decide(requirement, standing, now), requirement=requirement, standing=standing, entry=entry
        )

    async def report(self, judgement: Judgement, caller: Caller) -> None:
        """Report-only: write down what would have been. A trail that cannot be written stops nobody here (P-8)."""
        moment = self.engine.moment(network=caller.network)
        why = judgement.decision.why
        event: Event = moment.event(
            "decision.report",
            caller.subject.key,
            reason=why.missing or "watched",
            rule=why.rule or ",".join(why.watched),
        )
        try:
            await self.engine.record((event,))
        except StoreUnavailable:
            self.engine.effects.tell(event)


def demanding(requirement: Requirement, extra: tuple[Demand, ...]) -> Requirement:
    """``requirement`` with more demands; where nothing was demanded, these are all, and nothing else is asked."""
    if requirement.free_kind:
        strict = tuple(extra)
        return replace(requirement, free="", free_kind="", stage="required", demands=strict)
    return replace(requirement, demands=(*requirement.demands, *extra))


def nobody(caller: Caller) -> Standing:
    """A standing without an account, for decisions that look at none."""
    return Standing(
        subject=caller.subject, account=Account(key=caller.subject.key), browser=None, handle="", network=caller.network
    )
