"""The direction of a change of the file, for each key and each tenant."""

from __future__ import annotations

import pytest

from mfa_gate.policyfile.tools.diff import differences, loosened

from ..kinds import policy

EXEMPT = "[[exempt]]\nname = 'a'\npaths = ['=/a']\nmethods = ['GET']\nreason = 'x'\nexpires = 2027-12-31\n"
SUBJECTS = "[[exempt_subjects]]\nname = 'a'\ngroups_any = ['b']\nreason = 'x'\npermanent = true\n"
STEP_UP = "[[step_up]]\nname = 'a'\npaths = ['/a/**']\nmethods = ['POST']\nmax_age = '5m'\n"
HQ = "[networks]\nhq = ['192.0.2.0/25']\n[freshness.ip_change]\ntrusted = ['hq']\n"
AGREEMENT = "[agreement]\nid = 'a'\nversion = '1'\ntitle = 'A'\nfile = 'agreements/data-access.md'\n"


def changes(old: str, new: str) -> list[tuple[str, str, str]]:
    return [(d.tenant, d.path, d.change) for d in differences(policy(old), policy(new))]


@pytest.mark.parametrize(
    ("weaker", "stronger", "path"),
    [
        ("[freshness]\nmax_age = '8d'\n", "", "freshness.max_age"),
        ("[attempts]\nmax = 8\n", "", "attempts.max"),
        ("[attempts]\nrolling = { window = '10d' }\n", "", "attempts.rolling.window"),
        ("", "[attempts]\nlock_ends_sessions = true\n", "attempts.lock_ends_sessions"),
        ("[freshness.ip_change]\naction = 'log'\n", "", "freshness.ip_change.action"),
        ("[freshness.ip_change]\ncompare = { v4 = 24 }\n", "", "freshness.ip_change.compare.v4"),
        ("mode = 'report-only'\n", "", "mode"),
        ("[factors.email]\ncode = { ttl = '15m' }\n", "", "factors.email.code.ttl"),
        ("", "[factors.sms]\nregions = ['US']\n", "factors.sms.regions"),
        ("[factors.sms]\nregions = ['US', 'CA']\n", "[factors.sms]\nregions = ['US']\n", "factors.sms.regions"),
        ("[factors.sms]\nrefuse_types = []\n", "", "factors.sms.refuse_types"),
        ("", "[factors]\nallowed = ['webauthn', 'totp']\n", "factors.allowed"),
        ("[factors]\nallowed = ['totp']\n", "[factors]\nallowed = ['totp', 'webauthn']\n", "factors.allowed"),
        ("[roles]\nunlock = ['admin', 'security', 'support']\n", "", "roles.unlock"),
        ("[enrollment]\nstage = 'off'\n", "[enrollment]\nstage = 'optional'\n", "enrollment.stage"),
        ("[enrollment]\nstage = 'optional'\n", "", "enrollment.stage"),
        ("[enrollment]\nstage = 'admin'\n", "", "enrollment.stage"),
        ("[enrollment]\nrequired_from = 2026-01-01\n", "", "enrollment.required_from"),
        (
            "[enrollment]\nrequired_from = 2026-01-02\n",
            "[enrollment]\nrequired_from = 2026-01-01\n",
            "enrollment.required_from",
        ),
        ("[enrollment]\nfirst = 'open'\n", "", "enrollment.first"),
        (EXEMPT, "", "exempt.a"),
        (EXEMPT.replace("'=/a'", "'=/a', '=/b'"), EXEMPT, "exempt.a.paths"),
        (EXEMPT.replace("'GET'", "'GET', 'POST'"), EXEMPT, "exempt.a.methods"),
        (EXEMPT.replace("2027", "2028"), EXEMPT, "exempt.a.expires"),
        (EXEMPT.replace("expires = 2027-12-31", "permanent = true"), EXEMPT, "exempt.a.expires"),
        (SUBJECTS, "", "exempt_subjects.a"),
        (SUBJECTS, SUBJECTS + "groups_none = ['c']\n", "exempt_subjects.a.groups_none"),
        ("", STEP_UP, "step_up.a"),
        (STEP_UP, STEP_UP.replace("5m", "4m"), "step_up.a.max_age"),
        (STEP_UP, STEP_UP.replace("methods = ['POST']\n", ""), "step_up.a.methods"),
        (STEP_UP, STEP_UP + "phishing_resistant = true\n", "step_up.a.phishing_resistant"),
        (STEP_UP, STEP_UP + "user_verification = true\n", "step_up.a.user_verification"),
        (STEP_UP, STEP_UP + "factors_any = ['totp']\n", "step_up.a.factors_any"),
        (STEP_UP + "groups_any = ['b']\n", STEP_UP, "step_up.a.groups_any"),
        (STEP_UP + "report_only = true\n", STEP_UP, "step_up.a.report_only"),
        (HQ, "[networks]\nhq = ['192.0.2.0/25']\n", "freshness.ip_change.trusted"),
        ("", AGREEMENT, "agreement"),
    ],
)
def test_a_change_has_a_direction(weaker: str, stronger: str, path: str) -> None:
    """Each change is stricter one way and looser the other."""
    assert changes(weaker, stronger) == [("", path, "stricter")]
    assert changes(stronger, weaker) == [("", path, "looser")]


@pytest.mark.parametrize(
    ("old", "new", "path"),
    [
        ("[brand]\nname = 'A'\n", "[brand]\nname = 'B'\n", "brand.name"),
        ("[enrollment]\nstage = 'admin'\n", "[enrollment]\nstage = 'optional'\n", "enrollment.stage"),
        (AGREEMENT, AGREEMENT.replace("'1'", "'2'"), "agreement.version"),
        ("", STEP_UP + "report_only = true\n", "step_up.a"),
        (EXEMPT, EXEMPT.replace("=/a", "=/b"), "exempt.a.paths"),
    ],
)
def test_some_changes_have_none(old: str, new: str, path: str) -> None:
    """No direction is claimed if neither value is the stricter one."""
    assert changes(old, new) == [("", path, "changed")]


def test_a_wider_trusted_network_is_looser() -> None:
    """More addresses among which a change does not ask."""
    wider = HQ.replace("'192.0.2.0/25'", "'192.0.2.0/25', '198.51.100.0/24'")
    assert changes(HQ, wider) == [("", "networks.hq", "looser")]
    assert changes(wider, HQ) == [("", "networks.hq", "stricter")]


def test_tenants_are_told_apart() -> None:
    """A tenant's own change is told for it; an inherited one is told once."""
    tenant = "[tenants.a]\nattempts.max = 7\n"
    assert changes(tenant, "[attempts]\nmax = 5\n" + tenant) == [("", "attempts.max", "stricter")]
    assert changes(tenant, "") == []
    assert changes("", "[tenants.a]\nfreshness.max_age = '8d'\n") == [("a", "freshness.max_age", "looser")]
    old, new = "[tenants.a]\nenrollment.stage = 'required'\n", "[enrollment]\nstage = 'off'\n"
    assert changes(old, new) == [("", "enrollment.stage", "looser")]


def test_only_what_is_looser_needs_leave() -> None:
    """``loosened`` keeps the looser ones of a mixed change."""
    mixed = differences(policy(""), policy("[attempts]\nmax = 5\n[freshness]\nmax_age = '8d'\n"))
    assert [d.path for d in loosened(mixed)] == ["freshness.max_age"]
