"""The two sets of rules that are compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from ....core.assurance import TraitsOf
from ....core.rules import Exemption, Rules, StepUpRule, SubjectExemption

NAMELESS = "any other tenant"
"""Stands for a tenant without a section of its own. No host can have a tenant of this name and section."""

Rule = Exemption | SubjectExemption | StepUpRule
LISTS = ("exempt", "exempt_subjects", "step_up")


def _answering(rules: Rules) -> tuple[object, ...]:
    """Return the parts of the rules that decide about a request with given demands."""
    freshness, ip_change = rules.freshness, rules.freshness.ip_change
    return (
        *(freshness.max_age, freshness.remember, freshness.trust_amr, freshness.trust_acr, freshness.strong_acr),
        *place_parts(rules),
        *(rules.attempts.max, rules.attempts.lock_ends_sessions, ip_change.action),
        *(rules.agreement, rules.enrollment.skip.max),
    )


def place_parts(rules: Rules) -> tuple[object, ...]:
    """Return the parts of the rules that say if two addresses are the same place."""
    ip_change = rules.freshness.ip_change
    return ip_change.action, ip_change.compare, [(name, rules.networks.get(name)) for name in ip_change.trusted]


def _demanding(rules: Rules) -> tuple[object, ...]:
    """Return the parts of the rules that make the demands on a request."""
    factors, enrollment = rules.factors, rules.enrollment
    return (
        *(factors.allowed, factors.choice, set(factors.order), set(rules.recovery.ways)),
        *(enrollment.stage, enrollment.optional_from, enrollment.required_from),
        *(rules.mode, rules.freshness.max_age),
        *(getattr(rules, section) for section in LISTS),
    )


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The rules of one tenant before and after, at ``now`` (UTC seconds).

    Decisions of moments before ``now`` are not compared: nobody makes such a request any more.
    """

    old: Rules
    new: Rules
    traits: TraitsOf
    now: int
    tenant: str = NAMELESS

    @property
    def both(self) -> tuple[Rules, Rules]:
        """Return the old and the new rules."""
        return self.old, self.new

    @property
    def same_demands(self) -> bool:
        """Tell if both sides make the same demands on every request."""
        return _demanding(self.old) == _demanding(self.new)

    @property
    def same_answers(self) -> bool:
        """Tell if both sides decide alike wherever they make the same demands."""
        return _answering(self.old) == _answering(self.new)

    @property
    def same_places(self) -> bool:
        """Tell if both sides call the same addresses the same place."""
        return place_parts(self.old) == place_parts(self.new)

    @cached_property
    def changed_rules(self) -> tuple[Rule, ...]:
        """Return the rules of lists that only one of the two has.

        Names and reasons count for nothing.
        """
        old, new = (set(_plain_rules(rules)) for rules in self.both)
        return tuple(old ^ new)

    @property
    def needs_every_rule(self) -> bool:
        """Tell if rules that are the same on both sides have to be looked at, too.

        Such a rule adds the same demand on both sides. So a request to which it adds nothing shows all that others show.
        The exception are demands for phishing resistance, where the policies differ in the sign-ins that meet them.
        """
        old, new = (rules.freshness for rules in self.both)
        return (old.trust_amr, old.trust_acr, old.strong_acr) != (new.trust_amr, new.trust_acr, new.strong_acr)

    def listed(self, section: str) -> tuple[Any, ...]:
        """List the rules of ``section`` that either side has, each once."""
        found = (_plain(rule) for rules in self.both for rule in getattr(rules, section))
        return tuple(dict.fromkeys(found))


def _plain(rule: Rule) -> Rule:
    if isinstance(rule, StepUpRule):
        return replace(rule, name="", tenants_any=())
    return replace(rule, name="", reason="")


def _plain_rules(rules: Rules) -> Iterator[Rule]:
    for section in LISTS:
        yield from (_plain(rule) for rule in getattr(rules, section))
