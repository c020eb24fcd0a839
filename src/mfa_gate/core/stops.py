"""The way that a decision stops a request: asked, sent to enroll, or walled out, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from .assurance import meeting
from .changes.enroll_rights import needs_leave
from .decision import Agree, Allow, Decision, Deny, Enroll, StepUp, decide, enrollable_kinds
from .evidence import Evidence
from .policy import Requirement, sign_in_could_meet

StopKind = Literal["passes", "asked", "enroll", "walled-out"]

HELPS: Mapping[str, str] = {
    "locked": "an administrator unlocks the account",
    "no_factor": "allow a factor that meets the rule, or demand less",
    "no_authenticator": "allow a factor that this person has, or let an administrator reset the account",
    "ticket": "an administrator gives an enrollment ticket",
    "no_contact": "put an e-mail address or a phone number on file, or give an enrollment ticket",
}
"""What helps a person who is walled out, by the reason."""


@dataclass(frozen=True, slots=True)
class Stop:
    """The end of one request under a policy.

    ``why`` is the reason of a challenge, ``enrollment`` or ``agreement``, a key of ``HELPS``, or for a request that
    passes the contract's state. ``rules`` names each rule that is not met.
    """

    kind: StopKind
    why: str
    rules: tuple[str, ...] = ()


def enforced(requirement: Requirement) -> Requirement:
    """Return the requirement as if rules that are only watched had to be met."""
    if not requirement.watched and not requirement.report_only:
        return requirement
    demands = (*requirement.demands, *requirement.watched)
    return replace(requirement, demands=demands, watched=(), report_only=False)


def stop_of(requirement: Requirement, evidence: Evidence, now: int) -> tuple[Stop, Decision, Requirement]:
    """Decide as if nothing were only watched.

    Returns the stop, the decision that it comes from, and the requirement of that decision.
    """
    strict = enforced(requirement)
    decision = decide(strict, evidence, now)
    return stop_by(decision, strict, evidence, now), decision, strict


def stop_by(decision: Decision, requirement: Requirement, evidence: Evidence, now: int) -> Stop:
    """Tell the way that ``decision`` stops the request, or lets it pass."""
    if isinstance(decision, Allow):
        return Stop("passes", decision.why.rule if decision.state == "exempt" else decision.state)
    rules = _unmet(decision, requirement, evidence, now)
    match decision:
        case Deny():
            return Stop("walled-out", "locked", rules)
        case Agree():
            return Stop("asked", "agreement", rules)
        case StepUp():
            if decision.authenticators or (
                evidence.upstream and sign_in_could_meet(requirement.rules.freshness, decision.demand)
            ):
                return Stop("asked", decision.reason, rules)
            return Stop("walled-out", "no_authenticator", rules)
        case Enroll():
            kinds = enrollable_kinds(decision, requirement, evidence.account, evidence.traits)
            if not kinds:
                return Stop("walled-out", "no_factor", rules)
            return (
                Stop("walled-out", "ticket", rules)
                if _owes_ticket(kinds, requirement, evidence, now)
                else (Stop("enroll", "enrollment", rules))
            )


def _unmet(decision: Decision, requirement: Requirement, evidence: Evidence, now: int) -> tuple[str, ...]:
    """Name each rule that no proof meets; the rule of the decision, if all are met one by one."""
    if isinstance(decision, (Agree, Deny)):
        return (decision.why.rule,)
    unmet = tuple(d.rule for d in requirement.demands if not meeting(evidence.proofs, (d,), now))
    return tuple(dict.fromkeys(unmet)) or (decision.why.rule,)


def _owes_ticket(kinds: tuple[str, ...], requirement: Requirement, evidence: Evidence, now: int) -> bool:
    """Tell if a first enrollment waits for an administrator's ticket that nobody has given."""
    if evidence.holds:
        return False
    ticket = evidence.account.ticket
    if ticket is not None and now < ticket.expires_at:
        return False
    lacking = needs_leave(evidence, requirement.rules, evidence.traits[kinds[0]], now)
    return lacking is not None and lacking.reason == "ticket_required"
