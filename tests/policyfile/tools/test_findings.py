"""The remarks on a valid policy, and its departures from a standard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.factors import BUILT_IN, Registry
from mfa_gate.factors.totp import Totp
from mfa_gate.policyfile import findings
from mfa_gate.policyfile.tools.findings.places import line_of
from mfa_gate.policyfile.tools.findings.remark import GATE_PREFIX, Look

from ..kinds import policy

DAY = 86_400
NOW = 1_800_000_000


def exemption(ends: str, *, paths: str = "['=/a']", methods: str = "['GET']") -> str:
    return f"[[exempt]]\nname = 'a'\npaths = {paths}\nmethods = {methods}\nreason = 'x'\n{ends}\n"


@pytest.mark.parametrize(
    ("text", "severity", "path"),
    [
        ("[factors]\nallowed = ['sms']\n", "warning", "factors.allowed"),
        ("[factors]\nallowed = ['sms', 'voice']\n", "warning", "factors.allowed"),
        ("[factors]\nallowed = ['email', 'backup-code']\n", "warning", "factors.allowed"),
        ("[factors]\nallowed = ['totp', 'backup-code']\nchoice = 'tenant'\n", "warning", "factors.choice"),
        ("[recovery]\nways = ['request']\n", "warning", "factors.allowed"),
        ("[tenants.t]\nrecovery.ways = ['other-factor']\n", "warning", "tenants.t.factors.allowed"),
        ("[freshness]\nmax_age = '31d'\n", "warning", "freshness.max_age"),
        ("[freshness]\noutage_grace = '1s'\n", "warning", "freshness.outage_grace"),
        ("[freshness.ip_change]\naction = 'log'\n", "warning", "freshness.ip_change.action"),
        ("[enrollment]\nstage = 'off'\n", "warning", "enrollment.stage"),
        ("[enrollment]\nstage = 'off'\nnudge = { every = '90d' }\n", "warning", "enrollment.stage"),
        ("[enrollment]\noptional_from = 2025-01-01\n", "note", "enrollment.optional_from"),
        ("[enrollment]\nskip = { max = 3 }\n", "warning", "enrollment.skip.max"),
        ("[enrollment]\nfirst = 'open'\n", "note", "enrollment.first"),
        ("mode = 'report-only'\n", "warning", "mode"),
        ("[roles]\nunlock = []\n", "warning", "roles.unlock"),
        ("[enrollment]\nstage = 'admin'\n[roles]\ntenant = []\n", "warning", "roles.tenant"),
        (exemption("expires = 2027-01-01"), "warning", "exempt.a"),
        (exemption("permanent = true", paths="['/a/**']", methods="['POST']"), "warning", "exempt.a"),
        (
            "[[exempt_subjects]]\nname = 'b'\ngroups_any = ['c']\nreason = 'x'\nexpires = 2027-02-14\n",
            "warning",
            "exempt_subjects.b",
        ),
        ("[[step_up]]\nname = 'a'\npaths = ['/a/**']\nmax_age = '7d'\n", "warning", "step_up.a"),
        ("[[step_up]]\nname = 'a'\npaths = ['/a/**']\nmax_age = '5m'\nreport_only = true\n", "note", "step_up.a"),
        ("[tenants.t]\nfreshness.max_age = '31d'\n", "warning", "tenants.t.freshness.max_age"),
    ],
)
def test_a_weak_spot_is_told(text: str, severity: str, path: str) -> None:
    """P-4, P-11: each weak spot is one finding at its key; tenants' own ones under the tenant."""
    found = findings(policy(text), now=NOW)
    assert [(finding.severity, finding.path) for finding in found] == [(severity, path)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[factors]\nallowed = ['sms', 'backup-code']\n",
        "[factors]\nallowed = ['email', 'sms']\n",
        "[freshness]\nmax_age = '30d'\n",
        "[enrollment]\nstage = 'optional'\nskip = { max = 3 }\n",
        "[enrollment]\nnudge = { max = 0 }\n",
        "[enrollment]\nnudge = { max = 1, to = 'push', after = ['totp'] }\n",
        "[enrollment]\nnudge = { every = '90d' }\n[tenants.t]\nenrollment.nudge = { max = 0 }\n",
        "[factors]\nallowed = ['totp', 'email']\n[enrollment]\nnudge = { every = '90d' }\n"
        "[tenants.t]\nfactors.allowed = ['totp', 'webauthn', 'backup-code']\n",
        "[enrollment]\nnudge = { every = '90d', max = 0 }\n[tenants.t]\nenrollment.nudge.max = 3\n",
        "[enrollment]\nnudge = { every = '90d', max = 1 }\n[tenants.t]\nenrollment.nudge.max = 3\n",
        "[enrollment]\nnudge = { after = ['totp', 'webauthn'] }\n[tenants.t]\nenrollment.nudge.to = 'push'\n",
        exemption("permanent = true"),
        exemption("permanent = true", paths="['/a/**']"),
        exemption("permanent = true", methods="['POST']"),
        "[[step_up]]\nname = 'a'\npaths = ['/a/**']\nmax_age = '7d'\nphishing_resistant = true\n",
    ],
)
def test_a_sound_policy_is_not_bothered(text: str) -> None:
    """No finding without a reason."""
    assert findings(policy(text), now=NOW) == ()


STEP = "[[step_up]]\nname = 's'\npaths = ['=/a']\nmax_age = '5m'\ngroups_any = ['c']\n"
PEOPLE = "[[exempt_subjects]]\nname = 'b'\ngroups_any = ['c']\nreason = 'x'\nexpires = 2027-12-31\n"
ENDS = 1_830_211_200
"""The last day of 2027."""
EARLY = "[freshness]\nmax_age = '{}'\nrenew_early = '2h'\n"


@pytest.mark.parametrize(
    ("sound", "weak", "path"),
    [
        (("[freshness]\nmax_age = '30d'\n", NOW), ("[freshness]\nmax_age = '2592001s'\n", NOW), "freshness.max_age"),
        ((EARLY.format("4h"), NOW), (EARLY.format("239m"), NOW), "freshness.renew_early"),
        (("[attempts]\nmax = 3\n", NOW), ("[attempts]\nmax = 2\n", NOW), "attempts.max"),
        (
            ("[recovery]\nself_service = '1d'\n", NOW),
            ("[recovery]\nself_service = '86399s'\n", NOW),
            "recovery.self_service",
        ),
        (
            ("[factors.email]\nresend = { per_hour = 5, per_day = 5 }\n", NOW),
            ("[factors.email]\nresend = { per_hour = 6, per_day = 5 }\n", NOW),
            "factors.email.resend.per_hour",
        ),
        (
            ("[factors.email]\nresend = { per_hour = 5, wait = '899s' }\n", NOW),
            ("[factors.email]\nresend = { per_hour = 5, wait = '15m' }\n", NOW),
            "factors.email.resend.per_hour",
        ),
        *(
            (
                (f"{STEP}[enrollment]\nstage = 'off'\n[tenants.t]\nenrollment.{date}", NOW),
                (f"{STEP}[enrollment]\n{date}[tenants.t]\nenrollment.stage = 'off'\n", NOW),
                "tenants.t.step_up",
            )
            for date in ("optional_from = 2027-12-31\n", "required_from = 2027-12-31\n")
        ),
        (
            ("[enrollment]\nrequired_from = 2027-12-31\n", ENDS - 5 * 365 * DAY),
            ("[enrollment]\nrequired_from = 2027-12-31\n", ENDS - 5 * 365 * DAY - 1),
            "enrollment.required_from",
        ),
        (
            (exemption("expires = 2027-12-31"), ENDS - 5 * 365 * DAY),
            (exemption("expires = 2027-12-31"), ENDS - 5 * 365 * DAY - 1),
            "exempt.a.expires",
        ),
        (
            (exemption("expires = 2027-12-31") + STEP, ENDS),
            (exemption("expires = 2027-12-31") + STEP, ENDS - 1),
            "step_up.s",
        ),
        ((PEOPLE + STEP, ENDS), (PEOPLE + STEP, ENDS - 1), "step_up.s.groups_any"),
    ],
)
def test_the_last_value_without_a_remark(sound: tuple[str, int], weak: tuple[str, int], path: str) -> None:
    """The bound itself is sound; one second or one step beyond it is told."""
    for (text, now), told in ((sound, False), (weak, True)):
        every = text.replace("methods = ['GET']", "methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']")
        assert (path in [finding.path for finding in findings(policy(every), now=now)]) is told


EVERY_RIGHT = "".join(f"{right} = []\n" for right in ("look", "unlock", "reset", "tenant", "audit", "policy"))


@pytest.mark.parametrize(("change", "told"), [("", False), ("[change]\nlooser = 'approve'\n", True)])
def test_each_right_that_nobody_holds_is_told(change: str, told: bool) -> None:
    """A right to approve policies is missed only where approvals are asked for."""
    found = {finding.path for finding in findings(policy(f"[roles]\n{EVERY_RIGHT}{change}"), now=NOW)}
    rights = {f"roles.{right}" for right in ("look", "unlock", "reset", "tenant", "audit")}
    assert found >= rights
    assert ("roles.policy" in found) is told


LINES = """[freshness]
max_age = "8h"
[factors.email]
code.digits = 6
[[exempt]]
name = "a"
paths = ["=/a"]
reason = "x"
permanent = true
[tenants.bare]
[tenants.own.freshness]
max_age = "1h"
[[tenants.own.exempt]]
name = "b"
paths = ["=/b"]
reason = "x"
permanent = true
"""


@pytest.mark.parametrize(
    ("tenant", "key", "line"),
    [
        ("", "freshness.max_age", 4),
        ("", "freshness.remember", 3),
        ("", "exempt.a.paths", 9),
        ("", "exempt.a.expires", 7),
        ("bare", "freshness.max_age", 4),
        ("bare", "freshness.remember", 3),
        ("bare", "factors.email.code.ttl", 6),
        ("bare", "attempts.max", 12),
        ("bare", "exempt.a.paths", 9),
        ("own", "freshness.max_age", 14),
        ("own", "freshness.remember", 13),
        ("own", "factors.email.code.digits", 6),
        ("own", "exempt.a.paths", 9),
        ("own", "exempt.b.paths", 17),
        ("own", "exempt.b.expires", 15),
    ],
)
def test_the_line_of_a_key(tenant: str, key: str, line: int) -> None:
    """It is the tenant's own, else the file's, else that of the nearest section around it.

    A rule has its line in the file or in the tenant's section, never in both.
    """
    made = policy(LINES)
    rules = made.rules_for(tenant) if tenant else made.base
    look = Look(policy=made, rules=rules, tenant=tenant, factors=BUILT_IN, now=NOW, prefix=GATE_PREFIX)
    assert line_of(look, key) == line
    assert line_of(replace(look, policy=replace(made, lines={})), key) == 0


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (31 * DAY, ""),
        (30 * DAY, "in 30 days"),
        (DAY + 1, "in 2 days"),
        (1, "in 1 day "),
        (0, "has expired"),
        (-DAY, "has expired"),
    ],
)
def test_an_exemption_is_told_thirty_days_ahead(ahead: int, said: str) -> None:
    """P-4: thirty days before its end and ever after."""
    ends = 1830211200  # 2027-12-31
    found = findings(policy(exemption("expires = 2027-12-31")), now=ends - ahead)
    assert [said in finding.text for finding in found] == ([True] if said else [])


def test_what_is_not_built_is_told() -> None:
    """A factor that the file allows and this version lacks is a warning."""
    few = Registry([Totp()])
    found = findings(policy("[factors]\nallowed = ['totp', 'push']\n"), now=NOW, factors=few)
    assert ["push" in finding.text for finding in found] == [True]
