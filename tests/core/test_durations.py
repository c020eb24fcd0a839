"""Lengths of time are written in the shortest way, and read again as what they were."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_gate.core.durations import format_duration, parse_duration, seconds_of

WRITTEN = {
    0: "0s",
    1: "1s",
    59: "59s",
    60: "1m",
    61: "1m1s",
    3_600: "1h",
    86_399: "23h59m59s",
    86_400: "1d",
    604_800: "7d",
    604_801: "7d1s",
    2 * 86_400 + 3 * 3_600 + 4 * 60 + 5: "2d3h4m5s",
}


@pytest.mark.parametrize(("seconds", "text"), WRITTEN.items())
def test_written_and_read(seconds: int, text: str) -> None:
    """The largest units come first, and units without a count are left out."""
    assert format_duration(seconds) == text
    assert parse_duration(text) == seconds_of(text) == seconds


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("36h", 129_600), ("0d", 0), ("999999999s", 999_999_999)])
def test_other_ways_to_write(text: str, seconds: int) -> None:
    """A count may be larger than the next unit."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "7", "d", "1s1m", "1d1d", "-1s", "1.5h", "1 h", "1D", "1000000d", "1w", "١s", "1s\n"]
)
def test_no_duration(text: str) -> None:
    """Any other text is none, and says how to write one."""
    assert parse_duration(text) is None
    with pytest.raises(ValueError, match="is not a duration; write it like"):
        seconds_of(text)


@given(st.integers(0, 10**9))
def test_nothing_is_lost(seconds: int) -> None:
    """Each length comes back."""
    assert parse_duration(format_duration(seconds)) == seconds
