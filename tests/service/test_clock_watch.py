"""A worker's clock is compared with the store's (F-14).

Nobody is blamed for a server whose clock is wrong.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.factors.base import Rejected
from mfa_gate.storage import TellsTime
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.system_clock import SystemClock
from tests.harness import Browser, FixedClock, Reply, World, make_world, running
from tests.stores import postgres_servers, servers
from tests.stores.patience import POSTGRES


class OwnClock(FixedClock, SystemClock):
    """The clock of this machine, which a test moves."""


class StoreElsewhere(MemoryStore):
    """A store on a machine whose clock is ``ahead`` of this one's by so many seconds."""

    def __init__(self, clock: FixedClock) -> None:
        super().__init__()
        self.clock, self.ahead = clock, 0.0

    async def time(self) -> float:
        """Return the time of that machine."""
        return self.clock.at + self.ahead


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A gate that has the system's clock, over a store that tells its time."""
    clock = OwnClock()
    async with running(make_world(store=StoreElsewhere(clock), clock=clock)) as made:
        yield made


async def compare(world: World, *, ahead: float) -> None:
    """Let the store's clock be ahead of ours by so many seconds, and compare the two."""
    assert isinstance(world.store, StoreElsewhere)
    world.store.ahead = ahead
    await world.gate.service.clock_watch.compare()


async def answer(ann: Browser, code: str) -> Reply:
    """Answer with a code of the app."""
    return await ann.api("POST", "verify", {"authenticator": await ann.authenticator("totp"), "response": code})


@pytest.mark.parametrize("ahead", [301, -301, 86_400])
async def test_far_apart_no_code_of_an_app_is_judged(world: World, ahead: float) -> None:
    """Neither a right nor a wrong code costs an attempt, and the administrators are told.

    A code that was sent is taken. When the clock is right again, so is the code.
    """
    ann = await world.enrolled()
    await ann.enroll_email()
    await compare(world, ahead=ahead)
    for code in (*[ann.totp()] * 8, "000000"):
        reply = await answer(ann, code)
        assert (reply.status, reply.reason) == (422, "clock_ahead")
    account = await world.account()
    assert (account.attempts.used, account.lock) == (0, None)
    assert {(event.reason, event.detail["seconds"]) for event in world.kinds("clock.suspect") if event.detail} == {
        ("store", ahead)
    }
    world.clock.advance(60)
    email = await ann.authenticator("email")
    await ann.api("POST", "challenge", {"authenticator": email})
    sent = await ann.api("POST", "verify", {"authenticator": email, "response": world.email.codes[-1]})
    assert sent.status == 200
    await compare(world, ahead=0)
    world.clock.advance(30)
    assert (await answer(ann, ann.totp())).status == 200


@pytest.mark.parametrize(("ahead", "told"), [(10, False), (-10, False), (11, True), (-11, True), (300, True)])
async def test_a_little_apart_codes_are_judged(world: World, ahead: float, told: bool) -> None:
    """Within minutes a right code is known as right, whichever clock is off.

    From ten seconds on it is told.
    """
    ann = await world.enrolled()
    await compare(world, ahead=ahead)
    world.clock.advance(30)
    assert (await answer(ann, ann.totp())).status == 200
    assert [event.reason for event in world.kinds("clock.suspect")] == ["store"] * told


async def test_a_clock_that_somebody_sets_is_not_compared() -> None:
    """A demonstration whose clock is moved by days goes on."""
    clock = FixedClock()
    async with running(make_world(store=StoreElsewhere(clock), clock=clock)) as world:
        ann = await world.enrolled()
        await compare(world, ahead=86_400)
        world.clock.advance(30)
        assert (await answer(ann, ann.totp())).status == 200


async def test_each_process_compares(world: World) -> None:
    """The clock is each machine's own, so no process leaves the comparison to another one."""
    (job,) = [job for job in world.gate.service.worker.jobs if job.work == world.gate.service.clock_watch.compare]
    assert (job.shared, job.every) == (False, 60)


async def test_stores_on_other_machines_tell_their_time(tmp_path: Path) -> None:
    """Redis and PostgreSQL tell it. A store in this machine has the same clock as we."""
    with servers.single(tmp_path) as server:
        for store in (
            RedisStore(f"redis://127.0.0.1:{server.port}"),
            PostgresStore(postgres_servers.shared().schema(), timing=POSTGRES),
        ):
            await store.open()
            before = time.time()
            assert before - 1 <= await store.time() <= time.time() + 1
            assert isinstance(store, TellsTime)
            await store.aclose()
    assert not isinstance(MemoryStore(), TellsTime)
    assert not isinstance(SQLiteStore(tmp_path / "mfa.db"), TellsTime)


def off(seconds: int) -> Rejected:
    """Reject a code of another time."""
    return Rejected(reason="clock_drift", drift=seconds)


@pytest.mark.parametrize(
    ("drifts", "ages", "told"),
    [
        ((300, 300, 300), (0, 0, 0), [(300, 3)]),
        ((300, 300), (0, 0), []),
        ((270, 330, 300), (0, 0, 0), [(300, 3)]),
        ((269, 330, 300), (0, 0, 0), []),
        ((270, 331, 300), (0, 0, 0), []),
        ((300, 300, 300), (3599, 0, 0), [(300, 3)]),
        ((300, 300, 300), (3600, 0, 0), []),
        ((300, 300, 0), (0, 0, 0), []),
        ((300, -300, 300), (0, 0, 0), []),
    ],
)
async def test_our_own_clock_is_wrong_where_many_are(
    world: World, drifts: tuple[int, ...], ages: tuple[int, ...], told: list[tuple[int, int]]
) -> None:
    """Three people whose clocks are off by the same time within an hour."""
    watch, now = world.gate.service.clock_watch, world.clock.at
    for number, (drift, age) in enumerate(zip(drifts, ages, strict=True)):
        world.clock.at = now - age
        await watch.look(SubjectKey("alpha", f"p{number}"), off(drift))
    assert [(one.detail["seconds"], one.detail["people"]) for one in world.kinds("clock.suspect")] == told


async def test_a_suspicion_is_told_once_an_hour(world: World) -> None:
    """Each kind of it, in each tenant. A clock that was set back holds up nothing."""
    watch = world.gate.service.clock_watch
    for step, count in ((0, 1), (3599, 1), (1, 2), (-7200, 3)):
        world.clock.advance(step)
        account = Account(key=SubjectKey("alpha", "ann"))
        await watch.is_ahead(account, int(world.clock.at) + 900)
        assert [one.detail["seconds"] for one in world.kinds("clock.suspect")] == [900] * count
    await watch.look(SubjectKey("beta", "ann"), Rejected(reason="clock_ahead", alarm="clock_ahead"))
    assert (world.kinds("clock.suspect")[-1].tenant, world.kinds("clock.suspect")[-1].reason) == ("beta", "ahead")


async def test_a_clock_that_is_off_is_logged_until_it_is_right(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """One line for each time that it goes wrong."""
    for ahead, lines in ((0, 0), (11, 1), (12, 1), (0, 1), (-11, 2)):
        await compare(world, ahead=ahead)
        assert (world.engine.clock_apart, caplog.text.count("the store's clock is")) == (ahead, lines)
