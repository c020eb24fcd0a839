"""Backup codes, each good once."""

from __future__ import annotations

from ..deed import SEATS, Deed
from ..stage import Stage


def backup_code(life: Stage, number: int) -> None:
    """Answer with a backup code."""
    seat = life.seats[number]
    person = life.person(seat)
    if not person.backup or not person.enrolled or life.is_crowded(person):
        return
    code = min(person.backup)
    if life.judge(seat, life.run(life.answer(seat, "backup-code", code)), right=True):
        person.backup.discard(code)
        person.used.add(code)


def used_backup_code(life: Stage, number: int) -> None:
    """Answer with a backup code that was used: it is no guess, and costs nothing."""
    seat = life.seats[number]
    person = life.person(seat)
    if person.used and person.enrolled and seat.mark not in person.browsers and not life.is_copy(seat):
        life.judge_free(seat, life.run(life.answer(seat, "backup-code", min(person.used))), "code_already_used")


def refused_until_waiting(life: Stage, number: int) -> None:
    """Answer with used codes until the browser must wait. They are free, and bounded."""
    for _ in range(21):
        used_backup_code(life, number)
    life.steps += 20


DEEDS = (
    Deed(backup_code, {"number": SEATS}),
    Deed(used_backup_code, {"number": SEATS}),
    Deed(refused_until_waiting, {"number": SEATS}, often=0.2),
)
