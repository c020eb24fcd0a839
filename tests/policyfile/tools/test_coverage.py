"""The parts of a policy that no test exercises are named."""

from __future__ import annotations

import pytest

from mfa_gate.policyfile.tools.coverage import Coverage, coverage
from mfa_gate.policyfile.tools.policy_tests import run_tests

from ..kinds import policy

NOW = 1_790_000_000
STEP_UP = "[[step_up]]\nname = 'a'\npaths = ['/a/**']\nmax_age = '5m'\nfactors_any = ['webauthn']\n"
EXEMPT = "[[exempt]]\nname = 'a'\npaths = ['=/a']\nreason = 'x'\nexpires = 2027-01-01\n"
SUBJECTS = "[[exempt_subjects]]\nname = 'p'\ngroups_any = ['p']\ngroups_none = ['q']\nreason = 'x'\npermanent = true\n"
HQ = "[networks]\nhq = ['192.0.2.0/24']\n[freshness.ip_change]\ntrusted = ['hq']\n"
CALENDAR = "[enrollment]\noptional_from = 2027-01-01\nrequired_from = 2027-02-01\n"
AGREEMENT = "[agreement]\nid = 'a'\nversion = '1'\ntitle = 'A'\nfile = 'agreements/data-access.md'\n"


def measured(text: str, *given: str) -> Coverage:
    """The coverage of one policy by tests of these situations."""
    tests = "".join(
        f"[[tests]]\nname = 't{n}'\ngiven = {{ {one} }}\nexpect = {{ decision = 'allow' }}\n"
        for n, one in enumerate(given)
    )
    found = policy(text + tests)
    return coverage(found, run_tests(found, now=NOW))


def missed(text: str, *given: str) -> set[str]:
    """The parts that tests of these situations leave out."""
    return {f"{part.tenant}:{part.path}: {part.test}" for part in measured(text, *given).missed}


APP = "enrolled = ['totp'], request = 'GET /a/b'"
KEY = "enrolled = ['webauthn'], request = 'GET /a/b'"


@pytest.mark.parametrize(
    ("text", "given", "part"),
    [
        ("", "", ':stage enroll: a test with the decision "enroll"'),
        ("", "enrolled = ['totp']", ':stage challenge: a test with the decision "challenge"'),
        ("", "locked = true, enrolled = ['totp']", ':stage locked: a test with the decision "locked"'),
        ("", "enrolled = ['totp'], proof_age = '1m'", ':stage verified: a test with the decision "verified"'),
        ("", "enrolled = ['totp'], proof_age = '6d'", ":freshness.max_age: a proof younger than 7d"),
        ("", "enrolled = ['totp'], proof_age = '7d'", ":freshness.max_age: a proof of 7d or more"),
        (
            "",
            "enrolled = ['totp'], proof_age = '1d', ip = 'other'",
            ":freshness.ip_change: a request from another address",
        ),
        (HQ, "ip = 'trusted'", ":freshness.ip_change.trusted: a request from a trusted network"),
        (STEP_UP, KEY, ":step_up.a: a request that falls under it"),
        (STEP_UP, KEY + ", proof_age = '4m'", ":step_up.a.max_age: a proof younger than 5m"),
        (STEP_UP, KEY + ", proof_age = '5m'", ":step_up.a.max_age: a proof of 5m or more"),
        (STEP_UP, APP + ", proof_age = '1m'", ":step_up.a (strength): a proof that does not meet it"),
        (EXEMPT, "request = 'GET /a'", ":exempt.a: a request that it exempts"),
        (EXEMPT, "request = 'GET /a', at = 2026-12-31", ":exempt.a.expires: a test before this date"),
        (EXEMPT, "request = 'GET /a', at = 2027-01-01", ":exempt.a.expires: a test at or after this date"),
        (SUBJECTS, "groups = ['p']", ":exempt_subjects.p: a person whom it exempts"),
        (SUBJECTS, "groups = ['p', 'q']", ":exempt_subjects.p.groups_none: a person in groups of both lists"),
        (CALENDAR, "at = 2026-12-31", ":stage off: a person before the second factor is turned on"),
        (CALENDAR, "at = 2027-01-02, skipped = true", ":stage optional: a person who skipped the enrollment"),
        (CALENDAR, "at = 2027-02-01", ":enrollment.required_from: a test at or after this date"),
        (AGREEMENT, "enrolled = ['totp'], proof_age = '1m'", ':stage agreement: a test with the decision "agreement"'),
    ],
)
def test_a_part_is_missed_until_a_test_exercises_it(text: str, given: str, part: str) -> None:
    """Each part is named without its test, and not with it."""
    assert part in missed(text)
    assert part not in missed(text, given)


OTHER = EXEMPT.replace("'a'", "'b'").replace("=/a", "=/b")
OTHERS = SUBJECTS.replace("'p'", "'r'")


@pytest.mark.parametrize(
    ("text", "given", "part"),
    [
        (EXEMPT + OTHER, "request = 'GET /b'", ":exempt.a: a request that it exempts"),
        (EXEMPT + OTHER, "request = 'GET /b', at = 2026-12-31", ":exempt.a.expires: a test before this date"),
        (EXEMPT.replace("'a'", "'off'") + CALENDAR, "at = 2026-12-31", ":exempt.off: a request that it exempts"),
        (SUBJECTS + OTHERS, "groups = ['r']", ":exempt_subjects.p: a person whom it exempts"),
        (SUBJECTS, "groups = ['q']", ":exempt_subjects.p.groups_none: a person in groups of both lists"),
        (SUBJECTS, "groups = ['p']", ":exempt_subjects.p.groups_none: a person in groups of both lists"),
        (STEP_UP, KEY.replace("/a/b", "/b"), ":step_up.a: a request that falls under it"),
        (STEP_UP, APP, ":step_up.a (strength): a proof that does not meet it"),
        (STEP_UP, KEY + ", proof_age = '1m'", ":step_up.a (strength): a proof that does not meet it"),
        (STEP_UP, KEY + ", proof_age = '5m'", ":step_up.a.max_age: a proof younger than 5m"),
        (STEP_UP, KEY, ":step_up.a.max_age: a proof of 5m or more"),
        (CALENDAR, "at = 2027-01-31", ":enrollment.required_from: a test at or after this date"),
        (CALENDAR, "at = 2027-02-01", ":enrollment.required_from: a test before this date"),
        (HQ, "ip = 'other'", ":freshness.ip_change.trusted: a request from a trusted network"),
    ],
)
def test_a_test_of_something_else_exercises_no_part(text: str, given: str, part: str) -> None:
    """The other rule, the other side of the bound, or half of a condition."""
    assert part in missed(text, given)


def test_a_tenants_own_part_needs_its_own_test() -> None:
    """A bound of a tenant is exercised by its own tests only; one of the file by any."""
    text = "[tenants.t]\nfreshness.max_age = '1d'\n[tenants.u]\n"
    young = "enrolled = ['totp'], proof_age = '1h'"
    assert "t:freshness.max_age: a proof younger than 1d" in missed(text, young)
    assert "t:freshness.max_age: a proof younger than 1d" not in missed(text, "tenant = 't', " + young)
    assert ":freshness.max_age: a proof younger than 7d" in missed(text, "tenant = 't', " + young)
    assert ":freshness.max_age: a proof younger than 7d" not in missed(text, "tenant = 'u', " + young)


def test_the_share_is_that_of_the_parts() -> None:
    """A policy that asks for nothing but freshness has seven parts."""
    assert (measured("").percent, len(measured("").parts)) == (0, 7)
    every = ("", "locked = true, enrolled = ['totp']", "enrolled = ['totp'], proof_age = '1h', ip = 'other'")
    ages = ("enrolled = ['totp'], proof_age = '1h'", "enrolled = ['totp'], proof_age = '8d'")
    assert measured("", *every, *ages).percent == 100


def test_a_policy_that_asks_nothing_has_no_decisions_to_test() -> None:
    """With the second factor off, no test can come to a decision about it."""
    assert not [part for part in missed("[enrollment]\nstage = 'off'\n") if "stage" in part]
    assert len([part for part in missed("") if ":stage" in part]) == 4
    assert len([part for part in missed(CALENDAR) if ":stage" in part]) == 6
    assert len([part for part in missed("[enrollment]\nstage = 'admin'\n") if ":stage" in part]) == 5
