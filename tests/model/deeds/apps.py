"""Authenticator apps: set up, right, wrong and used codes."""

from __future__ import annotations

from tests.harness import Reply

from ..deed import GUESSES, SEATS, Deed
from ..reference import STEP
from ..seats import Seat
from ..stage import Stage


def enroll(life: Stage, number: int) -> None:
    """Set up an app, which only somebody without a factor may do with the password alone."""
    seat = life.seats[number]
    person = life.person(seat)
    begun: Reply = life.run(seat.browser.api("POST", "enroll", {"factor": "totp"}))
    may = life.may_enroll(seat, begun)
    assert (begun.status == 201) is may, begun.text[:200]
    if not may:
        return
    person.touch(life.now(seat))
    if "totp" in person.factors or life.is_crowded(person) or person.must_wait(seat.mark, life.now(seat)):
        return
    confirm(life, seat, begun)


def confirm(life: Stage, seat: Seat, begun: Reply) -> None:
    """Confirm the draft of an app."""
    person = life.person(seat)
    secret = seat.browser.secret = begun.json()["secret"]
    code = {"enrollment": begun.json()["enrollment"], "response": seat.browser.totp()}
    done: Reply = life.run(seat.browser.api("POST", "enroll/confirm", code))
    assert done.status == 201, done.text
    for world in life.worlds:
        world.secrets.append(secret)
    person.secret, person.step = secret, life.now(seat) // STEP
    person.backup |= set(done.json().get("backup_codes", ()))
    life.enrolled(seat, "totp")


def owner(life: Stage, number: int) -> Seat | None:
    """Return the seat if its person has an app."""
    seat = life.seats[number]
    return seat if "totp" in life.person(seat).factors else None


def right(life: Stage, number: int) -> None:
    """Answer with a code that was never used."""
    seat = owner(life, number)
    if seat is None or life.is_crowded(life.person(seat)):
        return
    person = life.person(seat)
    if not person.is_fresh(life.now(seat) // STEP, life.now(seat)):
        life.at += STEP
    if not person.is_fresh(life.now(seat) // STEP, life.now(seat)):
        return
    seat.browser.secret = person.secret
    reply = life.run(life.answer(seat, "totp", seat.browser.totp()))
    if life.judge(seat, reply, right=True):
        person.step = life.now(seat) // STEP


def wrong(life: Stage, number: int, guess: int) -> None:
    """Answer with a code that was never right."""
    seat = owner(life, number)
    if seat is None:
        return
    reply = life.run(life.answer(seat, "totp", seat.browser.wrong(guess)))
    if life.person(seat).is_far_ahead(life.now(seat)):
        life.judge_free(seat, reply, "clock_ahead")  # and a right one is answered the same
    else:
        life.judge(seat, reply, right=False)


def wrong_until_locked(life: Stage, number: int) -> None:
    """Guess until nothing is compared any more."""
    for guess in range(8):
        wrong(life, number, guess)
    life.steps += 7


def used_code(life: Stage, number: int) -> None:
    """Answer with the app's code that somebody has just used: no proof, and no cost."""
    seat = owner(life, number)
    if seat is None or abs(life.now(seat) // STEP - life.person(seat).step) > 1:
        return
    person = life.person(seat)
    if seat.mark in person.browsers or life.is_copy(seat):
        return  # it may be the browser that used it, and is led to the same result
    seat.browser.secret = person.secret
    code = seat.browser.totp(person.step - life.now(seat) // STEP)
    life.judge_free(seat, life.run(life.answer(seat, "totp", code)), "code_already_used")


DEEDS = (
    Deed(enroll, {"number": SEATS}, often=5),
    Deed(right, {"number": SEATS}, often=5),
    Deed(wrong, {"number": SEATS, "guess": GUESSES}),
    Deed(wrong_until_locked, {"number": SEATS}),
    Deed(used_code, {"number": SEATS}),
)
