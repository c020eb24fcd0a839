"""Charge, verify, settle: the cost of an answer, the effect of a success, and replays."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import (
    Change,
    Charge,
    Granted,
    InFlight,
    charge,
    settle_failure,
    settle_success,
    twin_of,
)
from mfa_gate.core.changes.base import TWIN_LIFE
from mfa_gate.core.changes.charge import LOST_ANSWER
from mfa_gate.core.decision import Allow, StepUp
from mfa_gate.core.events import WRONG
from mfa_gate.core.evidence import NO_SESSION, session_mark
from mfa_gate.core.model import Account, Attempts, Authenticator, Caller, Lock, Recovery, Seconds, Subject
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import DAY, AttemptRules, FreshnessRules, IPChangeRules, RollingRules, Rules

from ..builders import (
    ANN,
    AWAY,
    HANDLE,
    HOME,
    NO_SESSION_ANN,
    NOW,
    account,
    caller,
    challenge,
    judged,
    moment,
    proof,
    requirement,
    rules_with,
    taken_from,
)

RULES = rules_with()


def fail(of: Account, *, now: int = NOW, rules: Rules = RULES, free: bool = False, **more: Any) -> Change[Refusal]:
    """Charge one attempt and settle it as a failure."""
    of, taken = taken_from(of, rules, now=now)
    return settle_failure(of, moment(now), rules, taken=taken, factor="app", reason="wrong_code", free=free, **more)


def succeed(
    of: Account,
    *,
    now: int = NOW,
    rules: Rules = RULES,
    who: Caller | None = None,
    seen: Authenticator | None = None,
    taken: Charge | None = None,
    nonce: bytes = b"n" * 32,
    **more: Any,
) -> Change[Granted | Refusal]:
    """Settle a success that was charged (now, unless ``taken`` is given)."""
    if taken is None:
        of, taken = taken_from(of, rules, now=now)
    words: dict[str, Any] = {
        "data": {"step": 9},
        "challenge": "",
        "user_verified": False,
        "phishing_resistant": False,
        "remember": True,
        "new_handle": "new" + "h" * 19,
        "answer": "digest",
    }
    return settle_success(
        of,
        moment(now, nonce),
        rules,
        who or caller(label="Firefox"),
        taken=taken,
        seen=seen or of.authenticators[0],
        **{**words, **more},
    )


def granted(change: Change[Granted | Refusal]) -> Granted:
    assert isinstance(change.answer, Granted)
    return change.answer


def refused(change: Change[Any]) -> Refusal:
    assert isinstance(change.answer, Refusal)
    return change.answer


def test_the_seventh_failure_locks_once() -> None:
    """The seventh failure locks the account, with exactly one lock event.

    S-31, S-35, D-7. Each of the six failures before it names the attempts that are left.
    """
    of, events = account("app"), []
    for left in (6, 5, 4, 3, 2, 1, 0):
        change = fail(of)
        assert refused(change).attempts_remaining == left
        assert (change.account.lock is None) is (left > 0)
        of = change.account
        events += [event.kind for event in change.events]
    assert events.count("account.locked") == 1
    assert events.count("attempt.failed") == 7
    lock = of.lock
    assert lock is not None
    assert (lock.cause, lock.at) == ("attempts", NOW)
    again = refused(charge(of, moment(), RULES))
    assert (again.reason, again.ref, again.attempts_remaining) == ("locked", lock.ref, 0)


def test_seven_at_once_lock_once() -> None:
    """At most seven attempts are charged before any is settled; settling them locks once.

    S-31. An eighth is not compared: it must wait.
    """
    of, charges = account("app"), []
    for _ in range(7):
        of, taken = taken_from(of, RULES)
        charges.append(taken)
    assert [taken.remaining for taken in charges] == [6, 5, 4, 3, 2, 1, 0]
    waiting = charge(of, moment(), RULES)
    assert waiting.answer == InFlight()
    assert waiting.account == of
    kinds: list[str] = []
    for taken in charges:
        change = settle_failure(of, moment(), RULES, taken=taken, factor="app", reason="wrong_code", free=False)
        of = change.account
        kinds += [event.kind for event in change.events]
    assert kinds.count("account.locked") == 1
    assert of.attempts.used == 7


def test_a_lock_kills_what_is_outstanding() -> None:
    """A lock leaves no code and no draft alive.

    S-34. A right answer that comes late is refused like a wrong one.
    """
    of = account("app", challenges=(challenge(),), attempts=Attempts(used=5))
    of, taken = taken_from(of, RULES)
    locked = fail(of).account
    assert (locked.challenges, locked.enrollments) == ((), ())
    late = succeed(locked, taken=taken, seen=of.authenticators[0])
    assert (refused(late).reason, refused(late).attempts_remaining, late.account) == ("locked", 0, locked)


@pytest.mark.parametrize(("ends", "epoch"), [(False, 4), (True, 5)])
def test_what_a_lock_does_to_live_proofs(ends: bool, epoch: int) -> None:
    """The owner's live proofs survive an attempt lock.

    D-8. They end with it only if the policy says that a lock ends all sessions.
    """
    rules = rules_with(attempts=AttemptRules(lock_ends_sessions=ends))
    of = account("app", proofs=(proof(epoch=4),), epoch=4, attempts=Attempts(used=6))
    locked = fail(of, rules=rules).account
    assert locked.epoch == epoch
    unlocked = judged(replace(locked, lock=None, attempts=Attempts()))
    assert isinstance(unlocked, Allow if not ends else StepUp)


def test_what_was_no_guess_costs_nothing() -> None:
    """An expired or replayed code gives its attempt back.

    S-37, D-34. It is written down as refused, not as failed.
    """
    change = fail(account("app", attempts=Attempts(used=3)), free=True)
    assert (change.account.attempts.used, refused(change).attempts_remaining) == (3, 4)
    assert [event.kind for event in change.events] == ["attempt.refused"]
    assert change.account.attempts.days == ()
    assert refused(change).ref == change.events[0].id


def test_a_refund_does_not_follow_a_success() -> None:
    """An attempt from before a success is not given back after it.

    S-37. The counter would fall below zero.
    """
    of, taken = taken_from(account("app"), RULES)
    of = succeed(of).account
    of, _ = taken_from(of, RULES)
    change = settle_failure(of, moment(), RULES, taken=taken, factor="app", reason="code_expired", free=True)
    assert change.account.attempts.used == 1


def test_a_failure_is_told_with_its_words() -> None:
    """The event of a failure has the factor, the reason, the attempts left and the alarm.

    A challenge that dies with its answer is spent.
    """
    of = account("app", challenges=(challenge("c1"), challenge("c2")))
    change = fail(of, alarm="cloned", spent="c2")
    event = change.events[0]
    assert (event.factor, event.reason, dict(event.detail)) == ("app", "wrong_code", {"left": 6, "alarm": "cloned"})
    assert {c.id: c.spent_at for c in change.account.challenges} == {"c1": 0, "c2": NOW}


@pytest.mark.parametrize(("waited", "locks"), [(0, False), (LOST_ANSWER - 1, False), (LOST_ANSWER, True)])
def test_lost_answers_lock_in_the_end(waited: int, locks: bool) -> None:
    """Seven charged attempts without an outcome lock the account after thirty seconds.

    S-31. By then the outcomes were lost in a crash. The lock is written once.
    """
    of = account("app", attempts=Attempts(used=7, charged_at=NOW))
    change = charge(of, moment(NOW + waited), RULES)
    assert isinstance(change.answer, Refusal if locks else InFlight)
    assert [event.kind for event in change.events] == (["account.locked"] if locks else [])
    if locks:
        assert refused(change).attempts_remaining == 0
        assert charge(change.account, moment(NOW + waited), RULES).events == ()


def test_the_rolling_budget_outlives_successes() -> None:
    """The fiftieth failure of an attacker locks, though the owner succeeds after every sixth.

    D-7. A success does not empty the rolling budget.
    """
    of, failures, kinds = account("app"), 0, list[str]()
    while of.lock is None:
        for _ in range(6):
            change = fail(of)
            of, failures = change.account, failures + 1
            kinds += [event.kind for event in change.events]
            if of.lock is not None:
                break
        else:
            of = succeed(of, data={"step": failures}).account
    assert (failures, of.lock.cause, kinds.count("account.locked")) == (50, "rolling", 1)
    assert of.attempts.used < 7


def test_the_rolling_window_forgets_old_failures() -> None:
    """D-7: failures of more than thirty days ago do not lock."""
    rules = rules_with(attempts=AttemptRules(rolling=RollingRules(max=2)))
    first = fail(account("app"), rules=rules).account
    later = NOW + 32 * DAY
    assert fail(first, rules=rules, now=later).account.lock is None
    soon = fail(first, rules=rules, now=NOW + DAY).account
    assert soon.lock is not None
    assert soon.lock.cause == "rolling"


def test_success_consumes_and_grants_in_one_change() -> None:
    """A success spends the codes of its purpose and grants a proof, in one change.

    S-22, S-44. The change gives all attempts back, keeps the factor's new data and gives the browser a new
    handle.
    """
    codes = (challenge("c1"), challenge("c2", factor="text"), challenge("c3", purpose="enroll", target="e1"))
    of = account("app", challenges=codes, attempts=Attempts(used=3), proofs=(proof(age=DAY),))
    change = succeed(of, challenge="c1", user_verified=True, phishing_resistant=True)
    after, answer = change.account, granted(change)
    assert after.attempts == Attempts(used=0, series=1, charged_at=NOW)
    assert [c.spent_at for c in after.challenges] == [NOW, NOW, 0]
    assert after.authenticators[0].data == {"step": 9}
    assert (after.authenticators[0].last_used_at, after.authenticators[0].last_network) == (NOW, HOME)
    assert after.browser(HANDLE) is None
    assert after.browser("new" + "h" * 19) == answer.browser
    assert answer.browser.id == "b1"
    assert answer.proof in answer.browser.proofs
    assert (answer.proof.user_verified, answer.proof.phishing_resistant, answer.proof.session) == (True, True, "")
    assert [event.kind for event in change.events] == ["proof.granted"]


@pytest.mark.parametrize(("used", "told"), [(0, {}), (1, {WRONG: 1}), (3, {WRONG: 3})])
def test_a_success_tells_of_the_guesses_before_it(used: int, told: dict[str, int]) -> None:
    """The attempt of the success itself is none of them."""
    event = succeed(account("app", proofs=(proof(),), attempts=Attempts(used=used))).events[0]
    assert (event.kind, dict(event.detail)) == ("proof.granted", told)


@pytest.mark.parametrize("opens_at", [0, NOW + 60])
def test_a_success_stops_a_way_back_that_opens_by_itself(opens_at: int) -> None:
    """A person who proves a factor has not lost it.

    A request to the administrators stays theirs to answer.
    """
    waiting = Recovery(ref="R", at=NOW - 9, about="lost", network="", opens_at=opens_at)
    change = succeed(account("app", proofs=(proof(),), recovery=waiting))
    assert change.account.recovery == (None if opens_at else waiting)
    assert [(e.kind, e.reason) for e in change.events[1:]] == [("recovery.stopped", "proof")] * bool(opens_at)


def test_a_replay_of_the_same_answer_grants_nothing() -> None:
    """The second of two attempts that verified the same code is refused.

    S-44, S-59. It finds the factor's data changed. It is not charged.
    """
    of, first = taken_from(account("app"), RULES)
    of, second = taken_from(of, RULES)
    seen = of.authenticators[0]
    won = succeed(of, taken=first, seen=seen, nonce=b"1" * 32).account
    lost = succeed(won, taken=second, seen=seen, nonce=b"2" * 32)
    assert refused(lost).reason == "code_already_used"
    assert lost.account.attempts == won.attempts
    assert lost.account.browsers == won.browsers


@pytest.mark.parametrize(
    ("mine", "reason"),
    [
        ((challenge("c1", spent_at=NOW - 1),), "code_already_used"),
        ((challenge("c1", age=600),), "code_already_used"),
        ((challenge("other"),), "code_already_used"),
        ((), "code_already_used"),
    ],
)
def test_a_challenge_must_still_be_live(mine: tuple[Any, ...], reason: str) -> None:
    """A challenge that is spent, over or gone at the settling grants nothing.

    S-44, S-47. It costs nothing either.
    """
    change = succeed(account("app", challenges=mine), challenge="c1")
    assert refused(change).reason == reason
    assert change.account.attempts.used == 0
    assert change.account.browsers == ()


def test_an_authenticator_that_changed_meanwhile() -> None:
    """S-26: one removed or renewed between verification and settling proves nothing."""
    of, taken = taken_from(account("app", "key"), RULES)
    seen = of.authenticators[0]
    removed = replace(of, authenticators=of.authenticators[1:])
    renewed = replace(of, authenticators=(replace(seen, revision=1), of.authenticators[1]))
    for current in (removed, renewed):
        change = succeed(current, taken=taken, seen=seen)
        assert refused(change).reason == "not_found"
        assert (change.account.browsers, change.account.attempts.used) == ((), 0)


@pytest.mark.parametrize(
    ("subject", "remember", "rules", "mark"),
    [
        (ANN, True, "browser", ""),
        (ANN, False, "browser", session_mark(ANN)),
        (ANN, True, "session", session_mark(ANN)),
        (NO_SESSION_ANN, False, "browser", NO_SESSION),
    ],
)
def test_what_a_proof_is_bound_to(subject: Subject, remember: bool, rules: Any, mark: str) -> None:
    """A proof that is not remembered is bound to the host's session.

    D-12. The person's choice or the policy decides that. The id of the session itself is not stored.
    """
    change = succeed(
        account("app"),
        who=caller(subject),
        remember=remember,
        rules=rules_with(freshness=FreshnessRules(remember=rules)),
    )
    assert granted(change).proof.session == mark
    assert not subject.session or subject.session not in repr(change.account)


def test_a_new_network_of_a_known_browser_is_told() -> None:
    """A known browser's change of network is an event of its own.

    S-111. A first proof and a known network are none.
    """
    of = account("app", proofs=(proof(network=HOME, age=DAY),))
    away = succeed(of, who=caller(network=AWAY))
    assert [event.kind for event in away.events] == ["proof.granted", "browser.new_network"]
    assert away.account.attempts.used == 0
    assert {p.network for p in granted(away).browser.proofs} == {HOME, AWAY}
    assert [event.kind for event in succeed(account("app"), who=caller(network=AWAY)).events] == ["proof.granted"]


@pytest.mark.parametrize("known", [1, 3, 5])
def test_a_browser_keeps_its_last_networks(known: int) -> None:
    """A browser keeps its proofs for as many networks as the policy says.

    D-5. The network that was proven longest ago goes first.
    """
    rules = rules_with(freshness=FreshnessRules(ip_change=IPChangeRules(known_networks=known)))
    of, handle = account("app"), HANDLE
    for step in range(8):
        new = f"{step:022}"
        who = caller(handle=handle, network=f"198.51.100.{step}")
        of = succeed(of, who=who, rules=rules, new_handle=new, data={"step": step}, now=NOW + step).account
        handle = new
    mine = of.browser(handle)
    assert mine is not None
    assert {p.network for p in mine.proofs} == {f"198.51.100.{step}" for step in range(8 - known, 8)}


def test_proofs_of_one_network_are_one_a_factor() -> None:
    """A new proof replaces the proof of the same factor on the same network.

    A proof that an epoch ended is gone.
    """
    proofs = (proof("app", age=9), proof("key", age=8), proof("text", age=7, epoch=1))
    after = succeed(account("app", "key", proofs=proofs)).account
    found = after.browsers[0].proofs
    assert [(p.factor, NOW - p.at) for p in found] == [("key", 8), ("app", 0)]


def test_a_copy_of_a_right_answer_is_led_to_its_result() -> None:
    """A copy of a right answer finds the result of the first for thirty seconds.

    F-11, F-13, D-34. It must be the same answer from the same browser. It grants nothing new.
    """
    after = succeed(account("app"), answer="digest").account
    found = twin_of(after, HANDLE, "digest", NOW + TWIN_LIFE - 1)
    assert found is not None
    assert found.browser.handle == "new" + "h" * 19
    assert twin_of(after, HANDLE, "digest", NOW + TWIN_LIFE) is None
    assert twin_of(after, HANDLE, "another", NOW) is None
    assert twin_of(after, "x" * 22, "digest", NOW) is None


def test_a_client_without_a_handle_gets_a_browser_of_its_own() -> None:
    """Two clients without a handle are two entries, whatever is in the account."""
    first = succeed(account("app"), who=caller(handle="", kind="client"), new_handle="1" * 22).account
    second = succeed(
        first, who=caller(handle="", kind="client"), new_handle="2" * 22, nonce=b"m" * 32, data={"step": 10}
    )
    assert [b.handle for b in second.account.browsers] == ["1" * 22, "2" * 22]
    assert granted(second).browser.kind == "client"


def test_a_locked_account_takes_no_charge() -> None:
    """S-34: nothing is charged or changed while a lock stands, however long ago it was set."""
    of = account("app", lock=Lock(at=1, cause="administrator", ref="R"))
    change = charge(of, moment(NOW + 999 * DAY), RULES)
    assert change.account is of
    assert refused(change).reason == "locked"


def test_a_stricter_policy_holds_at_once() -> None:
    """With fewer attempts than are used already nothing more is compared."""
    rules = rules_with(attempts=AttemptRules(max=3))
    change = charge(account("app", attempts=Attempts(used=4, charged_at=1)), moment(), rules)
    assert refused(change).reason == "locked"


def test_a_shorter_age_needs_no_change_of_the_account() -> None:
    """A stricter policy on age holds for proofs that exist already.

    The age is judged at each request, not at the making of the proof.
    """
    after = succeed(account("app"), now=NOW - 3600).account
    rules = rules_with(freshness=FreshnessRules(max_age=Seconds(3600)))
    who = caller(handle="new" + "h" * 19)
    assert isinstance(judged(after, requirement(), who), Allow)
    assert isinstance(judged(after, requirement(rules), who), StepUp)


def test_ten_browsers_are_remembered() -> None:
    """The eleventh browser replaces the browser that was used longest ago.

    D-11. An old twin is not kept.
    """
    of = account("app")
    for step in range(14):
        change = succeed(
            of,
            now=NOW + 60 * step,
            who=caller(handle=""),
            new_handle=f"{step:022}",
            nonce=step.to_bytes(32),
            data={"step": step},
        )
        of = change.account
    assert [b.handle for b in of.browsers] == [f"{step:022}" for step in range(4, 14)]
    assert [b.twin is not None for b in of.browsers] == [False] * 9 + [True]
