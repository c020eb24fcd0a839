"""Break-glass: two administrators let somebody in for hours."""

from __future__ import annotations

from typing import Any

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.service import Actor

from ..deed import Deed
from ..reference import HOUR, Person
from ..seats import PEOPLE
from ..stage import Stage
from ..terms import Grant

WHO = PEOPLE
HANDS = ("operator:one", "operator:two")


def act(life: Stage, by: str, who: tuple[str, str], name: str, **more: Any) -> Any:
    """Let this administrator act."""
    desk = life.worlds[0].gate.service.account_desk
    return life.run(desk.act(Actor(name=by), name, SubjectKey(who[1], who[0]), reason="x", **more))


def is_waiting(person: Person, now: int) -> bool:
    """Tell if a request can be confirmed now."""
    grant = person.grant
    return grant is not None and not grant.until and not person.lock and person.now(now) - grant.asked_at < HOUR


def is_there(person: Person, now: int) -> bool:
    """Tell if there is a request or a grant."""
    grant = person.grant
    in_force = grant is not None and not person.lock and person.now(now) < grant.until
    return is_waiting(person, now) or in_force


def ask(life: Stage, who: tuple[str, str], by: str) -> None:
    """Ask for a grant: it opens nothing."""
    person, now = life.people[who], life.desk_clock
    may = person.exists and not person.lock and not is_there(person, now)
    done = act(life, by, who, "break-glass", ticket="T", hours=4)
    assert isinstance(done, Refusal) is not may, done
    if may:
        person.touch(now, stays=False)
        account = life.run(life.worlds[0].store.load(SubjectKey(who[1], who[0])))
        person.grant = Grant(by, person.seen_at, 4 * HOUR, account.grant.ref)
        life.expected["break_glass.asked"] += 1
        life.grants_told[who] = max(life.grants_told[who], now)


def confirm(life: Stage, who: tuple[str, str], by: str) -> None:
    """Confirm a grant, which the one who asked cannot do."""
    person, now = life.people[who], life.desk_clock
    may = is_waiting(person, now) and person.grant is not None and person.grant.by != by
    done = act(life, by, who, "confirm", ref=person.grant.ref if person.grant else "none")
    assert isinstance(done, Refusal) is not may, done
    if may and person.grant is not None:
        person.touch(now, stays=False)
        person.grant.until = person.seen_at + person.grant.life
        life.expected["break_glass.granted"] += 1
        life.grants_told[who] = max(life.grants_told[who], now)


def revoke(life: Stage, who: tuple[str, str]) -> None:
    """End a grant or take a request back."""
    person, now = life.people[who], life.desk_clock
    there = is_there(person, now)
    done = act(life, "operator:one", who, "revoke")
    assert isinstance(done, Refusal) is not there, done
    if there:
        person.touch(now, stays=False)
        person.grant = None


DEEDS = (
    Deed(ask, {"who": WHO, "by": HANDS}),
    Deed(confirm, {"who": WHO, "by": HANDS}, often=2),
    Deed(revoke, {"who": WHO}),
)
