"""The work from time to time: any worker may do it, at any time."""

from __future__ import annotations

from ..deed import WORKERS, Deed
from ..reference import Person
from ..stage import Stage
from ..terms import DAY
from .break_glass import is_there
from .help_requests import OPEN_FOR

REMINDERS = 3
LOOK_BACK = 7 * DAY


def do_jobs(life: Stage, worker: int) -> None:
    """Do every job: grants that are over end, and who waits for a way back is reminded."""
    service, now = life.worlds[worker].gate.service, int(life.clocks[worker].now())
    for job in service.worker.jobs:
        life.run(job.work())
    for who, person in life.people.items():
        if person.grant is not None and not is_there(person, now) and life.grants_told[who] >= now - LOOK_BACK:
            person.touch(now, stays=False)
            person.grant = None
        life.expected[_remind(person, now, life.terms[who[1]].wait)] += 1


def _remind(person: Person, now: int, wait: int) -> str:
    """Remind three times in the wait, at last that the way is open. In a week it closes.

    Returns the kind of the event, or "".
    """
    waiting = person.waiting
    if waiting is None or not waiting.opens_at or not wait or person.lock:
        return ""
    if now >= waiting.opens_at + OPEN_FOR:
        person.touch(now)
        person.waiting = None
        return "recovery.lapsed"
    due = min(REMINDERS, (now - waiting.opens_at + wait) * REMINDERS // wait)
    if due <= waiting.reminded:
        return ""
    person.touch(now)
    waiting.reminded = due
    return "recovery.open" if waiting.opens_at <= now >= person.frozen_until else "recovery.reminded"


DEEDS = (Deed(do_jobs, {"worker": WORKERS}, often=4),)
