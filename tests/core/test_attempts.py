"""The budget of wrong answers, as arithmetic."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mfa_gate.core import attempts as budget
from mfa_gate.core.model import Attempts, Seconds
from mfa_gate.core.rules import DAY, AttemptRules, RollingRules

from .builders import NOW

RULES = AttemptRules()


@pytest.mark.parametrize(("used", "left", "spent"), [(0, 7, False), (6, 1, False), (7, 0, True), (9, 0, True)])
def test_what_is_left(used: int, left: int, spent: bool) -> None:
    """Seven answers may be compared, and the number left is never below zero.

    This holds also for an account with more attempts than a policy that was made stricter meanwhile.
    """
    attempts = Attempts(used=used)
    assert (budget.remaining(attempts, RULES), budget.is_spent(attempts, RULES)) == (left, spent)


def test_a_refund_only_within_its_series() -> None:
    """An attempt is given back once, and only within its series.

    S-37. A success or an unlock begins a new series: it gave all attempts back already.
    """
    taken = budget.charged(Attempts(used=2, series=3), NOW)
    assert (taken.used, taken.charged_at) == (3, NOW)
    assert budget.refunded(taken, 3).used == 2
    assert budget.refunded(taken, 2).used == 3
    assert budget.refunded(budget.reset(taken), 3) == budget.reset(taken)
    assert budget.refunded(Attempts(series=3), 3).used == 0


def test_success_keeps_the_rolling_count() -> None:
    """A success gives the seven attempts back and keeps the rolling count of fifty.

    D-7. Only an administrator's unlock empties both.
    """
    failing = budget.failed(Attempts(used=3, series=1), RULES, NOW)
    assert budget.reset(failing) == Attempts(used=0, series=2, days=failing.days)
    assert budget.forgiven(failing) == Attempts(series=2)


@pytest.mark.parametrize(("age", "counted"), [(0, 1), (29 * DAY, 1), (30 * DAY, 1), (31 * DAY, 0), (90 * DAY, 0)])
def test_the_window_rolls_by_days(age: int, counted: int) -> None:
    """A failure counts for thirty days, its whole UTC day included."""
    failing = budget.failed(Attempts(), RULES, NOW - age)
    assert budget.failures_in_window(failing, RULES, NOW) == counted


@given(st.lists(st.integers(0, 400 * DAY), max_size=80), st.integers(1, 60))
def test_the_count_is_bounded_and_right(ages: list[int], days: int) -> None:
    """The sum of the window is the number of failures in it, however they fall.

    No more days are kept than the window has.
    """
    rules = AttemptRules(rolling=RollingRules(window=Seconds(days * DAY)))
    times = sorted(NOW - age for age in ages)
    attempts = Attempts()
    for at in times:
        attempts = budget.failed(attempts, rules, at)
        assert len(attempts.days) <= days + 1
    first = (NOW - days * DAY) // DAY
    assert budget.failures_in_window(attempts, rules, NOW) == sum(1 for at in times if at // DAY >= first)
