"""Reading ends where nothing more can come, and at its bound.

No page and no job reads a whole trail again and again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.rules import DAY
from mfa_gate.core.trail_search import search_of
from mfa_gate.service import activity, notes_end, trail_signer, trail_verification
from mfa_gate.service.activity import own_activity
from mfa_gate.service.admin import daily_counts, recent_states, trail
from mfa_gate.service.admin.recent_states import STATES, people_in
from mfa_gate.service.admin.trail import search_trail
from mfa_gate.service.notes_end import prune_notes
from mfa_gate.stores.memory import MemoryStore
from tests.harness import START, World

ANN = SubjectKey("alpha", "ann")


@pytest.fixture
def calls(world: World, monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the calls of the store."""
    found: Counter[str] = Counter()
    for name in ("events", "prune_meta", "load", "trail", "put_meta", "page"):
        real = getattr(world.store, name)

        def counted(*given: Any, _name: str = name, _real: Any = real, **more: Any) -> Any:
            found[_name] += 1
            return _real(*given, **more)

        monkeypatch.setattr(world.store, name, counted)
    return found


async def lines(world: World, count: int, kind: str, *, at: int = START, each: int = 0, id: str = "ann") -> None:
    made = [
        Event(id=f"{kind}{at}-{n}", kind=kind, at=at + each * n, tenant="alpha", account=id.format(n), actor="x")
        for n in range(count)
    ]
    await world.store.append(made)


@pytest.mark.parametrize(("shown", "limit", "reads"), [(0, 3, 1), (3, 3, 1), (2, 3, 1)])
async def test_a_short_trail_is_read_once(
    world: World, calls: Counter[str], shown: int, limit: int, reads: int
) -> None:
    """There is nothing behind its end."""
    await lines(world, shown, "factor.enrolled")
    assert len(await own_activity(world.engine, ANN, limit=limit)) == min(shown, limit)
    assert calls["events"] == reads


async def test_a_long_trail_is_read_until_there_is_enough(
    world: World, calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Enough lines end it, and so does the bound."""
    monkeypatch.setattr(activity, "PIECE", 2)
    await lines(world, 12, "token.used")
    await lines(world, 2, "factor.enrolled", at=START + 50)
    assert len(await own_activity(world.engine, ANN, limit=2)) == 2
    assert calls["events"] == 1
    calls.clear()
    assert len(await own_activity(world.engine, ANN, limit=3)) == 2
    assert calls["events"] == activity.MAX_PIECES


async def test_people_of_a_recent_state(world: World, calls: Counter[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest lines are read until one is older than the state can last.

    A line at its very end still counts.
    """
    monkeypatch.setattr(recent_states, "AT_ONCE", 2)
    lasts = STATES["ticket"].lasts
    assert lasts == 31 * DAY
    await lines(world, 6, "enrollment.ticket", at=START - lasts - 100, id="old{}")
    await lines(world, 1, "enrollment.ticket", at=START - lasts, id="edge")
    await lines(world, 1, "enrollment.ticket", at=START - 5, id="new")
    await lines(world, 1, "enrollment.ticket", at=START - 4, id="")
    found = await people_in(world.engine, "alpha", "ticket")
    assert [key.id for key in found] == ["edge", "new"]
    assert calls["events"] == 2
    calls.clear()
    assert await people_in(world.engine, "beta", "ticket") == ()
    assert calls["events"] == 1
    calls.clear()
    monkeypatch.setattr(recent_states, "MAX_PIECES", 1)
    assert [key.id for key in await people_in(world.engine, "alpha", "ticket")] == ["new"]
    assert calls["events"] == 1


async def test_ended_values_go_a_piece_at_a_time(
    world: World, calls: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A piece that is not full was the last one; a round has so many pieces."""
    store = world.store
    assert isinstance(store, MemoryStore)
    for number in range(7):
        await store.put_meta(f"note{number}", b"x", until=START)
    await store.put_meta("kept", b"x", until=START + 1)
    monkeypatch.setattr(notes_end, "PIECE", 3)
    monkeypatch.setattr(notes_end, "MAX_PIECES", 2)
    assert (await prune_notes(world.engine), calls["prune_meta"]) == (6, 2)
    assert (await prune_notes(world.engine), calls["prune_meta"]) == (1, 3)
    assert (await prune_notes(world.engine), calls["prune_meta"]) == (0, 4)
    assert await store.meta("kept") == b"x"


async def test_a_trail_that_lost_nothing_is_looked_at_once(world: World, calls: Counter[str]) -> None:
    """The lines of this process are sought among the newest, and no further than the end."""
    await lines(world, 5, "attempt.failed")
    signer = world.gate.service.trail_signer
    ids = {f"attempt.failed{START}-{number}" for number in range(5)}
    assert not await signer._lacks("alpha", ids, 5)
    assert calls["events"] == 1
    assert await signer._lacks("alpha", ids, 4)
    assert await signer._lacks("alpha", {*ids, "lost"}, 500)
    assert calls["events"] == 3
    assert not await signer._lacks("alpha", {f"attempt.failed{START}-4"}, 1)
    calls["events"] -= 1
    assert not await signer._lacks("alpha", set(), 500)
    assert await signer._lacks("alpha", {"lost"}, 0)
    assert calls["events"] == 3


async def test_a_head_that_stands_is_not_signed_again(world: World, calls: Counter[str]) -> None:
    """One new line is signed by one write, and none by none."""
    engine, signer = world.engine, world.gate.service.trail_signer
    await engine.record((engine.moment().event("attempt.failed", ANN),))
    first = await signer.sign("alpha")
    written = calls["put_meta"]
    assert await signer.sign("alpha") == first
    assert calls["put_meta"] == written
    await engine.record((engine.moment().event("attempt.failed", ANN),))
    second = await signer.sign("alpha")
    assert (second.lines, calls["put_meta"] - written) == (first.lines + 1, 1)
    assert replace(second, lines=0, digest="", place=0, at=0) == replace(first, lines=0, digest="", place=0, at=0)


@pytest.mark.parametrize("work", ["count", "search", "sign", "verify"])
async def test_long_reading_lets_others_have_their_turn(
    world: World, monkeypatch: pytest.MonkeyPatch, work: str
) -> None:
    """Between two pieces the loop goes on with requests, whatever store there is."""
    for module in (daily_counts, trail, trail_signer):
        monkeypatch.setattr(module, "AT_ONCE", 2)
    monkeypatch.setattr(trail_verification, "PIECE", 2)
    service, engine = world.gate.service, world.engine
    await engine.record([engine.moment().event("attempt.failed", ANN) for _ in range(8)])
    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    match work:
        case "count":
            await service.daily.of("alpha")
        case "search":
            await search_trail(world.store, "alpha", search_of({"account": "ann", "actor": "x"}), after="", limit=50)
        case "sign":
            await service.trail_signer.sign("alpha")
        case _:
            await service.retention.verify("alpha")
    beside.cancel()
    assert turns >= 3
