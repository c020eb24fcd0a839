"""Refusals that cost no attempt have a bound.

Each browser that is known has one, and all others have one together.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import Charge, charge, settle_failure
from mfa_gate.core.changes.charge import DRIFTS_PER_HOUR, UNCOUNTED_PER_HOUR, give_back, recognized, spend
from mfa_gate.core.model import Account, Attempts
from mfa_gate.core.reasons import Refusal

from ..builders import HANDLE, NOW, account, browser, challenge, moment, rules_with

RULES = rules_with()
KNOWN = account("app", browsers=(browser(),))


def times(number: int, *, at: int = NOW - 100, place: str = "") -> tuple[tuple[str, int], ...]:
    return ((place, at),) * number


def refuse(of: Account, *, now: int = NOW, reason: str = "code_expired", browser: str = "", **more: Any) -> Any:
    taken = Charge(series=of.attempts.series, remaining=6)
    return settle_failure(
        of, moment(now), RULES, taken=taken, factor="app", reason=reason, free=True, browser=browser, **more
    )


@pytest.mark.parametrize(
    ("uncounted", "handle", "wait"),
    [
        (times(UNCOUNTED_PER_HOUR - 1), "", None),
        (times(UNCOUNTED_PER_HOUR), "", 3500),
        (times(UNCOUNTED_PER_HOUR, at=NOW), "", 3600),
        (times(UNCOUNTED_PER_HOUR, at=NOW - 3599), "", 1),
        (times(UNCOUNTED_PER_HOUR, at=NOW - 3600), "", None),
        (times(UNCOUNTED_PER_HOUR, at=NOW + 1), "", None),
        ((*times(5, at=NOW - 200), *times(UNCOUNTED_PER_HOUR)), "", 3500),
        (times(UNCOUNTED_PER_HOUR), "stranger", 3500),
        (times(UNCOUNTED_PER_HOUR), HANDLE, None),
        (times(UNCOUNTED_PER_HOUR, place=HANDLE), HANDLE, 3500),
        (times(UNCOUNTED_PER_HOUR, place=HANDLE), "stranger", None),
    ],
)
def test_how_many_refusals_are_free(uncounted: tuple[tuple[str, int], ...], handle: str, wait: int | None) -> None:
    """S-38: twenty an hour.

    Strangers use up their own, and never those of a browser that has proven something.
    """
    of = replace(KNOWN, uncounted=uncounted)
    change = charge(of, moment(), RULES, browser=handle)
    if wait is None:
        assert isinstance(change.answer, Charge)
    else:
        assert isinstance(change.answer, Refusal)
        assert (change.answer.reason, change.answer.retry_after, change.account) == ("too_soon", wait, of)


def test_a_refusal_is_written_down_where_it_came_from() -> None:
    """The hour before is kept, and what is older goes."""
    of = replace(KNOWN, attempts=Attempts(used=1), uncounted=(("", NOW - 3600), ("", NOW - 3599)))
    kept = refuse(refuse(of, browser=HANDLE).account, browser="stranger").account
    assert kept.uncounted == (("", NOW - 3599), (HANDLE, NOW), ("", NOW))


@pytest.mark.parametrize(
    ("before", "reason", "wait"),
    [
        (times(DRIFTS_PER_HOUR - 1, place="app-1:1"), "clock_drift", None),
        (times(DRIFTS_PER_HOUR, place="app-1:1"), "too_soon", 3500),
        (times(DRIFTS_PER_HOUR, place="app-1:1", at=NOW - 3600), "clock_drift", None),
        (times(DRIFTS_PER_HOUR, at=NOW - 3599), "too_soon", 1),
        ((*times(1, at=NOW - 300), *times(DRIFTS_PER_HOUR - 1)), "too_soon", 3300),
        ((*times(1, at=NOW - 300), *times(DRIFTS_PER_HOUR)), "too_soon", 3500),
    ],
)
def test_the_word_about_a_clock_that_is_off(before: tuple[tuple[str, int], ...], reason: str, wait: int | None) -> None:
    """D-42: three an hour help the owner, and more would help one who guesses.

    After them nothing is said of a drift.
    """
    change = refuse(replace(KNOWN, drifted=before), reason="clock_drift", detail="late", drift=90, mark="app-1:7")
    answer = change.answer
    told = ("late", 90) if wait is None else ("", 0)
    assert (answer.reason, answer.retry_after, (answer.detail, answer.drift)) == (reason, wait, told)
    assert change.events[0].reason == reason
    assert "7" in recognized(change.account, "app-1"), "it is never accepted later"


def test_other_refusals_name_no_drift() -> None:
    """A code that came late is told as such, with no time to wait."""
    change = refuse(KNOWN, mark="app-1:7")
    assert (change.answer.reason, change.answer.retry_after, change.account.drifted) == ("code_expired", None, ())


@pytest.mark.parametrize("alarm", ["", "clock_ahead"])
def test_an_alarm_of_a_refusal(alarm: str) -> None:
    """The administrators hear of a fault of ours, and of nothing where there is none."""
    (event,) = refuse(KNOWN, alarm=alarm).events
    assert dict(event.detail) == ({"alarm": alarm} if alarm else {})


def test_recognized_codes_are_those_of_one_authenticator() -> None:
    """The same digits of another app are another code."""
    of = replace(KNOWN, drifted=(("app-1:7", NOW), ("app-12:8", NOW), ("key-1:9", NOW)))
    assert recognized(of, "app-1") == {"7"}


def test_a_fault_of_ours_gives_the_attempt_back() -> None:
    """Once, and only in the run of attempts that it was taken from."""
    of = replace(KNOWN, attempts=Attempts(used=2, series=4))
    assert give_back(of, taken=Charge(series=4, remaining=5)).attempts.used == 1
    assert give_back(of, taken=Charge(series=3, remaining=5)) == of


def test_a_spent_challenge_keeps_the_time_of_its_first_use() -> None:
    """The trail of a code is when it was used, not when somebody tried it again."""
    mine = (challenge("c1", spent_at=NOW - 9), challenge("c2"), challenge("c3"))
    assert [c.spent_at for c in spend(mine, ("c1", "c2"), NOW)] == [NOW - 9, NOW, 0]


def test_a_refund_that_comes_after_a_lock_gives_nothing_back() -> None:
    """An attempt in flight that was no guess leaves a locked account as it is.

    All its attempts stay used. The lock was made while it was taken, by the failure of another one.
    """
    taken = account("app", attempts=Attempts(used=7))
    charged = Charge(series=taken.attempts.series, remaining=0)
    locked = settle_failure(
        taken, moment(), RULES, taken=charged, factor="app", reason="wrong_code", free=False
    ).account
    assert locked.lock is not None
    assert refuse(locked, reason="clock_ahead").account.attempts.used == 7
    assert give_back(locked, taken=charged) == locked
