"""Whether a request may pass, and if not, what would let it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from .assurance import TraitsOf, can_meet, combine, could_meet, meeting, meets
from .attempts import is_spent
from .break_glass import BREAK_GLASS, grant_mark, has_room, is_in_force, may_stand_in
from .entropy import handle_digest
from .evidence import NO_SESSION, SESSION_LIFE, UPSTREAM, Evidence, is_factor, skip_key, skip_time
from .model import Acceptance, Account, Authenticator, Proof, Subject
from .policy import Demand, Requirement
from .rules import AgreementRules

ChallengeReason = Literal["no_proof", "expired", "ip_changed", "step_up", "revoked"]
State = Literal["anonymous", "off", "exempt", "enroll", "challenge", "agreement", "locked", "verified"]

FOREVER = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """What led to a decision: the rule that decided, what it demanded, what was missing. Printed wherever one is told."""

    rule: str
    missing: str = ""
    demands: tuple[Demand, ...] = ()
    watched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """The request passes. ``until`` is when this answer may change by time alone. ``granted``: by a break-glass grant, with
    no proof at all."""

    why: Why
    state: State
    until: int = FOREVER
    proof: Proof | None = None
    skipped: bool = False
    granted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enroll:
    """The subject has no confirmed factor (or none that could meet the demand) and must, or may, enroll one."""

    why: Why
    skippable: bool = False
    factors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """The subject must prove a second factor: for the first time, again, or a fresher or stronger one."""

    why: Why
    reason: ChallengeReason
    demand: Demand
    authenticators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agree:
    """The second factor is proven; the agreement is not accepted yet."""

    why: Why
    agreement: AgreementRules
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """The account is locked. Only an administrator ends that."""

    why: Why
    ref: str
    cause: str


Decision = Allow | Enroll | StepUp | Agree | Deny


def agreed(acceptances: tuple[Acceptance, ...], agreement: AgreementRules, subject: Subject, since: int) -> bool:
    """Whether the agreement in this version is accepted; with ``each-sign-in``, in this session or, where the host names
    none, since the proof (or the skip) of ``since``."""
    for accepted in acceptances:
        if (accepted.agreement, accepted.version) != (agreement.id, agreement.version):
            continue
        if agreement.digest and accepted.digest != agreement.digest:
            continue
        if agreement.again == "new-version":
            return True
        if subject.session:
            if accepted.session == handle_digest(subject.session):
                return True
        elif accepted.at >= since:
            return True
    return False


def decide(requirement: Requirement, evidence: Evidence, now: int) -> Decision:
    """May it pass? Order: exempt, locked, break-glass grant, enrollment, freshness and network, step-up, agreement; all of a
    stage apply."""
    if requirement.free_kind:
        return Allow(why=Why(rule=requirement.free), state=requirement.free_kind)
    rules = requirement.rules
    account = evidence.account
    now = max(now, account.seen_at)
    met = meeting(evidence.proofs, requirement.demands, now)
    watched = tuple(d.rule for d in requirement.watched if not meeting(met or evidence.proofs, (d,), now))

    locked = account.lock is not None or is_spent(account.attempts, rules.attempts)
    if locked and (
        not met or rules.attempts.lock_ends_sessions or (account.lock and account.lock.cause == "administrator")
    ):
        lock = account.lock
        why = Why(rule="attempts", missing="unlock", watched=watched)
        return Deny(why=why, ref=lock.ref if lock else "", cause=lock.cause if lock else "attempts")

    if not met and _is_granted(requirement, evidence, now):
        return _by_grant(requirement, evidence, watched)
    if not evidence.enrolled:
        return _first_enrollment(requirement, evidence, watched)
    if not met:
        return _step_up(requirement, evidence, watched, now)
    if all(p.factor != UPSTREAM for p in met) and not any(
        is_factor(a.factor, evidence.traits) and a.factor in requirement.factors for a in account.authenticators
    ):
        return Enroll(why=Why(rule="enrollment", missing="factor"), factors=requirement.factors)

    max_age = min(demand.max_age for demand in requirement.demands)
    until = max(_end_of(proof, max_age) for proof in met)
    why = Why(rule="proof", demands=requirement.demands, watched=watched)
    return _then_agreement(requirement, evidence, Allow(why=why, state="verified", until=until, proof=met[0]))


def mark_of(evidence: Evidence) -> str:
    """What this browser is known by to a break-glass grant."""
    return grant_mark(skip_key(evidence.subject, evidence.handle), evidence.network)


def _is_granted(requirement: Requirement, evidence: Evidence, now: int) -> bool:
    account = evidence.account
    if not is_in_force(account, now) or not may_stand_in(requirement.demands):
        return False
    return has_room(account, mark_of(evidence))


def _by_grant(requirement: Requirement, evidence: Evidence, watched: tuple[str, ...]) -> Decision:
    grant = evidence.account.grant
    why = Why(rule=BREAK_GLASS, demands=requirement.demands, watched=watched)
    allow = Allow(why=why, state="verified", until=grant.ends_at if grant else 0, granted=True)
    return _then_agreement(requirement, evidence, allow)


def _end_of(proof: Proof, max_age: int) -> int:
    return proof.at + (min(max_age, SESSION_LIFE) if proof.session == NO_SESSION else max_age)


def _then_agreement(requirement: Requirement, evidence: Evidence, allow: Allow) -> Decision:
    agreement = requirement.rules.agreement
    skipped_at = skip_time(evidence.account, evidence.subject, evidence.handle)
    since = evidence.proofs[0].at if allow.proof else skipped_at
    if allow.granted and evidence.account.grant is not None:
        since = evidence.account.grant.ends_at - evidence.account.grant.life
    if agreement is None or agreed(evidence.account.acceptances, agreement, evidence.subject, since):
        return allow
    return Agree(why=Why(rule="agreement", missing=agreement.version), agreement=agreement, proof=allow.proof)


def _first_enrollment(requirement: Requirement, evidence: Evidence, watched: tuple[str, ...]) -> Decision:
    """Nobody who has a factor comes here (S-83). While it is optional it may be skipped, but no stronger demand may."""
    extra = requirement.demands[1:]
    optional = requirement.stage == "optional" and not extra
    if optional and evidence.skipped:
        skipped_at = skip_time(evidence.account, evidence.subject, evidence.handle)
        until = FOREVER if evidence.subject.session else skipped_at + SESSION_LIFE
        allow = Allow(why=Why(rule="skipped", watched=watched), state="verified", skipped=True, until=until)
        return _then_agreement(requirement, evidence, allow)
    skip = requirement.rules.enrollment.skip
    rule = extra[-1].rule if extra else "enrollment"
    demand = combine(requirement.demands, rule=rule)
    return Enroll(
        why=Why(rule=rule, missing="factor", demands=requirement.demands, watched=watched),
        skippable=optional and (not skip.max or evidence.account.skip_count < skip.max),
        factors=tuple(kind for kind in requirement.factors if could_meet(kind, demand, evidence.traits)),
    )


def _step_up(requirement: Requirement, evidence: Evidence, watched: tuple[str, ...], now: int) -> Decision:
    """Say which challenge is next, and why.

    The demand is the joint one: what is offered meets all of it at once.

    Somebody who holds nothing that meets it proves what there is first, then enrolls more.
    """
    demands, proofs = requirement.demands, evidence.proofs
    base = Demand(rule=demands[0].rule, max_age=demands[0].max_age)
    unmet = tuple(d for d in demands if not meeting(proofs, (d,), now)) or demands
    demand = combine(demands, rule=unmet[-1].rule)
    allowed = answerable(evidence.account, requirement.factors, evidence.traits)
    usable = tuple(a.id for a in allowed if can_meet(a, demand, evidence.traits))
    proven = any(meets(proof, base, now) for proof in proofs)
    if proven and not usable and not _signs_in_again(evidence, demand):
        kinds = tuple(kind for kind in requirement.factors if could_meet(kind, demand, evidence.traits))
        why = Why(rule=demand.rule, missing="factor", demands=demands, watched=watched)
        return Enroll(why=why, factors=kinds)
    reason: ChallengeReason = "step_up"
    if not proven:
        reason = "expired" if proofs else "ip_changed" if evidence.other_networks else "no_proof"
        if reason == "no_proof" and evidence.ended:
            reason = "revoked"
        if not usable:
            demand = base
            usable = tuple(a.id for a in allowed)
    why = Why(rule=demand.rule, missing=reason, demands=demands, watched=watched)
    return StepUp(why=why, reason=reason, demand=demand, authenticators=usable)


def answerable(account: Account, factors: tuple[str, ...], traits: TraitsOf) -> tuple[Authenticator, ...]:
    """Pick what may be answered with where ``factors`` are allowed.

    Pages, JSON and decisions ask here. Where nothing that a person has is allowed any more, all of it may be answered
    with, or nobody could go on to enroll what is. A backup code is no exception then: where the policy has none, none is taken.
    """
    mine = account.authenticators
    if any(is_factor(a.factor, traits) and a.factor in factors for a in mine):
        return tuple(a for a in mine if a.factor in factors)
    return tuple(a for a in mine if is_factor(a.factor, traits) or a.factor in factors)


def _signs_in_again(evidence: Evidence, demand: Demand) -> bool:
    """Whether a newer sign-in elsewhere is all that is missing: nobody enrolls something for the sake of age alone."""
    return evidence.upstream and not demand.is_strong


def state_of(decision: Decision) -> State:
    """The contract's word for a decision."""
    match decision:
        case Allow():
            return decision.state
        case Enroll():
            return "enroll"
        case StepUp():
            return "challenge"
        case Agree():
            return "agreement"
        case Deny():
            return "locked"
    assert_never(decision)
