"""Explain one decision: the gate's own ``Decision``, and the part of each rule in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal, assert_never

from ...core.assurance import dead_end, meeting, meets
from ...core.decision import Agree, Allow, Deny, Enroll, StepUp, state_of
from ...core.durations import format_duration
from ...core.model import Seconds
from ...core.policy import SIGN_OUT, Demand, Facts, demands_for, exemption_for, requirement_for
from ...core.rules import Policy, Rules, SubjectExemption, TenantSettings
from ..scenario import Outcome

Verdict = Literal["hit", "miss", "not-reached"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """Describe one rule: its stage, its name, its verdict, and a note."""

    stage: str
    rule: str
    verdict: Verdict
    note: str = ""
    won: bool = False


def rows(outcome: Outcome) -> tuple[Row, ...]:
    """List the rules in the order of evaluation, one row each.

    The order is: sign-out and exempt path, exempt subject, stage, lock, enrollment, freshness and network, step-up, the
    endpoint's own demands, agreement. Rules after the stage that decided are ``not-reached``.
    """
    requirement, decision = outcome.requirement, outcome.decision
    unreached = _unreached(outcome)
    found = []
    for stage, rule, hit, note in _asked(outcome):
        verdict: Verdict = "not-reached" if stage in unreached else "hit" if hit else "miss"
        won = verdict == "hit" and rule == decision.why.rule
        found.append(Row(stage=stage, rule=rule, verdict=verdict, note=note if verdict == "hit" else "", won=won))
    if requirement.free_kind == "off":
        return tuple(replace(row, won=row.stage == "stage") for row in found)
    return tuple(found)


def seen_by_user(outcome: Outcome) -> str:
    """Describe the page or answer that the person gets."""
    decision = outcome.decision
    if outcome.requirement.report_only and not isinstance(decision, Allow):
        return "the page; report-only, so the event says what would have happened"
    match decision:
        case Allow(state="verified", skipped=True):
            return "the page; enrollment was skipped"
        case Allow():
            return "the page"
        case Enroll():
            return "the enrollment page" + (", with a way to skip" if decision.skippable else "")
        case StepUp():
            return "the challenge page"
        case Agree():
            return f'the agreement "{decision.agreement.title}"'
        case Deny():
            return "the page that says who can unlock"
    assert_never(decision)


STAGES = (
    "exempt",
    "exempt_subjects",
    "stage",
    "attempts",
    "enrollment",
    "freshness",
    "step_up",
    "endpoint",
    "agreement",
)


def _unreached(outcome: Outcome) -> frozenset[str]:
    """List the stages that were not examined, because an earlier one decided."""
    requirement, decision = outcome.requirement, outcome.decision
    beside = frozenset({"endpoint"} if outcome.endpoint else ())
    if outcome.free_kind == "exempt":
        of_path = exemption_for(requirement.rules.exempt, outcome.facts, outcome.now)
        return _after("exempt" if of_path or outcome.signs_out else "exempt_subjects") - beside
    if outcome.free_kind == "off":
        return _after("stage") - beside
    match decision:
        case Deny():
            return _after("attempts")
        case Enroll(why=why) if why.rule == "enrollment":
            return _after("enrollment")
        case Enroll() | StepUp():
            return _after("endpoint")
        case Allow(skipped=True):
            return frozenset({"freshness", "step_up"})
    return frozenset()


def _after(stage: str) -> frozenset[str]:
    return frozenset(STAGES[STAGES.index(stage) + 1 :])


def _asked(outcome: Outcome) -> Iterator[tuple[str, str, bool, str]]:
    """Ask for each rule alone, by the function that judges it among the others."""
    rules, facts, now = outcome.requirement.rules, outcome.facts, outcome.now
    decision = outcome.decision
    if outcome.signs_out:
        yield "exempt", SIGN_OUT, True, "the host's sign-out passes for everybody"
    for exempt in rules.exempt:
        yield "exempt", exempt.name, bool(exemption_for((exempt,), facts, now)), exempt.reason
    for subjects in rules.exempt_subjects:
        yield "exempt_subjects", subjects.name, _covers(rules, subjects, facts, now), subjects.reason
    stage = outcome.requirement.stage
    yield "stage", "enrollment.stage", True, stage
    yield "attempts", "attempts", isinstance(decision, Deny), "locked; only an administrator unlocks"
    yield "enrollment", "enrollment", _enrolls(outcome), "something must be enrolled first"
    freshness = demands_for(rules, facts)[0][0]
    yield "freshness", "freshness", True, _told(outcome, freshness)
    for rule in rules.step_up:
        alone, seen = demands_for(replace(rules, step_up=(rule,)), facts)
        demands = alone[1:] + seen
        note = _told(outcome, demands[0]) if demands else ""
        yield "step_up", rule.name, bool(demands), f"report-only: {note}" if rule.report_only else note
    for demand in outcome.endpoint:
        yield "endpoint", demand.rule, True, _told(outcome, demand)
    if rules.agreement is not None:
        accepted = not isinstance(decision, Agree)
        note = "accepted" if accepted else f"version {rules.agreement.version} is to be accepted"
        yield "agreement", "agreement", True, note


def _enrolls(outcome: Outcome) -> bool:
    decision = outcome.decision
    return isinstance(decision, Enroll) or (isinstance(decision, Allow) and decision.skipped)


def _covers(rules: Rules, subjects: SubjectExemption, facts: Facts, now: int) -> bool:
    alone = Policy(name="one rule", base=replace(rules, exempt=(), exempt_subjects=(subjects,)))
    return requirement_for(alone, facts, TenantSettings(tenant=facts.tenant), now).free_kind == "exempt"


def _told(outcome: Outcome, demand: Demand) -> str:
    """Describe the demand, and say if one proof meets it together with all others."""
    wanted = told_demand(demand)
    evidence = outcome.evidence
    if any(meets(proof, demand, outcome.now) for proof in evidence.proofs):
        return f"unmet: {wanted}; {APART}" if _met_apart(outcome) else f"met: {wanted}"
    if not evidence.proofs:
        why = "the proof is of another network" if evidence.other_networks else "there is no proof"
    else:
        age = outcome.now - evidence.proofs[0].at
        why = f"the proof is {format_duration(Seconds(age))} old, by {evidence.proofs[0].factor}"
    return f"unmet: {wanted}; {why}"


APART = "one proof must meet all demands at once, and none does"


def _met_apart(outcome: Outcome) -> bool:
    """Tell if each demand is met by some proof, and no proof meets all of them."""
    demands, proofs, now = outcome.requirement.demands, outcome.evidence.proofs, outcome.now
    if not demands or meeting(proofs, demands, now):
        return False
    return all(any(meets(proof, demand, now) for proof in proofs) for demand in demands)


def told_dead_end(outcome: Outcome) -> str:
    """Say that nobody can ever pass this request; "" where somebody can."""
    joint = dead_end(outcome.requirement, outcome.evidence.traits)
    if joint is None:
        return ""
    allowed = ", ".join(outcome.requirement.factors) or "none"
    return (
        f"nobody can pass: one proof must meet {joint.rule} together, and no factor that can be used ({allowed}) does; "
        "allow one that does, or demand less"
    )


def told_demand(demand: Demand) -> str:
    """Write a demand in words."""
    parts = [f"a proof younger than {format_duration(demand.max_age)}"]
    if demand.factors_any:
        parts.append(f"by {' or '.join(demand.factors_any)}")
    if demand.phishing_resistant:
        parts.append("phishing-resistant")
    if demand.user_verification:
        parts.append("with the user verified")
    return ", ".join(parts)


def told_decision(outcome: Outcome) -> str:
    """Write the state of the decision with its reason: ``challenge (expired)``."""
    decision = outcome.decision
    reason = f" ({decision.reason})" if isinstance(decision, StepUp) else ""
    return f"{state_of(decision)}{reason}"
