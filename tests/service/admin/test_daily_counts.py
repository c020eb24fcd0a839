"""The numbers a day: each event is counted once, however often somebody looks."""

from __future__ import annotations

import json

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.rules import DAY
from mfa_gate.service.admin import daily_counts
from mfa_gate.service.admin.daily_counts import Daily, daily_of
from tests.harness import World, make_world, running

KEY = SubjectKey("alpha", "ann")


async def happen(world: World, kind: str, count: int = 1, **more: str) -> None:
    """Write events of a kind."""
    for _ in range(count):
        await world.engine.record((world.engine.moment(actor="x").event(kind, KEY, **more),))


async def numbers(world: World, name: str, part: str | None = None) -> list[int]:
    """Return the numbers of the days that have any, oldest first."""
    daily = await world.gate.service.daily.of("alpha")
    return [found for day in sorted(daily.days) if (found := daily.number(day, name, part))]


async def test_each_event_is_counted_once() -> None:
    """A reader counts what is new; the job keeps it; neither counts a line twice."""
    async with running(make_world()) as world:
        daily = world.gate.service.daily
        await world.gate.web.open()
        await happen(world, "challenge.sent", 3, factor="sms")
        assert await numbers(world, "sent") == [3]
        assert await numbers(world, "sent") == [3]
        await daily.note()
        await happen(world, "challenge.sent", 2, factor="email")
        await daily.note()
        await daily.note()
        world.clock.advance(DAY)
        await happen(world, "challenge.sent", factor="sms")
        assert await numbers(world, "sent") == [5, 1]
        assert await numbers(world, "sent", "sms") == [3, 1]


async def test_locks_by_cause() -> None:
    """An administrator's words are never copied, also where they are the word of a cause."""
    async with running(make_world()) as world:
        await world.gate.web.open()
        await happen(world, "account.locked", reason="attempts")
        await happen(world, "account.locked", reason="attempts", cause="administrator")
        await happen(world, "account.locked", reason="ann lost her phone", cause="administrator")
        await world.gate.service.daily.note()
        assert await numbers(world, "locked", "attempts") == [1]
        assert await numbers(world, "locked", "administrator") == [2]
        body = await world.store.meta(daily_of("alpha"))
        assert body is not None
        assert b"ann" not in body


async def test_old_days_go_and_a_broken_row_begins_anew() -> None:
    """The row stays small, and nobody loses a report to a damaged one."""
    async with running(make_world()) as world:
        await world.gate.web.open()
        await happen(world, "challenge.sent", factor="sms")
        await world.gate.service.daily.note()
        world.clock.advance(92 * DAY)
        await happen(world, "challenge.sent", factor="sms")
        await world.gate.service.daily.note()
        body = await world.store.meta(daily_of("alpha"))
        assert len(json.loads(body or b"{}")["days"]) == 1
        for broken in (b"{}", b"[1]", b"nonsense", b'{"after":"","days":{"x":1}}'):
            await world.store.put_meta(daily_of("alpha"), broken)
            assert await numbers(world, "sent") == [1, 1]


async def test_a_long_trail_is_counted_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader waits for some lines only, and the job goes on where it stopped."""
    async with running(make_world()) as world:
        await world.gate.web.open()
        events = [world.engine.moment(actor="x").event("challenge.sent", KEY, factor="sms") for _ in range(1_200)]
        await world.engine.record(tuple(events))
        monkeypatch.setattr(daily_counts, "MOST_FOR_A_READER", 500)
        monkeypatch.setattr(daily_counts, "MOST_AT_ONCE", 500)
        assert await numbers(world, "sent") == [500]
        for _ in range(3):
            await world.gate.service.daily.note()
        assert await numbers(world, "sent") == [1_200]


def test_what_is_counted() -> None:
    """An event of a time counts on its day, and one of another kind or without a time on none."""
    daily = Daily()
    for at in (1, DAY - 1, DAY):
        daily.add(Event(id="E", kind="challenge.sent", at=at, tenant="alpha", account="ann", factor="sms"))
    for kind, at in (("challenge.sent", 0), ("challenge.sent", -1), ("factor.enrolled", 1)):
        daily.add(Event(id="E", kind=kind, at=at, tenant="alpha", account="ann"))
    assert daily.days == {0: {"sent:sms": 2}, 1: {"sent:sms": 1}}
    assert (daily.number(0, "sent"), daily.number(2, "sent"), daily.number(0, "sent", "email")) == (2, 0, 0)


@pytest.mark.parametrize(("most", "counted"), [(3, 4), (4, 4), (5, 6)])
async def test_a_reader_waits_for_so_many_lines(monkeypatch: pytest.MonkeyPatch, most: int, counted: int) -> None:
    """Pieces are counted until there are enough of them."""
    monkeypatch.setattr(daily_counts, "AT_ONCE", 2)
    monkeypatch.setattr(daily_counts, "MOST_FOR_A_READER", most)
    async with running(make_world()) as world:
        await happen(world, "challenge.sent", 9, factor="sms")
        assert await numbers(world, "sent") == [counted]


async def test_the_days_that_are_kept() -> None:
    """A row has today and the 91 days before it."""
    async with running(make_world()) as world:
        await happen(world, "challenge.sent", factor="sms")
        first = world.engine.now() // DAY
        for later, days in ((1, {0, 1}), (90, {0, 1, 91}), (1, {1, 91, 92})):
            world.clock.advance(later * DAY)
            await happen(world, "challenge.sent", factor="sms")
            await world.gate.service.daily.note()
            body = json.loads(await world.store.meta(daily_of("alpha")) or b"{}")
            assert {int(day) - first for day in body["days"]} == days
