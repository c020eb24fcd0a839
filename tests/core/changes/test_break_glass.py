"""Break-glass grants: two different hands, a short time, and a fresh proof replaced.

A grant stands in for a fresh proof and for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from mfa_gate.core.break_glass import CONFIRM_WITHIN, HOUR, MAX_HOURS, is_in_force, is_waiting
from mfa_gate.core.changes import admin, break_glass, dispute, may_change
from mfa_gate.core.decision import Agree, Allow, Decision, Deny, StepUp, mark_of
from mfa_gate.core.events import Moment
from mfa_gate.core.model import MAX_GRANT_BROWSERS, Acceptance, Account, Lock, Subject
from mfa_gate.core.policy import Demand, Requirement
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.roles import Hand, is_same_hand
from mfa_gate.core.rules import AgreementRules, AttemptRules
from tests.core.builders import (
    AWAY,
    NO_SESSION_ANN,
    NOW,
    account,
    caller,
    demand,
    evidence,
    judged,
    moment,
    proof,
    requirement,
    rules_with,
    with_demands,
)

BOSS, OTHER = Hand("boss", "clinic"), Hand("other", "clinic")
ASKED = {"reason": "phone in the lake", "ticket": "T-1"}


def asked(of: Account | None = None, *, by: Hand = BOSS, hours: int = 4, at: int = NOW) -> Account:
    """Ann's account with a request that waits."""
    change = break_glass.ask(of or account("app"), moment(at), by=by, hours=hours, **ASKED)
    assert change.answer is None
    assert [event.kind for event in change.events][-1] == "break_glass.asked"
    return change.account


def ref_of(of: Account) -> str:
    """The reference of the request that waits."""
    return of.grant.ref if of.grant else "none"


def granted(of: Account | None = None, *, hours: int = 4, at: int = NOW) -> Account:
    """The same, confirmed by the other administrator."""
    waiting = asked(of, hours=hours, at=at)
    change = break_glass.confirm(waiting, moment(at), by=OTHER, ref=ref_of(waiting))
    assert change.answer is None
    assert [event.kind for event in change.events] == ["break_glass.granted"]
    return change.account


def reason_of(answer: Refusal | None) -> str:
    """Why not, or "done"."""
    return answer.reason if answer else "done"


@pytest.mark.parametrize(
    ("by", "want"),
    [
        (OTHER, "done"),
        (Hand("boss", "security"), "done"),
        (Hand("operator:eve"), "done"),
        (BOSS, "not_allowed"),
        (Hand("operator:boss"), "not_allowed"),
        (Hand("operator: BOSS "), "not_allowed"),
        (Hand("ann", "clinic"), "not_allowed"),
        (Hand("operator:Ann"), "not_allowed"),
    ],
)
def test_a_second_and_different_hand_confirms(by: Hand, want: str) -> None:
    """A grant is confirmed by a second person, never by the one who asked.

    The person concerned cannot confirm it either. Another way or another spelling of the same name does not
    help.
    """
    waiting = asked()
    change = break_glass.confirm(waiting, moment(), by=by, ref=ref_of(waiting))
    assert reason_of(change.answer) == want
    assert is_in_force(change.account, NOW) == (want == "done")
    assert bool(change.events) == (want == "done")


def test_two_operators_of_one_name_are_one() -> None:
    """Two operators of one name count as one person.

    At the store a name is only a claim.
    """
    assert is_same_hand(Hand("operator:Eve"), Hand("operator: eve"))
    assert not is_same_hand(Hand("operator:eve"), Hand("operator:bob"))


@pytest.mark.parametrize("hours", [-1, 0, 12, 13, 10**9])
def test_under_twelve_hours(hours: int) -> None:
    """No grant of twelve hours or more, or of none."""
    change = break_glass.ask(account("app"), moment(), by=BOSS, hours=hours, **ASKED)
    assert reason_of(change.answer) == "malformed"
    assert change.account == account("app")
    assert MAX_HOURS * HOUR < 12 * 3600


@pytest.mark.parametrize(
    ("reason", "ticket", "hours", "member"),
    [
        ("", "T", 4, "reason"),
        ("x" * 201, "T", 4, "reason"),
        ("a\0b", "T", 4, "reason"),
        ("", "", 0, "reason"),
        ("x", " ", 4, "ticket"),
        ("x", " ", 0, "ticket"),
        ("x", "T", 0, "hours"),
        ("x", "T", 12, "hours"),
    ],
)
def test_a_reason_and_a_ticket(reason: str, ticket: str, hours: int, member: str) -> None:
    """Nobody asks without both; the first field that is wrong is named."""
    change = break_glass.ask(account("app"), moment(), by=BOSS, hours=hours, reason=reason, ticket=ticket)
    assert reason_of(change.answer) == "malformed"
    assert change.answer is not None
    assert change.answer.member == member


@pytest.mark.parametrize("hours", [1, 11])
def test_the_shortest_and_the_longest_grant(hours: int) -> None:
    """One hour and eleven hours are given, to the second."""
    grant = granted(hours=hours).grant
    assert grant is not None
    assert (grant.ends_at, grant.asked_by, grant.confirmed_by) == (NOW + hours * HOUR, "boss", "other")


def test_a_request_waits_an_hour() -> None:
    """A request cannot be confirmed any more after exactly one hour.

    A confirmation names the request that was seen. A request that replaced it is not confirmed by it.
    """
    waiting = asked()
    ref = ref_of(waiting)
    assert reason_of(break_glass.confirm(waiting, moment(NOW + CONFIRM_WITHIN - 1), by=OTHER, ref=ref).answer) == "done"
    assert (
        reason_of(break_glass.confirm(waiting, moment(NOW + CONFIRM_WITHIN), by=OTHER, ref=ref).answer) == "not_found"
    )
    for other in ("another", "", ref.lower()):
        assert reason_of(break_glass.confirm(waiting, moment(), by=OTHER, ref=other).answer) == "not_found"
    assert reason_of(break_glass.confirm(account("app"), moment(), by=OTHER, ref="").answer) == "not_found"


def test_one_at_a_time() -> None:
    """A new request is refused while another request or a grant lives.

    One that is over is reported as ended and makes room.
    """
    for there in (asked(), granted()):
        change = break_glass.ask(there, moment(NOW + 60), by=OTHER, hours=11, **ASKED)
        assert reason_of(change.answer) == "not_allowed"
    change = break_glass.ask(granted(), moment(NOW + 4 * HOUR), by=BOSS, hours=1, **ASKED)
    assert [event.kind for event in change.events] == ["break_glass.ended", "break_glass.asked"]
    assert not is_in_force(change.account, NOW + 4 * HOUR)


def test_it_cannot_be_confirmed_twice() -> None:
    """A second confirmation finds nothing that waits, so nobody makes it longer."""
    there = granted()
    change = break_glass.confirm(there, moment(NOW + 100), by=Hand("third", "clinic"), ref=ref_of(there))
    assert reason_of(change.answer) == "not_found"
    assert change.account == there


def test_it_stands_in_for_a_fresh_proof_until_its_end() -> None:
    """A grant lets the subject pass as if proven, until exactly its end.

    This holds with any factor and with none. The decision names the grant as its reason.
    """
    for there in (granted(), granted(account())):
        allow = judged(there)
        assert isinstance(allow, Allow)
        assert (allow.granted, allow.proof, allow.why.rule, allow.until) == (True, None, "break-glass", NOW + 4 * HOUR)
        assert isinstance(judged(there, now=NOW + 4 * HOUR - 1), Allow)
        assert not isinstance(judged(there, now=NOW + 4 * HOUR), Allow)
    assert not isinstance(judged(asked()), Allow)


STRICT: list[tuple[Demand, ...]] = [
    (demand("export", max_age=300),),
    (demand("export"),),
    (demand("keys", strong=True),),
    (demand("freshness", factors=("app",)),),
    (demand("freshness", strong=True),),
]


@pytest.mark.parametrize("extra", STRICT)
def test_no_step_up_is_met_by_it(extra: tuple[Demand, ...]) -> None:
    """A grant meets no demand of a rule beyond freshness.

    This holds also for a rule whose demand is the only one.
    """
    base = requirement()
    for demanded in (with_demands(base, *base.demands, *extra), with_demands(base, *extra)):
        if extra == (demand("freshness"),):
            continue
        assert not isinstance(judged(granted(), demanded), Allow)


def test_a_stale_clock_revives_nothing() -> None:
    """A clock that steps back behind what the account has seen does not make it longer."""
    there = replace(granted(), seen_at=NOW + 4 * HOUR)
    assert not isinstance(judged(there, now=NOW), Allow)
    assert not is_waiting(replace(asked(), seen_at=NOW + HOUR), NOW)


def locked_by(of: Account, cause: str) -> Account:
    """The account with a lock."""
    return replace(of, lock=Lock(at=NOW, cause=cause, ref="R"))


@pytest.mark.parametrize("cause", ["attempts", "rolling", "administrator"])
def test_a_locked_account_stays_locked(cause: str) -> None:
    """A grant does not open a locked account.

    A grant for a locked account can be neither requested nor confirmed. Unlocking the account does not revive
    it.
    """
    assert isinstance(judged(locked_by(granted(), cause)), Deny)
    assert reason_of(break_glass.confirm(locked_by(asked(), cause), moment(), by=OTHER, ref="").answer) == "locked"
    change = break_glass.ask(locked_by(account("app"), cause), moment(), by=BOSS, hours=4, **ASKED)
    assert reason_of(change.answer) == "locked"
    unlocked = admin.unlock(locked_by(granted(), cause), moment(NOW + 1), reason="calmed down")
    assert unlocked.account.grant is None
    assert [event.kind for event in unlocked.events] == ["account.unlocked", "break_glass.ended"]
    assert not isinstance(judged(unlocked.account, now=NOW + 1), Allow)


def test_attempts_that_are_used_up_end_it() -> None:
    """Also before the lock is written."""
    spent = replace(granted(), attempts=replace(account().attempts, used=7))
    assert isinstance(judged(spent, requirement(rules_with(attempts=AttemptRules(max=7)))), Deny)


ENDS: dict[str, Callable[[Account, Moment], Account]] = {
    "revoke": lambda of, at: break_glass.revoke(of, at, reason="found the phone").account,
    "lock": lambda of, at: admin.lock(of, at, reason="stolen").account,
    "reset": lambda of, at: admin.reset(of, at, ticket="T", reason="new phone").account,
    "dispute": lambda of, at: dispute.dispute(of, at, about="", kind="").account,
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("make", [asked, granted])
def test_what_ends_it(end: str, make: Callable[[], Account]) -> None:
    """A grant and a request for one end at once for each of these causes.

    An administrator, a lock, a reset and "this was not me" end it.
    """
    after = ENDS[end](make(), moment(NOW + 1))
    assert after.grant is None
    assert not isinstance(judged(after, now=NOW + 1), Allow)
    assert reason_of(break_glass.confirm(after, moment(NOW + 2), by=OTHER, ref="").answer) in ("not_found", "locked")


def test_revoking_nothing() -> None:
    """There must be one, and a reason."""
    assert reason_of(break_glass.revoke(account("app"), moment(), reason="x").answer) == "not_found"
    assert reason_of(break_glass.revoke(granted(), moment(), reason=" ").answer) == "malformed"
    assert reason_of(break_glass.revoke(granted(), moment(NOW + 4 * HOUR), reason="x").answer) == "not_found"


def test_each_browser_is_written_down_once_and_few_may_come() -> None:
    """First use makes an event; the sixth browser is asked as ever, the known ones go on."""
    there = granted()
    for number in range(MAX_GRANT_BROWSERS):
        change = break_glass.use(there, moment(), mark=f"s:{number}")
        assert (change.answer, [event.kind for event in change.events]) == (True, ["break_glass.used"])
        there = change.account
        assert break_glass.use(there, moment(), mark=f"s:{number}").events == ()
    assert break_glass.use(there, moment(), mark="s:more").answer is False
    assert isinstance(judged(there), StepUp)
    known = replace(there, grant=replace(there.grant, browsers=((mark_of(evidence(there)), NOW),)))  # type: ignore[type-var]
    assert isinstance(judged(known), Allow)
    assert break_glass.use(granted(), moment(NOW + 4 * HOUR), mark="s:1").answer is False


def test_a_browser_is_known_by_its_sign_in_then_its_handle_then_its_place() -> None:
    """Two sign-ins of one person are two browsers, whatever the host names."""
    there = granted()
    assert mark_of(evidence(there)).startswith("s:")
    nameless = granted(account("app", subject=NO_SESSION_ANN))
    by_handle = mark_of(evidence(nameless, caller(NO_SESSION_ANN)))
    assert by_handle.startswith("b:")
    marks = {mark_of(evidence(nameless, caller(NO_SESSION_ANN, handle="", network=network))) for network in (AWAY, "x")}
    assert len({by_handle, *marks}) == 3
    assert mark_of(evidence(there, caller(Subject("ann", "clinic", session="sign-in 2")))) != mark_of(evidence(there))


def test_it_ends_by_itself_and_is_told() -> None:
    """A grant that no longer counts is taken away with an event.

    It no longer counts after its end, after the hour without a confirmation, and on a locked or revoked
    account. One that counts stays.
    """
    for there, at, cause in (
        (granted(), NOW + 4 * HOUR, "over"),
        (asked(), NOW + CONFIRM_WITHIN, "over"),
        (locked_by(granted(), "attempts"), NOW, "locked"),
        (replace(granted(), epoch=1), NOW, "revoked"),
    ):
        change = break_glass.expire(there, moment(at))
        assert [(event.kind, event.reason) for event in change.events] == [("break_glass.ended", cause)]
        assert change.account.grant is None
    for there in (granted(), asked(), account("app")):
        assert break_glass.expire(there, moment(NOW + 60)).events == ()


def test_no_factor_changes_by_it() -> None:
    """A grant is no proof, so a change of factors still needs one.

    S-84.
    """
    refusal = may_change(evidence(granted()), requirement(), NOW)
    assert refusal is not None
    assert refusal.reason == "proof_required"


TERMS = AgreementRules(id="terms", version="1", title="Terms", file="t.md", again="each-sign-in")


def agreement_of(decision: Decision) -> str:
    """Name the kind of the decision: the thing that is asked for."""
    return type(decision).__name__


def test_the_agreement_is_asked_for_as_ever() -> None:
    """It opens the app only as a proof would: the agreement comes first."""
    demanded: Requirement = requirement(rules_with(agreement=TERMS))
    assert isinstance(judged(granted(), demanded), Agree)
    assert agreement_of(judged(granted(account("app", proofs=(proof(),))), demanded)) == "Agree"


def test_a_proof_goes_before_it() -> None:
    """A subject with a fresh proof passes by the proof, not by the grant."""
    allow = judged(granted(account("app", proofs=(proof(),))))
    assert isinstance(allow, Allow)
    assert (allow.granted, allow.why.rule) == (False, "proof")


@pytest.mark.parametrize(("accepted", "done"), [(-1, Agree), (0, Allow), (60, Allow)])
def test_an_agreement_at_each_sign_in(accepted: int, done: type[Decision]) -> None:
    """The text is accepted once in each grant where sign-ins have no name.

    It counts from the grant's beginning on. Otherwise the person would be asked for it again and again.
    """
    terms = AgreementRules(id="terms", version="1", title="Terms", text="Text", file="terms.md", again="each-sign-in")
    demanded = requirement(rules_with(agreement=terms))
    of = granted(account("app", subject=NO_SESSION_ANN))
    taken = Acceptance(agreement="terms", version="1", digest=terms.digest, at=NOW + accepted, network=AWAY)
    found = judged(replace(of, acceptances=(taken,)), demanded, caller(NO_SESSION_ANN), now=NOW + 120)
    assert isinstance(found, done)
