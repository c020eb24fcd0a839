"""Compare two values of a key by the direction in its row."""

from __future__ import annotations

from typing import Any, Literal

from ..core.options import Key
from ..core.rules import EnrollmentRules
from .keys import key_for
from .shape import Spec

Change = Literal["same", "stricter", "looser", "both", "neutral"]
"""``both``: looser and stricter at once, as where one entry of a list is replaced. ``neutral``: words and looks."""

ABOVE: dict[str, frozenset[str]] = {
    "off": frozenset({"calendar", "optional", "admin", "required"}),
    "calendar": frozenset({"required"}),
    "optional": frozenset({"required"}),
    "admin": frozenset({"required"}),
    "required": frozenset(),
}
"""The stages that are stricter than each. Some pairs cannot be compared: ``admin`` may be off, or required."""


def compare(spec: Spec, old: Any, new: Any) -> Change:
    """Tell if ``new`` is stricter or looser than ``old`` for the key ``spec``."""
    return compare_by(key_for(spec.owner, spec.name), old, new)


def compare_by(row: Key, old: Any, new: Any) -> Change:
    """Tell if ``new`` is stricter or looser than ``old`` for the key with this ``row``."""
    if old == new:
        return "same"
    if row.weakest_first and None not in (old, new):
        return _ranked(row.weakest_first.index(old), row.weakest_first.index(new))
    match row.stricter:
        case "lower":
            return _ranked(-_number(old), -_number(new))
        case "higher":
            return _ranked(_number(old), _number(new))
        case "zero or higher":
            return _ranked(_number(old or None), _number(new or None))
        case "fewer":
            return _contained(new, old)
        case "more":
            return _swapped(_contained(new, old))
        case "none":
            return "neutral"
    return "both"


def compare_stages(old: EnrollmentRules, new: EnrollmentRules) -> Change:
    """Compare as ``compare`` does, for the stage with its calendar."""
    if (old.optional_from, old.required_from) == (new.optional_from, new.required_from):
        before, after = stage_word(old), stage_word(new)
        return "same" if before == after else _step(before, after)
    if stage_word(old) != "calendar" or stage_word(new) != "calendar":
        return _step(stage_word(old), stage_word(new))
    days = [(old.optional_from, new.optional_from), (old.required_from, new.required_from)]
    found = {_ranked(-_number(a), -_number(b)) for a, b in days if a != b}
    return found.pop() if len(found) == 1 else "both"


def stage_word(enrollment: EnrollmentRules) -> str:
    """Return the stage, or ``calendar`` if dates decide it."""
    dated = enrollment.optional_from is not None or enrollment.required_from is not None
    return "calendar" if dated else enrollment.stage


def _step(before: str, after: str) -> Change:
    if after in ABOVE[before]:
        return "stricter"
    return "looser" if before in ABOVE[after] else "both"


def _ranked(old: float, new: float) -> Change:
    return "same" if old == new else "stricter" if new > old else "looser"


def _number(value: Any) -> float:
    """Return a number to compare; None is an end that never comes."""
    return float("inf") if value is None else float(value)


def _contained(new: Any, old: Any) -> Change:
    """Compare two lists of which the shorter one is stricter; None is all there are."""
    if old is None or new is None:
        return "stricter" if old is None else "looser"
    fewer, more = set(new) < set(old), set(new) > set(old)
    return "stricter" if fewer else "looser" if more else "same" if set(new) == set(old) else "both"


def _swapped(change: Change) -> Change:
    return "looser" if change == "stricter" else "stricter" if change == "looser" else change
