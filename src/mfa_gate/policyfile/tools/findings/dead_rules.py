"""Find rules that can never decide anything, whatever the request."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ....core.assurance import could_meet
from ....core.durations import format_duration
from ....core.policy import demand_of
from ....core.rules import Exemption, StepUpRule
from ...faults import listed, nearest, told_day
from ..path_index import PathIndex
from .coverage import exempts_all, holds_exempt, methods_of, root_of
from .remark import Look, Remark

_TEMPLATE = re.compile(r"\{[^/]*\}|<[^/]*>|/:[A-Za-z_]")


def _below_exemptions(look: Look) -> Iterator[Remark]:
    """Find step-up rules all of whose requests are exempt."""
    live = [rule for rule in look.rules.exempt if rule.expires_at is None or rule.expires_at > look.now]
    index = PathIndex(live)
    for position, rule in enumerate(look.rules.step_up):
        around = [[live[at] for at in index.around((path,))] for path in rule.paths]
        covered = [(number, _exempt_by(those, rule, number)) for number, those in enumerate(around)]
        dead = [(number, by) for number, by in covered if by]
        whole = len(dead) == len(rule.paths)
        for number, by in dead[:1] if whole else dead:
            names = listed(dict.fromkeys(exemption.name for exemption in by))
            ends = [exemption.expires_at for exemption in by if exemption.expires_at is not None]
            until = f" until {told_day(min(ends))}" if ends else ""
            what = "it" if whole else f'"{rule.paths[number].text}"'
            place = ("step_up", position) if whole else ("step_up", position, "paths", number)
            text = f"{what} lies wholly in the exemption {names}, so it asks nothing{until}"
            yield Remark("warning", place, text, "narrow the exemption, or take the rule out")


def _exempt_by(live: list[Exemption], rule: StepUpRule, number: int) -> tuple[Exemption, ...]:
    """List the exemptions that together exempt one path of a rule for all of its methods.

    Returns none if some method is left.
    """
    fitting = tuple(e for e in live if any(holds_exempt(path, rule.paths[number]) for path in e.paths))
    methods = frozenset().union(*(methods_of(exemption.methods) for exemption in fitting))
    return fitting if methods_of(rule.methods) <= methods else ()


def _nobody(look: Look) -> Iterator[Remark]:
    """Find rules whose people are all ruled out again."""
    for section in ("exempt_subjects", "step_up"):
        for position, rule in enumerate(getattr(look.rules, section)):
            if rule.groups_any and set(rule.groups_any) <= set(rule.groups_none):
                text = f"groups_none rules out {listed(rule.groups_any)}, which is all of groups_any: it matches nobody"
                yield Remark(
                    "warning", (section, position, "groups_none"), text, "take the group out of one of the two"
                )


def _other_tenants(look: Look) -> Iterator[Remark]:
    """Find rules for tenants that the file does not name, and rules of a tenant for others."""
    known = look.policy.tenants
    inherited = len(look.policy.base.step_up) if look.tenant else 0
    for position, rule in enumerate(look.rules.step_up):
        if look.tenant and position >= inherited and not rule.is_in(look.tenant):
            text = f'it stands in the section of "{look.tenant}" and names other tenants, so it never applies'
            yield Remark("warning", ("step_up", position, "tenants_any"), text, "take tenants_any out")
        for number, tenant in enumerate(rule.tenants_any if known and not look.tenant else ()):
            if tenant not in known:
                text = f'the file has no section for the tenant "{tenant}"{nearest(tenant, known)}'
                fix = "write the tenant as the host does"
                yield Remark("note", ("step_up", position, "tenants_any", number), text, fix)


def _exempt_people(look: Look) -> Iterator[Remark]:
    """Find step-up rules whose people are all exempt."""
    live = [e for e in look.rules.exempt_subjects if e.expires_at is None or e.expires_at > look.now]
    for position, rule in enumerate(look.rules.step_up):
        for exemption in live:
            if exempts_all(exemption, rule):
                text = f'everybody in its groups is exempt by "{exemption.name}", so it asks nothing'
                yield Remark("warning", ("step_up", position, "groups_any"), text, "take the groups out of one of them")
                break


def _own_pages(look: Look) -> Iterator[Remark]:
    """Find rules on the gate's own pages, which it judges by itself."""
    for section in ("exempt", "step_up"):
        for position, rule in enumerate(getattr(look.rules, section)):
            for number, path in enumerate(rule.paths):
                root = root_of(path)
                if root == look.prefix or root.startswith(look.prefix + "/"):
                    text = f'"{path.text}" is a page of the gate itself, which no rule of the policy reaches'
                    fix = "take it out, or give the gate another prefix"
                    yield Remark("warning", (section, position, "paths", number), text, fix)


def _templates(look: Look) -> Iterator[Remark]:
    """Find paths that are written like the template of a route."""
    for section in ("exempt", "step_up"):
        for position, rule in enumerate(getattr(look.rules, section)):
            for number, path in enumerate(rule.paths):
                found = _TEMPLATE.search(path.text)
                if found:
                    start = path.text[: found.start()].lstrip("=").rstrip("/")
                    text = f'"{path.text}" is written like a route, and "{found[0].strip("/")}" is taken to the letter'
                    fix = f'name the tree "{start}/**"' if start else "name the trees one by one"
                    yield Remark("warning", (section, position, "paths", number), text, fix)


def _twice(look: Look) -> Iterator[Remark]:
    """Find paths that another path of the same rule holds already."""
    for section in ("exempt", "step_up"):
        for position, rule in enumerate(getattr(look.rules, section)):
            for number, path in enumerate(rule.paths):
                others = (
                    other for at, other in enumerate(rule.paths) if at != number and (at < number or other != path)
                )
                outer = next((other for other in others if holds_exempt(other, path)), None)
                if outer is not None:
                    text = f'"{path.text}" lies in "{outer.text}" of the same rule already'
                    yield Remark("warning", (section, position, "paths", number), text, "take one of the two out")


def _ages(look: Look) -> Iterator[Remark]:
    """Find ages that are no stricter than the freshness of all requests."""
    usual = look.rules.freshness.max_age
    for position, rule in enumerate(look.rules.step_up):
        place = ("step_up", position)
        if rule.max_age is None:
            continue
        if rule.max_age >= usual and not demand_of(rule, usual).is_strong:
            text = "its max_age is not stricter than freshness.max_age; it has no effect"
            yield Remark("warning", place, text, "write a shorter max_age, or take the rule out")
        elif rule.max_age > usual:
            text = f'"{format_duration(rule.max_age)}" is longer than freshness.max_age, which applies as well'
            yield Remark("warning", (*place, "max_age"), text, "take it out, or write a shorter time")


def _factors(look: Look) -> Iterator[Remark]:
    """Find named factors that cannot meet the rule that names them."""
    for position, rule in enumerate(look.rules.step_up):
        demand = demand_of(rule, look.rules.freshness.max_age)
        for number, kind in enumerate(rule.factors_any):
            place = ("step_up", position, "factors_any", number)
            if kind not in look.usable:
                text = f'"{kind}" cannot be used here, so nobody meets the rule with it'
                yield Remark("warning", place, text, "take it out, or allow it in factors.allowed")
            elif kind in look.traits and not could_meet(kind, demand, look.traits):
                text = f'"{kind}" does not meet the other demands of this rule'
                yield Remark("warning", place, text, "take it out, or let the rule ask for less")


def _watching(look: Look) -> Iterator[Remark]:
    for position, rule in enumerate(look.rules.step_up):
        if rule.report_only:
            text = "report-only: this rule watches and asks nothing"
            yield Remark("note", ("step_up", position), text, "take report_only out after the trial")


ALL: tuple[Callable[[Look], Iterator[Remark]], ...] = (
    _below_exemptions,
    _nobody,
    _other_tenants,
    _exempt_people,
    _own_pages,
    _templates,
    _twice,
    _ages,
    _factors,
    _watching,
)
