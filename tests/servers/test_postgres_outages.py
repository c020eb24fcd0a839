"""PostgreSQL is away, hangs, is read-only or full under a running app.

Requests are refused in time, nothing is compared, and service comes back by itself.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.servers.outage import BUSY, IN_TIME, Running, app_on, back, refused, strangers_pass
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
    """A signed-in person gets 503 in time while PostgreSQL is gone (F-1).

    No answer is compared.
    """
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


async def test_full(app: Running, one_server: Postgres) -> None:
    """A disk without room takes no line of the trail, so no guess passes (F-2).

    Each one that is compared stays charged. A person who has proven a factor before goes on.
    """
    schema = app.store.rpartition("=")[2]
    columns = "tenant, account, kind, at, line, digest, id"
    line = f"INSERT INTO {schema}.event ({columns}) SELECT 'filler', '', 'x', 0, repeat('x', %s), '', ''"
    one_server.say(line % 1960 + " FROM generate_series(1, 10000)")
    one_server.limit_files(16 * 2**20)  # no file may grow beyond it, and that of the trail has
    # Short lines go into the room that is left in pages, until there is none.
    one_server.say(f"DO $$ BEGIN LOOP BEGIN {line % 8}; EXCEPTION WHEN OTHERS THEN EXIT; END; END LOOP; END $$")
    for _ in range(3):
        answer = await app.guess()
        assert (answer.status, answer.reason) == (503, "store_unavailable")
        assert answer.seconds < IN_TIME + BUSY
    assert {(await app.home()).status for _ in range(5)} == {200}
    await strangers_pass(app)
    one_server.limit_files(None)
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
