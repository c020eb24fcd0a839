"""Compare two policies for each tenant: every change is stricter or looser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ...core.assurance import TraitsOf
from ...core.durations import format_duration
from ...core.rules import Policy, Rules
from ...factors import BUILT_IN, Registry
from ..faults import shown
from ..shape import Spec, leaves, specs_of, value_at
from ..strictness import Change, compare, compare_stages

ALLOWED = ("factors", "allowed")
AGREEMENT = "agreement"
CALENDAR = {("enrollment", "stage"), ("enrollment", "optional_from"), ("enrollment", "required_from")}
ADDED: Mapping[str, Change] = {"exempt": "looser", "exempt_subjects": "looser", "step_up": "stricter"}
"""The direction of a new rule in each list; a rule that is taken out has the opposite one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Describe one key that changed.

    ``tenant`` is "" for the file's own rules, which hold for every tenant without a section.
    """

    tenant: str
    path: str
    old: str
    new: str
    change: Change


def differences(old: Policy, new: Policy, *, factors: Registry = BUILT_IN) -> tuple[Difference, ...]:
    """List every change from ``old`` to ``new``, the file's own rules first.

    A change of a tenant is listed only if the file's own rules do not have the same one.
    """
    base = list(_compared("", old.base, new.base, factors))
    found = list(base)
    told = {(d.path, d.old, d.new) for d in base}
    for tenant in dict.fromkeys((*old.tenants, *new.tenants)):
        for entry in _compared(tenant, old.rules_for(tenant), new.rules_for(tenant), factors):
            if (entry.path, entry.old, entry.new) not in told:
                found.append(entry)
    return tuple(found)


def loosened(found: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """List the changes that let more pass."""
    return tuple(entry for entry in found if entry.change == "looser")


def _compared(tenant: str, old: Rules, new: Rules, factors: Registry) -> Iterator[Difference]:
    for leaf, spec in leaves(factors).items():
        before, after = value_at(old, leaf, factors), value_at(new, leaf, factors)
        if before == after or (leaf[0] == AGREEMENT and (old.agreement is None or new.agreement is None)):
            continue
        if leaf in CALENDAR:
            change = compare_stages(old.enrollment, new.enrollment)
        elif leaf == ALLOWED:
            change = _factors(before, after, factors.traits)
        else:
            change = compare(spec, before, after)
        if change != "same":
            yield _told(tenant, ".".join(leaf), _shown(spec, before), _shown(spec, after), change)
    if (old.agreement is None) != (new.agreement is None):
        before, after = (rules.agreement.id if rules.agreement else "" for rules in (old, new))
        yield _told(tenant, AGREEMENT, before, after, "stricter" if new.agreement else "looser")
    elif old.agreement and new.agreement and old.agreement.digest != new.agreement.digest:
        yield _told(tenant, "agreement.file", old.agreement.digest[:12], new.agreement.digest[:12], "changed")
    for name in dict.fromkeys((*old.networks, *new.networks)):
        yield from _network(tenant, name, old, new)
    for section in ADDED:
        yield from _rules(tenant, section, getattr(old, section), getattr(new, section))


def _rules(tenant: str, section: str, old: tuple[Any, ...], new: tuple[Any, ...]) -> Iterator[Difference]:
    """Compare the rules of a list by their names."""
    before, after = {rule.name: rule for rule in old}, {rule.name: rule for rule in new}
    removed: Change = "stricter" if ADDED[section] == "looser" else "looser"
    for name in dict.fromkeys((*before, *after)):
        path = f"{section}.{name}"
        if name not in before:
            # A report-only rule demands nothing yet.
            watches = getattr(after[name], "report_only", False)
            yield _told(tenant, path, "", "added", "changed" if watches else ADDED[section])
        elif name not in after:
            yield _told(tenant, path, "present", "", removed)
        else:
            yield from _rule(tenant, path, before[name], after[name])


def _rule(tenant: str, path: str, old: Any, new: Any) -> Iterator[Difference]:
    for spec in specs_of(type(old)):
        before, after = getattr(old, spec.name), getattr(new, spec.name)
        if spec.kind == "paths":
            before, after = tuple(p.text for p in before), tuple(p.text for p in after)
        if before == after:
            continue
        # In a step-up rule no methods, groups or factors named means all of them.
        open_ended = spec.optional or (spec.name in ("methods", "groups_any", "factors_any") and "step_up" in path)
        change = compare(spec, *((value or None) if open_ended else value for value in (before, after)))
        yield _told(tenant, f"{path}.{spec.key}", _shown(spec, before), _shown(spec, after), change)


def _network(tenant: str, name: str, old: Rules, new: Rules) -> Iterator[Difference]:
    before, after = (tuple(str(n) for n in rules.networks.get(name, ())) for rules in (old, new))
    if before == after:
        return
    trusted = name in old.freshness.ip_change.trusted or name in new.freshness.ip_change.trusted
    change: Change = "changed"
    if trusted and set(before) != set(after):
        change = "stricter" if set(after) < set(before) else "looser"
    yield _told(tenant, f"networks.{name}", shown(before), shown(after), change)


def _factors(old: tuple[str, ...], new: tuple[str, ...], traits: TraitsOf) -> Change:
    """Compare two lists of allowed factors.

    One factor more is one way in more, so it is looser. A factor that cannot be phished is the exception: losing it is looser.
    """
    added, removed = set(new) - set(old), set(old) - set(new)
    strong = {kind for kind in added | removed if kind in traits and traits[kind].phishing_resistant}
    if added - strong or removed & strong:
        return "looser"
    return "stricter" if added or removed else "changed"


def _shown(spec: Spec, value: Any) -> str:
    if value is None:
        return ""
    if spec.kind == "duration":
        return format_duration(value)
    if spec.kind == "instant":
        from datetime import UTC, datetime

        return datetime.fromtimestamp(value, UTC).isoformat()
    return shown(value)


def _told(tenant: str, path: str, old: str, new: str, change: Change) -> Difference:
    return Difference(tenant=tenant, path=path, old=old, new=new, change=change)
