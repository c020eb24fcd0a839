"""A way back in that opens by itself: to the second, and only while nobody stops it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import slow_recovery as steps
from mfa_gate.core.changes.self_service import MAX_ABOUT, request_recovery
from mfa_gate.core.model import Account, Lock, Recovery
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import DAY
from mfa_gate.core.slow_recovery import OPEN_FOR, begun_again, by_hand, is_open, is_over, opens_at, reminders_due

from .builders import NOW, account, moment

WAIT = 3 * DAY
SLOW = Recovery(ref="R", at=NOW, about="lost", network="", opens_at=NOW + WAIT, told="sealed")
BY_HAND = replace(SLOW, opens_at=0)
AT = NOW + WAIT
LOCK = Lock(at=NOW, cause="attempts", ref="L")


def owner(waiting: Recovery | None = SLOW, **parts: Any) -> Account:
    return account("app", recovery=waiting, **parts)


@pytest.mark.parametrize(
    ("waiting", "wait", "at"),
    [
        (SLOW, WAIT, AT),
        (SLOW, WAIT + 9, AT + 9),
        (SLOW, WAIT - 9, AT),
        (SLOW, 0, 0),
        (BY_HAND, WAIT, 0),
        (None, WAIT, 0),
    ],
)
def test_the_time_at_which_it_opens(waiting: Recovery | None, wait: int, at: int) -> None:
    """A slower policy counts at once.

    A faster one does not, for the contacts were told another time.
    """
    assert opens_at(waiting, wait) == at


@pytest.mark.parametrize(
    ("parts", "now", "opened", "over"),
    [
        ({}, AT - 1, False, False),
        ({}, AT, True, False),
        ({}, AT + OPEN_FOR - 1, True, False),
        ({}, AT + OPEN_FOR, False, True),
        ({"lock": LOCK}, AT, False, False),
        ({"frozen_until": AT + 1}, AT, False, False),
        ({"frozen_until": AT}, AT, True, False),
        ({"waiting": BY_HAND}, AT, False, False),
        ({"waiting": None}, AT + OPEN_FOR, False, False),
    ],
)
def test_the_days_in_which_it_is_open(parts: dict[str, Any], now: int, opened: bool, over: bool) -> None:
    """For seven days from the second that was told.

    A lock and "this was not me" keep it closed.
    """
    of = owner(**parts)
    assert (is_open(of, WAIT, now), is_over(of, WAIT, now)) == (opened, over)


@pytest.mark.parametrize(
    ("now", "due"),
    [
        (NOW - 9, 0),
        (NOW, 0),
        (NOW + DAY - 1, 0),
        (NOW + DAY, 1),
        (NOW + 2 * DAY, 2),
        (AT - 1, 2),
        (AT, 3),
        (AT + WAIT, 3),
    ],
)
def test_how_often_the_contacts_are_reminded(now: int, due: int) -> None:
    """After one third and two thirds of the wait, and when it is over; never more often."""
    assert reminders_due(SLOW, WAIT, now) == due
    assert reminders_due(replace(SLOW, at=NOW - 99), WAIT, now) == due, "by the time that was told"


def test_a_wait_that_begins_again() -> None:
    """It has its whole length again, and its reminders.

    The administrators' requests have no wait.
    """
    later = replace(SLOW, at=NOW + DAY, opens_at=AT + DAY, reminded=0)
    assert begun_again(replace(SLOW, reminded=2), NOW + DAY) == later
    assert begun_again(BY_HAND, NOW + DAY) is BY_HAND
    assert begun_again(None, NOW) is None


def test_a_request_that_only_an_administrator_answers_now() -> None:
    """After an older copy of the store nobody knows if it was stopped.

    It opens no more and reminds nobody.
    """
    assert by_hand(replace(SLOW, reminded=2)) == replace(SLOW, opens_at=0, told="", reminded=0)
    assert by_hand(BY_HAND) is BY_HAND
    assert by_hand(None) is None


@pytest.mark.parametrize(
    ("of", "parts", "outcome"),
    [
        (account("app"), {}, "asked"),
        (account("app"), {"wait": WAIT, "told": "sealed"}, "waits"),
        (account("app"), {"wait": WAIT}, "asked"),
        (account("app"), {"told": "sealed"}, "asked"),
        (account("app"), {"by_hand": False, "wait": WAIT, "told": "sealed"}, "waits"),
        (account("app"), {"by_hand": False}, "not_allowed"),
        (account("app", lock=LOCK), {"wait": WAIT, "told": "sealed"}, "asked"),
        (account(lock=LOCK), {"wait": WAIT, "told": "sealed"}, "asked"),
        (account(), {"wait": WAIT, "told": "sealed"}, "not_allowed"),
        (account("app"), {"about": "x" * MAX_ABOUT}, "asked"),
        (account("app"), {"about": "x" * (MAX_ABOUT + 1)}, "malformed"),
        (account("app"), {"about": "a\x00b"}, "malformed"),
    ],
)
def test_a_person_asks_for_help(of: Account, parts: dict[str, Any], outcome: str) -> None:
    """A locked account waits for an administrator, and who has nothing has lost nothing."""
    change = request_recovery(of, moment(), **{"about": "lost my phone", **parts})
    if outcome in ("malformed", "not_allowed"):
        assert isinstance(change.answer, Refusal)
        assert (change.answer.reason, change.account, change.events) == (outcome, of, ())
        return
    waiting = change.account.recovery
    assert waiting is not None
    assert (change.answer, waiting.at) == (waiting.ref, NOW)
    assert (waiting.opens_at, waiting.told) == ((AT, "sealed") if outcome == "waits" else (0, ""))
    asked = [(event.kind, event.detail.get("told_by")) for event in change.events]
    both = [("recovery.requested", "recovery.waiting"), ("recovery.waiting", None)]
    assert asked == (both if outcome == "waits" else [("recovery.requested", None)])


@pytest.mark.parametrize(
    ("before", "told", "kept"),
    [
        (SLOW, "new", SLOW),
        (SLOW, "", SLOW),
        (BY_HAND, "", BY_HAND),
        (BY_HAND, "new", replace(SLOW, told="new", at=NOW + 9, opens_at=AT + 9)),
    ],
)
def test_asking_again(before: Recovery, told: str, kept: Recovery) -> None:
    """It changes no wait.

    A request from before the policy had one begins it, with all contacts told.
    """
    change = request_recovery(owner(before), moment(NOW + 9), about="again", wait=WAIT, told=told)
    assert (change.account.recovery, change.answer) == (kept, "R")
    assert [event.kind for event in change.events] == ([] if kept == before else ["recovery.waiting"])


@pytest.mark.parametrize("frozen", [0, NOW + DAY])
def test_contacts_that_change_in_the_wait(frozen: int) -> None:
    """The wait begins again after a stop of changes, so that the owner hears of it in time."""
    of = owner(replace(SLOW, reminded=2), frozen_until=frozen)
    change = steps.begin_again(of, moment(NOW + 9), wait=WAIT, seen=of.recovery or SLOW, told="both", reason="contacts")
    at = max(NOW + 9, frozen) + WAIT
    assert change.account.recovery == replace(SLOW, at=NOW + 9, opens_at=at, told="both", reminded=0)
    assert [(event.kind, event.detail["opens_at"]) for event in change.events] == [("recovery.restarted", at)]
    stale = steps.begin_again(of, moment(), wait=WAIT, seen=replace(SLOW, told="older"), told="both", reason="contacts")
    assert stale.account is of
    for wait, waiting in ((0, SLOW), (WAIT, BY_HAND)):
        kept = steps.begin_again(owner(waiting), moment(), wait=wait, seen=waiting, told="x", reason="contacts")
        assert (kept.account, kept.answer) == (owner(waiting), None)


@pytest.mark.parametrize(
    ("reminded", "now", "parts", "kind"),
    [
        (0, NOW + DAY - 1, {}, ""),
        (0, NOW + DAY, {}, "recovery.reminded"),
        (1, NOW + DAY, {}, ""),
        (0, NOW + 2 * DAY, {}, "recovery.reminded"),
        (2, AT, {}, "recovery.open"),
        (2, AT, {"frozen_until": AT + 1}, "recovery.reminded"),
        (3, AT + 9, {}, ""),
        (3, AT + OPEN_FOR, {}, "recovery.lapsed"),
        (0, AT, {"lock": LOCK}, ""),
    ],
)
def test_reminding(reminded: int, now: int, parts: dict[str, Any], kind: str) -> None:
    """One message stands for all that are due, and another one tells that the way is open.

    It ends when nobody came.
    """
    of = owner(replace(SLOW, reminded=reminded), **parts)
    change = steps.remind(of, moment(now), wait=WAIT)
    assert [event.kind for event in change.events] == ([kind] if kind else [])
    assert change.answer is None
    if not kind:
        assert change.account is of
    elif kind == "recovery.lapsed":
        assert change.account.recovery is None
    else:
        assert change.account.recovery == replace(SLOW, reminded=reminders_due(SLOW, WAIT, now))


@pytest.mark.parametrize(
    ("parts", "now", "told", "reason", "left"),
    [
        ({}, AT, True, "", None),
        ({}, AT - 9, True, "too_soon", 9),
        ({"frozen_until": AT + 50}, AT, True, "too_soon", 50),
        ({}, AT, False, "too_soon", WAIT),
        ({}, AT - 9, False, "too_soon", 9),
        ({}, AT + OPEN_FOR, True, "not_allowed", None),
        ({"waiting": BY_HAND}, AT, True, "not_allowed", None),
        ({"waiting": None}, AT, True, "not_allowed", None),
        ({"lock": LOCK}, AT, True, "locked", None),
    ],
)
def test_setting_up_anew(parts: dict[str, Any], now: int, told: bool, reason: str, left: int | None) -> None:
    """Every factor goes when the wait is over and the contacts are those that were told.

    Never sooner.
    """
    of = owner(**parts)
    change = steps.set_up_anew(of, moment(now), wait=WAIT, is_told=lambda sealed: told and sealed == "sealed")
    if reason:
        assert isinstance(change.answer, Refusal)
        assert (change.answer.reason, change.answer.retry_after, change.account) == (reason, left, of)
        assert change.answer.attempts_remaining == (0 if reason == "locked" else None)
    else:
        assert (change.account.authenticators, change.account.recovery, change.account.epoch) == ((), None, 1)
        assert [(event.kind, event.reason) for event in change.events] == [("recovery.used", steps.NOBODY_STOPPED)]
