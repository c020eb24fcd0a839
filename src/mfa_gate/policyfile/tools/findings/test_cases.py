"""Find ``[[tests]]`` about tenants, groups and rules that the policy does not have."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ....core.roles import RIGHTS
from ....core.rules import Policy
from ...faults import nearest
from .alike_names import TAKEN
from .remark import RULE_LISTS, Look, Remark


def _cases(look: Look) -> Iterator[Remark]:
    policy = look.policy
    everywhere = (policy.base, *policy.tenants.values())
    rules = {rule.name for r in everywhere for section in RULE_LISTS for rule in getattr(r, section)} | TAKEN
    groups = {group for r in everywhere for right in (*RIGHTS, "everywhere") for group in getattr(r.roles, right)}
    for r in everywhere:
        groups |= {group for rule in r.exempt_subjects for group in (*rule.groups_any, *rule.groups_none)}
        groups |= {group for rule in r.step_up for group in (*rule.groups_any, *rule.groups_none)}
    for position, test in enumerate(policy.tests):
        for number, group in enumerate(_texts(test.given.get("groups"))):
            if group not in groups:
                text = f'no rule and no right of the policy names the group "{group}"{nearest(group, groups)}'
                fix = "write the group as the policy does, or leave it out"
                yield Remark("note", ("tests", position, "given", "groups", number), text, fix)
        wanted = test.expect.get("rule")
        if isinstance(wanted, str) and wanted and wanted not in rules:
            text = f'the policy has no rule named "{wanted}"{nearest(wanted, rules)}'
            yield Remark("warning", ("tests", position, "expect", "rule"), text, "write the name of a rule")


def without_tests(policy: Policy) -> tuple[Remark, ...]:
    """Remark on a file without any ``[[tests]]``."""
    if policy.tests:
        return ()
    fix = "add [[tests]] for the requests that matter; policy test and check run them"
    return (Remark("warning", ("tests",), "no test says what must stay true", fix),)


def _texts(value: object) -> list[str]:
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else []


ON_FILE: tuple[Callable[[Look], Iterator[Remark]], ...] = (_cases,)
