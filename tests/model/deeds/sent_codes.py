"""Codes by mail and by text message, with the limits on sending."""

from __future__ import annotations

from typing import Any

from mfa_gate.core.model import SubjectKey
from tests.harness import Reply

from ..deed import SEATS, Deed
from ..reference import FAR, Person
from ..seats import Seat
from ..stage import Stage
from ..terms import Code

KINDS = ("email", "sms")
TTL = {"email": 600, "sms": 600}
"""The life of a code."""
KEPT = 8
"""For so many lives, a code that has ended is told apart from a wrong one."""


def outbox(life: Stage, seat: Seat, kind: str) -> Any:
    """Return what the worker of a browser has sent."""
    return getattr(life.worlds[seat.worker], kind)


def is_odd(life: Stage, seat: Seat, person: Person) -> bool:
    """Tell if a clock that ran ahead has set the account's mark: its waits are another story."""
    return person.seen_at - life.now(seat) > FAR


def enroll_contact(life: Stage, number: int, kind: str) -> None:
    """Set up codes by mail or text message."""
    seat = life.seats[number]
    person, now = life.person(seat), life.now(seat)
    if kind in person.factors or is_odd(life, seat, person) or life.is_crowded(person):
        return
    soon = person.must_not_send(kind, now)
    body = {"factor": kind} | ({"phone": life.run(life.contacts_of_seat(seat)).phone} if kind == "sms" else {})
    begun: Reply = life.run(seat.browser.api("POST", "enroll", body))
    may = life.may_enroll(seat, begun)
    assert begun.status == (403 if not may else 429 if soon else 201), (begun.status, begun.text[:200])
    if not may or soon:
        if may:
            person.touch(now)
        return
    sent(life, seat, kind)
    if person.must_wait(seat.mark, now):
        return
    code = {"enrollment": begun.json()["enrollment"], "response": outbox(life, seat, kind).codes[-1]}
    done: Reply = life.run(seat.browser.api("POST", "enroll/confirm", code))
    assert done.status == 201, done.text
    person.backup |= set(done.json().get("backup_codes", ()))
    life.enrolled(seat, kind)


def sent(life: Stage, seat: Seat, kind: str) -> None:
    """Note a message."""
    person = life.person(seat)
    person.touch(life.now(seat))
    person.sends.append((kind, person.seen_at))
    life.expected["challenge.sent"] += 1


def send(life: Stage, number: int, kind: str) -> None:
    """Have a code sent."""
    seat = life.seats[number]
    person, now = life.person(seat), life.now(seat)
    if kind not in person.factors or is_odd(life, seat, person):
        return
    soon = person.must_not_send(kind, now)
    account = life.run(life.worlds[seat.worker].store.load(SubjectKey(seat.who[1], seat.who[0])))
    id = next(a.id for a in account.authenticators if a.factor == kind)
    reply: Reply = life.run(seat.browser.api("POST", "challenge", {"authenticator": id}))
    wanted = (403, "locked") if person.lock else (429, "too_soon") if soon else (201, "")
    assert (reply.status, reply.reason) == wanted, reply.text
    if reply.status == 201:
        sent(life, seat, kind)
        person.codes.append(Code(kind, outbox(life, seat, kind).codes[-1], seat.cookie, now))


def sent_code(life: Stage, number: int, kind: str) -> None:
    """Answer with the newest code that this browser has asked for.

    It is in time, late, or so late that nobody remembers it.
    """
    seat = life.seats[number]
    person, now = life.person(seat), life.now(seat)
    mine = [code for code in person.codes if code.kind == kind and code.cookie and code.cookie == seat.cookie]
    if not mine or is_odd(life, seat, person) or life.is_crowded(person):
        return
    code = mine[-1]
    age = person.now(now) - code.at
    if now < code.at:
        return
    reply = life.run(life.answer(seat, kind, code.code))
    if TTL[kind] <= age < KEPT * TTL[kind]:
        life.judge_free(seat, reply, "code_expired")
    else:
        life.judge(seat, reply, right=age < TTL[kind])


def code_of_another_browser(life: Stage, number: int, kind: str) -> None:
    """Answer with a code that another browser has asked for: it is worth no more than a guess."""
    seat = life.seats[number]
    person = life.person(seat)
    others = [
        code for code in person.codes if code.kind == kind and not {*code.cookie.split()} & {*seat.cookie.split()}
    ]
    same = {code.code for code in person.codes} - {code.code for code in others}
    if others and others[-1].code not in same and kind in person.factors:
        life.judge(seat, life.run(life.answer(seat, kind, others[-1].code)), right=False)


def spent_code(life: Stage, number: int, kind: str) -> None:
    """Answer with a code that a right answer has ended: it is known still, or a guess."""
    seat = life.seats[number]
    person, now = life.person(seat), life.now(seat)
    mine = [code for code in person.spent if code.kind == kind]
    if not mine or kind not in person.factors or person.now(now) - mine[-1].at < 31 or is_odd(life, seat, person):
        return
    if mine[-1].code in {code.code for code in person.codes}:
        return
    reply: Reply = life.run(life.answer(seat, kind, mine[-1].code))
    if reply.reason in ("code_already_used", "code_expired"):
        life.judge_free(seat, reply, "code_already_used", "code_expired")
    else:
        life.judge(seat, reply, right=False)


DEEDS = (
    Deed(spent_code, {"number": SEATS, "kind": KINDS}),
    Deed(enroll_contact, {"number": SEATS, "kind": KINDS}, often=2),
    Deed(send, {"number": SEATS, "kind": KINDS}, often=3),
    Deed(sent_code, {"number": SEATS, "kind": KINDS}, often=3),
    Deed(code_of_another_browser, {"number": SEATS, "kind": KINDS}),
)
