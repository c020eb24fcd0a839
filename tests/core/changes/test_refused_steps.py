"""Steps that refuse: each one names its reason, and leaves the account as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import admin, break_glass, dispute, life, self_service, slow_recovery, two_people
from mfa_gate.core.changes.base import Change
from mfa_gate.core.model import Account, Recovery
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.roles import Hand
from tests.core.builders import NOW, TRAITS, account, moment

BOSS = Hand("boss", "clinic")
WHY = "phone in the lake"
WAITING = Recovery(ref="R", at=NOW - 60, about="lost", network="")
HELPED = replace(account("app"), recovery=WAITING)
NOBODY = replace(account(), recovery=WAITING)
HOLD = 3600

Step = Callable[[Account], Change[Any]]
ROWS: list[tuple[str, Account, Step, str]] = [
    ("lock without a reason", account("app"), lambda a: admin.lock(a, moment(), reason=" "), "malformed"),
    (
        "ticket without a reason",
        account(),
        lambda a: admin.give_ticket(a, moment(), digest="d", life=60, reason=""),
        "malformed",
    ),
    (
        "ticket for a person with a factor",
        account("app"),
        lambda a: admin.give_ticket(a, moment(), digest="d", life=60, reason=WHY),
        "already_enrolled",
    ),
    (
        "ticket while a request is held",
        NOBODY,
        lambda a: admin.give_ticket(a, moment(), digest="d", life=60, reason=WHY, hold=HOLD),
        "too_soon",
    ),
    ("recovery refused without a reason", HELPED, lambda a: admin.refuse_recovery(a, moment(), reason=""), "malformed"),
    ("no recovery to refuse", account("app"), lambda a: admin.refuse_recovery(a, moment(), reason=WHY), "not_found"),
    (
        "removal without a reason",
        account("app"),
        lambda a: admin.remove_authenticator(a, moment(), id="app-1", reason="", traits=TRAITS),
        "malformed",
    ),
    (
        "removal of what is not there",
        account("app"),
        lambda a: admin.remove_authenticator(a, moment(), id="x", reason=WHY, traits=TRAITS),
        "not_found",
    ),
    (
        "removal of the last factor while a request is held",
        HELPED,
        lambda a: admin.remove_authenticator(a, moment(), id="app-1", reason=WHY, traits=TRAITS, hold=HOLD),
        "too_soon",
    ),
    (
        "a browser forgotten for a bad reason",
        account("app"),
        lambda a: admin.forget_browser(a, moment(), id="b1", reason="\x00"),
        "malformed",
    ),
    (
        "break-glass for oneself",
        account("app"),
        lambda a: break_glass.ask(a, moment(), by=Hand("ann", "clinic"), reason=WHY, ticket="T-1", hours=2),
        "not_allowed",
    ),
    ("no call for help to stop", account("app"), lambda a: dispute.stop_recovery(a, moment()), "not_found"),
    (
        "forgotten while a request is held",
        HELPED,
        lambda a: life.forget_on_request(a, moment(), pseudonym="p", reason=WHY, hold=HOLD),
        "too_soon",
    ),
    (
        "forgotten without a reason",
        account("app"),
        lambda a: life.forget_on_request(a, moment(), pseudonym="p", reason="", hold=0),
        "malformed",
    ),
    (
        "a request without words",
        account("app"),
        lambda a: self_service.request_recovery(a, moment(), about=" "),
        "malformed",
    ),
    (
        "an act without a reason",
        account("app"),
        lambda a: two_people.ask(a, moment(), act="reset", by=BOSS, reason=""),
        "malformed",
    ),
    (
        "an act taken back without a reason",
        account("app"),
        lambda a: two_people.withdraw(a, moment(), reason=""),
        "malformed",
    ),
]


@pytest.mark.parametrize(("before", "step", "reason"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_a_refusal_changes_nothing(before: Account, step: Step, reason: str) -> None:
    """A refused step leaves the account as it was, and writes nothing."""
    change = step(before)
    assert isinstance(change.answer, Refusal)
    assert change.answer.reason == reason
    assert (change.account, change.events) == (before, ())


def test_a_request_that_opens_by_itself_only() -> None:
    """A request that administrators answer neither reminds nor begins its wait again."""
    for change in (
        slow_recovery.remind(HELPED, moment(), wait=HOLD),
        slow_recovery.begin_again(HELPED, moment(), wait=HOLD, seen=WAITING, told="x", reason="contacts"),
        slow_recovery.begin_again(account("app"), moment(), wait=HOLD, seen=WAITING, told="x", reason="contacts"),
    ):
        assert (change.events, change.answer) == ((), None)
