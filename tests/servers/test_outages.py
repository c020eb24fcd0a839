"""Redis is away, hangs, is read-only, full or emptied under a running app.

Requests are refused in time, nothing is compared, and service comes back by itself.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator

import pytest

from tests.servers.outage import IN_TIME, Running, app_on, back, refused, strangers_pass
from tests.stores.servers import Server

pytestmark = pytest.mark.waits


@pytest.fixture
async def app(redis_server: Server, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """A host on Redis."""
    async with app_on(f"redis://127.0.0.1:{redis_server.port}", monkeypatch) as app:
        yield app


async def test_killed(app: Running, redis_server: Server) -> None:
    """A signed-in person gets 503 in time while Redis is gone, and no answer is compared.

    F-1. With Redis back, all goes on.
    """
    redis_server.stop()
    await asyncio.sleep(IN_TIME)
    await asyncio.gather(refused(app, app.home), strangers_pass(app))
    await refused(app, app.guess)
    assert len(app.compared) == 1
    redis_server.start()
    await back(app)


async def test_hanging(app: Running, redis_server: Server) -> None:
    """A Redis that takes connections and says nothing is an outage as well.

    F-1. It is noticed within a second.
    """
    assert redis_server.process is not None
    redis_server.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(IN_TIME)
        await asyncio.gather(refused(app, app.home), strangers_pass(app))
        await refused(app, app.guess)
        assert len(app.compared) == 1
    finally:
        redis_server.process.send_signal(signal.SIGCONT)
    await back(app)


async def test_read_only(app: Running, redis_server: Server) -> None:
    """A primary that became a replica decides nothing.

    F-2, F-4, S-113. No attempt is taken, so nothing is compared.
    """
    redis_server.say("REPLICAOF", "127.0.0.1", 1)
    await asyncio.sleep(IN_TIME)
    await refused(app, app.guess)
    await strangers_pass(app)
    assert len(app.compared) == 1
    redis_server.say("REPLICAOF", "NO", "ONE")
    await back(app)


async def test_full(app: Running, redis_server: Server) -> None:
    """A full Redis takes no attempt, so nothing is compared.

    F-2, S-112. A person who has proven a factor before goes on.
    """
    redis_server.say("CONFIG", "SET", "maxmemory", 1)
    await refused(app, app.guess)
    assert {(await app.home()).status for _ in range(5)} == {200}
    await strangers_pass(app)
    assert len(app.compared) == 1
    redis_server.say("CONFIG", "SET", "maxmemory", 0)
    await back(app)


async def test_flushed(app: Running, redis_server: Server) -> None:
    """An emptied Redis is an outage, and nobody counts as a person without a factor.

    F-6. A restored copy ends the outage.
    """
    with redis_server.client() as client:
        kept = {name: client.dump(name) for name in client.keys("*")}
    redis_server.say("FLUSHALL")
    await asyncio.sleep(IN_TIME)
    await asyncio.gather(refused(app, app.home), strangers_pass(app))
    await refused(app, app.guess)
    assert len(app.compared) == 1
    with redis_server.client() as client:
        for name, value in kept.items():
            client.restore(name, 0, value, replace=True)
    app.compared.clear()  # and the attempts are those of that moment
    await back(app)
