"""A policy is faulty exactly if no factor could meet some request of somebody.

All requests are tried.
"""

from __future__ import annotations

from itertools import chain, combinations

from hypothesis import given, settings
from hypothesis import strategies as st

from mfa_gate.core.assurance import combine, could_meet
from mfa_gate.core.policy import Facts, demands_for
from mfa_gate.core.rules import FactorRules, PathRule, Rules, StepUpRule
from mfa_gate.policyfile.checks import dead_ends

from .kinds import TRAITS

ALLOWED = ("webauthn", "totp", "email")
PATHS = ("/", "/a", "/a/b", "/a/b/c", "/d")
GROUPS = ("staff", "guest")
METHODS = ("GET", "POST")

kinds = st.lists(st.sampled_from(ALLOWED), max_size=2, unique=True).map(tuple)
groups = st.lists(st.sampled_from(GROUPS), max_size=2, unique=True).map(tuple)
paths = st.lists(
    st.sampled_from(("/**", "/a/**", "/a/b/**", "=/a", "=/a/b/c", "=/d")).map(lambda text: PathRule(text=text)),
    min_size=1,
    max_size=2,
    unique=True,
).map(tuple)
step_up = st.lists(
    st.tuples(
        paths, kinds, st.booleans(), groups, groups, st.lists(st.sampled_from(METHODS), max_size=1), st.booleans()
    ),
    max_size=4,
)


@settings(max_examples=2 * settings().max_examples, deadline=None)
@given(step_up)
def test_a_dead_end_is_a_request_that_nobody_can_meet(drawn: list[tuple[object, ...]]) -> None:
    """A fault is found if and only if a request exists that no allowed factor meets."""
    rules = Rules(
        factors=FactorRules(allowed=ALLOWED, order=ALLOWED),
        step_up=tuple(
            StepUpRule(
                name=f"r{number}",
                paths=paths,  # type: ignore[arg-type]
                factors_any=kinds,  # type: ignore[arg-type]
                phishing_resistant=bool(strong),
                groups_any=some,  # type: ignore[arg-type]
                groups_none=none,  # type: ignore[arg-type]
                methods=tuple(methods),  # type: ignore[arg-type]
                user_verification=bool(verified),
            )
            for number, (paths, kinds, strong, some, none, methods, verified) in enumerate(drawn)
            if not set(some) & set(none)  # type: ignore[call-overload]
        ),
    )
    everybody = chain.from_iterable(combinations(GROUPS, size) for size in range(len(GROUPS) + 1))
    unmet = any(
        not any(could_meet(kind, combine(demands_for(rules, facts)[0], rule="joint"), TRAITS) for kind in ALLOWED)
        for who in everybody
        for facts in (
            Facts(tenant="t", groups=frozenset(who), method=method, path=path) for path in PATHS for method in METHODS
        )
    )
    assert bool(dead_ends(rules, ALLOWED, TRAITS)) == unmet
