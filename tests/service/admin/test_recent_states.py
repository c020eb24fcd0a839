"""People in a state of some days are found by the lines that began it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.rules import DAY
from mfa_gate.service.admin import recent_states as module
from mfa_gate.service.admin.recent_states import people_in
from tests.harness import START, World, make_world, running


async def write(world: World, kind: str, account: str, ago: int) -> None:
    """Write a line of so many seconds ago."""
    moment = replace(world.engine.moment(), now=START - ago)
    event = replace(moment.event(kind, SubjectKey("alpha", account)), id=f"{kind}{account}{ago}"[-16:])
    await world.engine.record((event,))


@pytest.mark.parametrize(
    ("state", "kind", "days"),
    [
        ("break_glass", "break_glass.asked", 2),
        ("break_glass", "break_glass.granted", 2),
        ("disputed", "account.disputed", 2),
        ("ticket", "enrollment.ticket", 31),
    ],
)
async def test_people_in_a_state(state: str, kind: str, days: int) -> None:
    """A line within the longest life of the state counts.

    An older one and one of no person do not.
    """
    async with running(make_world()) as world:
        for account, ago in (("old", days * DAY + 1), ("edge", days * DAY), ("new", 5), ("new", 4), ("", 3)):
            await write(world, kind, account, ago)
        assert [key.id for key in await people_in(world.engine, "alpha", state)] == ["edge", "new"]
        assert await people_in(world.engine, "beta", state) == ()


async def test_a_long_trail_is_read_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pieces go on until the lines are too old, and are bounded."""
    monkeypatch.setattr(module, "AT_ONCE", 2)
    async with running(make_world()) as world:
        for number in range(6):
            await write(world, "account.disputed", f"p{number}", 100 - number)
        everybody = [f"p{number}" for number in range(6)]
        assert [key.id for key in await people_in(world.engine, "alpha", "disputed")] == everybody
        monkeypatch.setattr(module, "MAX_PIECES", 2)
        assert [key.id for key in await people_in(world.engine, "alpha", "disputed")] == everybody[2:]
