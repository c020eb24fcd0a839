"""Every demand on a request is met by one and the same proof.

This is a property of all policies, endpoints and proofs.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from mfa_gate.core.decision import Allow, StepUp, decide
from mfa_gate.core.model import Proof, Seconds
from mfa_gate.core.policy import POLICY_AGE, Demand, Facts, requirement_for, with_endpoint
from mfa_gate.core.rules import FreshnessRules, PathRule, Policy, Rules, StepUpRule, TenantSettings

from .builders import NOW, TRAITS, account, evidence, factor_rules, proof, rules_with

KINDS = ("app", "text", "mail", "key", "paper")
AGES = (60, 300, 3600, 86_400)
FIRST_SEGMENT = ("/a", "/b")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The demand of an endpoint's ``require_proof``; ``max_age`` None is the policy's age."""

    max_age: int | None
    strong: bool
    factors: tuple[str, ...]
    verified: bool = False


some_kinds = st.lists(st.sampled_from(KINDS), max_size=2, unique=True).map(tuple)
rules_of_a_file: st.SearchStrategy[list[dict[str, Any]]] = st.lists(
    st.builds(
        dict[str, Any],
        paths=st.sampled_from((("/**",), ("/a/**",), ("=/a",), ("/b/**",))),
        max_age=st.sampled_from((None, *AGES)),
        factors_any=some_kinds,
        phishing_resistant=st.booleans(),
        user_verification=st.booleans(),
        groups_any=st.sampled_from(((), ("staff",), ("guest",))),
    ),
    max_size=3,
)
endpoints = st.none() | st.builds(Endpoint, st.sampled_from((None, *AGES)), st.booleans(), some_kinds, st.booleans())
proof_lists = st.lists(st.tuples(st.sampled_from(KINDS), st.integers(0, 100_000), st.booleans()), max_size=4)
"""Kind, age, and (of a key) whether it verified its user."""


def covers(rule: dict[str, Any], path: str) -> bool:
    """Return True if a rule of the file means this path and a subject of group ``staff``.

    This says the rule once more, for the test.
    """
    (text,) = rule["paths"]
    inside = text == "/**" or (path == text[1:] if text[0] == "=" else path.startswith(text[:-3]))
    return inside and rule["groups_any"] in ((), ("staff",))


def meets_everything(
    of: Proof, freshness: int, file: list[dict[str, Any]], path: str, endpoint: Endpoint | None
) -> bool:
    """Return True if this one proof is young and strong enough for each rule and the endpoint.

    This is the oracle of the test.
    """
    asked: list[tuple[int, tuple[str, ...], bool, bool]] = [(freshness, (), False, False)]
    asked += [
        (rule["max_age"] or freshness, rule["factors_any"], rule["phishing_resistant"], rule["user_verification"])
        for rule in file
        if covers(rule, path)
    ]
    if endpoint is not None:
        asked.append((endpoint.max_age or freshness, endpoint.factors, endpoint.strong, endpoint.verified))
    return all(
        NOW - of.at < max_age
        and (not kinds or of.factor in kinds)
        and (of.factor == "key" or not strong)
        and (of.user_verified or not verified)
        for max_age, kinds, strong, verified in asked
    )


@settings(max_examples=3 * settings().max_examples, deadline=None)
@given(rules_of_a_file, st.sampled_from(AGES), endpoints, proof_lists, st.sampled_from(FIRST_SEGMENT), st.booleans())
def test_what_passes_has_one_proof_for_all_of_it(
    file: list[dict[str, Any]],
    freshness: int,
    endpoint: Endpoint | None,
    proven: list[tuple[str, int, bool]],
    path: str,
    knows_its_user: bool,
) -> None:
    """A request passes exactly if one proof meets every demand.

    Each authenticator that a step-up offers could meet every demand, too.
    """
    rules = rules_with(
        factors=factor_rules(),
        freshness=FreshnessRules(max_age=Seconds(freshness)),
        step_up=tuple(
            StepUpRule(name=f"r{number}", **{**rule, "paths": tuple(map(path_rule, rule["paths"]))})
            for number, rule in enumerate(file)
        ),
    )
    proofs = [proof(kind, age=age, user_verified=uv and kind == "key") for kind, age, uv in proven]
    decision = judged_with(rules, endpoint, proofs, path, knows_its_user=knows_its_user)
    one = any(meets_everything(p, freshness, file, path, endpoint) for p in proofs)
    assert isinstance(decision, Allow) == one
    if isinstance(decision, Allow):
        assert decision.proof is not None
        assert meets_everything(decision.proof, freshness, file, path, endpoint)
    if isinstance(decision, StepUp) and decision.reason == "step_up":
        for id in decision.authenticators:
            kind = id.removesuffix("-1")
            fresh = proof(kind, age=0, user_verified=kind == "key" and knows_its_user)
            assert meets_everything(fresh, freshness, file, path, endpoint)


def path_rule(text: str) -> PathRule:
    return PathRule(text=text)


def judged_with(
    rules: Rules, endpoint: Endpoint | None, proofs: list[Proof], path: str, *, knows_its_user: bool
) -> Any:
    """Return the gate's own decision for a subject of ``staff`` with a factor of each kind."""
    facts = Facts(tenant="clinic", groups=frozenset({"staff"}), method="GET", path=path)
    demanded = requirement_for(Policy(name="p", base=rules), facts, TenantSettings(tenant="clinic", enabled_at=1), NOW)
    if endpoint is not None:
        age = POLICY_AGE if endpoint.max_age is None else Seconds(endpoint.max_age)
        own = Demand(
            rule="endpoint",
            max_age=age,
            factors_any=endpoint.factors,
            phishing_resistant=endpoint.strong,
            user_verification=endpoint.verified,
        )
        demanded = with_endpoint(demanded, (own,))
    of = account(*TRAITS, proofs=tuple(proofs))
    if not knows_its_user:
        plain = tuple(replace(mine, data={}) for mine in of.authenticators)
        of = replace(of, authenticators=plain)
    return decide(demanded, evidence(of), NOW)
