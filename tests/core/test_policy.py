"""The demands on a request: exemptions, stages, factors and rules as tables."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from itertools import permutations
from typing import Any

import pytest

from mfa_gate.core.assurance import combine, could_meet, meets
from mfa_gate.core.model import Seconds
from mfa_gate.core.policy import (
    POLICY_AGE,
    Facts,
    demands_for,
    exemption_for,
    factors_for,
    is_chosen,
    requirement_for,
    stage_at,
    with_endpoint,
)
from mfa_gate.core.rules import (
    DAY,
    CompareRules,
    EnrollmentRules,
    Exemption,
    FactorRules,
    FreshnessRules,
    IPChangeRules,
    PathRule,
    Policy,
    Rules,
    StepUpRule,
    SubjectExemption,
    TenantSettings,
)

from .builders import NOW, TRAITS, WEEK, demand, proof, requirement, rules_with

OFF = TenantSettings(tenant="clinic")
ON = TenantSettings(tenant="clinic", enabled_at=NOW)


@pytest.mark.parametrize(
    ("rules", "settings", "now", "stage"),
    [
        (EnrollmentRules(stage="off"), ON, NOW, "off"),
        (EnrollmentRules(stage="optional"), OFF, NOW, "optional"),
        (EnrollmentRules(), OFF, NOW, "required"),
        (EnrollmentRules(stage="admin"), OFF, NOW, "off"),
        (EnrollmentRules(stage="admin"), ON, NOW, "required"),
        (EnrollmentRules(stage="admin"), ON, NOW - 7 * DAY, "required"),
        (EnrollmentRules(optional_from=NOW), OFF, NOW - 1, "off"),
        (EnrollmentRules(optional_from=NOW), OFF, NOW, "optional"),
        (EnrollmentRules(optional_from=NOW, required_from=NOW + 9), OFF, NOW + 8, "optional"),
        (EnrollmentRules(optional_from=NOW, required_from=NOW + 9), OFF, NOW + 9, "required"),
        (EnrollmentRules(required_from=NOW), OFF, NOW - 1, "off"),
        (EnrollmentRules(required_from=NOW), OFF, NOW, "required"),
        (EnrollmentRules(stage="admin", required_from=NOW), ON, NOW - 1, "off"),
    ],
)
def test_stage(rules: EnrollmentRules, settings: TenantSettings, now: int, stage: str) -> None:
    """The stage follows the calendar to the second, the administrator's switch, or is fixed.

    No clock turns the switch back (S-118).
    """
    assert stage_at(rules, settings, now) == stage


@pytest.mark.parametrize(
    ("choice", "picked", "factors"),
    [
        ("user", ("mail",), ("app", "mail", "paper")),
        ("tenant", (), ("app", "mail", "paper")),
        ("tenant", ("mail",), ("mail", "paper")),
        ("tenant", ("mail", "key"), ("mail", "paper")),
        ("tenant", ("key",), ("paper",)),
    ],
)
def test_factors(choice: Any, picked: tuple[str, ...], factors: tuple[str, ...]) -> None:
    """An administrator narrows the factors that the policy allows and never widens them.

    A factor without a place in ``order`` stays.
    """
    rules = rules_with(factors=FactorRules(allowed=("app", "mail", "paper"), order=("app", "mail"), choice=choice))
    assert factors_for(rules, replace(ON, factors=picked)) == factors


def exempt(*paths: str, methods: tuple[str, ...] = ("GET",), **parts: Any) -> tuple[Exemption, ...]:
    rules = tuple(PathRule(text=path) for path in paths)
    return (Exemption(name="free", paths=rules, methods=methods, **parts),)


def facts(path: str = "/", method: str = "GET", groups: tuple[str, ...] = (), *, clean: bool = True) -> Facts:
    return Facts(tenant="clinic", groups=frozenset(groups), method=method, path=path, clean=clean)


@pytest.mark.parametrize(
    ("rule", "path", "covered"),
    [
        ("=/healthz", "/healthz", True),
        ("=/healthz", "/healthz/", False),
        ("=/healthz", "/Healthz", False),
        ("=/healthz", "/healthz/deep", False),
        ("=/healthz", "/health", False),
        ("/portal/**", "/portal", True),
        ("/portal/**", "/portal/", True),
        ("/portal/**", "/portal/a/b", True),
        ("/portal/**", "/portals", False),
        ("/portal/**", "/portal-admin", False),
        ("/portal/**", "/", False),
        ("/**", "/", True),
        ("/**", "/anything", True),
    ],
)
def test_exempt_paths(rule: str, path: str, covered: bool) -> None:
    """S-4: an exemption is an exact path or a tree of whole segments, nothing alike."""
    assert bool(exemption_for(exempt(rule), facts(path), NOW)) is covered


@pytest.mark.parametrize(
    ("methods", "method", "covered"),
    [
        (("GET",), "GET", True),
        (("GET",), "HEAD", True),
        (("HEAD",), "HEAD", True),
        (("HEAD",), "GET", False),
        (("GET",), "POST", False),
        (("GET",), "get", False),
        (("GET",), "BREW", False),
        (("GET",), "OPTIONS", False),
        (("POST",), "HEAD", False),
    ],
)
def test_exempt_methods(methods: tuple[str, ...], method: str, covered: bool) -> None:
    """S-9: HEAD is judged as GET; an unknown or lower-case method is never exempt."""
    assert bool(exemption_for(exempt("/**", methods=methods), facts("/x", method), NOW)) is covered


def test_exemptions_end() -> None:
    """An exemption ends at its second; one without an end is permanent."""
    for expires_at, covered in ((NOW + 1, True), (NOW, False), (None, True)):
        assert bool(exemption_for(exempt("/**", expires_at=expires_at), facts("/x"), NOW)) is covered


def test_a_path_with_a_trick_is_never_exempt() -> None:
    """S-5: where the path is not clean no exemption holds, be it the widest."""
    assert exemption_for(exempt("/**"), facts("/healthz", clean=False), NOW) == ""


@pytest.mark.parametrize(
    ("rule", "groups", "free"),
    [
        ({"groups_any": ("patient",)}, ("patient",), True),
        ({"groups_any": ("patient", "guest")}, ("guest", "x"), True),
        ({"groups_any": ("patient",)}, (), False),
        ({"groups_any": ("patient",)}, ("Patient",), False),
        ({"groups_any": ("patient",), "groups_none": ("clinician",)}, ("patient", "clinician"), False),
        ({"groups_any": ("patient",), "expires_at": NOW}, ("patient",), False),
        ({"groups_any": ("patient",), "expires_at": NOW + 1}, ("patient",), True),
    ],
)
def test_exempt_subjects(rule: dict[str, Any], groups: tuple[str, ...], free: bool) -> None:
    """People are exempt by their groups, none of the excluded among them, until the day named."""
    rules = rules_with(exempt_subjects=(SubjectExemption(name="patients", **rule),))
    asked = requirement_for(Policy(name="p", base=rules), facts(groups=groups), OFF, NOW)
    assert (asked.free, asked.free_kind) == (("patients", "exempt") if free else ("", ""))


def step_up(*paths: str, **parts: Any) -> Rules:
    rules = tuple(PathRule(text=path) for path in paths or ("/vault/**",))
    return rules_with(step_up=(StepUpRule(name="vault", paths=rules, **parts),))


@pytest.mark.parametrize(
    ("parts", "asked", "matches"),
    [
        ({}, facts("/vault/1"), True),
        ({}, facts("/"), False),
        ({}, facts("/", clean=False), True),
        ({"methods": ("POST",)}, facts("/vault", "POST"), True),
        ({"methods": ("POST",)}, facts("/vault", "GET"), False),
        ({"methods": ("POST",)}, facts("/vault", "post"), True),
        ({"methods": ("POST",)}, facts("/vault", "BREW"), True),
        ({"methods": ("GET",)}, facts("/vault", "HEAD"), True),
        ({"methods": ("HEAD",)}, facts("/vault", "HEAD"), True),
        ({"methods": ("POST",)}, facts("/", "BREW"), False),
        ({"groups_any": ("admin",)}, facts("/vault"), False),
        ({"groups_any": ("admin",)}, facts("/vault", groups=("admin",)), True),
        ({"groups_none": ("audit",)}, facts("/vault", groups=("audit",)), False),
    ],
)
def test_step_up_rules_match(parts: dict[str, Any], asked: Facts, matches: bool) -> None:
    """A step-up rule holds for its paths, methods and groups.

    A path that is not clean and an unknown method are always meant (S-9).
    """
    met, watched = demands_for(step_up(**parts), asked)
    assert [d.rule for d in met] == (["freshness", "vault"] if matches else ["freshness"])
    assert watched == ()


def test_a_step_up_demands_what_it_names() -> None:
    """The demand of a rule has the age, the factors and the strength of the rule.

    A rule without an age has the tenant's age.
    """
    met, _ = demands_for(step_up(factors_any=("key",), phishing_resistant=True), facts("/vault"))
    assert met[1] == demand("vault", max_age=WEEK, factors=("key",), strong=True)
    met, _ = demands_for(step_up(max_age=300), facts("/vault"))
    assert met[1].max_age == 300


def test_a_rule_that_only_watches() -> None:
    """A rule with ``report_only`` is watched and does not have to be met."""
    met, watched = demands_for(step_up(report_only=True), facts("/vault"))
    assert ([d.rule for d in met], [d.rule for d in watched]) == (["freshness"], ["vault"])


LATER = StepUpRule(name="later", paths=(PathRule(text="/vault/**"),))


@pytest.mark.parametrize(
    ("path", "parts"),
    [
        ("/**", {"methods": ("POST",)}),
        ("/**", {"groups_any": ("admin",)}),
        ("/**", {"tenants_any": ("other",)}),
        ("=/x", {}),
    ],
)
def test_a_rule_that_does_not_fit_hides_no_later_one(path: str, parts: dict[str, Any]) -> None:
    """The order of rules in the file says nothing about what is demanded."""
    first = step_up(path, **parts).step_up
    met, _ = demands_for(rules_with(step_up=(*first, LATER)), facts("/vault/1"))
    assert [d.rule for d in met] == ["freshness", "later"]


@pytest.mark.parametrize(
    ("path", "parts"), [("/**", {"methods": ("POST",)}), ("/**", {"expires_at": NOW}), ("/x/**", {})]
)
def test_an_exemption_that_does_not_fit_hides_no_later_one(path: str, parts: dict[str, Any]) -> None:
    """An old exemption above stops none below, for paths as for people."""
    first = exempt(path, **parts)
    second = replace(exempt("/free/**")[0], name="second")
    assert exemption_for((*first, second), facts("/free/1"), NOW) == "second"


def test_an_exemption_of_people_that_is_over_hides_no_later_one() -> None:
    """The one that still holds is the one that is named."""
    over = SubjectExemption(name="over", groups_any=("patient",), expires_at=NOW)
    rules = rules_with(exempt_subjects=(over, replace(over, name="holds", expires_at=None)))
    asked = requirement_for(Policy(name="p", base=rules), facts(groups=("patient",)), OFF, NOW)
    assert asked.free == "holds"


@pytest.mark.parametrize(
    ("rules", "chosen"),
    [
        (EnrollmentRules(stage="admin"), True),
        (EnrollmentRules(stage="required"), False),
        (EnrollmentRules(stage="admin", required_from=NOW), False),
        (EnrollmentRules(stage="admin", optional_from=NOW), False),
    ],
)
def test_administrators_choose_a_stage_without_dates(rules: EnrollmentRules, chosen: bool) -> None:
    """A calendar leaves them no switch."""
    assert is_chosen(rules) is chosen


def test_the_demands_of_an_endpoint() -> None:
    """They come beside those of the policy, and alone where it demands nothing.

    Without an age its age counts.
    """
    usual, free = requirement(), requirement(rules_with(exempt=exempt("/**")), path="/x")
    young, any_age = demand("end", max_age=60), demand("end", max_age=POLICY_AGE, strong=True)
    assert with_endpoint(usual, ()) is usual
    assert with_endpoint(usual, (young,)).demands == (*usual.demands, young)
    alone = with_endpoint(free, (young, any_age))
    assert (alone.free, alone.free_kind, alone.stage) == ("", "", "required")
    assert alone.demands == (young, replace(any_age, max_age=Seconds(WEEK)))


def test_a_requirement_says_all() -> None:
    """Mode, stage and factors travel with the demands; a tenant of its own has its own rules."""
    strict = rules_with(mode="report-only", factors=FactorRules(allowed=("key",)))
    policy = Policy(name="p", base=rules_with(), tenants={"clinic": strict})
    asked = requirement_for(policy, facts(), OFF, NOW)
    assert (asked.report_only, asked.factors, asked.stage, asked.rules) == (True, ("key",), "required", strict)
    other = requirement_for(policy, replace(facts(), tenant="finance"), OFF, NOW)
    assert other.rules == policy.base
    assert not other.report_only


def test_an_exempt_path_comes_before_the_stage() -> None:
    """An exempt path is reported as exempt also while the tenant is off."""
    rules = rules_with(exempt=exempt("/**"), enrollment=EnrollmentRules(stage="off"))
    assert requirement(rules, path="/x").free_kind == "exempt"
    assert requirement(rules, path="/x", method="POST").free_kind == "off"


def test_trusted_networks_are_one_place() -> None:
    """A change between addresses of a trusted network does not ask.

    Other addresses keep their prefix. No text that comes from outside can name a trusted network.
    """
    hq = (ip_network("198.51.100.0/28"), ip_network("2001:db8:44::/64"))
    change = IPChangeRules(trusted=("hq", "unlisted"), compare=CompareRules(v4=24, v6=48))
    rules = Rules(networks={"hq": hq}, freshness=FreshnessRules(ip_change=change))
    assert rules.network_of("198.51.100.1") == rules.network_of("2001:db8:44::9") == "=hq"
    assert rules.network_of("198.51.100.16") == "198.51.100.0/24"
    assert rules.network_of("=hq") == ""


def test_the_strictest_of_each() -> None:
    """D-24: in every order of the rules the combined demand is the same."""
    rules = (
        demand("a", max_age=600, factors=("app", "key", "mail")),
        demand("b", max_age=300, factors=("mail", "key")),
        demand("c", strong=True),
    )
    for order in permutations(rules):
        strictest = combine(order, rule="all")
        assert (strictest.max_age, set(strictest.factors_any)) == (300, {"key", "mail"})
        assert strictest.phishing_resistant


def test_rules_without_a_common_factor_are_met_by_none() -> None:
    """Two rules that share no factor cannot be met by one; a third does not bring one back."""
    rules = (demand("a", factors=("app",)), demand("b", factors=("mail",)), demand("c", factors=("app",)))
    for order in permutations(rules):
        strictest = combine(order, rule="all")
        assert not any(could_meet(kind, strictest, TRAITS) for kind in TRAITS)


def test_strength_is_the_proofs_own() -> None:
    """The strength of a proof was written down at its making.

    S-90. The name of its kind proves nothing.
    """
    assert not meets(proof("key", phishing_resistant=False), demand(strong=True), NOW)
    assert meets(proof("key"), demand(strong=True), NOW)
