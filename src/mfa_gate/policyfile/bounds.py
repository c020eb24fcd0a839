"""Describe one policy key: its meaning, its values, and the direction that is stricter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from ..core.durations import seconds_of
from . import predicates as is_
from .faults import listed

Direction = Literal["", "lower", "higher", "fewer", "more"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """Describe one key. ``about`` is its meaning in one sentence.

    ``holds`` is the predicate of the value, and ``says`` the text of that predicate. ``low`` and ``high`` are for the
    schema; both are seconds for a duration. ``stricter`` is the direction that gives less away. ``weakest_first`` lists the
    values of a word or a yes-or-no in that order; empty: they have no order.
    """

    about: str
    says: str = ""
    holds: Callable[[Any], bool] = is_.anything
    stricter: Direction = ""
    weakest_first: tuple[object, ...] = ()
    low: int | None = None
    high: int | None = None
    one_of: tuple[str, ...] = ()


def number(about: str, low: int, high: int, stricter: Direction = "") -> Key:
    """Take a whole number from ``low`` to ``high``."""
    says = f"it must be {low} or {high}" if high == low + 1 else f"it must be between {low} and {high}"
    return Key(about=about, says=says, holds=lambda v: low <= v <= high, stricter=stricter, low=low, high=high)


def length(about: str, low: str, high: str, stricter: Direction = "") -> Key:
    """Take a duration from ``low`` to ``high``, both written as in the file."""
    first, last = seconds_of(low), seconds_of(high)
    says = f'it must be between "{low}" and "{high}"'
    return Key(about=about, says=says, holds=lambda v: first <= v <= last, stricter=stricter, low=first, high=last)


def text(about: str, longest: int, *, empty: bool = False) -> Key:
    """Take printable text of at most ``longest`` characters."""
    says = f"it must be {'at most' if empty else '1 to'} {longest} printable characters"
    return Key(
        about=about,
        says=says,
        holds=lambda v: is_.printable(v) and (empty or v.strip() != "") and len(v) <= longest,
    )


def some_of(about: str, words: tuple[str, ...], *, empty: bool = False, stricter: Direction = "") -> Key:
    """Take an array whose entries are all among ``words``, each once."""
    return Key(
        about=about,
        says=f"it must name {'' if empty else 'one or more '}of {listed(words)}, each once",
        holds=lambda v: is_.distinct(v) and set(v) <= set(words) and (empty or len(v) > 0),
        stricter=stricter,
        one_of=words,
    )


def words(about: str, *weakest_first: object) -> Key:
    """Take one of the words (or true and false) that the type of the field lists.

    ``weakest_first`` orders them; without it no word is stricter than another.
    """
    return Key(about=about, weakest_first=weakest_first)


def choice(about: str, words: tuple[str, ...]) -> Key:
    """Take text that is one of ``words``."""
    return Key(about=about, says=f"it must be one of {listed(words)}", holds=lambda v: v in words, one_of=words)


def groups(about: str, *, empty: bool, stricter: Direction = "") -> Key:
    """Take an array of names of the host's groups."""
    return Key(
        about=about,
        says=f"it must be {'an array' if empty else 'a non-empty array'} of group names, each once",
        holds=lambda v: is_.distinct(v) and all(is_.printable(g) and g.strip() for g in v) and (empty or len(v) > 0),
        stricter=stricter,
    )


def label(about: str) -> Key:
    """Take a short name of plain letters."""
    return Key(about=about, says="it must be 1 to 64 letters, digits, spaces and -_.", holds=is_.label)
