"""Who may change factors, and what a first enrollment needs."""

from __future__ import annotations

from ..assurance import Traits, can_meet, combine, could_meet, meeting
from ..decision import Allow, Decision, Enroll, StepUp, answerable
from ..evidence import Evidence
from ..model import Seconds, replace
from ..policy import Demand, Requirement
from ..reasons import Refusal
from ..rules import MayBeOnFile, Rules

CHANGE_AGE = 300
"""Seconds: how old a proof may be for changing factors (decisions 10, S-84)."""
STRONGER = "Confirm with the strongest way that you have set up, then try again."
MANY = 100
LEAVE_LIFE = 900


def change_demand(
    evidence: Evidence, requirement: Requirement, *, adding: str = "", max_age: int = CHANGE_AGE
) -> Demand:
    """Join what a change of factors demands: a proof that is fresh and keeps the floors.

    Whoever holds something that meets a floor proves with that (decisions 37), or enrolling, removing or replacing by a
    weaker proof would be a way round the floor. Floors that nothing held meets are left out: the first strong factor must
    stay possible. Where ``adding`` names a kind, so are floors that this kind could never meet. Where no one authenticator
    meets all of it, what is demanded here goes first, then the strongest floor: what this asks for can always be given.
    """
    account, traits = evidence.account, evidence.traits
    held = answerable(account, requirement.factors, traits)
    demand = Demand(rule="change", max_age=Seconds(max_age))
    floors = [f for f in requirement.floors if not adding or could_meet(adding, f, traits)]
    floors.sort(key=lambda f: (not f.phishing_resistant, not f.user_verification, len(f.factors_any) or MANY))
    for floor in (*requirement.demands, *floors):
        joint = replace(combine((demand, floor), rule=demand.rule), max_age=demand.max_age)
        if any(can_meet(mine, joint, traits) for mine in held):
            demand = joint
    return demand


def may_change(evidence: Evidence, requirement: Requirement, now: int, *, adding: str = "") -> Refusal | None:
    """Say why factors may not be changed now, or None.

    A fresh proof by something enrolled is needed (S-82, S-84). ``adding`` is
    the kind that is to be added; "" stands for every other change.
    """
    account = evidence.account
    now = max(now, account.seen_at)
    if account.lock is not None:
        return Refusal(reason="locked", ref=account.lock.ref, attempts_remaining=0)
    if now < account.frozen_until:
        return Refusal(reason="frozen")
    demand = change_demand(evidence, requirement, adding=adding)
    if meeting(evidence.proofs, (demand,), now):
        return None
    return Refusal(reason="proof_required", max_age=demand.max_age, detail=STRONGER if demand.is_strong else "")


def may_enroll(
    evidence: Evidence, decision: Decision, requirement: Requirement, traits: Traits, now: int
) -> Refusal | None:
    """Say why ``traits`` may not be enrolled now, or None.

    Somebody with a factor needs a fresh proof and is never in a first enrollment (S-83). A first one needs what the
    policy says besides the password: the contact on file proven, or a ticket; confirming that contact proves it too.
    """
    account = evidence.account
    now = max(now, account.seen_at)
    if traits.kind not in requirement.factors:
        return Refusal(reason="not_enrollable")
    if evidence.holds:
        if isinstance(decision, StepUp):
            return Refusal(reason="proof_required", max_age=min(CHANGE_AGE, decision.demand.max_age))
        return may_change(evidence, requirement, now, adding="" if traits.backup else traits.kind)
    if account.lock is not None:
        return Refusal(reason="locked", ref=account.lock.ref, attempts_remaining=0)
    if now < account.frozen_until:
        return Refusal(reason="frozen")
    if traits.backup:
        return Refusal(reason="not_enrollable")
    if not isinstance(decision, (Enroll, Allow)):
        return Refusal(reason="proof_required")
    return needs_leave(evidence, requirement.rules, traits, now)


def needs_leave(evidence: Evidence, rules: Rules, traits: Traits, now: int) -> Refusal | None:
    """What a first enrollment still lacks, or None."""
    first = rules.enrollment.first
    now = max(now, evidence.account.seen_at)
    if first == "open":
        return None
    leave = evidence.account.leave
    if (
        leave
        and leave.browser == evidence.handle
        and now - leave.at < LEAVE_LIFE
        and (leave.kind == "ticket" or first == "contact")
    ):
        return None
    if first == "ticket":
        return Refusal(reason="ticket_required")
    return None if is_on_file(rules, traits) else Refusal(reason="contact_required")


def is_on_file(rules: Rules, traits: Traits) -> bool:
    """Whether confirming this factor proves a contact that the host has on file."""
    options = rules.factors.options.get(traits.kind)
    if traits.contact and isinstance(options, MayBeOnFile):
        return options.is_on_file
    return traits.contact == "email"
