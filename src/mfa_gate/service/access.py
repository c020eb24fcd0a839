"""Judge a request: may it pass?

Judging only reads the store. The one write is the first use of a break-glass grant. A browser that has proven its
factor costs one look at the result of its last request.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Protocol

from ..core import changes
from ..core.assurance import dead_end, meeting
from ..core.break_glass import is_known
from ..core.changes import break_glass
from ..core.changes.enroll_rights import CHANGE_AGE
from ..core.decision import Agree, Allow, Decision, Deny, Enroll, StepUp, decide, mark_of
from ..core.evidence import Evidence, standing_for
from ..core.model import Account, Caller, Subject, SubjectKey
from ..core.networks import UNKNOWN, full_address
from ..core.policy import (
    Demand,
    Facts,
    Requirement,
    floors_for,
    is_chosen,
    requirement_for,
    with_endpoint,
)
from ..core.reasons import Refusal
from ..core.rules import Policy, Rules, TenantSettings
from ..errors import MFAGateError, StoreUnavailable
from ..factors import Registry
from ..storage import take_one
from .accounts import Engine, Entry
from .seen_ages import SeenAges

log = logging.getLogger("mfa_gate")

MAX_TOLD = 100
MAX_PASSES = 10_000
MAX_OWN_PASSES = 64
"""The most results that are kept for one account: with endless cookies nobody pushes out those of others."""
ACTING_TOLD = 12 * 3600
"""Seconds after which the trail says again that one person acts as another."""
MAX_COOKIES = 2048
ON = TenantSettings(tenant="", enabled_at=1)
"""Stands for the tenant's own choice if it is not known: the second factor is on."""
PASS_LIFE = 30
"""Seconds after which a request is judged again, even if no change is known."""


class Counts(Protocol):
    """A receiver of requests that pass by a kept result."""

    def hit(self, method: str, path: str, /) -> None:
        """Count one request."""


@dataclass(slots=True, eq=False)
class Pass:
    """A kept result: one subject, address and cookie header may pass until ``until``.

    It is valid only for requests that no step-up rule names. ``until`` and ``ends_at`` are UTC seconds: the time to
    judge again, and the end of the proof or of the skipped enrollment. ``counts`` counts the requests of a policy that
    only reports.
    """

    entry: Entry
    subject: Subject
    address: str
    until: float
    ends_at: int
    counts: Counts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A decision, and the data that it was made from.

    ``evidence`` and ``entry`` are None if nothing was demanded and no account was read.
    """

    decision: Decision
    requirement: Requirement
    factors: Registry
    evidence: Evidence | None = None
    entry: Entry | None = None

    @property
    def account(self) -> Account | None:
        """Return the account that the decision looked at, or None."""
        return self.evidence.account if self.evidence else None

    @property
    def looked_at(self) -> Evidence:
        """Return the evidence. Raises ``ValueError`` where no account was looked at."""
        if self.evidence is None:
            raise ValueError("this judgement looked at no account")
        return self.evidence

    @property
    def nobody_passes(self) -> bool:
        """Tell if nothing could ever meet what was asked for: a fault of policy and code."""
        is_empty = isinstance(self.decision, Enroll) and not self.decision.factors
        return is_empty and dead_end(self.requirement, self.factors.traits) is not None

    @property
    def user_verification(self) -> bool:
        """Tell if the next challenge must be answered by a verified user."""
        return isinstance(self.decision, StepUp) and self.decision.demand.user_verification


class Access:
    """Use cases of judging a request. They grant nothing."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._passes: OrderedDict[bytes, Pass] = OrderedDict()
        self._kept_for: dict[SubjectKey, dict[bytes, None]] = {}
        self.endpoint_demands: Callable[[], tuple[Demand, ...]] = tuple
        """Lists the known demands of the app's endpoints. The package that knows the endpoints sets it."""
        self.demands_at: Callable[[str, str], tuple[Demand, ...]] = lambda method, path: ()
        """Lists the demands of the endpoint that answers a method and a path; set as the other."""
        self._told: set[tuple[str, Demand]] = set()
        self._acting: dict[tuple[SubjectKey, SubjectKey], int] = {}
        self._ages = SeenAges()
        self._latest: tuple[Facts, Policy, TenantSettings, int, Requirement] | None = None

    def passes(self, subject: Subject, cookies: bytes, address: str) -> Pass | None:
        """Find the kept result that lets this browser pass, or None. Raises ``StoreUnavailable``.

        ``cookies`` is the whole header, which a browser repeats to the letter. Call this only for requests that no
        step-up rule names. None means that the request must be judged.
        """
        engine = self.engine
        if engine.away_since is not None:
            engine.notice()
        else:
            # The look of ``notice`` without its call: every remembered request takes it.
            try:
                if changed := engine.store.changed(engine.reader):
                    engine.heed(changed)
            except StoreUnavailable:
                engine.notice()  # It keeps the time since when the store is away, and raises as well.
        known = self._passes.get(cookies)
        if known is None:
            return None
        if known.entry.stale or engine.wiring.clock.now() >= known.until:
            self._forget(cookies, known)
            return None
        return known if known.address == address and (known.subject is subject or known.subject == subject) else None

    def remember(
        self, judgement: Judgement, subject: Subject, cookies: bytes, address: str, counts: Counts | None = None
    ) -> None:
        """Keep the result for the next request of this browser.

        Only a proof or a skipped enrollment is worth keeping. Where the policy only reports, there is ``counts``, and every
        result is kept: the browser passes whatever it is.
        """
        decision, entry = judgement.decision, judgement.entry
        if entry is None or entry.stale or judgement.requirement.free_kind or len(cookies) > MAX_COOKIES:
            return
        rules, now = judgement.requirement.rules, self.engine.now()
        dates = [at for at in (rules.enrollment.optional_from, rules.enrollment.required_from) if at and at > now]
        until, ends_at = now + PASS_LIFE, 0
        if isinstance(decision, Allow):
            ends_at = decision.until
            until = min(until, ends_at - (rules.freshness.renew_early if counts is None else 0))
        if counts is None and (not isinstance(decision, Allow) or decision.why.watched or decision.granted):
            return
        if (before := self._passes.get(cookies)) is not None:
            self._forget(cookies, before)
        kept = Pass(entry, subject, address, min([until, *dates]), ends_at, counts)
        mine = self._kept_for.setdefault(entry.account.key, {})
        self._passes[cookies] = kept
        mine[cookies] = None
        if len(mine) > MAX_OWN_PASSES:
            self._forget(next(iter(mine)), kept)
        if len(self._passes) > MAX_PASSES:
            self._forget(*next(iter(self._passes.items())))

    def _forget(self, cookies: bytes, known: Pass) -> None:
        """Forget a result of the account that ``known`` is of."""
        key = known.entry.account.key
        self._passes.pop(cookies, None)
        mine = self._kept_for.get(key, {})
        mine.pop(cookies, None)
        if not mine:
            self._kept_for.pop(key, None)

    def has_grace(self, subject: Subject, cookies: bytes, address: str) -> bool:
        """Tell if a browser that passed before the store's outage may still pass.

        The policy bounds the length of the outage (``outage_grace``; decision 14). Nothing new passes, no proof lasts
        longer, and no step-up rule is met.
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
        """Decide on a request, with the account if one is needed. Raises ``StoreUnavailable``.

        Call ``free`` first: it decides requests of which nothing is demanded. ``extra`` are demands of the endpoint
        itself. With ``floors``, the judgement also knows the demands for changing factors, which a page of ours
        needs.
        """
        engine = self.engine
        observer, began = engine.effects.observer, perf_counter()
        engine.notice()
        settings = await engine.settings(facts.tenant)
        now = engine.now()
        requirement = self._requirement(facts, settings, now)
        if requirement.free_kind and not extra:
            decision = decide(requirement, nobody(caller.subject), now)
            return Judgement(decision=decision, requirement=requirement, factors=engine.factors)
        if extra:
            requirement = with_endpoint(requirement, extra)
        if floors:
            requirement = self._with_floors(requirement, caller)
        entry = await engine.entry(caller.subject.key)
        evidence = self.evidence(caller, entry.account, requirement, now)
        decision = decide(requirement, evidence, now)
        if isinstance(decision, (StepUp, Enroll)) and requirement.demands:
            self._tell_dead_end(facts, requirement)
            self._ages.note(evidence, now)
        elif isinstance(decision, Deny) and not requirement.report_only:
            if changes.is_left_open(entry.account, now, requirement.rules):
                engine.effects.later(self._lock(caller, requirement.rules))
        elif floors and (evidence.proofs or evidence.overdue):
            self._note_ages(evidence, requirement, now)
        if isinstance(decision, Allow) and not requirement.report_only:
            if decision.granted and not is_known(entry.account, mark_of(evidence)):
                decision = await self._enter_by_grant(caller, requirement, evidence, decision)
            if caller.acts_as is not None and isinstance(decision, Allow):
                await self._tell_acting(caller, caller.acts_as)
        if observer is not None:
            observer.judged(began, decision)
        return Judgement(
            decision=decision, requirement=requirement, factors=engine.factors, evidence=evidence, entry=entry
        )

    def free(self, subject: Subject, facts: Facts) -> Judgement | None:
        """Decide a request of which nothing is demanded, without reading an account; else None.

        The policy decides it alone, or together with the known choice of the tenant. That choice still counts while
        the store is away (decision 61).
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
        """Return the demands of the policy.

        ``free`` and ``judge`` ask for one request, one after the other.
        """
        policy, latest = self.engine.policy, self._latest
        if latest is not None and latest[0] is facts and latest[1] is policy and latest[2:4] == (settings, now):
            return latest[4]
        made = requirement_for(policy, facts, settings, now)
        if made.free_kind == "exempt":
            self.engine.exemption_uses.note(facts.tenant, made.free, now)
        self._latest = (facts, policy, settings, now, made)
        return made

    def _with_floors(self, requirement: Requirement, caller: Caller) -> Requirement:
        own = [d for d in self.endpoint_demands() if d.is_strong]
        groups = None if caller.acts_as else caller.subject.groups
        floors = (*floors_for(requirement.rules, groups, tenant=caller.subject.tenant), *own)
        return replace(requirement, floors=floors) if floors else requirement

    async def _lock(self, caller: Caller, rules: Rules) -> None:
        """Write the lock of an account that is refused without one.

        So people and administrators hear of it.
        """
        moment = self.engine.moment_of(caller)
        try:
            await self.engine.change(caller.subject.key, lambda account: changes.lock_left_open(account, moment, rules))
        except MFAGateError as error:
            log.warning("mfa_gate: the lock of an account without attempts is not written yet: %s", error)

    def _tell_dead_end(self, facts: Facts, requirement: Requirement) -> None:
        """Log once that no allowed factor meets the demands of a request. This is our fault."""
        joint = dead_end(requirement, self.engine.factors.traits)
        if joint is None:
            return
        if (facts.tenant, joint) in self._told or len(self._told) >= MAX_TOLD:
            return
        self._told.add((facts.tenant, joint))
        log.error(
            "mfa_gate: %r %r is refused to everybody in tenant %r: no allowed factor meets %s together; allow one that does, or "
            "demand less",
            facts.method,
            facts.path,
            facts.tenant,
            joint.rule,
        )

    async def _enter_by_grant(
        self, caller: Caller, requirement: Requirement, evidence: Evidence, decision: Decision
    ) -> Decision:
        """Record a browser's first use of a break-glass grant, then let it pass (S-125).

        If the grant can no longer be used, the request is decided again from the stored account.
        """
        key, moment, mark = caller.subject.key, self.engine.moment_of(caller), mark_of(evidence)
        if await self.engine.change(key, lambda account: break_glass.use(account, moment, mark=mark)):
            return decision
        evidence = self.evidence(caller, await self.engine.load(key), requirement, moment.now)
        return decide(requirement, evidence, moment.now)

    async def _tell_acting(self, caller: Caller, subject: Subject) -> None:
        """Record who acts as whom, before the request passes: once in twelve hours for these two."""
        actor, now = caller.subject.key, self.engine.now()
        if self._acting.get((actor, subject.key), 0) > now - ACTING_TOLD:
            return
        bucket = self.engine.bucket("acting", actor, subject.key)
        if not await take_one(self.engine.store, bucket, limit=1, window=ACTING_TOLD, now=now):
            moment = self.engine.moment(network=caller.network, actor=actor.id, address=full_address(caller.address))
            await self.engine.record((moment.event("account.impersonated", subject.key),))
        if len(self._acting) >= MAX_PASSES:
            self._acting.clear()
        self._acting[actor, subject.key] = now

    def evidence(self, caller: Caller, account: Account, requirement: Requirement, now: int) -> Evidence:
        """Join the account with the caller: only proofs that count here and now."""
        evidence = standing_for(
            caller,
            account,
            now=now,
            traits=self.engine.factors.traits,
            freshness=requirement.rules.freshness,
        )
        return evidence if now >= self._ages.latest else self._ages.aged(evidence, now)

    def _note_ages(self, evidence: Evidence, requirement: Requirement, now: int) -> None:
        """Note the proofs that are too old for a change of factors, or for an act at the desk."""
        enough = min(CHANGE_AGE, requirement.rules.roles.actor_max_age)
        if evidence.overdue or any(now - proof.at >= enough for proof in evidence.proofs):
            self._ages.note(evidence, now)

    async def own(self, caller: Caller, *, extra: tuple[Demand, ...] = (), account: Account | None = None) -> Judgement:
        """Judge the caller at the gate's own pages, as at a path that no rule names.

        ``account`` is the account if the caller of this function has just read it from the store.
        """
        self.engine.notice()
        settings = await self.engine.settings(caller.subject.tenant)
        now = self.engine.now()
        facts = Facts(
            tenant=caller.subject.tenant,
            groups=(caller.acts_as or caller.subject).groups,
            method="GET",
            path="",
            acting=caller.acts_as is not None,
        )
        requirement = requirement_for(self.engine.policy, facts, settings, now)
        requirement = self._with_floors(with_endpoint(requirement, extra), caller)
        entry = Entry(account, stale=True) if account else await self.engine.entry(caller.subject.key)
        evidence = self.evidence(caller, entry.account, requirement, now)
        if evidence.proofs or evidence.overdue:
            self._note_ages(evidence, requirement, now)
        return Judgement(
            decision=decide(requirement, evidence, now),
            requirement=requirement,
            factors=self.engine.factors,
            evidence=evidence,
            entry=entry,
        )


def owed(judgement: Judgement, now: int) -> Refusal | None:
    """Return the refusal of an act on the caller's own settings, or None.

    Having a proof is not enough: it may be too old, too weak, or of no account. If nothing is demanded of the caller
    (the factor is off, exempt or put off), a proof must be as fresh as the policy says.
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
    """Make the evidence of a subject whose account is not read."""
    return Evidence(subject=subject, account=Account(key=subject.key), browser=None, handle="", network=UNKNOWN)
