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
    return line_at(dict(look.policy.lines), place_of(look, path))


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
    own: Path = ("tenants", look.tenant, *_own_position(path, look.policy.base))
    if own in lines or (len(path) > 1 and path[0] in RULE_LISTS and own[3] != path[1]):
        return own
    if path in lines:
        return path
    return max(own, path, key=lambda place: sum(place[:end] in lines for end in range(3, len(place) + 1)))


def _own_position(path: Path, base: Rules) -> Path:
    """Count a rule of a tenant from the first one of its own section.

    The rules of the file come before it.
    """
    if len(path) < 2 or path[0] not in RULE_LISTS or not isinstance(path[1], int):
        return path
    inherited = len(getattr(base, str(path[0])))
    return (path[0], path[1] - inherited, *path[2:]) if path[1] >= inherited else path
