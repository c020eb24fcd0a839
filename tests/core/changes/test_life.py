"""All proofs of a person end, and a person is forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.changes import life
from mfa_gate.core.model import Account, Asked, Enrollment, Grant, Leave, Lock, Recovery, SubjectKey, Ticket
from mfa_gate.core.reasons import Refusal

from ..builders import HANDLE, NOW, account, challenge, moment, proof

DRAFT = Enrollment(id="d1", factor="app", label="", browser=HANDLE, started_at=NOW, expires_at=NOW + 60)
GRANT = Grant(
    ref="G",
    asked_by="eve",
    confirmed_by="dan",
    asked_at=NOW,
    reason="r",
    ticket="t",
    life=3600,
    epoch=0,
    ends_at=NOW + 60,
)


def owner(**parts: Any) -> Account:
    return account("app", proofs=(proof(),), version=3, challenges=(challenge(),), **parts)


def test_all_proofs_end() -> None:
    """Everything ends that could become a proof without a new second factor.

    Factors and a ticket stay.
    """
    ticket = Ticket(digest="d", expires_at=NOW + 9, actor="eve", ref="T")
    of = owner(
        enrollments=(DRAFT,),
        replaced=(DRAFT,),
        skips=(("s:x", NOW),),
        leave=Leave(kind="contact", browser=HANDLE, at=NOW),
        sign_outs=(("s:x", NOW),),
        grant=GRANT,
        ticket=ticket,
        recovery=Recovery(ref="R", at=NOW - 9, about="lost", network="", opens_at=NOW + 9),
    )
    change = life.end_all_proofs(of, moment(), reason="left the company")
    kept = change.account
    assert kept.epoch == of.epoch + 1
    assert (kept.challenges, kept.enrollments, kept.replaced, kept.skips, kept.sign_outs) == ((), (), (), (), ())
    assert (kept.leave, kept.grant, kept.recovery) == (None, None, None)
    assert (kept.ticket, kept.authenticators) == (ticket, of.authenticators)
    assert change.events[0].kind == "proofs.revoked"
    assert change.events[0].reason == "left the company"
    assert len(change.events) == 3, "the grant and the recovery tell that they ended"
    assert change.answer is None


def test_all_proofs_of_somebody_unknown() -> None:
    """Nothing changes, and no line is written; a reason is needed all the same."""
    blank = Account(key=SubjectKey("clinic", "zoe"))
    change = life.end_all_proofs(blank, moment(), reason="left")
    assert (change.account, change.events, change.answer) == (blank, (), None)
    refusal = life.end_all_proofs(blank, moment(), reason=" ").answer
    assert isinstance(refusal, Refusal)
    assert (refusal.reason, refusal.member) == ("malformed", "reason")


def test_a_person_is_forgotten() -> None:
    """Only the key and the numbers that keep old proofs dead are left.

    The event has the pseudonym.
    """
    of = owner(name="Ann", lock=Lock(cause="attempts", at=NOW, ref="L"), epoch=4)
    change = life.forget(of, moment(), pseudonym="forgotten-x", reason="law")
    kept = change.account
    assert kept == replace(
        Account(key=of.key), version=3, epoch=5, seen_at=NOW, forgotten_at=NOW, logins_from=kept.logins_from
    )
    assert [(e.kind, e.account, e.reason) for e in change.events] == [("account.forgotten", "forgotten-x", "law")]
    assert change.answer == change.events[0].id
    again = life.forget(Account(key=of.key), moment(), pseudonym="p")
    assert (again.answer, again.events) == ("", ())


@pytest.mark.parametrize("reason", ["", " ", "ann asked", "Call ANN B."])
def test_a_reason_that_names_the_person(reason: str) -> None:
    """The reason stays in the trail, so it names neither id nor name, in any case of letters."""
    of = owner(name="Ann B.")
    change = life.forget_on_request(of, moment(), pseudonym="p", reason=reason, hold=0)
    assert isinstance(change.answer, Refusal)
    assert (change.answer.reason, change.answer.member) == ("malformed", "reason")
    assert (change.account, change.events) == (of, ())


@pytest.mark.parametrize(
    ("id", "name", "reason", "is_named"),
    [
        ("7", "", "ticket 4711 of 17 May", False),
        ("7", "", "number 7 has left", True),
        ("ann", "Lee", "Annual review, sleeper account", False),
        ("u-1", "王伟", "王伟离职了", True),
        ("zhang.wei", "", "用户zhang.wei离职", True),
    ],
)
def test_a_reason_that_only_seems_to_name_the_person(id: str, name: str, reason: str, is_named: bool) -> None:
    """A short name inside of another word names nobody, and no language hides one."""
    of = replace(owner(name=name), key=SubjectKey("alpha", id))
    change = life.forget_on_request(of, moment(), pseudonym="p", reason=reason, hold=0)
    assert (change.answer is not None) is is_named


def test_on_request() -> None:
    """It is held like a reset while a request for help waits, then done with its reason."""
    of = owner(name="", recovery=Recovery(ref="R", at=NOW - 59, about="lost", network=""))
    refusal = life.forget_on_request(of, moment(), pseudonym="p", reason="law", hold=60).answer
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "too_soon"
    change = life.forget_on_request(of, moment(), pseudonym="p", reason="law", hold=59)
    assert (change.answer, change.events[0].reason, change.account.forgotten_at) == (None, "law", NOW)


def test_the_hands_of_a_forgotten_administrator() -> None:
    """The pseudonym takes this administrator's place everywhere in the account.

    Others keep their names.
    """
    of = owner(
        lock=Lock(cause="administrator", at=NOW, ref="L", actor="eve"),
        ticket=Ticket(digest="d", expires_at=NOW, actor="eve", ref="T"),
        grant=GRANT,
        asked=Asked(act="reset", ref="A", asked_by="eve", asked_at=NOW, reason="r"),
    )
    for id, names in {"eve": ("x", "x", "x", "dan", "x"), "dan": ("eve", "eve", "eve", "x", "eve")}.items():
        kept = life.rename_hand(of, id=id, pseudonym="x").account
        assert kept.lock is not None
        assert kept.ticket is not None
        assert kept.grant is not None
        assert kept.asked is not None
        found = (kept.lock.actor, kept.ticket.actor, kept.grant.asked_by, kept.grant.confirmed_by, kept.asked.asked_by)
        assert found == names
    assert life.rename_hand(owner(), id="eve", pseudonym="x").account == owner()


def test_a_pseudonym_is_drawn() -> None:
    """It follows from the random bytes of the moment, and from nothing of the person."""
    first = life.pseudonym_of(moment())
    assert first.startswith("forgotten-")
    assert first == first.lower() == life.pseudonym_of(moment(now=NOW + 9))
    assert first != life.pseudonym_of(moment(nonce=b"m" * 32))
