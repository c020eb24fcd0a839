"""The data of Redis goes back while workers run (F-3, F-4).

No number that comes again is taken for the number before. No change that a worker knows is lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.core.model import Account, Attempts, Lock
from mfa_gate.core.rules import TenantSettings
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.storage import EVERYTHING, Changed
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.timing import Timing
from mfa_gate.testing.store_suite import ALICE, BOB, Listener, event
from tests.stores.patience import REDIS

from .. import servers

pytestmark = pytest.mark.waits

LOCK = Lock(at=100, cause="attempts", ref="R")
Opened = Callable[..., Awaitable[RedisStore]]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[servers.Server]:
    with servers.single(tmp_path, "--appendonly", "yes") as server:
        yield server


@pytest.fixture
async def opened(server: servers.Server) -> AsyncIterator[Opened]:
    """Opens workers' stores on the server, and closes them in the end."""
    stores: list[RedisStore] = []

    async def open_store(*, timing: Timing = REDIS) -> RedisStore:
        stores.append(RedisStore(f"redis://127.0.0.1:{server.port}", timing=timing))
        await stores[-1].open()
        return stores[-1]

    yield open_store
    for store in stores:
        await store.aclose()


class Copy:
    """A copy of all data of the server, which is put back in one piece.

    Every connection stays as it is.
    """

    def __init__(self, server: servers.Server) -> None:
        self._server = server
        with server.client() as client:
            self._rows = {key: client.dump(key) for key in client.keys("*")}

    def put_back(self) -> None:
        """Now."""
        with self._server.client() as client:
            pipe: Any = client.pipeline(transaction=True)
            pipe.flushdb()
            for key, row in self._rows.items():
                pipe.restore(key, 0, row)
            pipe.execute()


async def change(store: RedisStore, *lines: int, **parts: object) -> Account:
    """One more change of Alice, and the account as it was before."""
    before = await store.load(ALICE)
    assert await store.swap(replace(before, **parts), [event(line) for line in lines])  # type: ignore[arg-type]
    return before


async def until(done: Callable[[], Awaitable[bool]], *, within: float = 10) -> None:
    """Until it is so."""
    end = time.monotonic() + within
    while not await done():
        assert time.monotonic() < end
        await asyncio.sleep(0.05)


async def locked(store: RedisStore) -> bool:
    try:
        return (await store.load(ALICE)).lock is not None
    except StoreUnavailable:
        return False


async def test_a_swap_of_another_history(server: servers.Server, opened: Opened) -> None:
    """A version that was made anew after a loss is another version.

    F-4. It has the same number.
    """
    one, two, three = await opened(), await opened(), await opened()
    await change(one, 1, name="first")
    copy = Copy(server)
    await change(two, 2, attempts=Attempts(used=1))
    read = await one.load(ALICE)
    await two.aclose()  # it dies, and puts nothing back
    copy.put_back()
    await change(three, 3, lock=LOCK)
    assert (await three.load(ALICE)).version == read.version
    assert not await one.swap(replace(read, attempts=Attempts(used=2)), [event(4)])
    assert (await one.load(ALICE)).lock == LOCK
    assert [line.id for line in (await one.events("clinic")).items] == ["e3", "e1"]


async def test_a_swap_of_what_was_committed_here(server: servers.Server, opened: Opened) -> None:
    """A worker that goes on from a change of its own is held to that very change.

    F-4. It does not read the change again.
    """
    one, two = await opened(), await opened()
    await change(one, 1, name="first")
    copy = Copy(server)
    before = await change(one, 2, attempts=Attempts(used=1))
    copy.put_back()
    await change(two, 3, lock=LOCK)
    own = replace(before, version=before.version + 1, attempts=Attempts(used=2), stamp="")
    assert not await one.swap(own, [event(4)])
    account = await one.load(ALICE)
    assert (account.lock, account.attempts.used) == (LOCK, 1)


async def test_settings_of_another_history(server: servers.Server, opened: Opened) -> None:
    """F-4: the same for a tenant's settings."""
    one, two, three = await opened(), await opened(), await opened()
    assert await one.swap_settings(TenantSettings(tenant="clinic", announced_at=1))
    copy = Copy(server)
    assert await two.swap_settings(replace(await two.settings("clinic"), announced_at=2))
    read = await one.settings("clinic")
    await two.aclose()
    copy.put_back()
    assert await three.swap_settings(replace(await three.settings("clinic"), enabled_at=5))
    assert (await three.settings("clinic")).version == read.version
    assert not await one.swap_settings(replace(read, announced_at=3))
    assert (await one.settings("clinic")).enabled_at == 5


@pytest.mark.parametrize("others", [1, 3, 9])
async def test_others_have_written_on(
    server: servers.Server, opened: Opened, others: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Confirmed changes that were lost come back, though another worker writes first.

    F-3. Three changes are lost, a lock among them, and the other worker writes fewer times or more. Of both
    the stricter holds, by itself. The lines of both are in the trail, which is whole. The log says so.
    """
    one, two = await opened(), await opened()
    await change(one, 1, name="first")
    copy = Copy(server)
    for used in (5, 6):
        await change(one, used, attempts=Attempts(used=used))
    await change(one, 7, attempts=Attempts(used=7), lock=LOCK)
    copy.put_back()
    for number in range(others):
        while not await two.swap(replace(await two.load(ALICE), name=f"theirs {number}"), [event(20 + number)]):
            await asyncio.sleep(0)  # the first worker puts back meanwhile
    await until(lambda: locked(two))
    account = await two.load(ALICE)
    assert (account.lock, account.attempts.used, account.name) == (LOCK, 7, f"theirs {others - 1}")
    ids = {line.id for line in (await two.events("clinic", limit=100)).items}
    assert ids == {"e1", "e5", "e6", "e7"} | {f"e{20 + number}" for number in range(others)}
    assert not await verify_trail(two)
    told = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert len(told) == 1
    assert "had lost confirmed changes of the account clinic/alice" in told[0].getMessage()
    version = account.version
    for _ in range(5):  # and that was it
        await asyncio.sleep(0.05)
        assert (await one.load(ALICE)).version == (await two.load(ALICE)).version == version


async def test_several_workers_put_back(server: servers.Server, opened: Opened) -> None:
    """Changes of three workers, one after the other, are back with everybody's lines."""
    workers = [await opened() for _ in range(3)]
    await change(workers[0], 1, name="first")
    copy = Copy(server)
    for number, worker in enumerate(workers):
        await change(worker, 10 + number, attempts=Attempts(used=number + 1))
    copy.put_back()
    await asyncio.gather(*(worker.load(ALICE) for worker in workers))

    async def whole() -> bool:
        return {line.id for line in (await workers[0].events("clinic")).items} == {"e1", "e10", "e11", "e12"}

    await until(whole)
    account = await workers[1].load(ALICE)
    assert account.attempts.used == 3
    assert not await verify_trail(workers[0])


async def test_a_tenant_that_was_turned_on(server: servers.Server, opened: Opened) -> None:
    """F-3: settings are put back as accounts are."""
    one, two = await opened(), await opened()
    assert await one.swap_settings(TenantSettings(tenant="clinic", announced_at=1))
    copy = Copy(server)
    assert await one.swap_settings(
        replace(await one.settings("clinic"), enabled_at=5), [event(1, kind="tenant.enabled")]
    )
    copy.put_back()
    assert await two.swap_settings(replace(await two.settings("clinic"), tested_at=9))

    async def on() -> bool:
        return (await two.settings("clinic")).enabled_at == 5

    await until(on)
    assert (await two.settings("clinic")).tested_at == 9
    assert [line.id for line in (await two.events("clinic")).items] == ["e1"]


async def told_of_alice(looks: Callable[[], Changed], *, within: float) -> None:
    """Until a reader hears of Alice."""
    end = time.monotonic() + within
    while True:
        told = looks()
        if told is EVERYTHING or ALICE in told:  # type: ignore[operator]
            return
        assert time.monotonic() < end, "nobody tells"
        await asyncio.sleep(0.01)


async def silence(looks: Callable[[], Changed]) -> None:
    """Until nothing is new, for a while."""
    quiet = 0
    while quiet < 10:
        quiet = quiet + 1 if looks() == frozenset() else 0
        await asyncio.sleep(0.02)


async def test_notices_with_lower_numbers(server: servers.Server, opened: Opened) -> None:
    """Notices with lower numbers are heard after the data went back.

    F-4. The connection stays alive.
    """
    one, two = await opened(), await opened()
    await change(one, name="first")
    copy = Copy(server)
    for number in range(4):
        await two.swap(replace(await two.load(BOB), name=str(number)))
    looks = Listener(one).changed
    await silence(looks)
    await two.aclose()
    copy.put_back()
    three = await opened()
    await silence(looks)
    await change(three, lock=LOCK)
    await told_of_alice(looks, within=1)


async def test_data_that_went_back_in_silence(server: servers.Server, opened: Opened) -> None:
    """A worker finds out by itself, or at a load, that its cache is of data that is gone.

    F-4. This holds also if nobody writes on.
    """
    one, two = await opened(), await opened()
    await change(one, name="first")
    copy = Copy(server)
    await two.swap(replace(await two.load(ALICE), name="second"))
    looks = Listener(one).changed
    await silence(looks)
    await two.aclose()
    copy.put_back()
    await one.load(BOB)
    await told_of_alice(looks, within=1)
    often = replace(REDIS, look_every=0.3)
    three = await opened(timing=often)
    await change(three, name="third")
    other = await opened(timing=often)
    await silence(looks := Listener(other).changed)
    copy.put_back()
    await told_of_alice(looks, within=5)


async def test_while_redis_loads_its_file(tmp_path: Path) -> None:
    """The lost changes are put back when the store answers again after a power cut.

    F-3. Redis lets clients subscribe while it still loads its file, and refuses all else. The channel counts
    as up only when the store answers. Then the changes are put back for everybody.
    """
    with servers.single(tmp_path, "--appendonly", "yes", "--enable-debug-command", "yes") as server:
        url = f"redis://127.0.0.1:{server.port}"
        one, two = RedisStore(url), RedisStore(url)
        await one.open()
        await two.open()
        await change(one, 1, attempts=Attempts(used=6))
        older = server.copy("older")
        await change(one, 2, attempts=Attempts(used=7), lock=LOCK)
        server.options += ["--key-load-delay", "150000"]
        await asyncio.to_thread(server.put_back, older)
        with server.client() as client:
            assert client.info("persistence")["loading"] == 0
        await until(lambda: locked(two))
        assert {line.id for line in (await two.events("clinic")).items} == {"e1", "e2"}
        await one.aclose()
        await two.aclose()


@pytest.mark.parametrize("fault", ["oom", "misconf"])
async def test_while_redis_refuses_writes(server: servers.Server, opened: Opened, fault: str) -> None:
    """The lost changes are put back after a time in which writes are refused.

    F-2, F-3. Reads answer meanwhile.
    """
    one, two = await opened(), await opened()
    await change(one, 1, attempts=Attempts(used=6))
    copy = Copy(server)
    await change(one, 2, attempts=Attempts(used=7), lock=LOCK)
    copy.put_back()
    if fault == "oom":
        server.say("CONFIG", "SET", "maxmemory", 1)
    else:
        server.say("CONFIG", "SET", "min-replicas-to-write", 1)
    server.say("CLIENT", "KILL", "TYPE", "pubsub")
    for _ in range(10):
        await asyncio.sleep(0.1)
        assert not await locked(two)
    server.say("CONFIG", "SET", "maxmemory", 0)
    server.say("CONFIG", "SET", "min-replicas-to-write", 0)
    await until(lambda: locked(two))
