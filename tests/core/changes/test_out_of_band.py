"""Answers from the phone: once, in time, and never on a locked account."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import out_of_band
from mfa_gate.core.model import Account, Enrollment, Lock
from mfa_gate.core.reasons import Refusal
from tests.core.builders import HANDLE, NOW, account, challenge, moment, rules_with, taken_from

ASKED = challenge()
DRAFT = Enrollment(id="e1", factor="app", label="App", browser=HANDLE, started_at=NOW - 5, expires_at=NOW + 60)
LOCK = Lock(at=NOW - 1, cause="attempts", ref="R-1")


def asked(**more: Any) -> Account:
    """Return an account that waits for an answer from the phone."""
    return account("mail", challenges=(ASKED,), enrollments=(DRAFT,), **more)


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (asked(lock=LOCK), NOW, "locked"),
        (account("mail"), NOW, "code_expired"),
        (asked(), ASKED.expires_at, "code_expired"),
        (account("mail", challenges=(replace(ASKED, data={"step": 2}),)), NOW, "code_already_used"),
    ],
    ids=["locked", "gone", "too late", "changed meanwhile"],
)
def test_an_answer_that_does_not_count(before: Account, now: int, reason: str) -> None:
    """An answer to what is no longer asked changes nothing (S-128)."""
    change = out_of_band.answer_elsewhere(before, moment(now), seen=ASKED, status="approved", data={})
    assert isinstance(change.answer, Refusal)
    assert change.answer.reason == reason
    assert (change.account, change.events) == (before, ())


@pytest.mark.parametrize("status", ["approved", "denied"])
def test_an_answer_is_given_once(status: Any) -> None:
    """An answered request never changes again, whatever the second answer is."""
    once = out_of_band.answer_elsewhere(asked(), moment(), seen=ASKED, status=status, data={"a": 1})
    assert not isinstance(once.answer, Refusal)
    again = out_of_band.answer_elsewhere(once.account, moment(), seen=once.answer, status="approved", data={})
    assert isinstance(again.answer, Refusal)
    assert again.answer.reason in ("code_already_used", "code_expired")


@pytest.mark.parametrize(
    ("purpose", "is_own", "kind", "quiet"),
    [
        ("sign-in", False, "challenge.denied", True),
        ("contact", False, "challenge.denied", False),
        ("sign-in", True, "challenge.cancelled", False),
    ],
)
def test_a_denial(purpose: str, is_own: bool, kind: str, quiet: bool) -> None:
    """A stranger's sign-in that was denied alarms, and keeps the phone quiet (S-97).

    One's own does neither.
    """
    seen = replace(ASKED, purpose=purpose)
    before, taken = taken_from(account("mail", challenges=(seen,)), rules_with())
    change = out_of_band.answer_elsewhere(
        before, moment(), seen=seen, status="denied", data={}, taken=taken, is_own=is_own
    )
    assert [event.kind for event in change.events] == [kind]
    assert ("alarm" in change.events[0].detail) is not is_own
    assert bool(change.account.quiet_until) is quiet
    assert change.account.attempts.used == before.attempts.used - 1, "it was no wrong guess"


@pytest.mark.parametrize(
    ("before", "now", "reason"),
    [
        (asked(lock=LOCK), NOW, "locked"),
        (account("mail"), NOW, "code_already_used"),
        (asked(), NOW + 60, "code_already_used"),
    ],
    ids=["locked", "gone", "too late"],
)
def test_a_draft_is_amended_once(before: Account, now: int, reason: str) -> None:
    """A draft gets data from the phone once, in time, and not on a locked account."""
    change = out_of_band.amend_draft(before, moment(now), seen=DRAFT, data={"key": "k"})
    assert isinstance(change.answer, Refusal)
    assert (change.answer.reason, change.account) == (reason, before)


def test_a_device_that_is_gone_is_not_amended() -> None:
    """Only the authenticator that was seen gets a new address."""
    before = account("mail")
    (mine,) = before.authenticators
    gone = out_of_band.amend_authenticator(account("app"), moment(), seen=mine, amend=lambda data: {"at": "x"})
    assert isinstance(gone.answer, Refusal)
    assert gone.answer.reason == "not_found"
    same = out_of_band.amend_authenticator(before, moment(), seen=mine, amend=lambda data: data)
    assert (same.account, same.answer) == (before, mine)
