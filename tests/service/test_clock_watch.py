"""A worker's clock is compared with the store's (F-14).

Nobody is blamed for a server whose clock is wrong.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

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
