"""Explain and [[tests]] put a situation to the gate's own functions."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.decision import Enroll, decide
from mfa_gate.core.model import Seconds
from mfa_gate.core.policy import Demand, requirement_for
from mfa_gate.policyfile.scenario import Given, factors_of, judge, reason_of
from mfa_gate.policyfile.tools.explain import rows, seen_by_user, told_dead_end, told_decision, told_demand
from mfa_gate.policyfile.tools.policy_tests import run_tests

from ..kinds import TRAITS, policy

NOW = 1_800_000_000
DAY = 86_400
TEXT = """
[networks]
hq = ["192.0.2.0/28", "198.51.100.0/24"]
[freshness.ip_change]
trusted = ["hq"]
[[exempt]]
name = "health"
paths = ["=/healthz"]
reason = "probe"
permanent = true
[[exempt_subjects]]
name = "patients"
groups_any = ["patient"]
reason = "portal"
permanent = true
[[step_up]]
name = "export"
paths = ["/export/**"]
max_age = "5m"
[[step_up]]
name = "keys"
paths = ["/keys/**"]
phishing_resistant = true
[tenants.trial.enrollment]
stage = "optional"
[tenants.later.enrollment]
stage = "admin"
[tenants.signed.agreement]
id = "a"
version = "1"
title = "Data Access"
file = "agreements/data-access.md"
"""
POLICY = policy(TEXT)
WEEK = Seconds(7 * DAY)
FRESH = Seconds(60)


@pytest.mark.parametrize(
    ("given", "said", "rule"),
    [
        (Given(request="GET /healthz"), "exempt", "health"),
        (Given(groups=("patient",)), "exempt", "patients"),
        (Given(), "enroll", "enrollment"),
        (Given(tenant="trial", skipped=True), "verified", "skipped"),
        (Given(tenant="later", enabled=False), "off", "off"),
        (Given(tenant="later"), "enroll", "enrollment"),
        (Given(enrolled=("totp",)), "challenge (no_proof)", "freshness"),
        (Given(enrolled=("totp",), proof_age=FRESH), "verified", "proof"),
        (Given(enrolled=("totp",), proof_age=Seconds(WEEK - 1)), "verified", "proof"),
        (Given(enrolled=("totp",), proof_age=WEEK), "challenge (expired)", "freshness"),
        (Given(enrolled=("totp",), proof_age=FRESH, ip="other"), "challenge (ip_changed)", "freshness"),
        (Given(enrolled=("totp",), proof_age=FRESH, ip="trusted"), "verified", "proof"),
        (Given(enrolled=("totp",), proof_age=Seconds(300), request="GET /export/1"), "challenge (step_up)", "export"),
        (Given(enrolled=("totp",), proof_age=FRESH, request="GET /keys"), "enroll", "keys"),
        (Given(enrolled=("webauthn",), proof_age=FRESH, request="GET /keys"), "verified", "proof"),
        (
            Given(enrolled=("webauthn", "totp"), proof_age=FRESH, proof_factor="totp", request="GET /keys"),
            "challenge (step_up)",
            "keys",
        ),
        (Given(enrolled=("totp",), locked=True), "locked", "attempts"),
        (Given(enrolled=("totp",), proof_age=FRESH, locked=True), "verified", "proof"),
        (Given(tenant="signed", enrolled=("totp",), proof_age=FRESH), "agreement", "agreement"),
        (Given(tenant="signed", enrolled=("totp",), proof_age=FRESH, agreed=True), "verified", "proof"),
        (Given(enrolled=("backup-code",)), "enroll", "enrollment"),
    ],
)
def test_a_situation_gets_the_gates_own_decision(given: Given, said: str, rule: str) -> None:
    """The outcome is the decision of the gate's functions, with the rule that decided."""
    outcome = judge(POLICY, given, TRAITS, now=NOW)
    assert told_decision(outcome) == said
    assert outcome.decision.why.rule == rule
    assert outcome.requirement == requirement_for(POLICY, outcome.facts, outcome.settings, NOW)
    assert outcome.decision == decide(outcome.requirement, outcome.evidence, NOW)
    winners = [row.rule for row in rows(outcome) if row.won]
    expected = {"proof": [], "skipped": [], "off": ["enrollment.stage"]}.get(rule, [rule])
    assert winners == expected


def verdicts(given: Given) -> dict[str, str]:
    return {row.rule: row.verdict for row in rows(judge(POLICY, given, TRAITS, now=NOW))}


def test_what_comes_after_the_deciding_stage_is_not_reached() -> None:
    """One row a rule: hit, miss, or not reached."""
    assert verdicts(Given(request="GET /healthz")) == {
        "health": "hit",
        "patients": "not-reached",
        "enrollment.stage": "not-reached",
        "attempts": "not-reached",
        "enrollment": "not-reached",
        "freshness": "not-reached",
        "export": "not-reached",
        "keys": "not-reached",
    }
    assert verdicts(Given(enrolled=("totp",), proof_age=FRESH, request="POST /export")) == {
        "health": "miss",
        "patients": "miss",
        "enrollment.stage": "hit",
        "attempts": "miss",
        "enrollment": "miss",
        "freshness": "hit",
        "export": "hit",
        "keys": "miss",
    }


def test_a_row_says_what_was_missing() -> None:
    """A demand's row says what it wants and what there is."""
    outcome = judge(
        POLICY, Given(enrolled=("totp",), proof_age=Seconds(6 * DAY), request="GET /export"), TRAITS, now=NOW
    )
    notes = {row.rule: row.note for row in rows(outcome)}
    assert notes["freshness"] == "met: a proof younger than 7d"
    assert notes["export"] == "unmet: a proof younger than 5m; the proof is 6d old, by totp"
    assert seen_by_user(outcome) == "the challenge page"
    assert (reason_of(outcome.decision), factors_of(outcome)) == ("step_up", ("totp",))


def test_the_rows_of_a_request_that_passes() -> None:
    """Each demand is met."""
    outcome = judge(POLICY, Given(enrolled=("totp",), proof_age=FRESH, request="GET /export"), TRAITS, now=NOW)
    notes = {row.rule: row.note for row in rows(outcome) if row.note}
    assert (notes["freshness"], notes["export"]) == (
        "met: a proof younger than 7d",
        "met: a proof younger than 5m",
    )


def test_a_row_says_that_one_proof_must_do() -> None:
    """A row says that one proof must meet all demands.

    An old proof by the factor that is asked for, and a fresh sign-in elsewhere, meet each demand and not all at once.
    """
    text = """
    [freshness]
    trust_amr = ["mfa"]
    [[step_up]]
    name = "app"
    paths = ["/export/**"]
    factors_any = ["totp"]
    [[step_up]]
    name = "soon"
    paths = ["/export/**"]
    max_age = "5m"
    """
    given = Given(enrolled=("totp",), proof_age=Seconds(DAY), login_age=FRESH, request="GET /export")
    outcome = judge(policy(text), given, TRAITS, now=NOW)
    notes = {row.rule: row.note for row in rows(outcome)}
    assert told_decision(outcome) == "challenge (step_up)"
    for rule in ("freshness", "app", "soon"):
        assert notes[rule].startswith("unmet")
        assert "one proof must meet all demands at once" in notes[rule]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({}, "a proof younger than 5m"),
        ({"factors_any": ("totp",)}, "a proof younger than 5m, by totp"),
        ({"factors_any": ("totp", "email")}, "a proof younger than 5m, by totp or email"),
        ({"phishing_resistant": True}, "a proof younger than 5m, phishing-resistant"),
        ({"user_verification": True}, "a proof younger than 5m, with the user verified"),
    ],
)
def test_a_demand_in_words(more: dict[str, Any], said: str) -> None:
    """Each part that it asks for."""
    assert told_demand(Demand(rule="x", max_age=Seconds(300), **more)) == said


@pytest.mark.parametrize(("agreed", "note"), [(False, "version 1 is to be accepted"), (True, "accepted")])
def test_an_agreement_in_words(agreed: bool, note: str) -> None:
    """The row says if it is accepted."""
    given = Given(tenant="signed", enrolled=("totp",), proof_age=FRESH, agreed=agreed)
    notes = {row.rule: row.note for row in rows(judge(POLICY, given, TRAITS, now=NOW))}
    assert notes["agreement"] == note


def test_a_first_skip_is_counted() -> None:
    """With one skip, a person may skip once: nobody has skipped before the situation says so."""
    once = policy("[enrollment]\nstage = 'optional'\nskip = { max = 1 }\n")
    assert [
        isinstance(decision, Enroll) and decision.skippable
        for decision in (judge(once, Given(skipped=skipped), TRAITS, now=NOW).decision for skipped in (False, True))
    ] == [True, False]


@pytest.mark.parametrize("trust", ["trust_amr = ['mfa', 'otp']", "trust_acr = ['gold', 'silver']"])
def test_a_sign_in_elsewhere_is_by_a_word_that_counts(trust: str) -> None:
    """One of those that the policy trusts, however many there are."""
    outcome = judge(policy(f"[freshness]\n{trust}\n"), Given(login_age=FRESH), TRAITS, now=NOW)
    assert told_decision(outcome) == "verified"
    with pytest.raises(ValueError, match="login_age needs"):
        judge(policy(""), Given(login_age=FRESH), TRAITS, now=NOW)


def test_an_impossible_situation_is_refused() -> None:
    """A trusted network needs one in the policy."""
    with pytest.raises(ValueError, match="trusted"):
        judge(policy(""), Given(enrolled=("totp",), proof_age=FRESH, ip="trusted"), TRAITS, now=NOW)


def trial(expect: str, given: str = "enrolled = ['totp'], proof_age = '7d'") -> tuple[str, ...]:
    made = policy(f"[[tests]]\nname = 't'\ngiven = {{ {given} }}\nexpect = {{ {expect} }}\n")
    (result,) = run_tests(made, now=NOW)
    return result.faults


@pytest.mark.parametrize(
    ("expect", "fault"),
    [
        ("decision = 'challenge', reason = 'expired', rule = 'freshness', factors = ['totp']", ""),
        ("decision = 'challenge'", ""),
        ("decision = 'verified'", 'decision: expected "verified", got "challenge" (rule freshness)'),
        (
            "decision = 'challenge', reason = 'ip_changed'",
            'reason: expected "ip_changed", got "expired" (rule freshness)',
        ),
        ("decision = 'challenge', rule = 'export'", 'rule: expected "export", got "freshness" (rule freshness)'),
        ("decision = 'challenge', factors = []", 'factors: expected [], got ["totp"] (rule freshness)'),
    ],
)
def test_a_claim_holds_or_says_what_came(expect: str, fault: str) -> None:
    """Each expected word is compared by itself."""
    assert trial(expect) == ((fault,) if fault else ())


def test_allow_is_another_word_for_verified() -> None:
    """``allow`` reads better in a test, and means ``verified``."""
    assert trial("decision = 'allow'", "enrolled = ['totp'], proof_age = '6d'") == ()
    assert trial("decision = 'allow'")


def test_a_test_may_name_its_time() -> None:
    """With ``at`` a test is about that moment, whenever it is run."""
    dated = "[enrollment]\nrequired_from = 2027-01-01\n"
    tests = "".join(
        f"[[tests]]\nname = '{day}'\ngiven = {{ at = {day} }}\nexpect = {{ decision = '{decision}' }}\n"
        for day, decision in (("2026-12-31", "off"), ("2027-01-01", "enroll"))
    )
    assert [t.faults for t in run_tests(policy(dated + tests), now=0)] == [(), ()]


UNCLEAN = (
    "/static/%2e%2e/pay/x",
    "/static//x",
    "/static/x%5c..",
    "/static/x;y",
    "/static/%00",
    "/static/./x",
    "/static/%C3%A9",
    "/static/x%2520",
)


@pytest.mark.parametrize("path", UNCLEAN)
def test_an_unclean_path_is_judged_as_the_gate_does(path: str) -> None:
    """S-5: such a path is never exempt, and falls under every step-up rule."""
    rules = policy(
        "[[exempt]]\nname = 'e'\npaths = ['/static/**']\nreason = 'x'\npermanent = true\n"
        "[[step_up]]\nname = 'keys'\npaths = ['/keys/**']\nphishing_resistant = true\n"
    )
    given = Given(enrolled=("totp", "webauthn"), proof_factor="totp", proof_age=FRESH, request=f"GET {path}")
    outcome = judge(rules, given, TRAITS, now=NOW)
    assert (told_decision(outcome), outcome.facts.clean) == ("challenge (step_up)", False)


def test_a_query_is_no_part_of_the_path() -> None:
    """S-3: the path alone counts, decoded as a server does."""
    outcome = judge(POLICY, Given(request="GET /%68ealthz?next=/export"), TRAITS, now=NOW)
    assert (outcome.facts.path, told_decision(outcome)) == ("/healthz", "exempt")


def test_the_offered_factors_are_those_of_the_page() -> None:
    """Backup codes are made elsewhere, so nobody is told to enroll them first."""
    outcome = judge(policy("[factors]\nallowed = ['email', 'totp', 'backup-code']\n"), Given(), TRAITS, now=NOW)
    assert factors_of(outcome) == ("totp", "email")


def test_the_hosts_sign_out_passes() -> None:
    """The gate lets it pass by GET, HEAD and POST, and so does the explanation.

    Another method is judged.
    """
    for method, state in (("GET", "exempt"), ("POST", "exempt"), ("DELETE", "enroll")):
        given = Given(tenant="clinic", request=f"{method} /charts/out")
        outcome = judge(POLICY, given, TRAITS, now=NOW, sign_out="/charts/out")
        assert told_decision(outcome) == state
        assert ("sign_out" in [row.rule for row in rows(outcome) if row.won]) == (state == "exempt")


def test_demands_that_nobody_meets_together_are_said() -> None:
    """The file and the code ask for things that exclude each other."""
    outcome = judge(
        POLICY,
        Given(tenant="clinic", request="GET /charts/1", enrolled=("email",), proof_age=Seconds(60)),
        TRAITS,
        now=NOW,
        endpoint=(
            Demand(rule="one", max_age=Seconds(60), factors_any=("email",)),
            Demand(rule="two", max_age=Seconds(60), factors_any=("totp",)),
        ),
    )
    said = told_dead_end(outcome)
    assert said.startswith("nobody can pass: one proof must meet freshness + one + two together")
    allowed = outcome.requirement.factors
    assert f"no factor that can be used ({', '.join(allowed)}) does" in said
    none = replace(outcome, requirement=replace(outcome.requirement, factors=()))
    assert "no factor that can be used (none) does" in told_dead_end(none)
