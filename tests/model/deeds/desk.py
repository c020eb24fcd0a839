"""Administrators lock, unlock and reset; the host ends proofs and forgets."""

from __future__ import annotations

from typing import Any

from mfa_gate import Subject
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.reasons import Refusal

from ..deed import Deed
from ..reference import Person
from ..seats import PEOPLE
from ..stage import OPERATOR, Stage

WHO = PEOPLE


def act(life: Stage, who: tuple[str, str], name: str, **more: Any) -> Any:
    """Let an administrator act, at the first worker."""
    desk = life.worlds[0].gate.service.account_desk
    return life.run(desk.act(OPERATOR, name, SubjectKey(who[1], who[0]), reason="x", **more))


def lock(life: Stage, who: tuple[str, str]) -> None:
    """Lock somebody."""
    done, person = act(life, who, "lock"), life.people[who]
    assert isinstance(done, Refusal) is not person.exists, done
    if person.exists:
        life.expected["account.locked"] += person.lock_by_hand(life.desk_clock)


def unlock(life: Stage, who: tuple[str, str]) -> None:
    """Unlock somebody."""
    done, person = act(life, who, "unlock"), life.people[who]
    assert isinstance(done, Refusal) is not person.exists, done
    if person.exists:
        life.expected["account.unlocked"] += person.unlock(life.desk_clock)


def reset(life: Stage, who: tuple[str, str]) -> None:
    """Remove every factor of somebody under a ticket."""
    done, person = act(life, who, "reset", ticket="T"), life.people[who]
    assert isinstance(done, Refusal) is not person.exists, done
    if person.exists:
        person.empty(life.desk_clock)
        life.expected["account.reset"] += 1


def end_proofs(life: Stage, who: tuple[str, str]) -> None:
    """Let the host end every proof of somebody, as after a changed password."""
    person = life.run(life.worlds[1].gate.person(Subject(*who)))
    life.run(person.end_proofs("password changed"))
    life.people[who].end_proofs(int(life.clocks[1].now()))


def forget(life: Stage, who: tuple[str, str]) -> None:
    """Let the host forget somebody, who is somebody new then."""
    person, known = life.run(life.worlds[1].gate.person(Subject(*who))), life.people[who]
    life.run(person.forget())
    life.expected["account.forgotten"] += known.exists
    seen_at = known.now(int(life.clocks[1].now())) if known.exists else known.seen_at
    life.people[who] = Person(is_blank=known.exists or known.is_blank, seen_at=seen_at)
    life.lives[who] += 1


DEEDS = (
    Deed(lock, {"who": WHO}, often=0.5),
    Deed(unlock, {"who": WHO}, often=2),
    Deed(reset, {"who": WHO}, often=0.5),
    Deed(end_proofs, {"who": WHO}, often=0.5),
    Deed(forget, {"who": WHO}, often=0.4),
)
