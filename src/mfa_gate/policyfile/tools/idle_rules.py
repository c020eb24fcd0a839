"""Find rules that change no decision.

A policy without such a rule decides every request alike.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import dataclass, replace

from ...core.rules import PathRule, Policy, Rules
from ...factors import BUILT_IN, Registry
from .comparison import NAMELESS, Pair, compare_rules, decides_alike
from .comparison.request_classes import RequestClass
from .edits import LISTS, with_part
from .findings import GATE_PREFIX, Finding
from .findings.places import line_of
from .findings.remark import Look
from .path_index import PathIndex


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


def idle_rules(
    policy: Policy, *, now: int, factors: Registry = BUILT_IN, told: Container[str] = ()
) -> tuple[IdleRule, ...]:
    """List the rules without which every request is decided alike.

    Only requests from ``now`` on (UTC seconds) count. A rule of the file is idle only if it is idle for every tenant.
    A rule that only reports is no idle one, and the mode of the policy counts for nothing: both are meant to be
    enforced one day. Rules at the paths ``told`` are not looked at.
    """
    of_file = {rule.path: rule for rule in _rules_of("", policy.base)}
    every = [rule for path, rule in of_file.items() if path not in told]
    shared = {rule.path for rule in _Search("", policy.base, now, factors).idle(every)}
    own: list[IdleRule] = []
    for tenant, rules in policy.tenants.items():
        search = _Search(tenant, rules, now, factors)
        theirs = {rule.path: rule for rule in _rules_of("", rules)}
        shared = {rule.path for rule in search.idle(theirs[path] for path in shared if path in theirs)}
        mine = (replace(rule, tenant=tenant) for path, rule in theirs.items() if path not in of_file)
        own += search.idle(rule for rule in mine if rule.path not in told)
    return (*(rule for path, rule in of_file.items() if path in shared), *own)


def idle_findings(
    policy: Policy, *, now: int, factors: Registry = BUILT_IN, told: Container[str] = ()
) -> tuple[Finding, ...]:
    """List the idle rules as remarks, each with its line."""
    found = []
    for rule in idle_rules(policy, now=now, factors=factors, told=told):
        rules = policy.rules_for(rule.tenant) if rule.tenant else policy.base
        look = Look(policy=policy, rules=rules, tenant=rule.tenant, factors=factors, now=now, prefix=GATE_PREFIX)
        line = line_of(look, (rule.section, rule.position))
        text = "no request is decided differently without it"
        found.append(Finding(severity="warning", path=rule.path, text=text, fix="take it out, or mend it", line=line))
    return tuple(found)


def _rules_of(tenant: str, rules: Rules) -> Iterator[IdleRule]:
    """List the rules as if all were idle."""
    for section in LISTS:
        for position, rule in enumerate(getattr(rules, section)):
            yield IdleRule(tenant=tenant, section=section, name=rule.name, position=position)


class _Search:
    """The search in the rules of one tenant, which are compared with themselves less one.

    Most rules show their effect in a request that few others concern. So the comparison is first made among these few,
    and the request that it finds is decided under all rules that may concern it. All rules are compared only where no
    such request is found.
    """

    def __init__(self, tenant: str, rules: Rules, now: int, factors: Registry) -> None:
        step_up = tuple(replace(rule, report_only=False) for rule in rules.step_up)
        self._rules = replace(rules, mode="enforce", step_up=step_up)
        self._usual = Pair(old=self._rules, new=self._rules, traits=factors.traits, now=now, tenant=tenant or NAMELESS)
        self._exempt, self._step_up = PathIndex(rules.exempt), PathIndex(rules.step_up)

    def idle(self, rules: Iterable[IdleRule]) -> list[IdleRule]:
        """Pick those of ``rules`` that are idle."""
        enrollment = self._rules.enrollment
        if enrollment.stage == "off" and enrollment.optional_from is enrollment.required_from is None:
            return []
        return [rule for rule in rules if self._is_idle(rule)]

    def _is_idle(self, rule: IdleRule) -> bool:
        few = self._without(rule, self._near(rule))
        for found in compare_rules(few, only_first=True).found:
            pair = self._without(rule, self._on(found.request))
            if not decides_alike(found, pair, *pair.both):
                return False
        return compare_rules(self._without(rule, self._rules), only_first=True).is_same

    def _without(self, rule: IdleRule, rules: Rules) -> Pair:
        removed = getattr(self._rules, rule.section)[rule.position]
        others = tuple(other for other in getattr(rules, rule.section) if other is not removed)
        return replace(self._usual, old=rules, new=with_part(rules, rule.section, others))

    def _near(self, rule: IdleRule) -> Rules:
        """Pick the rules that share a path or a group with ``rule``, or concern everybody."""
        rules, given = self._rules, getattr(self._rules, rule.section)[rule.position]
        paths, groups = getattr(given, "paths", ()), frozenset(getattr(given, "groups_any", ()))
        exempt = (rules.exempt[at] for at in self._exempt.near(paths))
        step_up = (rules.step_up[at] for at in self._step_up.near(paths))
        return replace(
            rules,
            exempt=tuple(exempt),
            exempt_subjects=tuple(one for one in rules.exempt_subjects if not groups.isdisjoint(one.groups_any)),
            step_up=tuple(one for one in step_up if not one.groups_any or not groups.isdisjoint(one.groups_any)),
        )

    def _on(self, request: RequestClass) -> Rules:
        """Pick every rule that may concern ``request``.

        All step-up rules concern a path with a trick in it.
        """
        rules, path = self._rules, (PathRule(text=f"={request.path}"),)
        exempt = tuple(rules.exempt[at] for at in self._exempt.around(path))
        step_up = tuple(rules.step_up[at] for at in self._step_up.around(path)) if request.clean else rules.step_up
        return replace(rules, exempt=exempt, step_up=step_up)
