"""The decision about a request: it may pass, or it needs something first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, assert_never

from .assurance import TraitsOf, can_meet, combine, could_meet, meeting, meets
from .attempts import is_spent
from .break_glass import BREAK_GLASS, grant_mark, has_room, is_in_force, may_stand_in
from .entropy import handle_digest
from .evidence import NO_SESSION, SESSION_LIFE, UPSTREAM, Evidence, holds_factor, is_factor, skip_key, skip_time
from .model import Acceptance, Account, Authenticator, Proof, Subject
from .policy import Demand, Requirement, sign_in_could_meet
from .rules import AgreementRules

ChallengeReason = Literal["no_proof", "expired", "ip_changed", "step_up", "revoked"]
State = Literal["anonymous", "off", "exempt", "enroll", "challenge", "agreement", "locked", "verified"]

FOREVER = 1 << 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """The cause of a decision: the rule that decided, its demands, and the missing part.

    It is printed together with every decision that is reported. ``watched`` are the names of report-only rules that are
    not met.
    """

    rule: str
    missing: str = ""
    demands: tuple[Demand, ...] = ()
    watched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Allow:
    """The decision that the request passes.

    ``until`` is the time from which this answer may change by time alone. ``granted``: it passes by a break-glass
    grant, with no proof at all.
    """

    why: Why
    state: State
    until: int = FOREVER
    proof: Proof | None = None
    skipped: bool = False
    granted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Enroll:
    """The decision that the subject must, or may, enroll a factor.

    It has no confirmed factor, or none that could meet the demand.
    """

    why: Why
    skippable: bool = False
    factors: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepUp:
    """The decision that the subject must prove a second factor.

    It is the first proof, a new one after the old has ended, or a fresher or stronger one.
    """

    why: Why
    reason: ChallengeReason
    demand: Demand
    authenticators: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Agree:
    """The decision that the agreement must be accepted. The second factor is proven already."""

    why: Why
    agreement: AgreementRules
    proof: Proof | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deny:
    """The decision that the account is locked. Only an administrator can end a lock."""

    why: Why
    ref: str
    cause: str


Decision = Allow | Enroll | StepUp | Agree | Deny


def agreed(acceptances: tuple[Acceptance, ...], agreement: AgreementRules, subject: Subject, since: int) -> bool:
    """Tell if the agreement is accepted in this version.

    With ``each-sign-in`` it must be accepted in this session. Where the host names no session, it must be accepted at
    or after ``since``, the time of the proof or of the skip.
    """
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
    """Decide if the request may pass.

    The order is: exempt, locked, break-glass grant, enrollment, freshness and network, step-up, agreement. All rules
    of one stage apply together.
    """
    if requirement.free_kind:
        return Allow(why=Why(rule=requirement.free), state=requirement.free_kind)
    rules = requirement.rules
    account = evidence.account
    now = max(now, account.seen_at)
    met = meeting(evidence.proofs, requirement.demands, now)
    watched = tuple([d.rule for d in requirement.watched if not meeting(met or evidence.proofs, (d,), now)])

    locked = account.lock is not None or is_spent(account.attempts, rules.attempts)
    if locked and (
        not met or rules.attempts.lock_ends_sessions or (account.lock and account.lock.cause == "administrator")
    ):
        lock = account.lock
        why = Why(rule="attempts", missing="unlock", watched=watched)
        return Deny(why=why, ref=lock.ref if lock else "", cause=lock.cause if lock else "attempts")

    if not met and _is_granted(requirement, evidence, now):
        return _by_grant(requirement, evidence, watched)
    usable = holds_factor(account, evidence.traits, requirement.factors)
    if not usable and not evidence.enrolled:
        return _first_enrollment(requirement, evidence, watched)
    if not met:
        return _step_up(requirement, evidence, watched, now)
    if not usable and all(p.factor != UPSTREAM for p in met):
        return Enroll(why=Why(rule="enrollment", missing="factor"), factors=requirement.factors)

    max_age = min([demand.max_age for demand in requirement.demands])
    until = max([_end_of(proof, max_age) for proof in met])
    why = Why(rule="proof", demands=requirement.demands, watched=watched)
    return _then_agreement(requirement, evidence, Allow(why=why, state="verified", until=until, proof=met[0]))


def mark_of(evidence: Evidence) -> str:
    """Return the mark by which a break-glass grant recognizes this browser."""
    return grant_mark(skip_key(evidence.subject, evidence.handle), evidence.network)


def _is_granted(requirement: Requirement, evidence: Evidence, now: int) -> bool:
    account = evidence.account
    if account.grant is None or not is_in_force(account, now) or not may_stand_in(requirement.demands):
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
    if agreement is None:
        return allow
    skipped_at = skip_time(evidence.account, evidence.subject, evidence.handle)
    since = evidence.proofs[0].at if allow.proof else skipped_at
    if allow.granted and evidence.account.grant is not None:
        since = evidence.account.grant.ends_at - evidence.account.grant.life
    if agreed(evidence.account.acceptances, agreement, evidence.subject, since):
        return allow
    return Agree(why=Why(rule="agreement", missing=agreement.version), agreement=agreement, proof=allow.proof)


def _first_enrollment(requirement: Requirement, evidence: Evidence, watched: tuple[str, ...]) -> Decision:
    """Decide for a subject without a factor; one with a factor never comes here (S-83).

    An optional enrollment may be skipped, unless a rule demands more than freshness.
    """
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
    """Choose the next challenge, and say why.

    The demand is the joint one, so each offered authenticator meets all of it. A person without such an authenticator
    first gives a proof with another one, and then enrolls more.
    """
    demands, proofs = requirement.demands, evidence.proofs
    base = Demand(rule=demands[0].rule, max_age=demands[0].max_age)
    unmet = tuple(d for d in demands if not meeting(proofs, (d,), now)) or demands
    demand = combine(demands, rule=unmet[-1].rule)
    allowed = answerable(evidence.account, requirement.factors, evidence.traits)
    usable = tuple(a.id for a in allowed if can_meet(a, demand, evidence.traits))
    proven = any(meets(proof, base, now) for proof in proofs)
    signs_in_again = evidence.upstream and sign_in_could_meet(requirement.rules.freshness, demand)
    if proven and not usable and not signs_in_again:
        kinds = tuple(kind for kind in requirement.factors if could_meet(kind, demand, evidence.traits))
        why = Why(rule=demand.rule, missing="factor", demands=demands, watched=watched)
        return Enroll(why=why, factors=kinds)
    reason: ChallengeReason = "step_up"
    if not proven:
        reason = "expired" if proofs else "ip_changed" if evidence.other_networks else "no_proof"
        if reason == "no_proof" and evidence.ended:
            reason = "revoked"
        if not usable and not (demand.is_strong and signs_in_again):
            demand = base
            usable = tuple(a.id for a in allowed)
    why = Why(rule=demand.rule, missing=reason, demands=demands, watched=watched)
    return StepUp(why=why, reason=reason, demand=demand, authenticators=usable)


def answerable(account: Account, factors: tuple[str, ...], traits: TraitsOf) -> tuple[Authenticator, ...]:
    """Pick the authenticators that a person may answer with where ``factors`` are allowed.

    Pages, JSON and decisions all use this. If none of a person's factors is allowed any more, all of them may answer.
    Otherwise this person could not go on to enroll an allowed one. Backup codes are never included in this way: they
    may answer only where the policy allows them.
    """
    mine = account.authenticators
    if any(is_factor(a.factor, traits) and a.factor in factors for a in mine):
        return tuple(a for a in mine if a.factor in factors)
    return tuple(a for a in mine if is_factor(a.factor, traits) or a.factor in factors)


def enrollable_kinds(
    decision: Decision, requirement: Requirement, account: Account | None, traits: TraitsOf
) -> tuple[str, ...]:
    """List the kinds that this subject may enroll here, strongest first.

    If a demand asks for certain kinds, only these are listed. Backup codes are never listed: they are made elsewhere.
    """
    order = requirement.rules.factors.order
    held = {a.factor for a in account.authenticators} if account else set()
    kinds = [
        kind
        for kind in requirement.factors
        if kind in traits and not traits[kind].backup and not (traits[kind].single and kind in held)
    ]
    if isinstance(decision, Enroll):
        kinds = [kind for kind in kinds if kind in decision.factors]
    return tuple(sorted(kinds, key=lambda kind: order.index(kind) if kind in order else len(order)))


def state_of(decision: Decision) -> State:
    """Return the contract's word for a decision."""
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
