"""Long work leaves two thirds of the loop's time to others, and never pauses for long."""

from __future__ import annotations

import asyncio

import pytest

from mfa_gate.service import turns as module
from mfa_gate.service.turns import LONGEST, Turns


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
