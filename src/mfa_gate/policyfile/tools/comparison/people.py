"""The axis of people: one set of groups for each way in which rules can concern a person."""

from __future__ import annotations

from dataclasses import dataclass

from ....core.rules import Exemption
from .pair import Pair

MOST = 512
"""The most combinations of groups that are made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A person in ``groups``. ``acting``: somebody else is there in the person's name."""

    groups: tuple[str, ...] = ()
    acting: bool = False


def people(pair: Pair) -> tuple[Person, ...]:
    """List one person for each combination of groups that tells rules apart.

    The smallest combinations come first, at most ``MOST``. Groups that stand in the same places of the rules count as
    one. A group more in a combination that is in the same places already changes nothing. Of rules that are the same
    on both sides, only the groups count that take a person out of the rule, unless every rule is needed.
    """
    subjects, step_up = pair.listed("exempt_subjects"), pair.listed("step_up")
    rules = (*subjects, *step_up)
    places = [names for rule in rules for names in (rule.groups_any, rule.groups_none)]
    changed = rules if pair.needs_every_rule else pair.changed_rules
    named = dict.fromkeys(name for rule in changed if not isinstance(rule, Exemption) for name in rule.groups_any)
    named |= dict.fromkeys(name for rule in rules for name in rule.groups_none)
    marks: dict[frozenset[int], str] = {}
    for name in named:
        marks.setdefault(frozenset(n for n, names in enumerate(places) if name in names), name)
    found: dict[frozenset[int], tuple[str, ...]] = {frozenset(): ()}
    largest = dict(found)
    while largest and len(found) < MOST:
        larger = {known | mark: (*names, name) for known, names in largest.items() for mark, name in marks.items()}
        largest = {mark: names for mark, names in larger.items() if mark not in found}
        found.update(list(largest.items())[: MOST - len(found)])
    persons = tuple(Person(groups=names) for names in found.values())
    if not subjects and not any(rule.groups_none for rule in step_up):
        return persons
    return (*persons, *(Person(groups=person.groups, acting=True) for person in persons if person.groups))
