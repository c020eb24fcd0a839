"""Somebody presses "This was not me" in a mail."""

from __future__ import annotations

from mfa_gate.core.events import Event
from mfa_gate.core.reasons import Refusal

from ..deed import Deed
from ..reference import FREEZE
from ..seats import PEOPLE
from ..stage import Stage

ABOUT = "proof.granted"


def newest_event(life: Stage, who: tuple[str, str]) -> Event | None:
    """Return the newest proof of somebody that a worker has told of."""
    told = [e for world in life.worlds for e in world.kinds(ABOUT) if (e.account, e.tenant) == who]
    return max(told, key=lambda event: event.at, default=None)


def dispute(life: Stage, who: tuple[str, str]) -> None:
    """End every proof, and stop changes for a day, once for each event."""
    event, person = newest_event(life, who), life.people[who]
    if event is None or not person.exists:
        return
    service = life.worlds[0].gate.service.disputing
    token = life.run(service.url(ABOUT, event)).rpartition("/")[2]
    before = life.run(service.read(token))
    done = life.run(service.dispute(token, network="192.0.2.1"))
    if before is None or isinstance(done, Refusal):
        assert before is None or done.reason == "too_soon", done
        return
    if not before.used:
        person.touch(life.desk_clock)
        person.drop_proofs()
        person.end_codes()
        person.waiting, person.leave = None, ("", 0)
        person.frozen_until = max(person.frozen_until, person.seen_at + FREEZE)
        life.expected["account.disputed"] += 1


DEEDS = (Deed(dispute, {"who": PEOPLE}, often=2),)
