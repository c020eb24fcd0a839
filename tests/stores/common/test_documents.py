"""The stored documents as they are read: rooms of limits, cursors.

Lines that are damaged.
"""

from __future__ import annotations

import pytest

from mfa_gate.stores.common.documents import cursor_from, wait_for_room

TAKEN = [(10, 2), (20, 1), (30, 3)]


@pytest.mark.parametrize(
    ("taken", "limit", "now", "more", "wait"),
    [
        ([], 1, 5, 1, 0),
        ([], 1, 5, 2, 60),
        ([], 0, 5, 1, 60),
        ([], 0, 5, 0, 60),
        (TAKEN, 7, 40, 1, 0),
        (TAKEN, 6, 40, 1, 30),
        (TAKEN, 6, 40, 2, 30),
        (TAKEN, 6, 40, 3, 40),
        (TAKEN, 6, 40, 4, 50),
        (TAKEN, 6, 40, 6, 50),
        (TAKEN, 6, 40, 7, 60),
        (TAKEN, 4, 40, 1, 40),
        (TAKEN, 3, 40, 1, 50),
        (TAKEN, 6, 70, 1, 1),
        (TAKEN, 6, 99, 1, 1),
        (TAKEN, 6, 0, 1, 70),
        ([(10, 2)], 2, 40, 2, 30),
    ],
)
def test_the_wait_for_room(taken: list[tuple[int, int]], limit: int, now: int, more: int, wait: int) -> None:
    """It is the time until enough has gone; a clock that steps back makes it longer (S-118)."""
    assert wait_for_room(taken, limit=limit, window=60, now=now, more=more) == wait


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", -1),
        ("0", 0),
        ("12", 12),
        ("9" * 18, 10**18 - 1),
        ("9" * 19, None),
        ("-1", None),
        ("x", None),
        ("\N{ARABIC-INDIC DIGIT ONE}", None),
        ("\N{SUPERSCRIPT TWO}", None),
    ],
)
def test_cursors(text: str, place: int | None) -> None:
    """A text that no page gave is no place."""
    assert cursor_from(text) == place
