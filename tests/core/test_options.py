"""The bounds of policy options: each holds at its edges, and says what it holds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import pytest

from mfa_gate.core.model import Seconds
from mfa_gate.core.options import (
    KEY,
    PROOF_AGE,
    Key,
    is_distinct,
    key,
    length,
    number,
    option,
    sentence,
    some_of,
    text,
    words,
)
from mfa_gate.core.spoken import Spoken

CHOICE = some_of(("sms", "email"))
HOLDS: list[tuple[Key, list[Any], list[Any]]] = [
    (number(2, 5), [2, 5], [1, 6]),
    (length("30s", "2m"), [30, 120], [29, 121]),
    (text(3), ["abc", "ä", " a"], ["", " ", "abcd", "a\nb"]),
    (text(3, empty=True), ["", "   ", "abc"], ["abcd", "\t"]),
    (sentence(3), ["abc", "", Spoken(by={"en": "abc", "de": "äöü"})], ["abcd", Spoken(by={"en": "abc", "de": "abcd"})]),
    (CHOICE, [["sms"], ["email", "sms"]], [[], ["sms", "sms"], ["fax"], ["sms", "fax"]]),
    (some_of(("sms",), empty=True), [[], ["sms"]], [["sms", "sms"], ["fax"]]),
    (words("off", "on"), ["anything"], []),
    (PROOF_AGE, [60, 365 * 86_400], [59, 365 * 86_400 + 1]),
]


@pytest.mark.parametrize(("bounds", "good", "bad"), HOLDS)
def test_bounds(bounds: Key, good: list[Any], bad: list[Any]) -> None:
    """Both ends are included, and the next value is not."""
    assert [value for value in good if bounds.holds(value) is not True] == []
    assert [value for value in bad if bounds.holds(value) is not False] == []


@pytest.mark.parametrize(
    ("bounds", "says"),
    [
        (number(2, 5), "it must be between 2 and 5"),
        (number(4, 5), "it must be 4 or 5"),
        (number(0, 1), "it must be 0 or 1"),
        (number(5, 7), "it must be between 5 and 7"),
        (number(5, 5), "it must be between 5 and 5"),
        (length("30s", "2m"), 'it must be between "30s" and "2m"'),
        (text(3), "it must be 1 to 3 printable characters"),
        (text(3, empty=True), "it must be at most 3 printable characters"),
        (CHOICE, 'it must name one or more of "sms", "email", each once'),
        (some_of(("sms",), empty=True), 'it must name any of "sms", each once'),
        (words("off", "on"), ""),
    ],
)
def test_the_words(bounds: Key, says: str) -> None:
    """A person who wrote another value reads the bounds."""
    assert bounds.says == says


def test_the_schema() -> None:
    """Numbers, durations in seconds, words and their order go into the schema."""
    assert (number(2, 5).low, number(2, 5).high) == (2, 5)
    assert (length("30s", "2m").low, length("30s", "2m").high) == (30, 120)
    assert CHOICE.one_of == ("sms", "email")
    assert words(False, True).weakest_first == (False, True)
    assert (sentence(3).spoken, text(3).spoken) == (True, False)
    assert (PROOF_AGE.low, PROOF_AGE.high, PROOF_AGE.stricter) == (60, 365 * 86_400, "lower")


DIRECTIONS = {"lower": True, "higher": True, "zero or higher": True, "fewer": True, "more": True, "either": False}


@pytest.mark.parametrize("stricter", [*DIRECTIONS, "none"])
def test_directions(stricter: Any) -> None:
    """Each word is a direction; only some let one of two values be the stricter one."""
    bounds = number(1, 9, stricter)
    assert (
        bounds.stricter
        == length("1s", "9s", stricter).stricter
        == some_of(("a",), stricter=stricter).stricter
        == stricter
    )
    assert bounds.has_direction
    assert bounds.is_ordered is DIRECTIONS.get(stricter, False)


def test_no_direction() -> None:
    """A table has no direction, and words in an order have one.

    A key that requests show has one without an order.
    """
    assert (Key().has_direction, Key().is_ordered) == (False, False)
    assert (words("off", "on").has_direction, words("off", "on").is_ordered) == (True, True)
    assert (words().has_direction, words().is_ordered) == (False, False)
    assert (Key(seen=True).has_direction, Key(seen=True).is_ordered) == (True, False)
    assert Key().holds(object()) is True


def test_a_key_with_its_meaning() -> None:
    """The bounds get one sentence, and a direction only where another one is named."""
    made = key("How long.", number(1, 9, "lower"), seen=True)
    assert (made.means, made.seen, made.stricter, made.low) == ("How long.", True, "lower", 1)
    assert key("How long.", number(1, 9, "lower"), stricter="higher").stricter == "higher"
    assert key("A table.").holds("anything") is True
    assert not key("A table.").seen


def test_an_option_is_a_field() -> None:
    """Default, bounds and meaning stand in one line of a dataclass."""

    @dataclass(frozen=True)
    class Options:
        wait: Seconds = option(Seconds(60), length("30s", "2m"), "How long.", stricter="higher")

    (found,) = fields(Options)
    made = found.metadata[KEY]
    assert Options().wait == 60
    assert (made.means, made.stricter, made.low) == ("How long.", "higher", 30)


def test_distinct() -> None:
    """No entry comes twice."""
    assert [is_distinct(items) for items in ([], ["a"], ["a", "b"], ["a", "b", "a"])] == [True, True, True, False]
