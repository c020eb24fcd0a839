"""An optional enrollment is put off for one sign-in."""

from __future__ import annotations

from tests.harness import Reply

from ..deed import SEATS, Deed
from ..stage import Stage


def skip(life: Stage, number: int) -> None:
    """Put enrollment off."""
    seat = life.seats[number]
    person, terms = life.person(seat), life.terms_for(seat.who)
    passes = life.has_passed(seat)
    may = terms.optional and not person.enrolled and not person.lock and not passes
    reply: Reply = life.run(seat.browser.api("POST", "enroll/skip", {}))
    if passes:
        return
    assert (reply.status == 200) is may, (reply.status, reply.text[:200])
    if may:
        person.touch(life.now(seat))
        person.skips.add(seat.session)
        life.expected["enrollment.skipped"] += 1


DEEDS = (Deed(skip, {"number": SEATS}),)
