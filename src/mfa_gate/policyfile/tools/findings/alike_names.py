"""Find names that people will take for other names."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from ....core.break_glass import BREAK_GLASS
from ....core.roles import RIGHTS
from ...lines import Path
from .remark import RULE_LISTS, Look, Remark

TAKEN = frozenset(
    ("agreement", "attempts", "enrollment", "freshness", "off", "proof", "skipped", "administration", BREAK_GLASS)
)
"""The names that decisions and events give to the gate's own rules."""
_CONTACT = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+|https?://\S+|\+?[0-9][0-9 ()/.-]{5,}")


def _owner(look: Look) -> Iterator[Remark]:
    if look.rules.owner and not _CONTACT.search(look.rules.owner):
        text = "it names no address: people and notices about the policy cannot reach it"
        yield Remark("warning", ("owner",), text, 'write an address, such as "security@example.org"')


def _rule_names(look: Look) -> Iterator[Remark]:
    seen: dict[str, tuple[str, str]] = {}
    for section in RULE_LISTS:
        for position, rule in enumerate(getattr(look.rules, section)):
            path = (section, position, "name")
            if rule.name.casefold() in TAKEN:
                text = f'"{rule.name}" is a rule of the gate itself: events and explain will not tell the two apart'
                yield Remark("warning", path, text, "choose another name")
            known = seen.setdefault(rule.name.casefold(), (section, rule.name))
            if known != (section, rule.name):
                text = f'{known[0]} has a rule named "{known[1]}": events and explain tell rules apart by name alone'
                yield Remark("warning", path, text, "choose another name")


def _groups(look: Look) -> Iterator[Remark]:
    seen: dict[str, str] = {}
    for path, group in _named_groups(look):
        known = seen.setdefault(" ".join(group.split()).casefold(), group)
        if group != group.strip():
            text = f'"{group}" has blanks at its end, which the host\'s group would need as well'
            yield Remark("warning", path, text, "take the blanks out")
        elif known != group:
            text = f'"{group}" and "{known}" differ in capitals or blanks alone, and are two groups'
            yield Remark("warning", path, text, "write the group as the host does")


def _named_groups(look: Look) -> Iterator[tuple[Path, str]]:
    for right in (*RIGHTS, "everywhere"):
        for number, group in enumerate(getattr(look.rules.roles, right)):
            yield ("roles", right, number), group
    for section in ("exempt_subjects", "step_up"):
        for position, rule in enumerate(getattr(look.rules, section)):
            for key in ("groups_any", "groups_none"):
                for number, group in enumerate(getattr(rule, key)):
                    yield (section, position, key, number), group


def _tenants(look: Look) -> Iterator[Remark]:
    seen: dict[str, str] = {}
    for tenant in look.policy.tenants:
        known = seen.setdefault(" ".join(tenant.split()).casefold(), tenant)
        if known != tenant:
            text = f'"{tenant}" and "{known}" differ in capitals or blanks alone, and are two tenants'
            yield Remark("warning", ("tenants", tenant), text, "write the tenant as the host does")


ALL: tuple[Callable[[Look], Iterator[Remark]], ...] = (_owner, _rule_names, _groups)
ON_FILE: tuple[Callable[[Look], Iterator[Remark]], ...] = (_tenants,)
