"""A person without a phone asks for help, waits, and sets up anew."""

from __future__ import annotations

from tests.harness import Reply

from ..deed import SEATS, Deed
from ..stage import Stage
from ..terms import DAY, Waiting

OPEN_FOR = 7 * DAY


def ask_for_help(life: Stage, number: int) -> None:
    """Ask: where the policy says so it opens by itself, unless somebody stops it."""
    seat = life.seats[number]
    person, now, wait = life.person(seat), life.now(seat), life.terms_for(seat.who).wait
    reply: Reply = life.run(seat.browser.api("POST", "recovery", {"about": "my phone is gone"}))
    if reply.reason == "too_soon":
        return  # five in a day
    opens = bool(wait and person.enrolled) and not person.lock
    if person.waiting is not None and (person.waiting.opens_at or not opens):
        assert reply.status == 202, reply.text
        return
    if not person.enrolled and not person.lock:
        assert (reply.status, reply.reason) == (403, "not_allowed"), reply.text
        return
    assert reply.status == 202, reply.text
    life.expected["recovery.requested"] += person.waiting is None
    person.touch(now)
    at = max(person.seen_at, person.frozen_until) + wait if opens else 0
    person.waiting = Waiting(person.seen_at, at)


def set_up_anew(life: Stage, number: int) -> None:
    """Use the way that nobody has stopped: it is open after the wait, for a week."""
    seat = life.seats[number]
    person, now = life.person(seat), life.now(seat)
    waiting = person.waiting
    at = waiting.opens_at if waiting is not None else 0
    may = bool(at) and at <= now < at + OPEN_FOR and not person.lock and now >= person.frozen_until
    reply: Reply = life.run(seat.browser.api("POST", "recovery/begin", {}))
    assert (reply.status == 200) is may, (reply.status, reply.text[:200])
    if may:
        person.empty(now)
        life.expected["recovery.used"] += 1


DEEDS = (Deed(ask_for_help, {"number": SEATS}, often=2), Deed(set_up_anew, {"number": SEATS}, often=2))
