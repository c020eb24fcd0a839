"""The demands of the policy on one request: ``requirement_for``, which loads nothing.

The rules themselves are values of ``rules``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from .model import Seconds, Subject
from .rules import (
    METHODS,
    RECOVERY_WAYS,
    EnrollmentRules,
    Exemption,
    FreshnessRules,
    Policy,
    Rules,
    Stage,
    StepUpRule,
    SubjectExemption,
    TenantSettings,
    is_clean,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The parts of a request that the policy may look at.

    ``path`` is the app's own path, decoded. ``clean``: the path has no trick in it (S-5). Headers, query and host are
    left out, because nothing may depend on them (S-3, S-6). ``acting``: somebody else is there in the name of a person
    in ``groups``, so the groups relax nothing.
    """

    tenant: str
    groups: frozenset[str]
    method: str
    path: str
    clean: bool = True
    acting: bool = False


def facts_of(subject: Subject, method: str, path: str) -> Facts:
    """Collect the facts of a request at the app's own ``path``, decoded.

    The gate, ``policy explain`` and the ``[[tests]]`` make facts here alone, so that none of them sees another request.
    """
    return Facts(
        tenant=subject.tenant,
        groups=subject.groups,
        method=method,
        path=path,
        clean=is_clean(path),
        acting=bool(subject.actor),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """One demand on a proof. ``rule`` names the rule that asks; ``max_age`` is in seconds.

    ``user_verification``: the authenticator checked its user by PIN, face or fingerprint.
    """

    rule: str
    max_age: Seconds
    factors_any: tuple[str, ...] = ()
    phishing_resistant: bool = False
    user_verification: bool = False

    @property
    def is_strong(self) -> bool:
        """Tell if the demand asks for more than the age of the proof."""
        return bool(self.factors_any) or self.phishing_resistant or self.user_verification


POLICY_AGE = Seconds(1 << 40)
"""Stands in the demand of an endpoint that names no age: the policy's freshness applies (decisions 68)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """The demands of the policy on one request.

    ``free`` is the name of the exemption, or ``off``, where nothing is demanded. One proof must meet all of
    ``demands``. ``watched`` are the demands of report-only rules. ``floors`` are the demands of strength that apply
    to this subject anywhere in the app; only changes of factors ask for them.
    """

    rules: Rules
    free: str = ""
    free_kind: Literal["", "exempt", "off"] = ""
    stage: Stage = "required"
    demands: tuple[Demand, ...] = ()
    watched: tuple[Demand, ...] = ()
    report_only: bool = False
    factors: tuple[str, ...] = ()
    floors: tuple[Demand, ...] = ()


def is_chosen(rules: EnrollmentRules) -> bool:
    """Tell if administrators choose the stage: the policy says so and has no dates."""
    return rules.stage == "admin" and rules.required_from is None and rules.optional_from is None


def stage_at(rules: EnrollmentRules, settings: TenantSettings, now: int) -> Stage:
    """Return the stage in force at ``now``.

    Where the policy has dates, the calendar decides. Where it says ``admin``, the administrator decides. A tenant
    that an administrator turned on is on at any time: a clock that steps back turns nothing off (S-118).
    """
    if rules.required_from is not None or rules.optional_from is not None:
        if rules.required_from is not None and now >= rules.required_from:
            return "required"
        if rules.optional_from is not None and now >= rules.optional_from:
            return "optional"
        return "off"
    if rules.stage == "admin":
        return "required" if settings.enabled_at else "off"
    return rules.stage


def factors_for(rules: Rules, settings: TenantSettings) -> tuple[str, ...]:
    """Return the factors that may be used: the policy's, cut to the administrator's choice.

    A factor outside ``order`` (backup codes) is not offered first, and the administrator cannot take it away. A factor
    with the name of a way of recovery (backup codes, decisions 67) may be used only if ``recovery.ways`` has it.
    """
    factors, ways = rules.factors, rules.recovery.ways
    allowed = tuple(kind for kind in factors.allowed if kind in ways or kind not in RECOVERY_WAYS)
    if factors.choice == "tenant" and settings.factors:
        return tuple(kind for kind in allowed if kind in settings.factors or kind not in factors.order)
    return allowed


def exemption_for(exempt: tuple[Exemption, ...], facts: Facts, now: int) -> str:
    """Return the name of the exemption that covers the request, or "".

    A path with a trick in it is never exempt (S-5).
    """
    if not facts.clean:
        return ""
    method = "GET" if facts.method == "HEAD" else facts.method
    for rule in exempt:
        if method not in rule.methods and facts.method not in rule.methods:
            continue
        if rule.expires_at is not None and now >= rule.expires_at:
            continue
        if any(path.matches(facts.path) for path in rule.paths):
            return rule.name
    return ""


def subject_exemption_for(exempt: tuple[SubjectExemption, ...], groups: frozenset[str], now: int) -> str:
    """Return the name of the exemption that covers a person of these groups, or ""."""
    for rule in exempt:
        if rule.expires_at is not None and now >= rule.expires_at:
            continue
        if not groups.isdisjoint(rule.groups_any) and groups.isdisjoint(rule.groups_none):
            return rule.name
    return ""


def _concerns(rule: StepUpRule, tenant: str, groups: frozenset[str], *, acting: bool) -> bool:
    if rule.tenants_any and tenant not in rule.tenants_any:
        return False
    if not acting and not groups.isdisjoint(rule.groups_none):
        return False
    return not rule.groups_any or not groups.isdisjoint(rule.groups_any)


def floors_for(rules: Rules, groups: frozenset[str] | None, *, tenant: str) -> tuple[Demand, ...]:
    """Return every demand of strength on a person in ``groups`` of ``tenant``, on any path.

    None stands for groups that are not known: then every rule concerns the person. Rules that only report demand nothing.
    """
    if rules.mode == "report-only":
        return ()
    strict = [rule for rule in rules.step_up if not rule.report_only and rule.is_in(tenant)]
    concerned = [rule for rule in strict if groups is None or _concerns(rule, tenant, groups, acting=False)]
    floors = (demand_of(rule, rules.freshness.max_age) for rule in concerned)
    return tuple(floor for floor in floors if floor.is_strong)


def demand_of(rule: StepUpRule, max_age: Seconds) -> Demand:
    """Make the demand of a step-up rule, with ``max_age`` in seconds."""
    return Demand(
        rule=rule.name,
        max_age=max_age,
        factors_any=rule.factors_any,
        phishing_resistant=rule.phishing_resistant,
        user_verification=rule.user_verification,
    )


def sign_in_could_meet(freshness: FreshnessRules, demand: Demand) -> bool:
    """Tell if a new sign-in at an identity provider could meet ``demand``."""
    if not freshness.trusts_logins or demand.factors_any or demand.user_verification:
        return False
    return bool(freshness.strong_acr) or not demand.phishing_resistant


def demands_for(rules: Rules, facts: Facts) -> tuple[tuple[Demand, ...], tuple[Demand, ...]]:
    """Return the demands of every matching rule: those to be met, and those only reported.

    Freshness is always the first one to be met. A path with a trick in it, or a method that no policy can name (S-9),
    matches every rule.
    """
    met = [Demand(rule="freshness", max_age=rules.freshness.max_age)]
    watched: list[Demand] = []
    method = "GET" if facts.method == "HEAD" else facts.method
    for rule in rules.step_up:
        if rule.methods and method in METHODS and method not in rule.methods and facts.method not in rule.methods:
            continue
        if not _concerns(rule, facts.tenant, facts.groups, acting=facts.acting):
            continue
        if facts.clean and not any(path.covers(facts.path) for path in rule.paths):
            continue
        max_age = rules.freshness.max_age if rule.max_age is None else rule.max_age
        (watched if rule.report_only else met).append(demand_of(rule, max_age))
    return tuple(met), tuple(watched)


LEAVING = ("GET", "HEAD", "POST")
"""The methods with which the gate lets a sign-out pass."""
SIGN_OUT = "sign_out"
"""The name of the exemption of the host's own sign-out, in every decision and table."""


def is_leaving(method: str, path: str, sign_out: str) -> bool:
    """Tell if a request is the host's own sign-out, which passes for everybody.

    ``sign_out`` is its path, "" for none.
    """
    return bool(sign_out) and path == sign_out and method in LEAVING


def freed(requirement: Requirement) -> Requirement:
    """Return the requirement on the host's own sign-out: nothing, whatever the policy says."""
    return Requirement(rules=requirement.rules, free=SIGN_OUT, free_kind="exempt", factors=requirement.factors)


def with_endpoint(requirement: Requirement, extra: tuple[Demand, ...]) -> Requirement:
    """Add an endpoint's own demands.

    Where the policy demands nothing, only these remain.
    """
    if not extra:
        return requirement
    usual = requirement.rules.freshness.max_age
    aged = tuple(replace(d, max_age=usual) if d.max_age == POLICY_AGE else d for d in extra)
    if requirement.free_kind:
        return replace(requirement, free="", free_kind="", stage="required", demands=aged)
    return replace(requirement, demands=(*requirement.demands, *aged))


def requirement_for(policy: Policy, facts: Facts, settings: TenantSettings, now: int) -> Requirement:
    """Return the demands of the policy on this request.

    The order is: exempt path, exempt subject, stage. Then come the demands of all matching rules.
    """
    rules = policy.rules_for(facts.tenant)
    factors = factors_for(rules, settings)
    name = exemption_for(rules.exempt, facts, now)
    if name:
        return Requirement(rules=rules, free=name, free_kind="exempt", factors=factors)
    if rules.exempt_subjects and not facts.acting:
        name = subject_exemption_for(rules.exempt_subjects, facts.groups, now)
        if name:
            return Requirement(rules=rules, free=name, free_kind="exempt", factors=factors)
    stage = stage_at(rules.enrollment, settings, now)
    if stage == "off":
        return Requirement(rules=rules, free="off", free_kind="off", stage=stage, factors=factors)
    demands, watched = demands_for(rules, facts)
    return Requirement(
        rules=rules,
        stage=stage,
        demands=demands,
        watched=watched,
        report_only=rules.mode == "report-only",
        factors=factors,
    )
