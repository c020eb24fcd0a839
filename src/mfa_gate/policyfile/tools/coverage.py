"""Find the parts of a policy that none of its ``[[tests]]`` exercises.

A part is a rule, an exemption, a stage of the decision, or one side of a bound: an age or a date.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ...core.decision import state_of
from ...core.durations import format_duration
from ...core.policy import exemption_for, is_chosen
from ...core.rules import Exemption, Policy, Rules, StepUpRule, SubjectExemption
from ..scenario import Given, Outcome
from .policy_tests import Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One part of the policy. ``test`` says in words the test that exercises it.

    ``tenant`` is "" for a part that the file has for everybody.
    """

    tenant: str
    path: str
    test: str
    exercised: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """All parts of a policy."""

    parts: tuple[Part, ...]

    @property
    def missed(self) -> tuple[Part, ...]:
        """List the parts that no test exercises."""
        return tuple(part for part in self.parts if not part.exercised)

    @property
    def percent(self) -> int:
        """Return the share of parts that tests exercise, in whole percent, rounded down."""
        return 100 * (len(self.parts) - len(self.missed)) // len(self.parts) if self.parts else 100


Judged = tuple[Given, Outcome]
Exercises = Callable[[Given, Outcome], bool]
Wanted = tuple[str, str, Exercises]
"""A part before it is looked for: its path, the test in words, and the question if a test is such a one."""


def coverage(policy: Policy, trials: tuple[Trial, ...]) -> Coverage:
    """Look for the parts of ``policy`` in its tests.

    A part of the file is exercised by the test of any tenant that has it from there. A tenant's own part needs a test of
    this tenant. A test counts whether its claims hold or not.
    """
    judged = [(trial.given, trial.outcome) for trial in trials if trial.given and trial.outcome]
    base = list(_wanted(policy.base))
    shared = {(path, test) for path, test, _ in base}
    parts = [_part("", wanted, judged) for wanted in base]
    for tenant, rules in policy.tenants.items():
        mine = [(given, outcome) for given, outcome in judged if given.tenant == tenant]
        own = (wanted for wanted in _wanted(rules) if (wanted[0], wanted[1]) not in shared)
        parts += [_part(tenant, wanted, mine) for wanted in own]
    return Coverage(parts=tuple(parts))


def _part(tenant: str, wanted: Wanted, judged: list[Judged]) -> Part:
    path, test, exercises = wanted
    return Part(tenant=tenant, path=path, test=test, exercised=any(exercises(*one) for one in judged))


def _wanted(rules: Rules) -> Iterator[Wanted]:
    for section in (_stages, _exemptions, _subjects, _step_up, _freshness):
        yield from section(rules)


def _stages(rules: Rules) -> Iterator[Wanted]:
    """Ask for each decision that the policy can come to, and for both sides of its calendar."""
    enrollment = rules.enrollment
    dates = {"optional_from": enrollment.optional_from, "required_from": enrollment.required_from}
    dated = any(at is not None for at in dates.values())
    if enrollment.stage == "off" and not dated:
        return
    if dated or is_chosen(enrollment):
        yield "stage off", "a person before the second factor is turned on", _decides("off")
    for state in ("enroll", "challenge", "locked", "verified"):
        yield f"stage {state}", f'a test with the decision "{state}"', _decides(state)
    if enrollment.stage == "optional" or enrollment.optional_from is not None:
        yield "stage optional", "a person who skipped the enrollment", lambda given, _outcome: given.skipped
    if rules.agreement is not None:
        yield "stage agreement", 'a test with the decision "agreement"', _decides("agreement")
    for name, at in dates.items():
        if at is not None:
            yield from _both_sides(f"enrollment.{name}", at, lambda _given, _outcome: True)


def _exemptions(rules: Rules) -> Iterator[Wanted]:
    for rule in rules.exempt:
        path = f"exempt.{rule.name}"
        yield path, "a request that it exempts", _exempted_by(rule.name)
        if rule.expires_at is not None:
            yield from _both_sides(f"{path}.expires", rule.expires_at, _would_exempt(replace(rule, expires_at=None)))


def _subjects(rules: Rules) -> Iterator[Wanted]:
    for rule in rules.exempt_subjects:
        path = f"exempt_subjects.{rule.name}"
        yield path, "a person whom it exempts", _exempted_by(rule.name)
        if rule.groups_none:
            yield f"{path}.groups_none", "a person in groups of both lists", _is_taken_out(rule)
        if rule.expires_at is not None:
            yield from _both_sides(f"{path}.expires", rule.expires_at, _is_named(rule))


def _step_up(rules: Rules) -> Iterator[Wanted]:
    for rule in rules.step_up:
        path, falls_under = f"step_up.{rule.name}", _asked_by(rule)
        yield path, "a request that falls under it", falls_under
        if rule.max_age is not None:
            yield from _ages(f"{path}.max_age", rule.max_age, falls_under)
        if rule.factors_any or rule.phishing_resistant or rule.user_verification:
            yield f"{path} (strength)", "a proof that does not meet it", _is_too_weak(rule)


def _freshness(rules: Rules) -> Iterator[Wanted]:
    freshness = rules.freshness

    def is_guarded(given: Given, outcome: Outcome) -> bool:
        return bool(outcome.requirement.demands) and outcome.requirement.rules.freshness.max_age == freshness.max_age

    yield from _ages("freshness.max_age", freshness.max_age, is_guarded)
    yield "freshness.ip_change", "a request from another address", lambda given, _outcome: given.ip == "other"
    if freshness.ip_change.trusted:
        yield "freshness.ip_change.trusted", "a request from a trusted network", lambda given, _: given.ip == "trusted"
    if freshness.trusts_logins:
        yield "freshness.trust", "a sign-in elsewhere", lambda given, _outcome: given.login_age is not None


def _decides(state: str) -> Exercises:
    return lambda _given, outcome: state_of(outcome.decision) == state


def _exempted_by(name: str) -> Exercises:
    return lambda _given, outcome: outcome.requirement.free_kind == "exempt" and outcome.requirement.free == name


def _would_exempt(rule: Exemption) -> Exercises:
    return lambda _given, outcome: bool(exemption_for((rule,), outcome.facts, outcome.now))


def _is_named(rule: SubjectExemption) -> Exercises:
    def named(_given: Given, outcome: Outcome) -> bool:
        groups = outcome.facts.groups
        return not groups.isdisjoint(rule.groups_any) and groups.isdisjoint(rule.groups_none)

    return named


def _is_taken_out(rule: SubjectExemption) -> Exercises:
    def taken_out(_given: Given, outcome: Outcome) -> bool:
        groups = outcome.facts.groups
        return not groups.isdisjoint(rule.groups_any) and not groups.isdisjoint(rule.groups_none)

    return taken_out


def _asked_by(rule: StepUpRule) -> Exercises:
    def asked(_given: Given, outcome: Outcome) -> bool:
        requirement = outcome.requirement
        return any(demand.rule == rule.name for demand in (*requirement.demands, *requirement.watched))

    return asked


def _is_too_weak(rule: StepUpRule) -> Exercises:
    falls_under = _asked_by(rule)

    def too_weak(given: Given, outcome: Outcome) -> bool:
        if not falls_under(given, outcome):
            return False
        why = outcome.decision.why
        return rule.name in (why.rule, *why.watched) and bool(outcome.evidence.proofs)

    return too_weak


def _ages(path: str, bound: int, among: Exercises) -> Iterator[Wanted]:
    """Ask for a proof on each side of an age."""
    told = format_duration(bound)

    def is_on_side(*, old: bool) -> Exercises:
        def found(given: Given, outcome: Outcome) -> bool:
            age = given.login_age if given.proof_age is None else given.proof_age
            return age is not None and among(given, outcome) and (age >= bound) is old

        return found

    yield path, f"a proof younger than {told}", is_on_side(old=False)
    yield path, f"a proof of {told} or more", is_on_side(old=True)


def _both_sides(path: str, at: int, among: Exercises) -> Iterator[Wanted]:
    """Ask for a test on each side of a date."""
    yield path, "a test before this date", lambda given, outcome: outcome.now < at and among(given, outcome)
    yield path, "a test at or after this date", lambda given, outcome: outcome.now >= at and among(given, outcome)
