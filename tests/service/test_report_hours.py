"""Counts of report-only while the store is away: none is lost, and memory stays bounded."""

from __future__ import annotations

from collections import Counter
from typing import Any, cast

import pytest

from mfa_gate.core.report import HOUR
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service import report_recorder as recorder
from mfa_gate.service.report_hours import Cell, Hour, Key
from mfa_gate.stores.memory import MemoryStore
from tests.harness import FETCH, World, make_world, running, with_rules
from tests.web.test_report_only import parts, rules

ONE, TWO = cast(Key, ("one",)), cast(Key, ("two",))


def counted(hour: Hour, key: Key, *minutes: int) -> None:
    """Count a request in each of these minutes."""
    start = hour.hour * HOUR
    cell = hour.rows.setdefault(key, Cell(start + 60 * minutes[0], start + HOUR))
    for minute in minutes:
        cell.hit(start + 60 * minute)


def test_counts_that_no_store_took() -> None:
    """Counts given back stand beside those that came meanwhile, with sums and times."""
    hour = Hour(5)
    counted(hour, ONE, 1, 2)
    counted(hour, TWO, 3)
    hour.dropped, hour.unjudged = 4, Counter(away=1)
    taken = hour.take()
    assert hour.is_empty
    assert [cell.ends for cell in taken[0].values()] == [0, 0]
    counted(hour, ONE, 2, 9)
    hour.dropped, hour.unjudged = 1, Counter(away=1, slow=2)
    hour.give_back(taken)
    one, two = hour.rows[ONE], hour.rows[TWO]
    assert (one.count, one.first, one.last) == (4, 5 * HOUR + 60, 5 * HOUR + 9 * 60)
    assert one.minutes == 1 << 1 | 1 << 2 | 1 << 9
    assert (two.count, two.ends) == (1, 6 * HOUR)
    assert (hour.dropped, hour.unjudged) == (5, Counter(away=2, slow=2))


@pytest.mark.parametrize(
    ("writes", "pairs", "ago", "may"),
    [(0, 1, 60, False), (0, 2, 59, False), (0, 2, 60, True), (1, 2, 60, False), (1, 3, 60, True)],
)
def test_writes_before_the_end_of_an_hour(writes: int, pairs: int, ago: int, may: bool) -> None:
    """There are fewer writes than people with a rule, and a minute between two."""
    hour = Hour(5)
    hour.writes, hour.written_at = writes, 1000
    hour.pairs = {(str(number), "") for number in range(pairs)}
    assert hour.may_write(1000 + ago) is may


async def test_a_long_outage(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest hours wait for the store; what had to go is counted as dropped."""
    monkeypatch.setattr(recorder, "MAX_HOURS", 3)

    async def away(*_: object) -> None:
        raise StoreUnavailable("away")

    async with running(make_world(policy=with_rules(rules()))) as world:
        ann = await world.browser()
        with monkeypatch.context() as patch:
            patch.setattr(MemoryStore, "add_report_part", away)
            for _ in range(6):
                assert (await ann.ask("GET", "/records", headers=FETCH)).status == 200
                world.clock.advance(HOUR)
                await world.gate.service.recorder.flush()
            assert len(await parts(world)) <= 5
        await world.gate.service.recorder.flush(all_hours=True)
        assert await total(world) == (3, 3)
        assert await total(world, stored=True) == (3, 3)


async def total(world: World, *, stored: bool = False) -> tuple[int, int]:
    """Return the requests with a row, and those that were dropped."""
    if stored:
        world.gate.service.recorder._now.clear()
    found: Any = await parts(world)
    return sum(row.count for part in found for row in part.rows), sum(part.dropped for part in found)
