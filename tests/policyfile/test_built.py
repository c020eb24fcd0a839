"""A policy that a program made is held to the bounds of a file."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any, cast

import pytest
from starlette.requests import HTTPConnection

from mfa_gate import MFAGate, Policy, RelyingParty, SettingsError
from mfa_gate.core.durations import parse_duration
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import AgreementRules, AttemptRules, BrandRules, Exemption, PathRule, Rules, StepUpRule
from mfa_gate.factors import BUILT_IN
from mfa_gate.keyring import make_key
from mfa_gate.policyfile import load_policy
from mfa_gate.policyfile.built import check_built
from mfa_gate.policyfile.shape import leaves, specs_of, value_at
from tests.harness import POLICY
from tests.policyfile.test_every_key import HERE, OUT_OF_BOUNDS, SPECIAL

ROOT = HERE.parents[1]
WHOLE = load_policy(HERE / "example.toml")
ELSEWHERE = {("agreement", "file"), ("brand", "logo"), ("brand", "logo_dark"), ("brand", "stylesheet")}
"""The keys that name files: these are read before a program makes a policy."""
ALL = ("factors", "allowed")
"""A program that names no factor allows all."""
LEAVES = {
    path: spec for path, spec in leaves(BUILT_IN).items() if path[-1] in OUT_OF_BOUNDS and path not in {*ELSEWHERE, ALL}
}


def faults(policy: Policy) -> list[str]:
    """Return the faults of a policy."""
    with pytest.raises(SettingsError) as refused:
        check_built(policy)
    return list(refused.value.faults)


def ruled(change: Callable[[Rules], Rules]) -> Policy:
    """The tests' policy with other rules for those without a tenant's section."""
    return replace(POLICY, base=change(POLICY.base))


def changed(value: Any, path: tuple[str, ...], new: object) -> Any:
    """Replace one leaf of nested rules."""
    spec = next(spec for spec in specs_of(type(value), BUILT_IN) if spec.key == path[0])
    below = value.options[spec.name] if spec.is_option else getattr(value, spec.name)
    made = changed(below, path[1:], new) if path[1:] else new
    return (
        replace(value, options={**value.options, spec.name: made})
        if spec.is_option
        else replace(value, **{spec.name: made})
    )


def as_made(path: tuple[str, ...], kind: str) -> object:
    """Return the wrong value of a key as a program would give it."""
    value = tomllib.loads(f"v = {SPECIAL.get(path, OUT_OF_BOUNDS[path[-1]])}")["v"]
    if kind == "duration":
        return parse_duration(value) if isinstance(value, str) else value
    return tuple(value) if isinstance(value, list) else value


@pytest.mark.parametrize("policy", [Policy(name="x"), POLICY, WHOLE], ids=["bare", "tests", "file"])
def test_good_ones_are_taken(policy: Policy) -> None:
    """A policy from a file, given as an object, has no fault either, and is complete."""
    assert check_built(policy) == BUILT_IN.complete(policy)


@pytest.mark.parametrize("path", LEAVES, ids=".".join)
def test_each_key_has_its_bounds(path: tuple[str, ...]) -> None:
    """The fault names the key as a file would, for everybody's rules and for a tenant's."""
    wrong = as_made(path, LEAVES[path].kind)
    if wrong == value_at(BUILT_IN.completed(Rules(agreement=WHOLE.base.agreement)), path, BUILT_IN):
        assert not wrong  # the default: as if the key were absent
        return
    rules = changed(WHOLE.base, path, wrong)
    key = ".".join(path)
    assert any(fault.startswith(f"policy: {key}") for fault in faults(replace(WHOLE, base=rules, tenants={}, rails={})))
    told = faults(replace(WHOLE, tenants={"lab": rules}, rails={}))
    assert any(fault.startswith(f"policy: tenants.lab.{key}") for fault in told)


WRONG: dict[str, tuple[Policy, str]] = {
    "no name": (replace(POLICY, name=""), "policy: name: "),
    "a name that is no text": (replace(POLICY, name=cast(str, 7)), "policy: name: 7 is out of bounds"),
    "yes for a number": (
        ruled(lambda rules: replace(rules, attempts=AttemptRules(max=True))),
        "policy: attempts.max: True is not a whole number",
    ),
    "text for a duration": (
        ruled(lambda rules: changed(rules, ("freshness", "max_age"), "7d")),
        "policy: freshness.max_age: '7d' is not a whole number of seconds",
    ),
    "a section of another kind": (
        ruled(lambda rules: replace(rules, attempts=cast(AttemptRules, rules.freshness))),
        "policy: attempts: ",
    ),
    "a path that no request has": (
        ruled(lambda rules: replace(rules, exempt=(Exemption(name="x", paths=(PathRule(text="x"),), reason="x"),))),
        'policy: exempt[0].paths: "x" is no path',
    ),
    "an exemption without a path": (
        ruled(lambda rules: replace(rules, exempt=(Exemption(name="x", paths=(), reason="x"),))),
        "policy: exempt[0].paths: it must name at least one path",
    ),
    "a rule that nobody can meet": (
        ruled(
            lambda rules: replace(
                rules, step_up=(StepUpRule(name="x", paths=(PathRule(text="/**"),), phishing_resistant=True),)
            )
        ),
        'policy: step_up[0]: step-up "x" asks for a phishing-resistant factor, and only ',
    ),
    "a network with a name of its own": (
        ruled(lambda rules: replace(rules, networks={"H Q": (ip_network("198.51.100.0/28"),)})),
        'policy: networks: "H Q"',
    ),
    "networks as texts": (
        ruled(lambda rules: replace(rules, networks={"hq": cast(Any, ("198.51.100.0/28",))})),
        "policy: networks: hq: ",
    ),
    "no time at all": (
        ruled(lambda rules: replace(rules, freshness=replace(rules.freshness, max_age=Seconds(0)))),
        'policy: freshness.max_age: "0s" is out of bounds: ',
    ),
    "a time that runs back": (
        ruled(lambda rules: replace(rules, freshness=replace(rules.freshness, max_age=Seconds(-1)))),
        "policy: freshness.max_age: -1 is out of bounds: ",
    ),
    "an agreement without its text": (
        ruled(lambda rules: replace(rules, agreement=AgreementRules(id="a", version="1", title="A", file="a.md"))),
        'policy: agreement.file: "a.md" names a file, and text is empty',
    ),
    "a logo without its picture": (
        ruled(lambda rules: replace(rules, brand=BrandRules(logo="logo.png"))),
        'policy: brand.logo: "logo.png" names a file, and logo_bytes is empty',
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_other_faults(name: str) -> None:
    """Types, contradictions and missing contents are told as well."""
    policy, said = WRONG[name]
    assert any(fault.startswith(said) for fault in faults(policy)), faults(policy)


def test_tenants_are_held_to_the_rails() -> None:
    """Every value of a tenant's rules counts as its own."""
    rails = {"attempts.max": {"max": 7}}
    loose = replace(POLICY.base, attempts=AttemptRules(max=9))
    assert faults(replace(POLICY, rails=rails, tenants={"alpha": loose}))[0].startswith(
        "policy: tenants.alpha.attempts.max: "
    )
    assert faults(replace(POLICY, rails=rails, base=loose, tenants={}))[0].startswith("policy: attempts.max: ")


async def nobody(connection: HTTPConnection) -> None:
    """Nobody is signed in."""


def test_a_gate_tells_all_at_once(tmp_path: Path) -> None:
    """At the start, beside the faults of the other arguments."""
    with pytest.raises(SettingsError) as refused:
        MFAGate(
            policy=replace(ruled(lambda rules: replace(rules, attempts=AttemptRules(max=0))), name=" "),
            identify=nobody,
            store="memory://",
            keys=[make_key(b"k" * 32)],
            relying_party=RelyingParty(id="localhost", name="x", origins=["http://localhost"]),
            prefix="mfa",
        )
    told = list(refused.value.faults)
    assert [fault.split(":")[1].strip() for fault in told if fault.startswith("policy:")] == ["name", "attempts.max"]
    assert any(fault.startswith("prefix=") for fault in told)


def test_a_rule_that_tenants_share_is_named_in_each() -> None:
    """One object in two tenants is at fault in that one alone which allows too few factors."""
    rule = StepUpRule(name="vault", paths=(PathRule(text="/vault/**"),), factors_any=("email",))
    few = replace(POLICY.base, factors=replace(POLICY.base.factors, allowed=("totp",)), step_up=(rule,))
    tenants = {"few": few, "more": replace(POLICY.base, step_up=(rule,))}
    (told,) = faults(replace(POLICY, tenants=tenants))
    assert told.startswith("policy: tenants.few."), told
    empty = replace(rule, factors_any=())
    each = {name: replace(POLICY.base, step_up=(empty,)) for name in ("one", "two")}
    assert [told.partition(": it")[0] for told in faults(replace(POLICY, tenants=each))] == [
        "policy: tenants.one.step_up[0]",
        "policy: tenants.two.step_up[0]",
    ]
    base = replace(POLICY.base, step_up=(empty,))
    assert len(faults(replace(POLICY, base=base, tenants={"one": replace(base, attempts=AttemptRules(max=7))}))) == 1
    wild = [replace(POLICY.base, attempts=AttemptRules(max=10_000)) for _ in range(2)]
    assert len(faults(replace(POLICY, base=wild[0], tenants={"one": wild[1]}))) == 1
    own = replace(POLICY, base=base, tenants={"one": each["one"]})
    assert faults(own)[0].startswith("policy: step_up[0]: ")
