"""Acts that take two administrators, and the fine acts of one: pure steps on one account."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.changes import admin, dispute, life, two_people
from mfa_gate.core.model import Account, Asked, Lock, Recovery
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.roles import Hand
from tests.core.builders import NOW, TRAITS, account, browser, moment, proof

BOSS, OTHER, ANN = Hand("boss", "clinic"), Hand("other", "clinic"), Hand("ann", "clinic")
WHY = {"reason": "phone in the lake", "ticket": "T-1"}


def asked(*, by: Hand = BOSS, act: str = "reset") -> Account:
    """Return Ann's account with an act that waits."""
    change = two_people.ask(account("app"), moment(NOW), act=act, by=by, **WHY)
    assert change.answer is None
    return change.account


def refused(answer: Asked | Refusal | None) -> str:
    """Return the reason of a refusal, "" for none."""
    return answer.reason if isinstance(answer, Refusal) else ""


def waiting(of: Account) -> Asked:
    """Return the act that waits."""
    assert of.asked is not None
    return of.asked


def test_the_request_does_nothing_yet() -> None:
    """The first administrator only asks: factors and proofs stay, and the person is told."""
    before = account("app")
    change = two_people.ask(before, moment(NOW), act="reset", by=BOSS, **WHY)
    assert replace(change.account, asked=None, seen_at=before.seen_at) == before
    assert [event.kind for event in change.events] == ["act.asked"]


@pytest.mark.parametrize("name", ["boss", "operator:boss", "operator: BOSS "])
def test_one_person_cannot_be_both(name: str) -> None:
    """The one who asked cannot confirm, not even from the command line."""
    change = two_people.confirmed(asked(), moment(NOW + 1), by=Hand(name, "clinic" if name == "boss" else ""), ref="x")
    assert refused(change.answer) == "not_allowed"


def test_the_person_is_neither() -> None:
    """The person concerned neither asks nor confirms."""
    assert refused(two_people.ask(account("app"), moment(NOW), act="reset", by=ANN, **WHY).answer) == "not_allowed"
    mine = asked()
    taken = two_people.confirmed(mine, moment(NOW + 1), by=ANN, ref=waiting(mine).ref)
    assert refused(taken.answer) == "not_allowed"


@pytest.mark.parametrize(
    ("later", "right", "reason"), [(3599, True, ""), (3600, True, "not_found"), (1, False, "not_found")]
)
def test_it_is_confirmed_within_the_hour_and_by_its_reference(later: int, right: bool, reason: str) -> None:
    """An old request, and one that was not read, is not confirmed."""
    mine = asked()
    ref = waiting(mine).ref if right else "ANOTHER"
    assert refused(two_people.confirmed(mine, moment(NOW + later), by=OTHER, ref=ref).answer) == reason


def test_a_second_request_waits_for_the_first() -> None:
    """Another act cannot slip into the place of the one that was read.

    The same one again changes nothing.
    """
    mine = asked()
    other = two_people.ask(mine, moment(NOW + 1), act="forget", by=OTHER, **WHY)
    assert (refused(other.answer), other.account) == ("not_allowed", mine)
    again = two_people.ask(mine, moment(NOW + 1), act="reset", by=BOSS, **WHY)
    assert (again.answer, again.events, again.account) == (None, (), mine)


def test_the_word_of_the_person_takes_it_back() -> None:
    """ "This was not me" ends what waits, and so does a reset."""
    disputed = dispute.dispute(asked(), moment(NOW + 1), about="", kind="").account
    assert disputed.asked is None
    assert admin.reset(asked(), moment(NOW + 1), ticket="T-1", reason="phone lost").account.asked is None
    taken = two_people.withdraw(asked(), moment(NOW + 1), reason="by mistake")
    assert (taken.account.asked, [event.kind for event in taken.events]) == (None, ["act.withdrawn"])


def test_the_last_authenticator_takes_codes_and_proofs_with_it() -> None:
    """A removed authenticator ends its own proofs.

    The last one ends all, and a first enrollment opens.
    """
    both = account(
        "app", "mail", "paper", browsers=(browser(proof()), browser(proof("mail"), id="two", handle="other"))
    )
    one = admin.remove_authenticator(both, moment(NOW), id="app-1", reason="lost", traits=TRAITS).account
    assert [a.id for a in one.authenticators] == ["mail-1", "paper-1"]
    assert [len(b.proofs) for b in one.browsers] == [0, 1]
    assert one.epoch == both.epoch
    none = admin.remove_authenticator(one, moment(NOW), id="mail-1", reason="lost", traits=TRAITS).account
    assert (none.authenticators, none.default, none.epoch) == ((), "", both.epoch + 1)


def test_the_last_authenticator_is_held_like_a_reset() -> None:
    """A request for help that is held holds the removal of the last authenticator as well."""
    one = replace(account("app"), recovery=Recovery(ref="R", at=NOW, about="lost", network=""))
    change = admin.remove_authenticator(one, moment(NOW + 1), id="app-1", reason="lost", traits=TRAITS, hold=60)
    assert (refused(change.answer), change.account) == ("too_soon", one)


def test_a_reason_that_names_the_person_is_refused() -> None:
    """The reason outlives the person in the trail, so it holds neither id nor name."""
    ann = replace(account("app"), version=1, name="Ann Lee")
    for reason in ("left: ANN", "Ann Lee left", ""):
        change = life.forget_on_request(ann, moment(NOW), pseudonym="p", reason=reason, hold=0)
        assert (refused(change.answer), change.account) == ("malformed", ann)
    gone = life.forget_on_request(ann, moment(NOW), pseudonym="p", reason="has left", hold=0)
    assert (gone.answer, gone.account.is_forgotten) == (None, True)


def test_nothing_of_the_former_person_comes_back() -> None:
    """A lock, failures, the mark of rights and a waiting act go with the person."""
    old = replace(
        asked(),
        version=1,
        holds_rights=True,
        name="Ann",
        lock=Lock(at=NOW, cause="administrator", ref="L"),
        skip_count=3,
    )
    blank = life.forget_on_request(old, moment(NOW), pseudonym="p", reason="has left", hold=0).account
    assert blank == blank.without_person()
    assert (blank.asked, blank.holds_rights, blank.lock, blank.name) == (None, False, None, "")


def test_nothing_waits_that_could_be_taken_back() -> None:
    """Nor does an act that nobody confirmed in its day."""
    for of in (account("app"), replace(asked(), asked=replace(waiting(asked()), asked_at=NOW - 86_401))):
        change = two_people.withdraw(of, moment(NOW), reason="not needed")
        assert isinstance(change.answer, Refusal)
        assert (change.answer.reason, change.account) == ("not_found", of)
