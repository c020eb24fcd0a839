"""The records of report-only tell to the minute when requests came.

The first and the last are exact.
"""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.report import HOUR, Place, Row
from mfa_gate.core.stops import Stop

NINE = 9 * HOUR


def row(first: int, last: int, *minutes: int) -> Row:
    situation: Any = None
    bits = sum(1 << minute for minute in minutes)
    return Row(situation, Place("GET", "/x", "/x"), Stop("passes", "verified"), 1, NINE + first, NINE + last, bits)


@pytest.mark.parametrize(
    ("found", "moments"),
    [
        (row(5, 5), [5]),
        (row(5, 5, 0), [5]),
        (row(5, 59, 0), [5]),
        (row(59, 60, 0, 1), [59, 60]),
        (row(60, 61, 1), [60]),
        (row(5, 3599, 0, 7, 58, 59), [5, 420, 3480, 3599]),
        (row(0, 3541, 0, 59), [0, 3541]),
    ],
)
def test_the_times_of_an_hour(found: Row, moments: list[int]) -> None:
    """One time a minute with a request; all of one minute are its first."""
    assert [at - NINE for at in found.moments()] == moments
