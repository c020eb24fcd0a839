"""Acts of an administrator.

Each needs a reason, changes what it names, and leaves a line in the trail.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import Change, admin, dispute
from mfa_gate.core.model import Account, Attempts, Enrollment, Grant, Lock, Recovery, Ticket
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import DAY

from ..builders import HANDLE, NOW, TRAITS, account, browser, challenge, moment, proof

HOLD = 3600
WAITS = Recovery(ref="R", at=NOW - HOLD + 1, about="lost", network="")
OVER = replace(WAITS, at=NOW - HOLD)
LOCK = Lock(cause="attempts", at=NOW - 9, ref="REF")
DRAFT = Enrollment(id="d1", factor="app", label="", browser=HANDLE, started_at=NOW, expires_at=NOW + 60)

ACTS: dict[str, Callable[..., Change[Refusal | None]]] = {
    "lock": lambda of, reason: admin.lock(of, moment(actor="eve"), reason=reason),
    "unlock": lambda of, reason: admin.unlock(of, moment(actor="eve"), reason=reason),
    "reset": lambda of, reason: admin.reset(of, moment(actor="eve"), ticket="INC-7", reason=reason, hold=HOLD),
    "ticket": lambda of, reason: admin.give_ticket(
        of, moment(actor="eve"), digest="d", life=600, reason=reason, hold=HOLD
    ),
    "refuse": lambda of, reason: admin.refuse_recovery(of, moment(actor="eve"), reason=reason),
    "remove": lambda of, reason: admin.remove_authenticator(
        of, moment(actor="eve"), id="app-1", reason=reason, traits=TRAITS, hold=HOLD
    ),
    "forget": lambda of, reason: admin.forget_browser(of, moment(actor="eve"), id="b1", reason=reason),
}


def owner(*factors: str, **parts: Any) -> Account:
    return account(*(factors or ("app", "paper")), proofs=(proof("app"),), challenges=(challenge(),), **parts)


def refused(change: Change[Refusal | None], reason: str, member: str = "") -> bool:
    """Tell if an act was refused for this, and changed and told nothing."""
    assert isinstance(change.answer, Refusal)
    return (change.answer.reason, change.answer.member, change.events) == (reason, member, ())


@pytest.mark.parametrize("act", sorted(ACTS))
def test_each_act_needs_a_reason(act: str) -> None:
    """Blanks are no reason.

    Only a browser is forgotten without one.
    """
    of = owner(lock=LOCK, recovery=OVER)
    assert refused(ACTS[act](of, " \t"), "malformed", "reason")
    if act != "forget":
        assert refused(ACTS[act](of, ""), "malformed", "reason")


def test_a_reset_needs_a_ticket() -> None:
    """The reset names where it was asked for; the first member that is missing is named."""
    assert refused(admin.reset(owner(), moment(), ticket=" ", reason="lost"), "malformed", "ticket")
    assert refused(admin.reset(owner(), moment(), ticket=" ", reason=" "), "malformed", "reason")


@pytest.mark.parametrize("act", ["reset", "ticket", "remove"])
def test_a_waiting_request_is_held(act: str) -> None:
    """A waiting request is granted only when its time is over.

    Until then it can be stopped.
    """
    of = replace(owner("app"), recovery=WAITS)
    of = replace(of, authenticators=()) if act == "ticket" else of
    change = ACTS[act](of, "lost")
    assert isinstance(change.answer, Refusal)
    assert (change.answer.reason, change.answer.retry_after) == ("too_soon", 1)
    assert (change.account, change.events) == (of, ())
    assert ACTS[act](replace(of, recovery=OVER), "lost").answer is None
    assert ACTS[act](replace(of, recovery=WAITS, seen_at=NOW + 1), "lost").answer is None, "by the later of two clocks"


def test_a_lock() -> None:
    """It ends every proof and everything that could become one."""
    change = ACTS["lock"](owner(enrollments=(DRAFT,), replaced=(DRAFT,)), "stolen")
    kept = change.account
    assert kept.lock == Lock(at=NOW, cause="administrator", ref=change.events[0].id, actor="eve")
    assert (kept.epoch, kept.challenges, kept.enrollments, kept.replaced) == (1, (), (), ())
    assert [(e.kind, e.reason, e.detail["cause"]) for e in change.events] == [
        ("account.locked", "stolen", "administrator")
    ]
    again = ACTS["lock"](kept, "stolen")
    assert (again.account, again.events, again.answer) == (kept, (), None)


def test_a_lock_takes_the_place_of_an_attempt_lock() -> None:
    """An administrator's lock ends live proofs, too."""
    kept = ACTS["lock"](owner(lock=LOCK), "stolen").account
    assert kept.lock is not None
    assert (kept.lock.cause, kept.epoch) == ("administrator", 1)


def test_an_unlock() -> None:
    """It gives all attempts back, empties the rolling count, and keeps the factors."""
    of = owner(lock=LOCK, attempts=Attempts(used=7, series=2, days=((NOW // 86_400, 9),)))
    change = ACTS["unlock"](of, "called")
    assert change.account.lock is None
    assert (change.account.attempts.used, change.account.attempts.days) == (0, ())
    assert change.account.authenticators == of.authenticators
    assert [(e.kind, e.reason) for e in change.events] == [("account.unlocked", "called")]


@pytest.mark.parametrize(
    ("parts", "told"),
    [
        ({"attempts": Attempts(used=1)}, True),
        ({"attempts": Attempts(days=((NOW // DAY, 1),))}, True),
        ({"uncounted": (("", NOW),)}, True),
        ({"lock": LOCK}, True),
        ({}, False),
    ],
)
def test_wrong_answers_are_forgiven_before_they_lock(parts: dict[str, Any], told: bool) -> None:
    """An administrator who is called after three wrong codes can help.

    Where nothing was wrong, nothing is written.
    """
    change = ACTS["unlock"](owner(**parts), "called")
    assert change.answer is None
    assert [event.kind for event in change.events] == ["account.unlocked"] * told
    assert (change.account.attempts.used, change.account.attempts.days, change.account.uncounted) == (0, (), ())


GRANT = Grant(ref="G", asked_by="eve", asked_at=NOW, reason="r", ticket="t", life=9, epoch=0, ends_at=NOW + 9)
SLOW = replace(WAITS, opens_at=NOW + 100)


@pytest.mark.parametrize("lock", [None, LOCK])
def test_what_an_unlock_does_to_the_other_ways_back_in(lock: Lock | None) -> None:
    """A lock ended the grant, and stopped the wait of a recovery, which begins again.

    Where there was no lock, both go on as they were.
    """
    kept = ACTS["unlock"](owner(lock=lock, grant=GRANT, recovery=SLOW, attempts=Attempts(used=1)), "called").account
    begun = replace(SLOW, at=NOW, opens_at=NOW + 100 + HOLD - 1)
    assert (kept.grant, kept.recovery) == ((None, begun) if lock else (GRANT, SLOW))


def test_a_ticket_that_is_mailed() -> None:
    """The trail tells a ticket that went out by mail from one that was read to the person."""
    for mail, by in ((True, "mail"), (False, None)):
        change = admin.give_ticket(account(), moment(), digest="d", life=600, reason="new phone", mail=mail)
        assert change.events[0].detail.get("by") == by


def test_a_ticket() -> None:
    """It is for one first enrollment, has an end and its giver, and replaces an older one."""
    old = Ticket(digest="old", expires_at=NOW + 9, actor="x", ref="OLD")
    change = ACTS["ticket"](account(ticket=old), "new phone")
    assert change.account.ticket == Ticket(digest="d", expires_at=NOW + 600, actor="eve", ref=change.events[0].id)
    assert [(e.kind, e.reason) for e in change.events] == [("enrollment.ticket", "new phone")]
    assert refused(ACTS["ticket"](owner("paper"), "new phone"), "already_enrolled")


def test_a_request_for_help_is_refused() -> None:
    """The request goes, and nothing else."""
    change = ACTS["refuse"](owner(recovery=WAITS), "not her")
    assert change.account.recovery is None
    assert change.account.authenticators
    assert [(e.kind, e.reason) for e in change.events] == [("recovery.refused", "not her")]
    assert refused(ACTS["refuse"](owner(), "not her"), "not_found")


def test_one_of_several_is_removed() -> None:
    """Its proofs go with it; the others stay, and so does a waiting request."""
    of = owner("app", "key", recovery=WAITS)
    change = ACTS["remove"](of, "stolen")
    assert [mine.id for mine in change.account.authenticators] == ["key-1"]
    assert (change.account.epoch, change.account.recovery) == (0, WAITS)
    assert [proofs for known in change.account.browsers for proofs in known.proofs] == []
    event = change.events[0]
    assert (event.kind, event.factor, event.reason, event.detail["authenticator"]) == (
        "factor.removed",
        "app",
        "stolen",
        "app-1",
    )
    assert refused(admin.remove_authenticator(of, moment(), id="x", reason="r", traits=TRAITS), "not_found")


def test_the_last_one_is_removed() -> None:
    """Backup codes are no factor: they go with the last one.

    Every proof ends, and the request is answered.
    """
    change = ACTS["remove"](owner(recovery=OVER), "stolen")
    assert (change.account.authenticators, change.account.epoch, change.account.recovery) == ((), 1, None)


def test_a_browser_is_forgotten() -> None:
    """Only this browser, with or without a reason."""
    of = replace(owner(), browsers=(browser(proof()), browser(id="b2", handle="h2")))
    change = ACTS["forget"](of, "")
    assert [known.id for known in change.account.browsers] == ["b2"]
    assert [(e.kind, e.reason, e.browser or e.detail.get("browser")) for e in change.events] == [
        ("browser.forgotten", "", "b1")
    ]
    assert ACTS["forget"](of, "stolen").events[0].reason == "stolen"
    assert refused(admin.forget_browser(of, moment(), id="b9", reason=""), "not_found")


def test_a_reset_of_a_clock_that_ran_ahead() -> None:
    """A mark far ahead is set back with every time beside it.

    Otherwise the person would be shut out.
    """
    day = NOW // 86_400
    ahead = owner(
        seen_at=NOW + 9 * 86_400,
        attempts=Attempts(used=3, charged_at=NOW + 9 * 86_400, days=((day - 1, 1), (day, 2), (day + 9, 4))),
        quiet_until=NOW + 9 * 86_400,
        logins_from=NOW + 9 * 86_400,
        skips=(("s:x", NOW + 9 * 86_400),),
    )
    kept = ACTS["reset"](ahead, "lost").account
    assert kept.seen_at == NOW
    assert kept.attempts.charged_at <= NOW
    assert kept.attempts.days == ((day - 1, 1), (day, 6))
    assert (kept.quiet_until, kept.logins_from) == (0, NOW)
    assert (kept.authenticators, kept.browsers, kept.challenges) == ((), (), ())


@pytest.mark.parametrize(("cause", "stays"), [("administrator", True), ("attempts", False)])
def test_a_reset_and_a_lock(cause: str, stays: bool) -> None:
    """A lock by an administrator stays.

    One because the attempts were used up goes with the factors.
    """
    kept = ACTS["reset"](owner(lock=replace(LOCK, cause=cause)), "lost").account
    assert (kept.lock is not None) is stays


def test_a_request_for_help_is_taken_back() -> None:
    """The person's own word ends it; without one there is nothing to take back."""
    change = dispute.stop_recovery(owner(recovery=WAITS), moment())
    assert (change.account.recovery, change.answer) == (None, None)
    assert [e.kind for e in change.events] == ["recovery.stopped"]
    assert refused(dispute.stop_recovery(owner(), moment()), "not_found")
