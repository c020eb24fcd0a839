"""A clock that steps back revives nothing (F-15, S-118)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import charge, issue, may_change, may_enroll, put_in_time, settle_success
from mfa_gate.core.changes.after_failover import regained
from mfa_gate.core.changes.after_restore import after_restore
from mfa_gate.core.changes.challenge import wait_for
from mfa_gate.core.changes.out_of_band import QUIET
from mfa_gate.core.decision import Allow, Deny, StepUp
from mfa_gate.core.evidence import NO_SESSION, SESSION_LIFE, skip_key
from mfa_gate.core.model import Account, Attempts, Challenge, Leave, Seconds, Sent
from mfa_gate.core.policy import stage_at
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import DAY, CountRules, EnrollmentRules, ResendRules, TenantSettings

from .builders import (
    APP,
    HANDLE,
    NO_SESSION_ANN,
    NOW,
    WEEK,
    account,
    caller,
    challenge,
    evidence,
    judged,
    moment,
    proof,
    requirement,
    rules_with,
    taken_from,
)

RULES = rules_with()
BACK = NOW - 30 * DAY
"""What the clock says after its step; the accounts here have been changed at ``NOW``."""


def seen(of: Account) -> Account:
    return replace(of, seen_at=NOW)


def test_an_expired_proof_stays_expired() -> None:
    """F-15: a proof that has been seen to be too old is too old, whatever the clock says now."""
    of = seen(account("app", proofs=(proof(age=WEEK),)))
    assert isinstance(judged(of, now=BACK), StepUp)
    young = seen(account("app", proofs=(proof(age=WEEK - 1),)))
    assert isinstance(judged(young, now=BACK), Allow)


def test_an_ended_session_stays_ended() -> None:
    """F-15: the twelve hours of an unnamed session do not start again."""
    of = seen(account("app", proofs=(proof(age=SESSION_LIFE, session=NO_SESSION),)))
    assert isinstance(judged(of, who=caller(NO_SESSION_ANN), now=BACK), StepUp)


def test_a_skip_of_before_stays_over() -> None:
    """F-15: nor does a skip."""
    skips = ((skip_key(NO_SESSION_ANN, HANDLE), NOW - SESSION_LIFE),)
    optional = requirement(rules_with(enrollment=EnrollmentRules(stage="optional", first="open")))
    assert not isinstance(judged(seen(account(skips=skips)), optional, caller(NO_SESSION_ANN), now=BACK), Allow)


def test_no_right_to_change_factors_comes_back() -> None:
    """F-15, S-84: the five minutes of a proof and the quarter of an hour of a leave stay over."""
    of = seen(account("app", proofs=(proof(age=300),)))
    refusal = may_change(evidence(of, now=BACK), requirement(), BACK)
    assert refusal is not None
    assert refusal.reason == "proof_required"
    contact = rules_with(enrollment=EnrollmentRules(first="contact"))
    waiting = seen(account(leave=Leave(kind="contact", browser=HANDLE, at=NOW - 900)))
    asked = requirement(contact)
    refusal = may_enroll(evidence(waiting, now=BACK), judged(waiting, asked, now=BACK), asked, APP, BACK)
    assert refusal is not None
    assert refusal.reason == "contact_required"


@pytest.mark.parametrize("age", [600, 601])
def test_a_dead_code_stays_dead(age: int) -> None:
    """S-47, S-118: a code that had ended is not accepted by a worker whose clock is behind."""
    of = seen(account("app", challenges=(challenge(age=age),)))
    of, taken = taken_from(of, RULES, now=BACK)
    change = settle_success(
        of, moment(BACK), RULES, caller(), taken=taken, seen=of.authenticators[0], data={"step": 1}, challenge="c1",
        user_verified=False, phishing_resistant=False, remember=True, new_handle="n", answer="a",
    )  # fmt: skip
    assert isinstance(change.answer, Refusal)
    assert change.answer.reason == "code_already_used"


def test_what_is_made_meanwhile_has_the_time_that_was_seen() -> None:
    """A proof or code of a worker whose clock is behind carries the later time that was seen.

    F-15. So it ends no earlier and no later.
    """
    of = seen(account("app"))
    charged, taken = taken_from(of, RULES, now=BACK)
    assert (charged.seen_at, charged.attempts.charged_at) == (NOW, NOW)
    change = settle_success(
        charged, moment(BACK), RULES, caller(), taken=taken, seen=of.authenticators[0], data={"step": 1}, challenge="",
        user_verified=False, phishing_resistant=False, remember=True, new_handle="n", answer="a",
    )  # fmt: skip
    assert change.account.browsers[0].proofs[0].at == NOW


def test_limits_do_not_start_again() -> None:
    """S-50, S-118: the sends of before the step count, and so does the wait."""
    of = seen(account("mail", sent=(Sent(factor="mail", at=NOW - 5),)))
    words: dict[str, Any] = {"purpose": "sign-in", "target": "t", "browser": "b", "data": {}, "ttl": 60, "live": 5}
    change = issue(of, moment(BACK), factor="mail", limits=ResendRules(wait=Seconds(30)), **words)
    assert isinstance(change.answer, Refusal)
    assert change.answer.retry_after == 25


def test_a_wait_goes_on_by_todays_clock() -> None:
    """A wait between two sends goes by the corrected clock after a clock ran ahead.

    The half minute is half a minute. It does not last until the wrong time.
    """
    of = seen(account("mail", sent=(Sent(factor="mail", at=NOW - 5),)))
    words: dict[str, Any] = {"purpose": "sign-in", "target": "t", "browser": "b", "data": {}, "ttl": 60, "live": 5}
    limits = ResendRules(wait=Seconds(30), per_hour=2)
    first = issue(of, moment(BACK), factor="mail", limits=limits, **words)
    assert isinstance(first.answer, Refusal)
    early = issue(first.account, moment(BACK + 24), factor="mail", limits=limits, **words)
    assert isinstance(early.answer, Refusal)
    done = issue(first.account, moment(BACK + 25), factor="mail", limits=limits, **words)
    assert isinstance(done.answer, Challenge)
    assert (done.answer.issued_at, done.answer.expires_at) == (BACK + 25, BACK + 85)
    third = issue(done.account, moment(BACK + 60), factor="mail", limits=limits, **words)
    assert isinstance(third.answer, Refusal), "the hour counts what went out before the step"


@pytest.mark.parametrize(
    ("quiet", "wait"),
    [
        (NOW + 60, 60),
        (NOW + 1, 1),
        (NOW, 0),
        (NOW - 5, 0),
        (BACK + QUIET, QUIET),
        (BACK + 60, 60),
        (BACK - 1, 0),
        (0, 0),
    ],
)
def test_the_quiet_of_a_phone_goes_on_by_todays_clock(quiet: int, wait: int) -> None:
    """S-97: after a denial the phone is left alone for the rest of its hour.

    It is not left alone until a wrong time comes.
    """
    back = put_in_time(seen(account("push", quiet_until=quiet)), moment(BACK)).account
    assert wait_for(back, "push", CountRules(), BACK) == wait
    again = put_in_time(back, moment(BACK)).account
    assert wait_for(again, "push", CountRules(), BACK) == wait


@pytest.mark.parametrize(("ahead", "at"), [(60, NOW + 60), (61, NOW)])
def test_only_a_clock_that_was_far_ahead_is_corrected(ahead: int, at: int) -> None:
    """Workers' clocks differ by some seconds, which corrects nothing.

    A send of this very second stays as it is.
    """
    sent = (Sent(factor="mail", at=NOW), Sent(factor="mail", at=NOW + ahead))
    of = account("mail", seen_at=NOW + ahead, sent=sent)
    assert [one.at for one in put_in_time(of, moment()).account.sent] == [NOW, at]


def test_what_is_sent_while_the_mark_is_ahead_lives_by_the_clock() -> None:
    """A code that goes out now lives as long as it says; one that had ended stays dead."""
    words: dict[str, Any] = {"purpose": "sign-in", "target": "t", "browser": "b", "data": {}, "ttl": 60, "live": 5}
    of = seen(account("mail", challenges=(challenge(age=601),)))
    change = issue(of, moment(BACK), factor="mail", limits=None, **words)
    (dead, last), fresh = change.account.challenges, change.answer
    assert isinstance(fresh, Challenge)
    assert fresh.is_live(BACK + 59, NOW)
    assert not fresh.is_live(BACK + 60, NOW)
    assert not dead.is_live(BACK, NOW)
    assert last == fresh, "the newest comes last, whatever the clocks say"


@pytest.mark.parametrize(("behind", "lives"), [(0, True), (60, True), (61, False), (3600, False)])
def test_a_code_of_a_clock_that_ran_ahead_does_not_live_until_then(behind: int, lives: bool) -> None:
    """S-47, S-118: a code that was sent an hour ahead is dead by the right clock.

    It would live for that hour as well. Workers' clocks differ by some seconds, which ends no code.
    """
    assert challenge(age=0).is_live(NOW - behind, NOW) is lives


def test_an_accepted_copy_sets_the_mark_back() -> None:
    """An accepted copy sets the time that was seen back to the present.

    D-64. A time that a clock had set ahead is not ahead any more. Every proof is over, and no send waits for
    the wrong time.
    """
    of = replace(seen(account("app", proofs=(proof(),), sent=(Sent(factor="mail", at=NOW),))), quiet_until=NOW + 60)
    back = after_restore(of, BACK)
    assert (back.seen_at, back.epoch, back.sent[0].at, back.quiet_until) == (BACK, of.epoch + 1, BACK, BACK)
    assert after_restore(of, NOW + 5).seen_at == NOW


def test_what_a_failover_lost_sets_no_mark_back() -> None:
    """D-64: nothing else sets a mark back."""
    confirmed = seen(replace(account("app"), version=5))
    stored = replace(account("app"), version=7, seen_at=NOW - 60)
    assert regained(stored, confirmed, untouched=False).seen_at == NOW


def test_attempts_and_locks_know_no_clock() -> None:
    """S-33: no step of the clock gives an attempt back."""
    spent = seen(account("app", attempts=Attempts(used=7, charged_at=NOW - 60)))
    for now in (BACK, NOW, NOW + 999 * DAY):
        assert isinstance(judged(spent, now=now), Deny)
        assert isinstance(charge(spent, moment(now), RULES).answer, Refusal)


def test_a_tenant_that_is_on_stays_on() -> None:
    """A tenant that an administrator turned on is on for a worker with a slow clock too.

    S-118.
    """
    assert stage_at(EnrollmentRules(stage="admin"), TenantSettings(tenant="t", enabled_at=NOW), BACK) == "required"


def test_a_jump_forward_locks_nobody() -> None:
    """F-16: a day ahead ends proofs early and locks no account."""
    of = account("app", proofs=(proof(),), attempts=Attempts(used=6))
    assert isinstance(judged(of, now=NOW + 30 * DAY), StepUp)
    assert charge(of, moment(NOW + 30 * DAY), RULES).account.lock is None
