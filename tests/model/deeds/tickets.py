"""An administrator's ticket opens a first enrollment, once and in one browser."""

from __future__ import annotations

from mfa_gate.core.reasons import Refusal

from ..deed import SEATS, Deed
from ..stage import Stage
from ..terms import DAY
from .desk import WHO, act


def give_ticket(life: Stage, who: tuple[str, str]) -> None:
    """Give a ticket to somebody without a factor."""
    person, done = life.people[who], act(life, who, "ticket")
    may = not person.enrolled and (person.exists or not isinstance(done, Refusal))
    assert isinstance(done, Refusal) is not may, done
    if may:
        person.touch(life.desk_clock, stays=False)
        person.ticket = (done.ticket, person.seen_at + DAY)


def redeem(life: Stage, number: int) -> None:
    """Show the ticket in this browser."""
    seat = life.seats[number]
    person, now = life.person(seat), life.now(seat)
    if life.terms_for(seat.who).first != "ticket" or not person.ticket[0] or person.lock or person.enrolled:
        return
    text, ends_at = person.ticket
    if now < person.frozen_until:
        assert life.run(seat.browser.page("/mfa/enroll")).status == 403  # changes are stopped, and no form is there
        return
    done = life.run(seat.browser.form("/mfa/enroll", {"action": "ticket", "ticket": text}))
    assert done.status == (303 if person.now(now) < ends_at else 422), (done.status, done.text[:300])
    if done.status == 303:
        person.touch(now)
        person.ticket, person.leave = ("", 0), (seat.cookie, person.seen_at)


DEEDS = (Deed(give_ticket, {"who": WHO}), Deed(redeem, {"number": SEATS}, often=2))
