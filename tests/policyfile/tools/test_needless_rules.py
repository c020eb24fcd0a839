"""A rule that is called needless decides nothing: without it every decision is the same."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mfa_gate.core.assurance import meeting
from mfa_gate.core.model import Proof, Seconds
from mfa_gate.core.policy import Facts, requirement_for
from mfa_gate.core.rules import (
    Exemption,
    FactorRules,
    PathRule,
    Policy,
    Rules,
    StepUpRule,
    SubjectExemption,
    TenantSettings,
)
from mfa_gate.factors import BUILT_IN
from mfa_gate.policyfile.tools.edits import with_part
from mfa_gate.policyfile.tools.findings import dead_rules, shadowed_rules
from mfa_gate.policyfile.tools.findings.remark import RULE_LISTS, Look, Remark

NOW = 1_800_000_000
DAY = 86_400
ALLOWED = ("webauthn", "totp", "email")
PATHS = ("/", "/a", "/a/b", "/a/b/c", "/d")
GROUPS = ("staff", "guest")
TENANTS = ("clinic", "lab")
METHODS = ("GET", "HEAD", "POST")
NEEDLESS = (dead_rules._below_exemptions, dead_rules._nobody, dead_rules._exempt_people, *shadowed_rules.ALL)

paths = st.lists(
    st.sampled_from(("/a/**", "/a/**", "/a/b/**", "=/a", "=/d")).map(lambda text: PathRule(text=text)),
    min_size=1,
    max_size=2,
    unique=True,
).map(tuple)
seldom = st.sampled_from((False, False, False, True))
groups = st.sampled_from(((), (), ("staff",), ("guest",), ("staff", "guest")))
some_methods = st.lists(st.sampled_from(METHODS), min_size=1, max_size=2, unique=True).map(tuple)
ends = st.sampled_from((None, NOW - DAY, NOW + DAY, NOW + 90 * DAY))
exemptions = st.lists(st.tuples(paths, some_methods, ends), max_size=3)
named = st.lists(st.sampled_from(GROUPS), min_size=1, max_size=2, unique=True).map(tuple)
people = st.lists(st.tuples(named, groups, ends), max_size=2)
step_up = st.lists(
    st.builds(
        dict[str, Any],
        paths=paths,
        methods=st.sampled_from(((), (), ("GET",), ("POST",), ("GET", "POST"))),
        max_age=st.sampled_from((None, Seconds(300), Seconds(3600))),
        factors_any=st.sampled_from(((), (), ("totp", "webauthn"), ("webauthn",), ("totp",))),
        phishing_resistant=seldom,
        user_verification=seldom,
        report_only=seldom,
        tenants_any=st.sampled_from(((), (), ("clinic",), ("lab",))),
        groups_any=groups,
        groups_none=groups,
    ),
    min_size=2,
    max_size=3,
)


def proofs() -> tuple[Proof, ...]:
    """One proof of each sort that a demand can tell apart."""
    return tuple(
        Proof(
            factor=kind,
            authenticator="a",
            at=NOW - age,
            network="",
            epoch=0,
            phishing_resistant=kind == "webauthn",
            user_verified=verified,
        )
        for kind in ALLOWED
        for age in (60, 600)
        for verified in ((False, True) if kind == "webauthn" else (False,))
    )


PROOFS = proofs()
ASKED = tuple(
    Facts(tenant=tenant, groups=frozenset(who), method=method, path=path)
    for tenant in TENANTS
    for who in chain.from_iterable(combinations(GROUPS, size) for size in range(len(GROUPS) + 1))
    for method in METHODS
    for path in PATHS
)


def decided(rules: Rules, *, at: int) -> list[tuple[bool, tuple[bool, ...], tuple[bool, ...]]]:
    """Tell for each request if it is exempt, and the proofs that meet its demands.

    The demands that are only watched come last.
    """
    found = []
    for facts in ASKED:
        made = requirement_for(Policy(name="x", base=rules), facts, TenantSettings(tenant=facts.tenant), at)
        met = tuple(bool(meeting((proof,), made.demands, NOW)) for proof in PROOFS) if not made.free_kind else ()
        watched = tuple(
            all(meeting((proof,), (demand,), NOW) for demand in (*made.demands, *made.watched))
            for proof in PROOFS
            if not made.free_kind
        )
        found.append((bool(made.free_kind), met, watched))
    return found


def without(rules: Rules, remark: Remark) -> Rules:
    """Take out the rule, or the one path of it, that the remark calls needless."""
    section, position, *rest = remark.path
    entries = list(getattr(rules, str(section)))
    assert section in RULE_LISTS
    assert isinstance(position, int)
    if rest and rest[0] == "paths" and len(entries[position].paths) > 1:
        kept = tuple(path for number, path in enumerate(entries[position].paths) if number != rest[1])
        entries[position] = replace(entries[position], paths=kept)
    else:
        del entries[position]
    return with_part(rules, str(section), tuple(entries))


@pytest.mark.parametrize("examples", [60, pytest.param(2_000, marks=pytest.mark.long)])
def test_a_needless_rule_decides_nothing(examples: int) -> None:
    """Each rule that is called needless can be taken out, and every decision is the same."""
    settings(max_examples=examples, deadline=None)(given(exemptions, people, step_up)(taken_out))()


def taken_out(
    exempt: list[tuple[Any, ...]], exempt_people: list[tuple[Any, ...]], rules_up: list[dict[str, Any]]
) -> None:
    """Make a policy, and take out each rule that a remark calls needless."""
    rules = Rules(
        factors=FactorRules(allowed=ALLOWED, order=ALLOWED),
        exempt=tuple(
            Exemption(name=f"e{n}", paths=paths, methods=methods, expires_at=end)
            for n, (paths, methods, end) in enumerate(exempt)
        ),
        exempt_subjects=tuple(
            SubjectExemption(name=f"p{n}", groups_any=some, groups_none=none, expires_at=end)
            for n, (some, none, end) in enumerate(exempt_people)
        ),
        step_up=tuple(
            StepUpRule(name=f"s{n}", **parts)
            for n, parts in enumerate(rules_up)
            if parts["max_age"] or parts["factors_any"] or parts["phishing_resistant"] or parts["user_verification"]
        ),
    )
    policy = Policy(name="x", base=rules)
    look = Look(policy=policy, rules=rules, tenant="", factors=BUILT_IN, now=NOW, prefix="/mfa")
    needless = [remark for remarks in NEEDLESS for remark in remarks(look)]
    whole = decided(rules, at=NOW) if needless else []
    for remark in needless:
        assert decided(without(rules, remark), at=NOW) == whole, remark
