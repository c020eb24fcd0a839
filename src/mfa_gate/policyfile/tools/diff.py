"""Compare two policies by their meaning: each change is looser, stricter or neither.

Changes that requests show are compared by decisions (``comparison``), and each looser or stricter one has a witness.
All others are compared by the direction in the row of their key.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from ...core.rules import Policy, PolicyTest, Rules
from ...factors import BUILT_IN, Registry
from ..faults import shown
from ..keys import FILE_KEYS
from ..rails import LIMIT_ROWS
from ..strictness import Change, compare_by
from .comparison import NAMELESS, Comparison, Found, Pair, Witness, compare_rules, decides_alike, witness_of
from .edits import Edit, edits

Direction = Literal["looser", "stricter", "no request", "neutral"]
TOGETHER = "(together)"
LEFT_OUT = "(left out)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One change of a key in one direction.

    A key that gets looser and stricter at once has two. ``tenant`` is "" for the file's own rules, which hold for
    every tenant without a section. ``path`` is ``(together)`` where several keys have the effect only together, and
    ``(left out)`` for requests that were not compared. ``witness`` is a request that is decided differently, None
    where no request shows the change.
    """

    tenant: str
    path: str
    old: str
    new: str
    change: Direction
    witness: Witness | None = None


def differences(old: Policy, new: Policy, *, now: int, factors: Registry = BUILT_IN) -> tuple[Difference, ...]:
    """List every change from ``old`` to ``new``, the file's own first.

    Requests before ``now`` (UTC seconds) count for nothing. A change of a tenant is listed only if the file's own
    rules do not have the same one.
    """
    found = [*_of_the_file(old, new), *_of_a_tenant("", old.base, new.base, now, factors)]
    told = {_mark(entry) for entry in found}
    for tenant in dict.fromkeys((*_tenants(old), *_tenants(new))):
        for entry in _of_a_tenant(tenant, old.rules_for(tenant), new.rules_for(tenant), now, factors):
            if _mark(entry) not in told:
                found.append(entry)
    return tuple(found)


def _tenants(policy: Policy) -> Iterator[str]:
    """Yield the tenants that have a section, and those that a rule names."""
    yield from policy.tenants
    for rules in (policy.base, *policy.tenants.values()):
        for rule in rules.step_up:
            yield from rule.tenants_any


def loosened(found: tuple[Difference, ...]) -> tuple[Difference, ...]:
    """List the changes that let more pass."""
    return tuple(entry for entry in found if entry.change == "looser")


def are_equal(found: tuple[Difference, ...]) -> bool:
    """Tell if none of the changes is looser or stricter."""
    return all(entry.change in ("no request", "neutral") for entry in found)


def _mark(entry: Difference) -> tuple[str, str, str, str]:
    return entry.path, entry.old, entry.new, entry.change


def _of_a_tenant(tenant: str, old: Rules, new: Rules, now: int, factors: Registry) -> Iterator[Difference]:
    pair = Pair(old=old, new=new, traits=factors.traits, now=now, tenant=tenant or NAMELESS)
    compared = compare_rules(pair)
    unexplained = list(compared.found)
    for edit in edits(old, new, factors):
        if not edit.seen:
            yield from _told(tenant, edit.path, edit.old, edit.new, edit.change)
            continue
        shows = [found for found in compared.found if _shows(found, edit, pair)]
        unexplained = [found for found in unexplained if found not in shows]
        yield from _with_witnesses(tenant, edit, shows, pair)
    for found in _one_each(unexplained):
        witness = witness_of(found, pair)
        yield Difference(tenant=tenant, path=TOGETHER, old="", new="", change=found.verdict, witness=witness)
    yield from _left_out(tenant, compared)


def _shows(found: Found, edit: Edit, pair: Pair) -> bool:
    """Tell if the edit alone has the effect that was found.

    It is made in the old rules, and taken back in the new ones.
    """
    return not decides_alike(found, pair, pair.old, edit.put(pair.old)) or not decides_alike(
        found, pair, edit.back(pair.new), pair.new
    )


def _with_witnesses(tenant: str, edit: Edit, shows: list[Found], pair: Pair) -> Iterator[Difference]:
    made = Difference(tenant=tenant, path=edit.path, old=edit.old, new=edit.new, change="no request")
    if not shows:
        yield made
    for found in _one_each(shows):
        yield dataclasses.replace(made, change=found.verdict, witness=witness_of(found, pair))


def _one_each(found: list[Found]) -> Iterator[Found]:
    """Pick the clearest looser and the clearest stricter one.

    It is a request that passes on one side and is asked on the other.
    """
    for verdict in ("looser", "stricter"):
        mine = [one for one in found if one.verdict == verdict]
        yield from sorted(mine, key=lambda one: -len({one.old.kind, one.new.kind} & {"passes", "asked"}))[:1]


def _left_out(tenant: str, compared: Comparison) -> Iterator[Difference]:
    for text in compared.left_out:
        yield Difference(tenant=tenant, path=LEFT_OUT, old=text, new="", change="looser")


def _told(tenant: str, path: str, old: str, new: str, change: Change) -> Iterator[Difference]:
    """Tell a change that no request shows; one in both directions is told as two."""
    directions: tuple[Direction, ...]
    match change:
        case "both":
            directions = ("looser", "stricter")
        case "looser" | "stricter" | "neutral":
            directions = (change,)
        case "same":
            directions = ("neutral",)
    for direction in directions:
        yield Difference(tenant=tenant, path=path, old=old, new=new, change=direction)


def _of_the_file(old: Policy, new: Policy) -> Iterator[Difference]:
    """Compare the keys that only the file as a whole has."""
    for name in (field.name for field in dataclasses.fields(Policy) if field.name in FILE_KEYS):
        row = FILE_KEYS[name]
        before, after = getattr(old, name), getattr(new, name)
        if row.has_direction and before != after:
            yield from _told("", name, shown(before), shown(after), compare_by(row, before, after))
    for name in dict.fromkeys((*old.rails, *new.rails)):
        limits = old.rails.get(name, {}), new.rails.get(name, {})
        for key in dict.fromkeys((*limits[0], *limits[1])):
            before, after = (side.get(key) for side in limits)
            change = _limit_change(key, before, after)
            if change != "same":
                yield from _told("", f'rails."{name}".{key}', _text(before), _text(after), change)
    yield from _tests(old.tests, new.tests)


def _limit_change(key: str, before: Any, after: Any) -> Change:
    """Compare one limit of a rail; one that is absent or false limits nothing."""
    before, after = (None if value is False else value for value in (before, after))
    if before is None or after is None:
        return "same" if before == after else "stricter" if before is None else "looser"
    return compare_by(LIMIT_ROWS[key], before, after)


def _text(value: Any) -> str:
    return "" if value is None else shown(value)


def _tests(old: tuple[PolicyTest, ...], new: tuple[PolicyTest, ...]) -> Iterator[Difference]:
    """Compare the tests by what they claim: one less is looser, one more is stricter.

    Names count for nothing.
    """
    for test in old:
        if not _is_among(test, new):
            yield from _told("", f"tests.{shown(test.name)}", "present", "", "looser")
    for test in new:
        if not _is_among(test, old):
            yield from _told("", f"tests.{shown(test.name)}", "", "added", "stricter")


def _is_among(test: PolicyTest, tests: tuple[PolicyTest, ...]) -> bool:
    return any((test.given, test.expect) == (other.given, other.expect) for other in tests)
