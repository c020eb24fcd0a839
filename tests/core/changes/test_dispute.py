"""A person says "this was not me", and all that could help a thief stops.

A mistake can be taken back.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import dispute
from mfa_gate.core.changes.dispute import FREEZE
from mfa_gate.core.events import TOLD_BY
from mfa_gate.core.model import Account, Enrollment, Leave, Recovery
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import DAY

from ..builders import HANDLE, NOW, account, authenticator, challenge, moment, proof

WAITS = Recovery(ref="R", at=NOW - 60, about="lost", network="", opens_at=NOW + 60)
DRAFT = Enrollment(id="d1", factor="app", label="", browser=HANDLE, started_at=NOW, expires_at=NOW + 60)
SINCE = NOW - 600
"""When the disputed thing happened."""


def used(id: str, at: int, *, created_at: int = 0) -> Any:
    return authenticator("app", id, created_at=created_at, last_used_at=at)


OWNER = account(authenticators=(used("old", SINCE - DAY - 1), used("thief", SINCE)), proofs=(proof(),))


def disputed(of: Account = OWNER, *, at: int = SINCE, now: int = NOW) -> Account:
    return dispute.dispute(of, moment(now), about="E1", kind="factor.enrolled", at=at).account


def test_everything_that_is_under_way_stops() -> None:
    """U-37, S-87: proofs, codes, drafts, the leave to enroll and a call for help end.

    Factors rest for a day.
    """
    of = replace(
        OWNER,
        challenges=(challenge(),),
        enrollments=(DRAFT,),
        replaced=(DRAFT,),
        leave=Leave(kind="contact", browser=HANDLE, at=NOW),
        recovery=WAITS,
    )
    change = dispute.dispute(of, moment(), about="E1", kind="factor.enrolled", at=SINCE)
    kept = change.account
    assert (kept.epoch, kept.frozen_until) == (1, NOW + DAY)
    assert (kept.challenges, kept.enrollments, kept.replaced, kept.leave, kept.recovery) == ((), (), (), None, None)
    assert kept.authenticators == of.authenticators
    told = [(event.kind, event.reason, event.detail.get(TOLD_BY)) for event in change.events]
    assert told == [
        ("account.disputed", "", None),
        ("proofs.revoked", "disputed", None),
        ("recovery.stopped", "disputed", "proofs.revoked"),
    ]
    assert (change.events[0].detail["about"], change.events[0].detail["what"]) == ("E1", "factor.enrolled")


def test_nothing_more_is_told_than_was_there() -> None:
    """Without a call for help none is told to have been stopped.

    A longer rest is not cut short.
    """
    change = dispute.dispute(replace(OWNER, frozen_until=NOW + 9 * DAY), moment(), about="", kind="")
    assert [event.kind for event in change.events] == ["account.disputed", "proofs.revoked"]
    assert change.account.frozen_until == NOW + 9 * DAY


def test_a_forgotten_person_disputes_nothing() -> None:
    """An old mail's link brings no account back."""
    gone = Account(key=OWNER.key, version=4, forgotten_at=NOW - 9)
    change = dispute.dispute(gone, moment(), about="E1", kind="factor.enrolled", at=SINCE)
    assert (change.account, change.events, change.answer) == (gone, (), False)


@pytest.mark.parametrize(
    ("mine", "at", "free"),
    [
        (used("a", SINCE - DAY - 1), SINCE, True),
        (used("a", SINCE - DAY), SINCE, False),
        (used("a", SINCE), SINCE, False),
        (used("a", NOW), SINCE, False),
        (used("a", 0, created_at=SINCE - DAY - 1), SINCE, True),
        (used("a", 0, created_at=SINCE - DAY), SINCE, False),
        (used("a", SINCE - DAY - 1), NOW + 99 * DAY, True),
        (used("a", NOW - DAY), NOW + 99 * DAY, False),
        (used("a", NOW - DAY - 1), 0, True),
        (used("a", NOW - DAY), 0, False),
    ],
)
def test_which_authenticators_had_no_part(mine: Any, at: int, free: bool) -> None:
    """Those that were there a day before and not used since.

    Without a time it counts from now, never from later.
    """
    change = dispute.dispute(account(authenticators=(mine,)), moment(), about="", kind="", at=at)
    assert change.answer is free
    assert change.account.undo_by == ((("a", min(at or NOW, NOW)),) if free else ())


def test_a_second_dispute_leaves_what_had_no_part_in_either() -> None:
    """A thief who disputes once more cannot put a factor of theirs in.

    After the rest a dispute stands alone.
    """
    first = disputed(at=SINCE)
    assert dict(first.undo_by).keys() == {"old"}
    later = SINCE + 2 * DAY
    long = replace(first, frozen_until=later + 9)
    assert dict(disputed(long, at=later, now=later).undo_by).keys() == {"old"}
    over = replace(first, frozen_until=later)
    assert dict(disputed(over, at=later, now=later).undo_by).keys() == {"old", "thief"}


@pytest.mark.parametrize(
    ("proven", "now", "reason"),
    [
        (("old",), NOW, ""),
        (("thief", "old"), NOW + FREEZE - 1, ""),
        (("thief",), NOW, "proof_required"),
        ((), NOW, "proof_required"),
        (("old",), NOW + FREEZE, "not_found"),
    ],
)
def test_a_mistake_is_taken_back(proven: tuple[str, ...], now: int, reason: str) -> None:
    """A fresh proof of an authenticator that had no part in it takes it back.

    It does so while the rest lasts, and ended proofs stay ended.
    """
    of = disputed()
    change = dispute.undo(of, moment(now), proven=proven)
    if reason:
        assert isinstance(change.answer, Refusal)
        assert (change.answer.reason, change.account, change.events) == (reason, of, ())
    else:
        assert [event.kind for event in change.events] == ["account.dispute_undone"]
        assert (change.account.frozen_until, change.account.undo_by, change.account.epoch) == (0, (), of.epoch)
        assert change.answer is None


def test_nothing_to_take_back() -> None:
    """The day of rest is waited for if every authenticator may have had a part."""
    for of in (replace(disputed(), undo_by=()), account("app")):
        change = dispute.undo(of, moment(), proven=("old",))
        assert isinstance(change.answer, Refusal)
        assert change.answer.reason == "not_found"
