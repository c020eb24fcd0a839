"""Declaration of a policy option: a dataclass field with bounds and its meaning."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from .durations import seconds_of
from .spoken import texts_of
from .text_safety import is_seen

T = TypeVar("T")
Direction = Literal["", "lower", "higher", "zero or higher", "fewer", "more", "either", "none"]
"""The direction of a key's safer values.

``zero or higher``: 0 turns the key off and is the safest; of the others the higher one is safer.
``either``: every change is looser and stricter at once. ``none``: words and looks, no change of which is looser. ``""``:
the requests show it (``Key.seen``), or it is a table.
"""
KEY = "key"
"""The name of a field's bounds in its metadata."""


def _anything(_value: object) -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """The bounds of one key: ``holds`` checks a value, ``says`` states them in words.

    ``low`` and ``high`` are for the schema; both are seconds for a duration. ``stricter`` is the direction of the
    safer values; ``weakest_first`` is the same for words and for yes or no. ``seen``: a change shows in the decision on
    some request, so ``policy diff`` compares decisions in place of values. ``means`` is one sentence for the person who
    writes the policy. ``spoken``: people read the text, so it may be a table with one text a language.
    """

    says: str = ""
    holds: Callable[[Any], bool] = _anything
    stricter: Direction = ""
    weakest_first: tuple[object, ...] = ()
    low: int | None = None
    high: int | None = None
    one_of: tuple[str, ...] = ()
    means: str = ""
    seen: bool = False
    spoken: bool = False

    @property
    def has_direction(self) -> bool:
        """Tell if a change of the key can be called looser, stricter, both or neither."""
        return self.seen or bool(self.stricter or self.weakest_first)

    @property
    def is_ordered(self) -> bool:
        """Tell if one of two values can be the stricter one.

        Only then a rail can hold a tenant to it.
        """
        return bool(self.weakest_first) or self.stricter in ("lower", "higher", "zero or higher", "fewer", "more")


PLAIN = Key()
"""No bounds: for a table, whose own fields have bounds."""


def key(means: str, bounds: Key = PLAIN, *, seen: bool = False, stricter: Direction = "") -> Key:
    """Give ``bounds`` their one sentence of meaning, and the key its direction.

    ``seen`` and ``stricter`` are explained at ``Key``.
    """
    return replace(bounds, means=means, seen=seen, stricter=stricter or bounds.stricter)


def option(default: T, bounds: Key, means: str, *, stricter: Direction = "") -> T:
    """Declare a field of an options class: default, bounds, meaning and direction.

    Returns the field, typed as the default, so that a type checker sees the class as it will be.
    """
    found: Any = field(default=default, metadata={KEY: key(means, bounds, stricter=stricter)})
    return found  # type: ignore[no-any-return]


def number(low: int, high: int, stricter: Direction = "") -> Key:
    """Bound a whole number by ``low`` and ``high``, both included."""
    says = f"it must be {low} or {high}" if high == low + 1 else f"it must be between {low} and {high}"
    return Key(says=says, holds=lambda v: low <= v <= high, stricter=stricter, low=low, high=high)


def length(low: str, high: str, stricter: Direction = "") -> Key:
    """Bound a duration by two texts like ``"30s"``, both included."""
    first, last = seconds_of(low), seconds_of(high)
    says = f'it must be between "{low}" and "{high}"'
    return Key(says=says, holds=lambda v: first <= v <= last, stricter=stricter, low=first, high=last)


PROOF_AGE = length("1m", "365d", "lower")
"""Bounds of the age up to which a proof may count, in the policy and in ``require_proof``."""


def text(longest: int, *, empty: bool = False) -> Key:
    """Bound printable text by its length in characters."""
    says = f"it must be {'at most' if empty else '1 to'} {longest} printable characters"
    return Key(says=says, holds=lambda v: is_seen(v) and (empty or v.strip() != "") and len(v) <= longest)


def sentence(longest: int, *, empty: bool = True) -> Key:
    """Bound the words that people read by their length, in each language.

    They may be empty only where ``empty`` says so.
    """
    bounds = text(longest, empty=empty)
    return replace(bounds, spoken=True, holds=lambda v: all(map(bounds.holds, texts_of(v))))


def some_of(words: Sequence[str], *, empty: bool = False, stricter: Direction = "") -> Key:
    """Bound an array to ``words``, each once."""
    known = tuple(words)
    listed = ", ".join(f'"{word}"' for word in known)
    return Key(
        says=f"it must name {'any' if empty else 'one or more'} of {listed}, each once",
        holds=lambda v: is_distinct(v) and set(v) <= set(known) and (empty or len(v) > 0),
        stricter=stricter,
        one_of=known,
    )


def words(*weakest_first: object) -> Key:
    """Order a few words (or yes and no), the weakest first; without arguments: no order."""
    return Key(weakest_first=weakest_first)


def is_distinct(items: Sequence[str]) -> bool:
    """Tell if no entry comes twice."""
    return len(set(items)) == len(items)
