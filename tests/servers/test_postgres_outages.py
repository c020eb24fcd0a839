"""PostgreSQL is away, hangs, is read-only or full under a running app.

Requests are refused in time, nothing is compared, and service comes back by itself.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.servers.outage import IN_TIME, Running, app_on, back, refused, strangers_pass
from tests.stores import postgres_servers
from tests.stores.postgres_servers import Postgres

pytestmark = pytest.mark.waits


@pytest.fixture(scope="module")
def one_server() -> Iterator[Postgres]:
    """The server that the tests of this file break and mend."""
    with postgres_servers.server() as server:
        yield server


@pytest.fixture
async def app(one_server: Postgres, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Running]:
    """A host on a schema of its own."""
    async with app_on(one_server.schema(), monkeypatch) as app:
        yield app
    one_server.reset()


async def test_killed(app: Running, one_server: Postgres) -> None:
    """A signed-in person gets 503 in time while PostgreSQL is gone, and no answer is compared (F-1)."""
    one_server.kill()
    await asyncio.sleep(IN_TIME)
    await asyncio.gather(refused(app, app.home), strangers_pass(app))
    await refused(app, app.guess)
    assert len(app.compared) == 1
    one_server.start()
    await back(app)


async def test_hanging(app: Running, one_server: Postgres) -> None:
    """A PostgreSQL that takes connections and says nothing is an outage as well (F-1)."""
    one_server.signal(signal.SIGSTOP)
    try:
        await asyncio.sleep(IN_TIME)
        await asyncio.gather(refused(app, app.home), strangers_pass(app))
        await refused(app, app.guess)
        assert len(app.compared) == 1
    finally:
        one_server.signal(signal.SIGCONT)
    await back(app)


async def test_read_only(app: Running, one_server: Postgres) -> None:
    """A PostgreSQL that takes no writes takes no attempt, so nothing is compared.

    F-2. A person who has proven a factor before goes on.
    """
    one_server.say("ALTER SYSTEM SET default_transaction_read_only = on")
    one_server.say("SELECT pg_reload_conf()")
    await asyncio.sleep(IN_TIME)
    await refused(app, app.guess)
    assert {(await app.home()).status for _ in range(5)} == {200}
    await strangers_pass(app)
    assert len(app.compared) == 1
    one_server.reset()
    await back(app)
