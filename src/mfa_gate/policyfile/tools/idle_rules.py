"""Find rules that change no decision.

A policy without such a rule decides every request alike.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from ...core.rules import Policy, Rules
from ...factors import BUILT_IN, Registry
from .comparison import NAMELESS, Pair, compare_rules
from .edits import LISTS, with_part
from .findings import GATE_PREFIX, Finding
from .findings.places import line_of
from .findings.remark import Look


@dataclass(frozen=True, slots=True, kw_only=True)
class IdleRule:
    """A rule without effect: its section, its name, and its position among the rules.

    ``tenant`` is "" for a rule of the file.
    """

    tenant: str
    section: str
    name: str
    position: int

    @property
    def path(self) -> str:
        """Return the dotted path of the rule."""
        place = f"{self.section}.{self.name}"
        return f"tenants.{self.tenant}.{place}" if self.tenant else place


def idle_rules(policy: Policy, *, now: int, factors: Registry = BUILT_IN) -> tuple[IdleRule, ...]:
    """List the rules without which every request is decided alike.

    Only requests from ``now`` on (UTC seconds) count. A rule of the file is idle only if it is idle for every tenant.
    A rule that only reports is no idle one, and the mode of the policy counts for nothing: both are meant to be
    enforced one day.
    """
    of_file = list(_idle("", policy.base, now, factors))
    own = {tenant: list(_idle(tenant, rules, now, factors)) for tenant, rules in policy.tenants.items()}
    shared = [rule for rule in of_file if all(_is_among(rule, found) for found in own.values())]
    known = {(section, rule.name) for section in LISTS for rule in getattr(policy.base, section)}
    return (*shared, *(rule for found in own.values() for rule in found if (rule.section, rule.name) not in known))


def _is_among(rule: IdleRule, found: list[IdleRule]) -> bool:
    return any((rule.section, rule.name) == (other.section, other.name) for other in found)


def idle_findings(policy: Policy, *, now: int, factors: Registry = BUILT_IN) -> tuple[Finding, ...]:
    """List the idle rules as remarks, each with its line."""
    found = []
    for rule in idle_rules(policy, now=now, factors=factors):
        rules = policy.rules_for(rule.tenant) if rule.tenant else policy.base
        look = Look(policy=policy, rules=rules, tenant=rule.tenant, factors=factors, now=now, prefix=GATE_PREFIX)
        line = line_of(look, (rule.section, rule.position))
        text = "no request is decided differently without it"
        found.append(Finding(severity="warning", path=rule.path, text=text, fix="take it out, or mend it", line=line))
    return tuple(found)


def _idle(tenant: str, rules: Rules, now: int, factors: Registry) -> Iterator[IdleRule]:
    if rules.enrollment.stage == "off" and rules.enrollment.optional_from is rules.enrollment.required_from is None:
        return
    enforced = replace(rules, mode="enforce", step_up=tuple(replace(rule, report_only=False) for rule in rules.step_up))
    for section in LISTS:
        for position, rule in enumerate(getattr(enforced, section)):
            others = tuple(other for other in getattr(enforced, section) if other is not rule)
            without = with_part(enforced, section, others)
            pair = Pair(old=enforced, new=without, traits=factors.traits, now=now, tenant=tenant or NAMELESS)
            if compare_rules(pair, only_first=True).is_same:
                yield IdleRule(tenant=tenant, section=section, name=rule.name, position=position)
