"""May this request pass? Reads only, but for the first use of a break-glass grant; a proven browser's request costs a look
at what was judged before."""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from ..core.assurance import combine, could_meet, meeting
from ..core.break_glass import is_known
from ..core.changes import break_glass
from ..core.decision import Agree, Allow, Decision, Deny, Enroll, StepUp, decide, mark_of
from ..core.events import Event
from ..core.evidence import Evidence, standing_for
from ..core.model import Account, Caller, Subject
from ..core.networks import UNKNOWN
from ..core.policy import Demand, Facts, Requirement, floors_for, is_chosen, requirement_for, with_endpoint
from ..core.reasons import Refusal
from ..core.rules import Policy, TenantSettings
from ..errors import StoreUnavailable
from ..factors import Registry
from .accounts import Engine, Entry

log = logging.getLogger("mfa_gate")

MAX_TOLD = 100
MAX_PASSES = 10_000
MAX_COOKIES = 2048
ON = TenantSettings(tenant="", enabled_at=1)
"""Stands for the choice of a tenant's administrators where it is not known."""
PASS_LIFE = 30
"""Seconds after which a request is judged anew although nothing is known to have changed."""


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
    factors: Registry
    evidence: Evidence | None = None
    entry: Entry | None = None

    @property
    def account(self) -> Account | None:
        """The account that was looked at."""
        return self.evidence.account if self.evidence else None

    @property
    def user_verification(self) -> bool:
        """Tell if the challenge that is next must be answered by a verified user."""
        return isinstance(self.decision, StepUp) and self.decision.demand.user_verification


class Access:
    """Decides; grants nothing."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._passes: OrderedDict[bytes, Pass] = OrderedDict()
        self.endpoint_demands: Callable[[], tuple[Demand, ...]] = tuple
        """Lists the demands of the app's endpoints that are known. The room that knows endpoints sets it."""
        self._told: set[tuple[str, Demand]] = set()
        self._latest: tuple[Facts, Policy, TenantSettings, int, Requirement] | None = None

    def passes(self, subject: Subject, cookies: bytes, address: str) -> Pass | None:
        """Find what this browser was judged to pass by a moment ago, if nothing has changed. Raises ``StoreUnavailable``.

        ``cookies`` is the whole header, which a browser repeats to the letter. Only for requests that no step-up rule
        names. None means: judge.
        """
        engine = self.engine
        if engine.away_since is not None:
            engine.notice()
        elif changed := engine.store.changed(engine.reader):
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
        rules, now = judgement.requirement.rules, self.engine.now()
        dates = [at for at in (rules.enrollment.optional_from, rules.enrollment.required_from) if at and at > now]
        until = min(decision.until - rules.freshness.renew_early, now + PASS_LIFE, *dates)
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

    async def judge(
        self, caller: Caller, facts: Facts, *, extra: tuple[Demand, ...] = (), floors: bool = False
    ) -> Judgement:
        """Decide on a request by the account. Raises ``StoreUnavailable``.

        ``free`` comes first: it decides what demands nothing. ``extra`` are demands of the endpoint itself. ``floors``:
        know also what changing factors would demand, for a page of ours.
        """
        engine = self.engine
        engine.notice()
        settings = await engine.settings(facts.tenant)
        now = engine.now()
        requirement = self._requirement(facts, settings, now)
        if requirement.free_kind and not extra:
            decision = decide(requirement, nobody(caller.subject), now)
            return Judgement(decision=decision, requirement=requirement, factors=engine.factors)
        requirement = with_endpoint(requirement, extra)
        if floors:
            requirement = self._with_floors(requirement, caller.subject)
        entry = await engine.entry(caller.subject.key)
        evidence = self.evidence(caller, entry.account, requirement, now)
        decision = decide(requirement, evidence, now)
        if isinstance(decision, (StepUp, Enroll)) and requirement.demands:
            self._tell_dead_end(facts, requirement)
        if isinstance(decision, Allow) and decision.granted and not is_known(entry.account, mark_of(evidence)):
            decision = await self._enter_by_grant(caller, requirement, evidence, decision)
        return Judgement(
            decision=decision, requirement=requirement, factors=engine.factors, evidence=evidence, entry=entry
        )

    def free(self, subject: Subject, facts: Facts) -> Judgement | None:
        """Decide a request of which nothing is demanded, without a look-up; else None.

        The policy tells it alone, or with what is known of the tenant's own choice, which still counts while the store is
        away (decision 61).
        """
        engine = self.engine
        rules = engine.policy.rules_for(facts.tenant)
        settings: TenantSettings | None = TenantSettings(tenant=facts.tenant)
        if is_chosen(rules.enrollment):
            try:
                engine.notice()
                settings = engine.known_settings(facts.tenant)
            except StoreUnavailable:
                settings = engine.last_settings(facts.tenant)
        now = engine.now()
        requirement = self._requirement(facts, settings or ON, now)
        if not requirement.free_kind:
            return None
        decision = decide(requirement, nobody(subject), now)
        return Judgement(decision=decision, requirement=requirement, factors=engine.factors)

    def _requirement(self, facts: Facts, settings: TenantSettings, now: int) -> Requirement:
        """Return what the policy demands. ``free`` and ``judge`` ask for one request, one after the other."""
        policy, latest = self.engine.policy, self._latest
        if latest is not None and latest[0] is facts and latest[1] is policy and latest[2:4] == (settings, now):
            return latest[4]
        made = requirement_for(policy, facts, settings, now)
        self._latest = (facts, policy, settings, now, made)
        return made

    def _with_floors(self, requirement: Requirement, subject: Subject) -> Requirement:
        own = [d for d in self.endpoint_demands() if d.is_strong]
        floors = (*floors_for(requirement.rules, subject.groups), *own)
        return replace(requirement, floors=floors) if floors else requirement

    def _tell_dead_end(self, facts: Facts, requirement: Requirement) -> None:
        """Log once that no factor meets what is demanded of a request: a fault of ours."""
        joint = combine(requirement.demands, rule=" + ".join(d.rule for d in requirement.demands))
        if any(could_meet(kind, joint, self.engine.factors.traits) for kind in requirement.factors):
            return
        if (facts.tenant, joint) in self._told or len(self._told) >= MAX_TOLD:
            return
        self._told.add((facts.tenant, joint))
        log.error(
            "mfa_gate: %r %r is refused to everybody in tenant %r: no allowed factor meets %s together",
            facts.method,
            facts.path,
            facts.tenant,
            joint.rule,
        )

    async def _enter_by_grant(
        self, caller: Caller, requirement: Requirement, evidence: Evidence, decision: Decision
    ) -> Decision:
        """A browser's first request under a break-glass grant passes once that is written down (S-125)."""
        key, moment, mark = caller.subject.key, self.engine.moment(network=caller.network), mark_of(evidence)
        if await self.engine.change(key, lambda account: break_glass.use(account, moment, mark=mark)):
            return decision
        evidence = self.evidence(caller, await self.engine.store.load(key), requirement, moment.now)
        return decide(requirement, evidence, moment.now)

    def evidence(self, caller: Caller, account: Account, requirement: Requirement, now: int) -> Evidence:
        """The account joined with the caller: only proofs that count here and now."""
        return standing_for(
            caller, account, now=now, traits=self.engine.factors.traits, freshness=requirement.rules.freshness
        )

    async def own(self, caller: Caller, *, extra: tuple[Demand, ...] = (), account: Account | None = None) -> Judgement:
        """Where the caller stands at the gate's own pages: as at any path that no rule names.

        ``account`` is what the caller of this has just read from the store.
        """
        self.engine.notice()
        settings = await self.engine.settings(caller.subject.tenant)
        now = self.engine.now()
        facts = Facts(tenant=caller.subject.tenant, groups=caller.subject.groups, method="GET", path="", clean=True)
        requirement = self._requirement(facts, settings, now)
        requirement = self._with_floors(with_endpoint(requirement, extra), caller.subject)
        entry = Entry(account, stale=True) if account else await self.engine.entry(caller.subject.key)
        evidence = self.evidence(caller, entry.account, requirement, now)
        return Judgement(
            decision=decide(requirement, evidence, now),
            requirement=requirement,
            factors=self.engine.factors,
            evidence=evidence,
            entry=entry,
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


def owed(judgement: Judgement, now: int) -> Refusal | None:
    """Say what the caller owes before an act on what is their own, or None.

    To have a proof is not enough: it may be too old, too weak, or of no account. Where nothing is demanded of the caller
    (off, exempt, put off), the policy's freshness is.
    """
    decision, evidence = judgement.decision, judgement.evidence
    match decision:
        case Deny():
            return Refusal(reason="locked", ref=decision.ref, attempts_remaining=0)
        case StepUp():
            return Refusal(reason="proof_required", max_age=decision.demand.max_age)
        case Enroll():
            return Refusal(reason="enrollment_required")
        case Agree() | Allow():
            if decision.proof is not None:
                return None
    usual = Demand(rule="freshness", max_age=judgement.requirement.rules.freshness.max_age)
    if evidence is not None and meeting(evidence.proofs, (usual,), now):
        return None
    return Refusal(reason="proof_required", max_age=usual.max_age)


def nobody(subject: Subject) -> Evidence:
    """A standing without an account, for decisions that look at none."""
    return Evidence(subject=subject, account=Account(key=subject.key), browser=None, handle="", network=UNKNOWN)
