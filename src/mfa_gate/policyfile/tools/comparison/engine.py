"""The comparison itself: each class in each situation, decided under both sets of rules."""

from __future__ import annotations

from dataclasses import dataclass

from ....core.policy import Requirement
from ....core.rules import Rules
from . import request_classes
from .axes import bounded
from .outcomes import Outcome, Verdict
from .pair import Pair
from .request_classes import RequestClass
from .sides import Demanded, Side, judge, side_of
from .situations import Situation, situations

MOST_REQUESTS = 12_000
MOST_DECISIONS = 60_000
"""The bounds of one comparison: about two seconds on a slow machine. More is left out, and said."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One class that is decided in another way.

    It stands for all with the same outcomes by the same rules.
    """

    request: RequestClass
    situation: Situation
    old: Outcome
    new: Outcome
    verdict: Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The differences that were found, and in words the classes that were not compared."""

    found: tuple[Found, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def is_same(self) -> bool:
        """Tell if no request is decided differently, and all were compared."""
        return not self.found and not self.left_out


def compare_rules(pair: Pair, *, only_first: bool = False) -> Comparison:
    """Compare the decisions of the old and the new rules on every class.

    ``only_first`` stops at the first difference.
    """
    alike = pair.same_answers
    if alike and pair.same_demands:
        return Comparison()
    sides = _sides(pair.old, pair.new, pair)
    requests = bounded(request_classes.AXES, pair, MOST_REQUESTS)
    demanded: dict[object, tuple[RequestClass, Demanded]] = {}
    for values in requests:
        request = request_classes.request_class(values)
        old, new = (side.requirement(request) for side in sides)
        keys = _key(old), _key(new)
        if (not alike or keys[0] != keys[1]) and not (old.free_kind and new.free_kind):
            demanded.setdefault(keys, (request, (old, new)))
    if not demanded:
        return Comparison(left_out=requests.left_out)
    left_out = requests.left_out
    found: dict[object, Found] = {}
    decided = 0
    for request, pairs in demanded.values():
        classes = situations(pair, (*pairs[0].demands, *pairs[1].demands))
        decided += len(classes)
        if decided > MOST_DECISIONS:
            left_out += ("some combinations of demands were not compared",)
            break
        for situation in classes:
            judged = judge(sides, pairs, situation)
            for verdict in judged.verdicts:
                mark = (verdict, judged.old.kind, judged.old.rule, judged.new.kind, judged.new.rule)
                if mark not in found:
                    found[mark] = Found(
                        request=request, situation=situation, old=judged.old, new=judged.new, verdict=verdict
                    )
            if only_first and found:
                return Comparison(found=tuple(found.values()))
    return Comparison(found=tuple(found.values()), left_out=left_out)


def decides_alike(found: Found, pair: Pair, one: Rules, other: Rules) -> bool:
    """Tell if two more sets of rules decide the class of ``found`` alike.

    Only the direction of its verdict counts.
    """
    sides = _sides(one, other, pair)
    first, second = (side.requirement(found.request) for side in sides)
    return found.verdict not in judge(sides, (first, second), found.situation).verdicts


def _sides(old: Rules, new: Rules, pair: Pair) -> tuple[Side, Side]:
    agreement = pair.old.agreement
    return side_of(old, agreement, pair.traits), side_of(new, agreement, pair.traits)


def _key(requirement: Requirement) -> object:
    """Make the part of a requirement that a decision depends on.

    The names of rules are no part of it. Of rules that ask alike but for the age, only the shortest age counts.
    """
    usual, *asked = requirement.demands or (None,)
    ages: dict[tuple[object, ...], int] = {}
    for demand in asked:
        strength = demand.factors_any, demand.phishing_resistant, demand.user_verification
        ages[strength] = min(demand.max_age, ages.get(strength, demand.max_age))
    return (
        requirement.free_kind,
        requirement.stage,
        requirement.report_only,
        requirement.factors,
        usual and usual.max_age,
        frozenset(ages.items()),
    )
