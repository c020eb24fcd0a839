"""Tenants lie over the file's sections, inside the rails."""

from __future__ import annotations

import pytest

from mfa_gate.core.policy import stage_at
from mfa_gate.core.rules import TenantSettings
from mfa_gate.factors.base import options_in
from mfa_gate.factors.email import EmailRules

from .kinds import policy, told

DAY = 86_400


def test_sections_merge_key_by_key() -> None:
    """A tenant changes one key deep inside, and keeps its neighbors."""
    rules = policy(
        "[factors.email]\ncode = { digits = 8, ttl = '5m' }\n[tenants.a.factors.email.code]\nttl = '15m'\n"
    ).rules_for("a")
    email = options_in(rules, "email", EmailRules)
    assert (email.code.digits, email.code.ttl) == (8, 900)


def test_rules_of_a_tenant_come_on_top() -> None:
    """Exemptions and step-up rules of a tenant are added to the file's; networks as well."""
    text = """
[networks]
hq = ["192.0.2.0/24"]
[[exempt]]
name = "health"
paths = ["=/healthz"]
reason = "probe"
permanent = true
[tenants.a.networks]
lab = ["198.51.100.0/24"]
[[tenants.a.exempt]]
name = "portal"
paths = ["/portal/**"]
reason = "patients"
permanent = true
[[tenants.a.step_up]]
name = "export"
paths = ["/export/**"]
max_age = "5m"
"""
    made = policy(text)
    assert [rule.name for rule in made.rules_for("a").exempt] == ["health", "portal"]
    assert [rule.name for rule in made.rules_for("b").exempt] == ["health"]
    assert [rule.name for rule in made.rules_for("a").step_up] == ["export"]
    assert set(made.rules_for("a").networks) == {"hq", "lab"}


def test_a_tenant_has_an_agreement_of_its_own() -> None:
    """Agreement, brand, roles and mode can be a tenant's own; others do not see them."""
    text = """
[tenants.a]
mode = "report-only"
roles.unlock = ["boss"]
brand.name = "A"
[tenants.a.agreement]
id = "terms"
version = "1"
title = "Terms"
file = "agreements/data-access.md"
"""
    made = policy(text)
    a, b = made.rules_for("a"), made.rules_for("b")
    assert a.agreement is not None
    assert (a.agreement.id, a.roles.unlock, a.brand.name, a.mode) == ("terms", ("boss",), "A", "report-only")
    assert (b.agreement, b.mode) == (None, "enforce")


def test_the_order_ends_with_what_it_leaves_out() -> None:
    """Allowed factors that ``order`` does not name are offered last, in the usual order.

    Backup codes never.
    """
    made = policy("[factors]\norder = ['email']\nallowed = ['totp', 'email', 'webauthn', 'backup-code']\n")
    assert made.base.factors.order == ("email", "webauthn", "totp")


CALENDAR = "[enrollment]\noptional_from = 2025-02-01T00:00:00Z\nrequired_from = 2025-09-01T00:00:00+02:00\n"


@pytest.mark.parametrize(
    ("at", "stage"),
    [
        (1738367999, "off"),
        (1738368000, "optional"),
        (1756677599, "optional"),
        (1756677600, "required"),
    ],
)
def test_the_calendar_moves_the_stage(at: int, stage: str) -> None:
    """With dates the stage follows them to the second, each with its own offset."""
    enrollment = policy(CALENDAR).base.enrollment
    assert stage_at(enrollment, TenantSettings(tenant="a"), at) == stage


def test_a_date_is_its_first_moment_in_utc() -> None:
    """A date without a time begins at midnight in UTC."""
    assert policy("[enrollment]\nrequired_from = 2025-09-01\n").base.enrollment.required_from == 1756684800


def test_a_tenants_stage_ends_the_files_calendar() -> None:
    """A tenant that names its stage is not ruled by the file's dates.

    One with dates is not ruled by its stage.
    """
    made = policy(CALENDAR + "[tenants.a]\nenrollment.stage = 'required'\n")
    assert stage_at(made.rules_for("a").enrollment, TenantSettings(tenant="a"), 0) == "required"
    made = policy("[enrollment]\nstage = 'required'\n[tenants.a]\nenrollment.optional_from = 2030-01-01\n")
    assert stage_at(made.rules_for("a").enrollment, TenantSettings(tenant="a"), 0) == "off"


@pytest.mark.parametrize(
    ("rail", "own", "said"),
    [
        ('"freshness.max_age" = { min = "12h", max = "30d" }', 'freshness.max_age = "31d"', '"31d" is above "30d"'),
        ('"freshness.max_age" = { min = "12h", max = "30d" }', 'freshness.max_age = "1h"', '"1h" is below "12h"'),
        ('"freshness.max_age" = { min = "12h", max = "30d" }', 'freshness.max_age = "30d"', ""),
        ('"attempts.max" = { max = 7 }', "attempts.max = 8", "8 is above 7"),
        ('"factors.allowed" = { subset = true }', 'factors.allowed = ["totp", "voice"]', '"voice" is not in the file'),
        ('"factors.allowed" = { at_least = 2 }', 'factors.allowed = ["totp"]', "it must name 2 or more"),
        ('"factors.allowed" = { subset = true, at_least = 1 }', 'factors.allowed = ["totp"]', ""),
        ('"enrollment.stage" = { only_stricter = true }', 'enrollment.stage = "off"', "only become stricter"),
        ('"enrollment.stage" = { only_stricter = true }', 'enrollment.stage = "required"', ""),
        (
            '"enrollment.stage" = { only_stricter = true }',
            "enrollment.required_from = 2099-01-01",
            "only become stricter",
        ),
        ('"enrollment.stage" = { only_stricter = false }', 'enrollment.stage = "off"', ""),
        ('"freshness.max_age" = { only_stricter = true }', 'freshness.max_age = "8d"', "only become stricter"),
        ('freshness.max_age = { max = "7d" }', 'freshness.max_age = "8d"', '"8d" is above "7d"'),
        ('"mode" = { only_stricter = true }', 'mode = "report-only"', "only become stricter"),
        ('"roles.unlock" = { only_stricter = true }', 'roles.unlock = ["admin", "support"]', "only become stricter"),
    ],
)
def test_a_tenant_stays_inside_the_rails(rail: str, own: str, said: str) -> None:
    """P-7: a tenant's value outside of the rails is a fault at its own line.

    One on the rail is none.
    """
    lines = told(f'[factors]\nallowed = ["totp", "email", "sms"]\n[rails]\n{rail}\n[tenants.a]\n{own}\n')
    assert len(lines) == (1 if said else 0), lines
    assert all(said in line and line.startswith("policy.toml:8: tenants.a.") and "rails." in line for line in lines)


def test_a_rail_on_a_section_that_the_file_has_not() -> None:
    """A tenant's value under a rail is a fault if the file has no value of its own.

    No value can be called stricter than none. The fault stands at its own line, like any other.
    """
    rail = '[rails]\n"agreement.again" = { only_stricter = true }\n'
    own = 'id = "t"\nversion = "1"\ntitle = "T"\nfile = "agreements/data-access.md"\nagain = "each-sign-in"\n'
    (line,) = told(f"{rail}[tenants.a.agreement]\n{own}")
    assert line.startswith("policy.toml:10: tenants.a.agreement.again: it may only become stricter")
    assert told(f"{rail}[agreement]\n{own}[tenants.a.agreement]\n{own}") == []


@pytest.mark.parametrize(
    ("rail", "said"),
    [
        ('"freshness.maxage" = { min = "1d" }', 'did you mean "freshness.max_age"?'),
        ('"freshness.max_age" = { subset = true }', "unknown key"),
        ('"freshness.max_age" = { min = 5 }', "not a duration"),
        ('"freshness.max_age" = { min = "2d", max = "1d" }', "min is above max"),
        ('"factors.allowed" = { at_least = "two" }', "not a whole number"),
        ('"factors.allowed" = true', "not a table"),
        ('"tenants" = {}', "no key that a tenant can set"),
    ],
)
def test_rails_are_checked_themselves(rail: str, said: str) -> None:
    """A rail that could never hold anything is a fault, not silence."""
    (line,) = told(f"[rails]\n{rail}\n")
    assert said in line


@pytest.mark.parametrize("name", ['"a\\u0007"', '""', '"' + "x" * 256 + '"'])
def test_a_tenant_that_no_subject_could_have(name: str) -> None:
    """A section for a tenant that ``Subject`` would refuse can never apply, and is a fault."""
    (line,) = told(f"[tenants.{name}]\n")
    assert "cannot be a tenant" in line


def test_a_fault_of_the_file_is_told_once() -> None:
    """A fault that every tenant inherits is told once, at the file's own line."""
    lines = told("[freshness]\nmax_age = 'long'\n[tenants.a]\n[tenants.b]\n[tenants.c.freshness]\n")
    assert len(lines) == 1
    assert lines[0].startswith("policy.toml:4: freshness.max_age:")


TWO_WEAK = (
    "[factors]\nallowed = ['webauthn', 'email']\n"
    "[[step_up]]\nname = 'pay'\npaths = ['/pay/**']\nphishing_resistant = true\n"
    "[tenants.a]\nfactors.allowed = ['email']\n[tenants.b]\nfactors.allowed = ['email']\n"
)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        (TWO_WEAK, ["10: tenants.a.factors.allowed", "12: tenants.b.factors.allowed"]),
        (
            "[tenants.a]\nattempts.max = 50\n[tenants.b]\nattempts.max = 60\n",
            ["4: tenants.a.attempts.max", "6: tenants.b.attempts.max"],
        ),
        (
            "[rails]\n'freshness.max_age' = { max = '7d' }\n"
            "[tenants.a]\nfreshness.max_age = '9d'\n[tenants.b]\nfreshness.max_age = '8d'\n",
            ["6: tenants.a.freshness.max_age", "8: tenants.b.freshness.max_age"],
        ),
        (
            "[tenants.a]\nattempts.rolling.max = 2\n[tenants.b]\nattempts.rolling.max = 3\n",
            ["4: tenants.a.attempts.rolling.max", "6: tenants.b.attempts.rolling.max"],
        ),
        (
            "[tenants.a]\nfreshness.ip_change.trusted = ['x']\n[tenants.b]\nfreshness.ip_change.trusted = ['x']\n",
            ["4: tenants.a.freshness.ip_change.trusted[0]", "6: tenants.b.freshness.ip_change.trusted[0]"],
        ),
        (
            "[tenants.a]\nbrand.logo = 'none.svg'\n[tenants.b]\nbrand.logo = 'none.svg'\n",
            ["4: tenants.a.brand.logo", "6: tenants.b.brand.logo"],
        ),
    ],
)
def test_each_tenant_is_told_its_own_fault(text: str, places: list[str]) -> None:
    """P-2: the fault of one tenant hides no other tenant's fault of the same kind."""
    lines = told(text)
    for place in places:
        assert any(f"{place}:" in line for line in lines), (place, lines)
    for tenant in "ab":
        assert any(f"tenants.{tenant}." in line or f'tenant "{tenant}"' in line for line in lines), lines


@pytest.mark.parametrize(
    ("rail", "text", "place", "said"),
    [
        ("'freshness.max_age' = { max = '7d' }", "[freshness]\nmax_age = '30d'\n", "4: freshness.max_age", "above"),
        ("'freshness.max_age' = { min = '12h' }", "[freshness]\nmax_age = '1h'\n", "4: freshness.max_age", "below"),
        ("'attempts.max' = { max = 5 }", "", '4: rails."attempts.max"', "7 is above 5"),
        ("'factors.allowed' = { at_least = 3 }", "[factors]\nallowed = ['totp']\n", "4: factors.allowed", "3 or more"),
        ("'factors.sms.code.ttl' = { max = '1m' }", "", '4: rails."factors.sms.code.ttl"', '"10m" is above "1m"'),
    ],
)
def test_a_rail_holds_the_values_that_tenants_inherit(rail: str, text: str, place: str, said: str) -> None:
    """P-7: the file's own value is in force for every tenant that has none.

    So the rail holds it, too.
    """
    (line,) = told(f"{text}[rails]\n{rail}\n")
    assert line.startswith(f"policy.toml:{place}:"), line
    assert said in line
    assert "tenants without a value of their own" in line
    assert "widen rails." in line
    assert told(f"{text}[rails]\n{rail}\n[tenants.a]\nowner = 'x'\n") == [line]
