"""The axis of paths: one path for each way in which rules can match."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from ....core.rules import Exemption, PathRule, StepUpRule, SubjectExemption
from .pair import Pair, Rule

OTHER = "/elsewhere"
"""A path that no rule names, unless one names the whole app."""
UNCLEAN = "/elsewhere/%2e%2e/x"
"""A path with a trick in it. All such paths are judged alike: nothing is exempt, and every step-up rule applies."""

Path = tuple[str, bool]
"""A path, and if it is clean."""


def paths(pair: Pair) -> tuple[Path, ...]:
    """List one path for each set of rules that match together.

    The first one is a path that no rule names, the last one an unclean path. Of all others, only those are listed
    that a changed rule matches, unless every rule is needed.
    """
    rules = (*pair.listed("exempt"), *pair.listed("step_up"))
    changed = rules if pair.needs_every_rule else pair.changed_rules
    found: dict[tuple[bool, ...], str] = {}
    for path in sorted(set(_candidates(_roots(rules), _roots(changed))), key=_plainness):
        if any(_matches(rule, path) for rule in changed):
            found.setdefault(tuple(_matches(rule, path) for rule in rules), path)
    other = OTHER
    while any(_matches(rule, other) and not _matches(rule, "/") for rule in rules):
        other += "-else"
    clean = ((other, True), *((path, True) for path in found.values()))
    return (*clean, (UNCLEAN, False)) if any(isinstance(rule, StepUpRule) for rule in changed) else clean


def _matches(rule: object, path: str) -> bool:
    if isinstance(rule, Exemption):
        return any(one.matches(path) for one in rule.paths)
    return isinstance(rule, StepUpRule) and any(one.covers(path) for one in rule.paths)


def _plainness(path: str) -> tuple[bool, bool, int, str]:
    return path != path.lower(), path != "/" and path.endswith("/"), len(path), path


def _candidates(roots: list[str], changed: list[str]) -> Iterator[str]:
    """Make paths in, at and beside the roots around and below the changed ones.

    Exemptions match a path letter by letter. Step-up rules match it without slashes at the end and without capitals. So
    each path is tried with a slash more, and in other letters; a tree in the letters of a tree around it, too.
    """
    yield "/"
    folded = {root: root.rstrip("/").lower() + "/" for root in roots}
    near = [
        root for root in roots if any(_are_nested(folded[root], other.rstrip("/").lower() + "/") for other in changed)
    ]
    spelled = list(near)
    for outer in near:
        spelled += [outer + inner[len(outer) :] for inner in near if folded[inner].startswith(folded[outer])]
    for root in dict.fromkeys(spelled):
        bare = root.rstrip("/")
        for path in (bare or "/", f"{bare}/1", f"{bare}/"):
            yield from (path, path.lower(), path.upper())


def _are_nested(one: str, other: str) -> bool:
    return one.startswith(other) or other.startswith(one)


def _roots(rules: Iterable[Rule]) -> list[str]:
    """List the paths that rules name, without the mark of a tree, each once."""
    paths = (path for rule in rules if not isinstance(rule, SubjectExemption) for path in rule.paths)
    return list(dict.fromkeys(_root(path) for path in paths))


def _root(path: PathRule) -> str:
    return path.text[1:] if path.text.startswith("=") else path.text[:-3]
