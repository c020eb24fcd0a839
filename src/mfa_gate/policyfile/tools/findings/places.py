"""The place of a key in the file: in the section of its tenant, or in the file's own."""

from __future__ import annotations

from ....core.rules import Rules
from ...lines import Path, line_at
from .remark import RULE_LISTS, Look


def line_of(look: Look, key: Path | str) -> int:
    """Return the line of a key of these rules, or of the nearest thing around it.

    0 without a file. ``key`` is its path, or the path as it is written for people.
    """
    if not look.policy.lines:
        return 0
    path = path_named(look.rules, key) if isinstance(key, str) else key
    return line_at(look.policy.lines, place_of(look, path))


def path_named(rules: Rules, dotted: str) -> Path:
    """Return the path that ``remark.named`` has written: a rule stands in it with its name."""
    first, _, rest = dotted.partition(".")
    if first in RULE_LISTS:
        for position, rule in enumerate(getattr(rules, first)):
            if rest == rule.name or rest.startswith(f"{rule.name}."):
                after = rest[len(rule.name) + 1 :]
                return (first, position, *(after.split(".") if after else ()))
    return tuple(dotted.split("."))


def place_of(look: Look, path: Path) -> Path:
    """Find the place of a key of these rules: in the tenant's own section, or in the file's."""
    lines = look.policy.lines
    if not look.tenant:
        return path
    if len(path) > 1 and path[0] in RULE_LISTS and isinstance(path[1], int):
        return _place_of_rule(look, str(path[0]), path[1], path[2:])
    own: Path = ("tenants", look.tenant, *path)
    if own in lines:
        return own
    if path in lines:
        return path
    # The first two parts of the tenant's own place are there in any case.
    return max(own, path, key=lambda place: sum(place[:-end] in lines for end in range(1, len(path))))


def _place_of_rule(look: Look, section: str, position: int, rest: Path) -> Path:
    """Find the place of a rule: those of the file come before the tenant's own."""
    inherited = len(getattr(look.policy.base, section))
    if position < inherited:
        return (section, position, *rest)
    return ("tenants", look.tenant, section, position - inherited, *rest)
