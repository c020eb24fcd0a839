"""The rights to change factors, and the needs of a first enrollment."""

from __future__ import annotations

from ..assurance import Traits, can_meet, combine, could_meet, meeting
from ..decision import Allow, Decision, Enroll, StepUp, answerable
from ..evidence import Evidence
from ..model import Seconds, replace
from ..policy import Demand, Requirement
from ..reasons import Refusal
from ..rules import MayBeOnFile, Rules

CHANGE_AGE = 300
"""The greatest age, in seconds, of a proof that allows a change of factors (decisions 10, S-84)."""
STRONGER = "Confirm with the strongest way that you have set up, then try again."
MANY = 100
LEAVE_LIFE = 900


def change_demand(
    evidence: Evidence, requirement: Requirement, *, adding: str = "", max_age: int = CHANGE_AGE
) -> Demand:
    """Return the demand of a change of factors: a fresh proof that meets the floors.

    A person with an authenticator that meets a floor proves with that one (decisions 37). Otherwise a weaker proof
    could enroll, remove or replace a factor, and so go round the floor. A floor that none of the person's
    authenticators meets is left out, because the first strong factor must stay possible. Where ``adding`` names a
    kind, a floor that this kind could never meet is left out too. Where no single authenticator meets everything, the
    demands of this request go first, then the strongest floor. So the person can always give the proof that is asked
    for.
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
    """Return the refusal of a change of factors now, or None if it is allowed.

    The change needs a fresh proof by an enrolled factor (S-82, S-84). ``adding`` is the kind to be added; "" stands for
    every other change.
    """
    account = evidence.account
    if account.lock is not None:
        return Refusal(reason="locked", ref=account.lock.ref, attempts_remaining=0)
    # By the clock alone: a worker that ran ahead has marked the account, and ends no stop.
    if now < account.frozen_until:
        return Refusal(reason="frozen")
    now = max(now, account.seen_at)
    demand = change_demand(evidence, requirement, adding=adding)
    if meeting(evidence.proofs, (demand,), now):
        return None
    return Refusal(reason="proof_required", max_age=demand.max_age, detail=STRONGER if demand.is_strong else "")


def may_enroll(
    evidence: Evidence, decision: Decision, requirement: Requirement, traits: Traits, now: int
) -> Refusal | None:
    """Return the refusal to enroll the factor of ``traits`` now, or None if it is allowed.

    A person with a factor needs a fresh proof, and is never in a first enrollment (S-83). A first enrollment needs,
    besides the password, what the policy says: a proven contact on file, or a ticket. Enrolling that
    contact proves it too.
    """
    account, clock = evidence.account, now
    now = max(now, account.seen_at)
    if traits.kind not in requirement.factors:
        return Refusal(reason="not_enrollable")
    if evidence.holds:
        if isinstance(decision, StepUp):
            return Refusal(reason="proof_required", max_age=min(CHANGE_AGE, decision.demand.max_age))
        return may_change(evidence, requirement, clock, adding="" if traits.backup else traits.kind)
    if account.lock is not None:
        return Refusal(reason="locked", ref=account.lock.ref, attempts_remaining=0)
    if clock < account.frozen_until:
        return Refusal(reason="frozen")
    if traits.backup:
        return Refusal(reason="not_enrollable")
    if not isinstance(decision, (Enroll, Allow)):
        return Refusal(reason="proof_required")
    return needs_leave(evidence, requirement.rules, traits, now)


def needs_leave(evidence: Evidence, rules: Rules, traits: Traits, now: int) -> Refusal | None:
    """Return the refusal that names what a first enrollment still needs, or None."""
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
    """Tell if confirming this factor proves a contact that the host has on file."""
    options = rules.factors.options.get(traits.kind)
    if traits.contact and isinstance(options, MayBeOnFile):
        return options.is_on_file
    return traits.contact == "email"
