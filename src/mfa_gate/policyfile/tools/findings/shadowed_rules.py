"""Find rules that another rule of the policy makes needless."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ....core.assurance import could_meet
from ....core.policy import demand_of, sign_in_could_meet
from ....core.rules import Exemption, StepUpRule
from ...faults import told_day
from ..path_index import PathIndex
from .coverage import concerns_all, exempts_all, holds_exempt, holds_step_up, lasts, methods_of
from .remark import Look, Remark


def _weaker_step_up(look: Look) -> Iterator[Remark]:
    """Find step-up rules inside a rule that asks for at least as much."""
    rules = look.rules.step_up
    index = PathIndex(rules)
    for position, rule in enumerate(rules):
        for number in index.around(rule.paths[:1]):
            other = rules[number]
            if number == position or (other.report_only and not rule.report_only):
                continue
            if not _reaches_all(other, rule) or not _asks_all(look, other, rule):
                continue
            if number > position and _reaches_all(rule, other) and _asks_all(look, rule, other):
                continue  # The two are equal: the later one is told.
            text = f'step-up "{other.name}" covers the same requests and asks for at least as much'
            yield Remark("warning", ("step_up", position), text, "take it out, or let it ask for more")
            break


def _reaches_all(wider: StepUpRule, rule: StepUpRule) -> bool:
    paths = all(any(holds_step_up(outer, path) for outer in wider.paths) for path in rule.paths)
    return paths and methods_of(rule.methods) <= methods_of(wider.methods) and concerns_all(wider, rule)


def _asks_all(look: Look, stricter: StepUpRule, rule: StepUpRule) -> bool:
    """Tell if every proof that meets ``stricter`` meets ``rule``."""
    freshness, traits = look.rules.freshness, look.traits
    have, want = (demand_of(r, r.max_age or freshness.max_age) for r in (stricter, rule))
    if min(have.max_age, freshness.max_age) > want.max_age or (want.user_verification and not have.user_verification):
        return False
    if sign_in_could_meet(freshness, have) and not sign_in_could_meet(freshness, want):
        return False
    enough = [kind for kind in look.usable if could_meet(kind, have, traits)]
    return bool(enough) and all(could_meet(kind, want, traits) for kind in enough)


def _nested_exemptions(look: Look) -> Iterator[Remark]:
    """Find exempt paths inside another exemption that lasts as long."""
    rules = look.rules.exempt
    index = PathIndex(rules)
    for position, rule in enumerate(rules):
        if _is_over(look, rule):
            continue
        for number, path in enumerate(rule.paths):
            for at in index.around((path,)):
                other = rules[at]
                if at == position or _is_over(look, other) or not methods_of(rule.methods) <= methods_of(other.methods):
                    continue
                outer = next((outer for outer in other.paths if holds_exempt(outer, path)), None)
                if outer is None or not lasts(other.expires_at, rule.expires_at):
                    continue
                same = outer == path and methods_of(rule.methods) == methods_of(other.methods)
                if same and other.expires_at == rule.expires_at and at > position:
                    continue  # The two are equal: the later one is told.
                yield _nested(position, number, rule, other, same=same)
                break


def _nested(position: int, number: int, rule: Exemption, other: Exemption, *, same: bool) -> Remark:
    path = ("exempt", position, "paths", number)
    if same and other.expires_at != rule.expires_at:
        ends = "never ends" if other.expires_at is None else f"ends on {told_day(other.expires_at)}"
        mine = told_day(rule.expires_at or 0)
        text = f'it seems to end on {mine}, and "{other.name}" exempts the same path and {ends}'
        return Remark("warning", path, text, "keep one of the two exemptions")
    text = f'"{rule.paths[number].text}" is exempt by "{other.name}" already'
    return Remark("warning", path, text, "take it out here, or narrow the other exemption")


def _is_over(look: Look, rule: Exemption) -> bool:
    return rule.expires_at is not None and rule.expires_at <= look.now


def _nested_subjects(look: Look) -> Iterator[Remark]:
    """Find exempt people whom another exemption covers as long."""
    rules = look.rules.exempt_subjects
    for position, rule in enumerate(rules):
        for number, other in enumerate(rules):
            if number == position or not exempts_all(other, rule) or not lasts(other.expires_at, rule.expires_at):
                continue
            if number > position and exempts_all(rule, other) and rule.expires_at == other.expires_at:
                continue
            text = f'"{other.name}" exempts all of these people already'
            if exempts_all(rule, other) and rule.expires_at != other.expires_at:
                text = f'"{other.name}" exempts the same people for longer'
            yield Remark("warning", ("exempt_subjects", position), text, "keep one of the two exemptions")
            break


ALL: tuple[Callable[[Look], Iterator[Remark]], ...] = (_weaker_step_up, _nested_exemptions, _nested_subjects)
