"""Challenges: the pace of sending, the number that may live, and failed deliveries."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import Change, issue, send_failed, withdraw
from mfa_gate.core.changes.challenge import wait_for
from mfa_gate.core.model import MAX_CODES, MAX_FREE_SENDS, MAX_OTHER_CHALLENGES, Account, Challenge, Lock, Seconds, Sent
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import DAY, CountRules, ResendRules

from ..builders import HANDLE, NOW, account, challenge, moment

LIMITS = ResendRules()


def send(of: Account, *, now: int = NOW, factor: str = "mail", **parts: Any) -> Change[Challenge | Refusal]:
    words: dict[str, Any] = {
        "purpose": "sign-in",
        "target": "mail-1",
        "browser": HANDLE,
        "data": {"code": f"digest {now}"},
        "ttl": 600,
        "limits": LIMITS,
        "live": 5,
    }
    return issue(of, moment(now, now.to_bytes(32)), factor=factor, **{**words, **parts})


def sent(*ages: int, factor: str = "mail") -> Account:
    return account("mail", sent=tuple(Sent(factor=factor, at=NOW - age) for age in ages))


@pytest.mark.parametrize(
    ("of", "wait"),
    [
        (account("mail"), 0),
        (sent(0), 30),
        (sent(29), 1),
        (sent(30), 0),
        (sent(0, factor="text"), 0),
        (sent(3000, 2000, 1000, 500), 0),
        (sent(3000, 2000, 1000, 500, 100), 600),
        (sent(3600, 2000, 1000, 500, 100), 0),
        (sent(3000, 2000, 1000, 500, 10), 600),
        (sent(*range(5000, 50_001, 5000)), DAY - 50_000),
        (sent(*range(5000, 50_001, 5000), factor="text"), DAY - 50_000),
        (sent(*range(5000, 45_001, 5000)), 0),
        (sent(DAY, *range(5000, 45_001, 5000)), 0),
    ],
)
def test_how_long_to_wait(of: Account, wait: int) -> None:
    """S-50: thirty seconds between, five an hour for a factor, ten a day over all factors."""
    assert wait_for(of, "mail", LIMITS, NOW) == wait


@pytest.mark.parametrize(
    ("ages", "quiet", "wait"),
    [
        ((), 0, 0),
        ((10, 20), 0, 0),
        ((10, 20, 30), 0, 870),
        ((10, 20, 899), 0, 1),
        ((10, 20, 900), 0, 0),
        ((10, 20, 30, 40), 0, 870),
        ((), 5, 5),
        ((10, 20, 30), 900, 900),
    ],
)
def test_how_long_a_phone_is_left_alone(ages: tuple[int, ...], quiet: int, wait: int) -> None:
    """S-97: three requests in a quarter of an hour, and none for a while after one was denied."""
    of = replace(sent(*ages, factor="push"), quiet_until=NOW + quiet)
    assert wait_for(of, "push", CountRules(), NOW) == wait
    assert wait_for(of, "mail", LIMITS, NOW) == 0, "a code by mail does not wait for the phone"


def test_requests_to_a_phone_are_no_messages_of_the_day() -> None:
    """S-50: they cost nothing, so a tenth of them does not keep back a code."""
    free = tuple(Sent(factor="push", at=NOW - 5000, free=True) for _ in range(LIMITS.per_day))
    assert wait_for(account("mail", sent=free), "mail", LIMITS, NOW) == 0
    nine = sent(*range(5000, 45_001, 5000)).sent
    assert wait_for(account("mail", sent=(*free, *nine)), "mail", LIMITS, NOW) == 0


def test_too_soon_says_how_long_and_changes_nothing() -> None:
    """A refused send leaves the account as it was and names the seconds."""
    of = send(account("mail")).account
    change = send(of, now=NOW + 10)
    assert isinstance(change.answer, Refusal)
    assert (change.answer.reason, change.answer.retry_after) == ("too_soon", 20)
    assert (change.account, change.events) == (of, ())


def test_a_day_of_sending() -> None:
    """An account gets ten messages a day and no eleventh.

    S-50, F-24. This holds for a caller who asks all day long, with each factor in turn.
    """
    of, sends = account("mail", "text"), 0
    for second in range(0, DAY, 20):
        change = send(of, now=NOW + second, factor=("mail", "text")[second // 20 % 2])
        of, sends = change.account, sends + isinstance(change.answer, Challenge)
    assert sends == LIMITS.per_day
    assert len(of.sent) == LIMITS.per_day


def test_what_a_challenge_is() -> None:
    """A challenge holds its purpose, its browser and its end.

    The event holds none of its secret.
    """
    change = send(account("mail"))
    made = change.answer
    assert isinstance(made, Challenge)
    assert (made.issued_at, made.expires_at, made.browser, made.purpose) == (NOW, NOW + 600, HANDLE, "sign-in")
    assert change.account.challenges == (made,)
    assert [event.kind for event in change.events] == ["challenge.sent"]
    assert "digest" not in repr(change.events)


def test_any_of_five_and_the_oldest_goes() -> None:
    """D-2, U-18: five codes of a factor live at once; a sixth ends the oldest and no other."""
    of = account("mail")
    free = ResendRules(wait=Seconds(0), per_hour=60, per_day=60)
    for second in range(7):
        of = send(of, now=NOW + second, limits=free).account
    assert [c.issued_at for c in of.challenges] == [NOW + second for second in range(2, 7)]


def test_codes_and_other_challenges_are_bounded() -> None:
    """An account keeps ten codes and six other challenges over all factors and purposes.

    A live challenge outlasts one that has ended.
    """
    of = account("mail", challenges=tuple(challenge(f"d{n}", spent_at=NOW - 1) for n in range(MAX_CODES)))
    free = ResendRules(wait=Seconds(0), per_hour=60, per_day=60)
    for second in range(9):
        of = send(of, now=NOW + second, factor=f"f{second % 3}", limits=free).account
        of = send(of, now=NOW + second, factor=f"g{second % 5}", limits=None, data={"c": 1}, live=3).account
    codes = [c for c in of.challenges if "code" in c.data]
    others = [c for c in of.challenges if "code" not in c.data]
    assert (len(codes), len(others)) == (MAX_CODES, MAX_OTHER_CHALLENGES)
    assert sum(c.is_live(NOW + 9) for c in codes) == 9


def test_requests_that_no_day_counts_are_bounded_too() -> None:
    """Hours of requests to a phone at the policy's own pace leave a bounded trace.

    The window counts every one of them.
    """
    of, sends, limits = account("push"), 0, CountRules(count=20, window=Seconds(900))
    for second in range(0, DAY // 4, 30):
        change = send(of, now=NOW + second, factor="push", limits=limits)
        of, sends = change.account, sends + isinstance(change.answer, Challenge)
        assert len(of.sent) <= MAX_FREE_SENDS
    assert sends == DAY // 4 // 900 * 20


def test_what_is_not_sent_is_neither_limited_nor_told() -> None:
    """A challenge without a message counts for no limit and is no event."""
    change = send(sent(0), limits=None)
    assert isinstance(change.answer, Challenge)
    assert change.events == ()
    assert len(change.account.sent) == 1


def test_nothing_is_sent_while_locked() -> None:
    """S-34: a locked account is sent nothing."""
    of = account("mail", lock=Lock(at=NOW, cause="attempts", ref="R"))
    change = send(of)
    assert isinstance(change.answer, Refusal)
    assert (change.answer.reason, change.answer.ref, change.account) == ("locked", "R", of)
    assert change.answer.attempts_remaining == 0


def test_a_failed_delivery_counts_and_the_code_stays_good() -> None:
    """A code that the provider did not take counts as sent and may still be answered.

    S-50, F-21. An event reports the failed delivery.
    """
    change = send(account("mail"))
    assert isinstance(change.answer, Challenge)
    failed = send_failed(change.account, moment(), challenge=change.answer.id, factor="mail", reason="timeout")
    made = failed.account.challenges[0]
    assert (made.status, made.is_live(NOW + 599)) == ("undelivered", True)
    assert wait_for(failed.account, "mail", LIMITS, NOW) == 30
    assert (failed.events[0].kind, failed.answer) == ("challenge.send_failed", failed.events[0].id)


def test_what_was_not_handed_over_asks_for_no_wait() -> None:
    """A message that never left gives its wait back.

    F-21. The hour and the day count it all the same.
    """
    of = sent(3000, 2000, 1000, 500)
    change = send(of)
    assert isinstance(change.answer, Challenge)
    failed = send_failed(
        change.account, moment(), challenge=change.answer.id, factor="mail", reason="unreachable", waived=30
    )
    assert wait_for(failed.account, "mail", LIMITS, NOW) == 600
    one = send(account("mail"))
    assert isinstance(one.answer, Challenge)
    failed = send_failed(one.account, moment(), challenge=one.answer.id, factor="mail", reason="x", waived=30)
    assert wait_for(failed.account, "mail", LIMITS, NOW) == 0
    assert len(failed.account.sent) == 1


def test_a_failed_delivery_concerns_its_own_message_alone() -> None:
    """Other codes that wait, and the sends before and after, stay as they were.

    So does an answered request.
    """
    mine, other = challenge("c1", age=10), challenge("c2", age=5)
    sends = tuple(Sent(factor=factor, at=NOW - age) for factor, age in (("text", 10), ("mail", 10), ("mail", 5)))
    of = account("mail", challenges=(mine, other), sent=sends)
    kept = send_failed(of, moment(), challenge="c1", factor="mail", reason="x", waived=30).account
    assert [c.status for c in kept.challenges] == ["undelivered", "pending"]
    assert kept.sent == (sends[0], replace(sends[1], at=NOW - 40), sends[2])
    assert send_failed(of, moment(), challenge="c1", factor="mail", reason="x").account.sent == sends
    assert send_failed(of, moment(), challenge="gone", factor="mail", reason="x", waived=30).account == of
    approved = replace(of, challenges=(replace(mine, status="approved"), other))
    assert send_failed(approved, moment(), challenge="c1", factor="mail", reason="x").account == approved


@pytest.mark.parametrize(
    ("ttl", "age", "kept"), [(600, 4799, True), (600, 4800, False), (3600, 7199, True), (3600, 7200, False)]
)
def test_an_ended_code_is_known_a_while(ttl: int, age: int, kept: bool) -> None:
    """An ended code is kept long enough to be told apart from a wrong one.

    U-10. It is not kept for ever.
    """
    of = account("mail", challenges=(challenge("old", age=age, ttl=ttl),))
    assert ("old" in [c.id for c in send(of).account.challenges]) is kept


def test_dead_to_the_second() -> None:
    """S-47: at exactly its end a code is dead; a spent one is dead at once."""
    made = challenge(age=0, ttl=600)
    assert made.is_live(NOW + 599)
    assert not made.is_live(NOW + 600)
    assert not challenge(spent_at=NOW).is_live(NOW)


@pytest.mark.parametrize(("limits", "told"), [(LIMITS, ["challenge.send_failed"]), (None, [])])
def test_a_challenge_that_is_withdrawn(limits: ResendRules | None, told: list[str]) -> None:
    """The trail takes back only a message that it has told of; a passkey has none."""
    issued = send(account("mail"), limits=limits)
    assert isinstance(issued.answer, Challenge)
    change = withdraw(issued.account, moment(), challenge=issued.answer.id)
    assert (change.account.challenges, change.account.sent) == ((), ())
    assert [event.kind for event in change.events] == told
