"""Workers are killed, also in the midst of an answer, and browsers reach another one."""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.errors import StoreUnavailable

from ..deed import GUESSES, SEATS, WORKERS, Deed
from ..stage import Stage
from .apps import owner


def restart(life: Stage, number: int) -> None:
    """Start another worker in the place of one that is no longer asked."""
    old = life.worlds[number]
    life.gone.append(old)
    life.worlds[number] = life.make_worker(number)
    life.worlds[number].secrets.extend(old.secrets)
    life.worlds[number].events.extend(old.events)
    life.worlds[number].engine.use_policy(life.in_force)
    for seat in life.seats:
        if seat.worker == number:
            seat.browser.world = life.worlds[number]


def kill(life: Stage, worker: int) -> None:
    """Kill a worker: what it held in memory alone is gone."""
    restart(life, worker)


def balance(life: Stage, number: int, worker: int) -> None:
    """Lead a browser to another worker of its application."""
    seat = life.seats[number]
    if life.apps[worker] == seat.app:
        seat.worker, seat.browser.world = worker, life.worlds[worker]


def kill_in_the_midst(life: Stage, number: int, guess: int) -> None:
    """Kill the worker between charge and settlement of a wrong answer: the attempt is gone."""
    seat = owner(life, number)
    if seat is None:
        return
    person, now = life.person(seat), life.now(seat)
    if person.lock or person.failures > 4 or person.must_wait(seat.mark, now) or person.is_far_ahead(now):
        return
    engine, swaps = life.worlds[seat.worker].engine, 0
    swap = engine.store.swap

    async def dies(*given: object, **more: Any) -> Any:
        nonlocal swaps
        swaps += 1
        if swaps == 2:
            raise StoreUnavailable("killed")
        return await swap(*given, **more)  # type: ignore[arg-type]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(engine.store, "swap", dies)
        reply = life.run(life.answer(seat, "totp", seat.browser.wrong(guess)))
    assert reply.status == 503, reply.text
    person.touch(now)
    person.failures += 1
    restart(life, seat.worker)


DEEDS = (
    Deed(kill, {"worker": WORKERS}, often=0.4),
    Deed(balance, {"number": SEATS, "worker": WORKERS}),
    Deed(kill_in_the_midst, {"number": SEATS, "guess": GUESSES}, often=0.6),
)
