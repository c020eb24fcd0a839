"""Compare the reach of two rules: paths, methods and people."""

from __future__ import annotations

from collections.abc import Iterable

from ....core.rules import METHODS, PathRule, StepUpRule, SubjectExemption


def root_of(path: PathRule) -> str:
    """Return the path itself, or the root of a tree."""
    return path.text[1:] if path.text.startswith("=") else path.text[:-3]


def is_tree(path: PathRule) -> bool:
    """Tell if the rule names a tree of paths."""
    return not path.text.startswith("=")


def holds_exempt(outer: PathRule, inner: PathRule) -> bool:
    """Tell if an exemption of ``outer`` exempts all of ``inner``, to the letter."""
    return outer.matches(root_of(inner)) and (is_tree(outer) or not is_tree(inner))


def holds_step_up(outer: PathRule, inner: PathRule) -> bool:
    """Tell if a step-up rule on ``outer`` covers all that one on ``inner`` covers."""
    return outer.covers(root_of(inner)) and (is_tree(outer) or not is_tree(inner))


def methods_of(methods: Iterable[str]) -> frozenset[str]:
    """Return the methods of a rule: all where it names none, and HEAD wherever it names GET."""
    named = frozenset(methods) or frozenset(METHODS)
    return named | {"HEAD"} if "GET" in named else named


def concerns_all(wider: StepUpRule, other: StepUpRule) -> bool:
    """Tell if everybody whom ``other`` concerns falls under ``wider``, too."""
    if wider.tenants_any and not (other.tenants_any and set(other.tenants_any) <= set(wider.tenants_any)):
        return False
    any_group = not wider.groups_any or (bool(other.groups_any) and set(other.groups_any) <= set(wider.groups_any))
    return any_group and set(wider.groups_none) <= set(other.groups_none)


def exempts_all(exemption: SubjectExemption, rule: StepUpRule | SubjectExemption) -> bool:
    """Tell if everybody in the groups of ``rule`` is in those of ``exemption``."""
    named = bool(rule.groups_any) and set(rule.groups_any) <= set(exemption.groups_any)
    return named and set(exemption.groups_none) <= set(rule.groups_none)


def lasts(one: int | None, other: int | None) -> bool:
    """Tell if an end at ``one`` is no earlier than one at ``other``; None is no end at all."""
    return one is None or (other is not None and one >= other)
