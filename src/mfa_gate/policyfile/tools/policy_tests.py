"""Run the ``[[tests]]`` of a policy."""

from __future__ import annotations

from dataclasses import dataclass

from ...core.decision import state_of
from ...core.rules import Policy, PolicyTest
from ...factors import BUILT_IN, Registry
from ..faults import Fault, Report, shown
from ..lines import line_at
from ..reading import read
from ..scenario import Expect, Given, factors_of, judge, reason_of

SAME = {"allow": "verified"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Hold the result of one test: ``faults`` is empty if every claim held."""

    name: str
    faults: tuple[str, ...]


def run_tests(policy: Policy, *, now: int, factors: Registry = BUILT_IN) -> tuple[Trial, ...]:
    """Run every test of ``policy``, as of ``now`` unless a test names its own time."""
    return tuple(Trial(name=test.name, faults=_faults(policy, test, factors, now)) for test in policy.tests)


def faults_of_tests(policy: Policy | None, *, now: int, factors: Registry = BUILT_IN) -> tuple[Fault, ...]:
    """List the tests of a policy that do not hold, as faults of the file."""
    if policy is None:
        return ()
    lines = dict(policy.lines)
    return tuple(
        Fault(line=line_at(lines, ("tests", position)), path=f"tests[{position}]", text=f'"{trial.name}": {fault}')
        for position, trial in enumerate(run_tests(policy, now=now, factors=factors))
        for fault in trial.faults
    )


def _faults(policy: Policy, test: PolicyTest, factors: Registry, now: int) -> tuple[str, ...]:
    report = Report(lines={}, factors=factors)
    given = read(report, Given, [(("given",), test.given)])
    expect = read(report, Expect, [(("expect",), test.expect)])
    if given is None or expect is None or report.found:
        return tuple(f"{fault.path}: {fault.text}" for fault in report.found)
    try:
        outcome = judge(policy, given, factors.traits, now=now)
    except ValueError as error:
        return (f"given: {error}",)
    decision = outcome.decision
    claims: list[tuple[str, object, object]] = [
        ("decision", SAME.get(expect.decision, expect.decision), state_of(decision))
    ]
    if "reason" in test.expect:
        claims.append(("reason", expect.reason, reason_of(decision)))
    if "rule" in test.expect:
        claims.append(("rule", expect.rule, decision.why.rule))
    if "factors" in test.expect:
        claims.append(("factors", sorted(expect.factors), sorted(factors_of(outcome))))
    return tuple(
        f"{what}: expected {shown(wanted)}, got {shown(got)} (rule {decision.why.rule})"
        for what, wanted, got in claims
        if wanted != got
    )
