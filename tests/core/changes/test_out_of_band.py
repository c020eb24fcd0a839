"""Answers that come another way than from the browser.

They count once, in time, and never on a locked account.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes.out_of_band import COLLECT, QUIET, amend_authenticator, amend_draft, answer_elsewhere
from mfa_gate.core.model import Account, Challenge, Enrollment, Lock
from mfa_gate.core.reasons import Refusal

from ..builders import HANDLE, NOW, account, authenticator, challenge, moment, rules_with, taken_from

LOCK = Lock(cause="attempts", at=NOW - 9, ref="ABCDE23456")
DATA = {"answer": "signed"}


def asked(**parts: Any) -> Challenge:
    return challenge(**{"factor": "key", "target": "key-1", "ttl": 60, **parts})


def owner(*challenges: Challenge, **parts: Any) -> Account:
    return account("key", challenges=challenges, **parts)


def test_an_approval() -> None:
    """An approval grants nothing by itself.

    The request is approved, unspent, and may be collected for a while.
    """
    change = answer_elsewhere(owner(asked()), moment(), seen=asked(), status="approved", data=DATA)
    kept = change.account.challenges[0]
    assert change.answer == kept
    assert (kept.status, kept.spent_at, kept.data) == ("approved", 0, DATA)
    assert [(e.kind, e.factor, dict(e.detail)) for e in change.events] == [
        ("challenge.approved", "key", {"challenge": "c1"})
    ]
    assert change.account.browsers == ()
    assert change.account.quiet_until == 0


@pytest.mark.parametrize(("ttl", "ends"), [(60, NOW + COLLECT), (600, NOW - 10 + 600)])
def test_the_time_to_collect_it(ttl: int, ends: int) -> None:
    """An approval near the end of its request can still be collected.

    A long request keeps its own end.
    """
    seen = asked(ttl=ttl)
    change = answer_elsewhere(owner(seen), moment(), seen=seen, status="approved", data=DATA)
    assert change.account.challenges[0].expires_at == ends
    assert COLLECT == 120


@pytest.mark.parametrize(("purpose", "quiet"), [("sign-in", NOW + QUIET), ("enroll", 0)])
def test_a_denial(purpose: str, quiet: int) -> None:
    """It ends the request and alarms; after a denied sign-in the phone has peace for an hour."""
    seen = asked(purpose=purpose)
    change = answer_elsewhere(owner(seen), moment(), seen=seen, status="denied", data=DATA)
    kept = change.account.challenges[0]
    assert (kept.status, kept.spent_at, kept.expires_at) == ("denied", NOW, seen.expires_at)
    assert [(e.kind, e.detail.get("alarm")) for e in change.events] == [("challenge.denied", "request denied")]
    assert change.account.quiet_until == quiet
    assert QUIET == 3600


def test_a_denial_of_ones_own_request() -> None:
    """It ends the request and alarms nobody; the next one goes to the phone at once."""
    change = answer_elsewhere(owner(asked()), moment(), seen=asked(), status="denied", data=DATA, is_own=True)
    assert (change.account.challenges[0].spent_at, change.account.quiet_until) == (NOW, 0)
    assert [(e.kind, "alarm" in e.detail) for e in change.events] == [("challenge.cancelled", False)]


def test_a_step_towards_the_answer() -> None:
    """A step only changes the data."""
    change = answer_elsewhere(owner(asked()), moment(), seen=asked(), status="pending", data=DATA)
    assert change.account.challenges == (replace(asked(), data=DATA),)
    assert change.events == ()


def test_only_the_request_that_was_answered() -> None:
    """Other requests of the account stay as they are."""
    other = asked(id="c2")
    change = answer_elsewhere(owner(other, asked()), moment(), seen=asked(), status="denied", data=DATA)
    assert change.account.challenges[0] == other
    assert change.account.challenges[1].status == "denied"


@pytest.mark.parametrize("status", ["approved", "denied", "pending"])
def test_an_attempt_is_given_back(status: Any) -> None:
    """A right answer was no wrong guess. Without a charge nothing is given back."""
    taken, charge = taken_from(owner(asked()), rules_with())
    assert taken.attempts.used == 1
    change = answer_elsewhere(taken, moment(), seen=asked(), status=status, data=DATA, taken=charge)
    assert change.account.attempts.used == 0
    kept = answer_elsewhere(taken, moment(), seen=asked(), status=status, data=DATA)
    assert kept.account.attempts.used == 1


REFUSED = {
    "locked": (owner(asked(), lock=LOCK), "locked"),
    "gone": (owner(), "code_expired"),
    "ended": (owner(asked(age=60)), "code_expired"),
    "spent": (owner(asked(spent_at=NOW - 1)), "code_expired"),
    "clock stepped back": (owner(asked(), seen_at=NOW + 60), "code_expired"),
    "changed": (owner(asked(data={"code": "other"})), "code_already_used"),
    "approved": (owner(asked(status="approved")), "code_already_used"),
}


LATE = ("ended", "spent", "clock stepped back", "changed")
"""The cases in which a denial of somebody else's request still counts."""


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("status", ["approved", "denied", "pending"])
@pytest.mark.parametrize("is_own", [False, True])
def test_refused(case: str, status: Any, is_own: bool) -> None:
    """Nothing happens on a locked account, after the end, or to a changed request.

    An answered one stays as it is.
    """
    if status == "denied" and not is_own and case in LATE:
        return
    of, reason = REFUSED[case]
    change = answer_elsewhere(of, moment(), seen=asked(), status=status, data=DATA, is_own=is_own)
    assert isinstance(change.answer, Refusal)
    assert change.answer.reason == reason
    assert change.answer.ref == (LOCK.ref if case == "locked" else "")
    assert change.account.challenges == of.challenges
    assert change.events == ()


@pytest.mark.parametrize("case", LATE)
def test_a_denial_that_comes_late(case: str) -> None:
    """A denial of somebody else's request alarms and stops further ones, though it has ended.

    It ended by time, or because the browser that asked got in another way. A request ends once, at its first end (S-97).
    """
    of, _ = REFUSED[case]
    change = answer_elsewhere(of, moment(), seen=asked(), status="denied", data=DATA)
    assert [e.kind for e in change.events] == ["challenge.denied"]
    assert change.events[0].detail["alarm"]
    assert change.account.quiet_until == max(NOW, of.seen_at) + QUIET
    assert change.account.attempts == of.attempts
    again = answer_elsewhere(change.account, moment(), seen=asked(), status="denied", data=DATA)
    assert isinstance(again.answer, Refusal)
    assert again.events == ()


@pytest.mark.parametrize("status", ["approved", "denied"])
def test_an_answer_is_given_once(status: Any) -> None:
    """An answered request never changes again.

    That holds also if the caller has seen it as it is now.
    """
    seen = asked(status=status)
    change = answer_elsewhere(owner(seen), moment(), seen=seen, status="approved", data=DATA)
    assert isinstance(change.answer, Refusal)
    assert change.answer.reason == "code_already_used"


DRAFT = Enrollment(
    id="d1", factor="key", label="Phone", browser=HANDLE, started_at=NOW - 10, expires_at=NOW + 1, data={"step": "1"}
)


def test_a_draft_gets_its_data() -> None:
    """Only this draft, and nothing else of it."""
    other = replace(DRAFT, id="d2")
    change = amend_draft(owner(enrollments=(other, DRAFT)), moment(), seen=DRAFT, data=DATA)
    assert change.answer == replace(DRAFT, data=DATA)
    assert change.account.enrollments == (other, replace(DRAFT, data=DATA))
    assert change.events == ()


@pytest.mark.parametrize(
    ("of", "now", "reason"),
    [
        (owner(enrollments=(DRAFT,), lock=LOCK), NOW, "locked"),
        (owner(enrollments=(replace(DRAFT, data={"step": "2"}),)), NOW, "code_already_used"),
        (owner(), NOW, "code_already_used"),
        (owner(enrollments=(DRAFT,)), NOW + 1, "code_already_used"),
    ],
)
def test_a_draft_that_is_refused(of: Account, now: int, reason: str) -> None:
    """It is amended once, before its end, and not on a locked account."""
    change = amend_draft(of, moment(now), seen=DRAFT, data=DATA)
    assert isinstance(change.answer, Refusal)
    assert change.answer.reason == reason
    assert change.account.enrollments == of.enrollments


def test_a_device_gets_another_address() -> None:
    """The address at which it is woken changes, and no other authenticator."""
    mine, other = authenticator("key", data={"push": "old"}), authenticator("app")
    of = replace(owner(), authenticators=(other, mine))
    change = amend_authenticator(of, moment(), seen=mine, amend=lambda data: {**data, "push": "new"})
    amended = replace(mine, data={"push": "new"})
    assert change.answer == amended
    assert change.account.authenticators == (other, amended)
    same = amend_authenticator(of, moment(), seen=mine, amend=dict)
    assert (same.answer, same.account) == (mine, of)


@pytest.mark.parametrize("held", [(), (authenticator("key", revision=1),), (authenticator("key", "key-2"),)])
def test_a_device_that_is_gone(held: tuple[Any, ...]) -> None:
    """A device that was removed or replaced meanwhile is not amended."""
    of = replace(owner(), authenticators=held)
    change = amend_authenticator(of, moment(), seen=authenticator("key"), amend=lambda data: {"push": "new"})
    assert isinstance(change.answer, Refusal)
    assert change.answer.reason == "not_found"
    assert change.account == of
