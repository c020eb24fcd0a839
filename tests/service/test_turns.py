"""Long work leaves two thirds of the loop's time to others, and never pauses for long."""

from __future__ import annotations

import asyncio

import pytest

from mfa_gate.service import turns as module
from mfa_gate.service.turns import LONGEST, Turns, give_way


async def test_a_pause_is_twice_as_long_as_the_work_before_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """The time of the pause itself is no work, and a long piece of work makes no long pause."""
    clock, pauses = iter([5.0, 5.004, 5.004, 5.005, 5.005, 6.0, 6.0]), list[float]()

    async def pause(seconds: float) -> None:
        pauses.append(round(seconds, 6))

    monkeypatch.setattr(module, "thread_time", lambda: next(clock))
    monkeypatch.setattr(asyncio, "sleep", pause)
    turns = Turns()
    for _ in range(3):
        await turns.give()
    assert pauses == [0.008, 0.002, LONGEST]


async def test_a_short_piece_of_work_gives_way_without_a_pause() -> None:
    """Others go on once, and then the work does at once."""
    done = list[str]()
    other = asyncio.create_task(asyncio.sleep(0))
    other.add_done_callback(lambda _: done.append("other"))
    began = asyncio.get_running_loop().time()
    for _ in range(3):
        await give_way()
    assert (done, asyncio.get_running_loop().time() - began < 0.9) == (["other"], True)
