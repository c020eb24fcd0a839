"""Profiles tell departures and met clauses, and the sheet for an auditor holds both."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mfa_gate.policyfile import parse_policy
from mfa_gate.policyfile.tools.profiles import PROFILES, compare_with
from mfa_gate.policyfile.tools.profiles.evidence import People, Sheet, as_csv, markdown

from ..kinds import policy

NOW = 1_790_000_000
"""In September 2026."""
STRICT = """
[factors]
allowed = ['webauthn', 'totp']
[freshness]
max_age = '1d'
remember = 'session'
[recovery]
hold = '1d'
"""
PEOPLE = "[[exempt_subjects]]\nname = 's'\ngroups_any = ['staff']\nreason = 'x'\npermanent = true\n"
TREE = "[[exempt]]\nname = 't'\npaths = ['/t/**']\nmethods = ['GET']\nreason = 'x'\npermanent = true\n"
PROBE = "[[exempt]]\nname = 'p'\npaths = ['=/healthz']\nmethods = ['GET', 'HEAD']\nreason = 'x'\npermanent = true\n"
WATCHED = "[[step_up]]\nname = 'w'\npaths = ['/w/**']\nmax_age = '5m'\nreport_only = true\n"
LATER = "[enrollment]\nrequired_from = 2027-01-01\n"
TRUST = "[freshness]\ntrust_amr = ['mfa']\n"
IN_FORCE = {"nist-aal2": "2.2", "asvs-l2": "6.3.3", "hipaa": "164.312(d)", "pci-dss-4": "8.4.2"}


def departures(text: str, profile: str) -> set[tuple[str, str]]:
    """The key and the clause of each departure, without the name of the standard."""
    found = compare_with(policy(text), profile, now=NOW).deviations
    return {(one.path, one.clause.split()[-1]) for one in found}


@pytest.mark.parametrize(
    ("profile", "text", "path", "clause"),
    [
        ("nist-aal2", "[factors]\nallowed = ['webauthn', 'sms']\n", "factors.allowed", "3.2.9"),
        ("nist-aal2", "[factors]\nallowed = ['sms', 'voice']\n", "factors.allowed", "3.1.3.3"),
        ("nist-aal2", "[factors]\nallowed = ['webauthn', 'email']\n", "factors.allowed", "3.1.3.1"),
        ("nist-aal2", "[factors]\nallowed = ['totp']\n", "factors.allowed", "2.2.2"),
        ("nist-aal2", "[factors]\nallowed = ['webauthn', 'push']\n", "factors.push.digits", "3.1.3.2"),
        ("nist-aal2", "[factors]\nallowed = ['webauthn', 'voice']\n", "factors.voice.confirm", "3.1.3.1"),
        ("nist-aal2", "[factors]\nallowed = ['webauthn', 'backup-code']\n", "factors.backup-code", "3.1.2.2"),
        ("nist-aal2", "[freshness]\nmax_age = '25h'\n", "freshness.max_age", "2.2.3"),
        ("nist-aal2", "[freshness]\noutage_grace = '1m'\n", "freshness.outage_grace", "4.5"),
        ("nist-aal2", "[freshness]\nremember = 'browser'\n", "freshness.remember", "5.1"),
        ("nist-aal2", "[factors.sms]\ncode.ttl = '15m'\n", "factors.sms.code.ttl", "3.1.3.2"),
        ("nist-aal2", "[enrollment]\nfirst = 'open'\n", "enrollment.first", "4.1.2.1"),
        ("nist-aal2", "[recovery]\nhold = '0s'\n", "recovery.hold", "4.2.1"),
        ("nist-aal2", "[recovery]\nself_service = '3d'\n", "recovery.self_service", "4.2.1"),
        ("nist-aal2", PEOPLE, "exempt_subjects.s", "2.2"),
        ("nist-aal2", TREE, "exempt.t", "2.2"),
        ("nist-aal2", WATCHED, "step_up.w.report_only", "2.2"),
        ("nist-aal2", TRUST, "freshness.trust_amr", "2.2"),
        ("asvs-l2", "[factors.email]\ncode.ttl = '15m'\n", "factors.email.code.ttl", "6.5.5"),
        ("asvs-l2", "[factors.totp]\nperiod = '60s'\n", "factors.totp.period", "6.5.5"),
        ("asvs-l2", "[factors]\nallowed = ['sms', 'email']\n", "factors.allowed", "6.6.1"),
        ("asvs-l2", "[factors]\nallowed = ['totp', 'voice']\n", "factors.voice.confirm", "6.6.2"),
        ("asvs-l2", "[factors]\nallowed = ['totp', 'backup-code']\n", "factors.backup-code", "6.5.2"),
        ("asvs-l2", "[factors]\nallowed = ['totp', 'push']\n", "factors.push.digits", "6.5.4"),
        ("asvs-l2", "[freshness]\noutage_grace = '1m'\n", "freshness.outage_grace", "16.5.3"),
        ("asvs-l2", PEOPLE, "exempt_subjects.s", "6.3.3"),
        ("asvs-l2", TREE, "exempt.t", "6.3.4"),
        ("asvs-l2", TRUST, "freshness.trust_amr", "6.3.4"),
        ("asvs-l2", "[tenants.p]\nfactors.email.code.ttl = '15m'\n", "tenants.p.factors.email.code.ttl", "6.5.5"),
        ("hipaa", PEOPLE, "exempt_subjects.s", "164.312(d)"),
        ("hipaa", WATCHED, "step_up.w.report_only", "164.312(d)"),
        ("hipaa", "[audit]\nretention = '2189d'\n", "audit.retention", "164.316(b)(2)(i)"),
        ("hipaa", "[roles]\nunlock = []\n", "roles.unlock", "164.312(a)(2)(ii)"),
        ("hipaa", "[freshness]\noutage_grace = '1m'\n", "freshness.outage_grace", "164.308(a)(3)(ii)(C)"),
        ("pci-dss-4", "[attempts]\nmax = 11\n", "attempts.max", "8.3.4"),
        ("pci-dss-4", "[audit]\nretention = '364d'\n", "audit.retention", "10.5.1"),
        ("pci-dss-4", "[freshness]\nremember = 'browser'\n", "freshness.remember", "8.4.2"),
        ("pci-dss-4", PEOPLE, "exempt_subjects.s.expires", "8.5.1"),
        ("pci-dss-4", PEOPLE.replace("permanent = true", "expires = 2028-01-01"), "exempt_subjects.s.expires", "8.5.1"),
        ("pci-dss-4", "[enrollment]\nfirst = 'open'\n", "enrollment.first", "8.3.3"),
        *((profile, "mode = 'report-only'\n", "mode", clause) for profile, clause in IN_FORCE.items()),
        *((profile, LATER, "enrollment.required_from", clause) for profile, clause in IN_FORCE.items()),
        *(
            (profile, f"[enrollment]\nstage = '{stage}'\n", "enrollment.stage", clause)
            for profile, clause in IN_FORCE.items()
            for stage in ("off", "optional", "admin")
        ),
        ("nist-aal2", "[enrollment]\noptional_from = 2025-01-01\n", "enrollment.required_from", "2.2"),
    ],
)
def test_a_departure_has_its_clause(profile: str, text: str, path: str, clause: str) -> None:
    """Every departure from a profile names the key and the clause."""
    assert (path, clause) in departures(text, profile)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_strict_policy_departs_from_nothing(profile: str) -> None:
    """A profile is reachable, and every clause of it is then met."""
    found = compare_with(policy(STRICT), profile, now=NOW)
    assert found.deviations == ()
    assert [met.clause for met in found.met] == [clause.number for clause in PROFILES[profile]]


@pytest.mark.parametrize("profile", PROFILES)
def test_a_clause_is_met_or_departed_from(profile: str) -> None:
    """No clause is on both lists; a departure of one tenant takes it off the other."""
    found = compare_with(policy(STRICT + "[tenants.t]\nmode = 'report-only'\n"), profile, now=NOW)
    departed = {one.clause for one in found.deviations}
    assert len(departed) == 1
    assert departed | {one.clause for one in found.met} == {clause.number for clause in PROFILES[profile]}
    assert not departed & {one.clause for one in found.met}


def test_what_has_ended_is_no_departure() -> None:
    """An expired exemption, a date in the past and a probe count for nothing."""
    ended = PEOPLE.replace("permanent = true", "expires = 2026-01-01")
    assert departures(STRICT + ended + PROBE + LATER.replace("2027", "2026"), "nist-aal2") == set()


def sheet(people: dict[str, People] | None) -> Sheet:
    """The sheet of a policy with an exemption of each kind."""
    found = policy(
        PEOPLE
        + PROBE
        + "[tenants.t]\n[[tenants.t.exempt]]\nname = '=x'\n".replace("=x", "x")
        + "paths = ['=/x']\nmethods = ['GET']\nreason = '=1+1 | x'\nexpires = 2027-01-01\n"
    )
    assessment = compare_with(found, "hipaa", now=NOW)
    return Sheet(profile="hipaa", policy=found, assessment=assessment, now=NOW, people=people)


def test_the_sheet_as_markdown() -> None:
    """It has date, digest, departures, met clauses, exemptions with their ends, and people."""
    text = markdown(sheet({"t": People(resistant=3, other=2, without=1)}))
    assert "| made at | 2026-09-21T14:13:20+00:00 |" in text
    assert f"| SHA-256 | {sheet(None).policy.digest} |" in text
    assert "| 45 CFR 164.312(d) | exempt_subjects.s | people in staff need no second factor, for good (x) |" in text
    assert "| 45 CFR 164.312(b) | every decision about a factor" in text
    assert "| (all) | s | people in staff | x | never |" in text
    assert "| t | x | GET =/x | =1+1 \\| x | 2027-01-01T00:00:00+00:00 |" in text
    assert "| t | 3 | 2 | 1 |" in text
    assert "not counted: no store was given" in markdown(sheet(None))


def test_the_sheet_as_csv() -> None:
    """Each row begins with its table, and no cell is a formula."""
    rows = list(csv.reader(io.StringIO(as_csv(sheet({"t": People(resistant=3)})))))
    assert ["Exemptions", "t", "x", "GET =/x", "'=1+1 | x", "2027-01-01T00:00:00+00:00"] in rows
    assert ["People", "t", "3", "0", "0"] in rows


@pytest.mark.parametrize(
    ("profile", "text", "path"),
    [
        ("nist-aal2", "[freshness]\nmax_age = '24h'\n", "freshness.max_age"),
        ("nist-aal2", "[factors.sms]\ncode.ttl = '10m'\n", "factors.sms.code.ttl"),
        ("asvs-l2", "[factors.email]\ncode.ttl = '10m'\n", "factors.email.code.ttl"),
        ("asvs-l2", "[factors.totp]\nperiod = '30s'\n", "factors.totp.period"),
        ("hipaa", "[audit]\nretention = '2190d'\n", "audit.retention"),
        ("pci-dss-4", "[audit]\nretention = '365d'\n", "audit.retention"),
        ("pci-dss-4", "[attempts]\nmax = 10\n", "attempts.max"),
        ("pci-dss-4", PEOPLE.replace("permanent = true", "expires = 2027-09-21"), "exempt_subjects.s.expires"),
    ],
)
def test_the_last_value_that_a_standard_takes(profile: str, text: str, path: str) -> None:
    """The bound itself is no departure."""
    assert path not in {key for key, _ in departures(text, profile)}


def test_a_departure_has_its_line() -> None:
    """The line is that of the key, the tenant's own, a rule's, or of what is nearest."""
    text = """version = 1
name = "x"
[freshness]
max_age = "8d"
[[exempt]]
name = "a.b"
paths = ["/a/**"]
reason = "r"
permanent = true
[tenants.clinic.freshness]
max_age = "9d"
"""
    found = compare_with(parse_policy(text, base=Path()), "nist-aal2", now=NOW).deviations
    lines = {one.path: one.line for one in found}
    assert lines["freshness.max_age"] == 4
    assert lines["tenants.clinic.freshness.max_age"] == 11
    assert lines["exempt.a.b"] == 5
    assert lines["freshness.remember"] == 3
    assert found[0].told("x.toml", "nist-aal2").startswith(f"x.toml:{found[0].line}: nist-aal2: ")


@pytest.mark.parametrize(("ends", "told"), [(NOW - 1, False), (NOW, False), (NOW + 1, True)])
def test_an_exemption_that_is_over_is_no_departure(ends: int, told: bool) -> None:
    """An exemption counts until the second in which it ends."""
    at = datetime.fromtimestamp(ends, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    people, tree = (text.replace("permanent = true", f"expires = {at}") for text in (PEOPLE, TREE))
    for name, text in (("exempt_subjects.s", people), ("exempt.t", tree)):
        found = {path for path, _ in departures(STRICT + text, "nist-aal2")}
        assert (name in found) == told, name
