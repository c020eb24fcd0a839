"""Work from time to time: due, done by one process, tried again, and ended with the gate."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from mfa_gate.service import scheduler as module
from mfa_gate.service.scheduler import Job, Worker
from mfa_gate.storage import take_one
from tests.harness import FixedClock, World, make_world, running


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    """A host, and a clock for the time between two rounds of a process."""
    async with running(make_world()) as made:
        monkeypatch.setattr(module, "monotonic", made.clock.now)
        yield made


class Work:
    """A job's work that counts its rounds, and fails as it is told."""

    def __init__(self) -> None:
        self.count = 0
        self.fails = False

    async def __call__(self) -> None:
        """Count a round."""
        self.count += 1
        if self.fails:
            raise RuntimeError("it is broken")


def worker(world: World, work: Work, *, shared: bool = True, every: int = 60) -> Worker:
    """Make the worker of one more process."""
    return Worker(world.engine, [Job(name="probe", every=every, work=work, shared=shared)])


@pytest.mark.parametrize(("shared", "count"), [(True, 1), (False, 2)])
async def test_one_process_does_shared_work(world: World, shared: bool, count: int) -> None:
    """The one that comes first has it until it is due again.

    Work that is not shared is done by each.
    """
    work = Work()
    workers = [worker(world, work, shared=shared), worker(world, work, shared=shared)]
    for one in (*workers, *workers):
        await one.round()
    assert work.count == count
    world.clock.advance(59)
    for one in workers:
        await one.round()
    assert work.count == count
    world.clock.advance(1)
    for one in workers:
        await one.round()
    assert work.count == 2 * count


async def test_a_job_that_fails_hinders_no_other(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """It is logged with its name and tried again when it is due."""
    broken, sound = Work(), Work()
    broken.fails = True
    both = Worker(world.engine, [Job(name="a", every=60, work=broken), Job(name="b", every=60, work=sound)])
    for count in (1, 2):
        await both.round()
        await both.round()
        assert (broken.count, sound.count) == (count, count)
        world.clock.advance(60)
    assert caplog.text.count("the job a could not be done") == 2
    assert "RuntimeError: it is broken" in caplog.text


async def test_nothing_is_done_while_the_store_is_away(world: World) -> None:
    """The store is asked by requests alone; the work is done once it is back."""
    work = Work()
    one = worker(world, work)
    world.engine.away_since = world.engine.now()
    await one.round()
    assert work.count == 0
    world.engine.away_since = None
    await one.round()
    assert work.count == 1


async def test_a_clock_that_runs_ahead_stops_no_work(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The mark of a worker whose clock is ahead counts no more.

    Still only one of the others works. It is logged once.
    """
    ahead, sound = Work(), Work()
    clock = FixedClock(world.clock.at + 500)
    engine = world.engine
    behind = world.clock
    object.__setattr__(engine.wiring, "clock", clock)
    await worker(world, ahead).round()
    object.__setattr__(engine.wiring, "clock", behind)
    workers = [worker(world, sound), worker(world, sound)]
    for one in workers:
        await one.round()
    assert (ahead.count, sound.count) == (1, 1)
    told = [record.getMessage() for record in caplog.records if "ahead of this one" in record.getMessage()]
    assert len(told) == 2
    assert all("another worker's clock is 500 s ahead" in line for line in told)
    world.clock.advance(60)
    for one in workers:
        await one.round()
    assert sound.count == 2
    assert len([record for record in caplog.records if "ahead of this one" in record.getMessage()]) == 2


@pytest.mark.parametrize(("ahead", "count"), [(5, 1), (6, 2)])
async def test_clocks_may_differ_by_some_seconds(world: World, ahead: int, count: int) -> None:
    """A mark that lies up to five seconds ahead counts."""
    work, behind = Work(), world.clock
    object.__setattr__(world.engine.wiring, "clock", FixedClock(world.clock.at + ahead))
    await worker(world, work).round()
    object.__setattr__(world.engine.wiring, "clock", behind)
    await worker(world, work).round()
    assert work.count == count


async def test_where_all_places_are_ahead_the_work_is_done(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work twice is better than none."""
    monkeypatch.setattr(module, "PLACES", 2)
    work, sound = Work(), world.clock
    for ahead in (500, 1000):
        object.__setattr__(world.engine.wiring, "clock", FixedClock(sound.at + ahead))
        for name in ("work:probe", "work:probe#1"):
            await take_one(world.store, name, limit=1, window=60, now=int(sound.at + ahead))
    object.__setattr__(world.engine.wiring, "clock", sound)
    for _ in range(2):
        await worker(world, work).round()
    assert work.count == 2


async def until(holds: object) -> None:
    """Wait for the timer, a few seconds at most."""
    async with asyncio.timeout(5):
        while not holds():  # type: ignore[operator]
            await asyncio.sleep(0.002)


async def test_the_timer_does_one_round_at_a_time(world: World) -> None:
    """A round that takes long is not begun again beside itself; the end of the gate ends it."""
    begun, ended = 0, 0

    async def slow() -> None:
        nonlocal begun, ended
        begun += 1
        try:
            await asyncio.sleep(60)
        finally:
            ended += 1

    one = Worker(world.engine, [Job(name="slow", every=0, work=slow, shared=False)])
    one.tick = 0.001
    one.start()
    await until(lambda: begun)
    await asyncio.sleep(0.02)
    assert (begun, ended) == (1, 0)
    await one.aclose()
    assert (begun, ended) == (1, 1)
    await asyncio.sleep(0.01)
    assert begun == 1


async def test_the_timer_goes_on(world: World) -> None:
    """One round comes after another, until it is stopped."""
    work = Work()
    one = worker(world, work, shared=False, every=0)
    one.tick = 0.001
    one.start()
    await until(lambda: work.count >= 3)
    one.stop()
    await asyncio.sleep(0.01)
    done = work.count
    await asyncio.sleep(0.02)
    assert work.count == done
    await one.aclose()


async def test_the_first_round_comes_at_a_random_moment(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes wait between a half and one and a half of the time between rounds."""
    loop, waits = asyncio.get_running_loop(), list[float]()
    one = worker(world, Work())
    for drawn in (0.0, 0.5, 1.0):
        monkeypatch.setattr(random, "random", lambda drawn=drawn: drawn)
        one.start()
        assert one._timer is not None
        waits.append(one._timer.when() - loop.time())
        one._timer.cancel()
    assert [round(wait, 1) for wait in waits] == [2.5, 5.0, 7.5]
