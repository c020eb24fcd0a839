"""A start that finds no store says so, and makes none where there was one (F-6, F-8)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import SettingsError, StoreMissing, StoreUnavailable
from mfa_gate.storage import take_one
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.names import STORE
from mfa_gate.stores.redis.session import Session
from mfa_gate.testing.store_suite import ALICE, enrolled, event

from .. import servers

pytestmark = pytest.mark.waits


@pytest.fixture
def server(tmp_path: Path) -> Iterator[servers.Server]:
    with servers.single(tmp_path, "--appendonly", "yes") as server:
        yield server


def warnings(caplog: pytest.LogCaptureFixture) -> list[str]:
    """List the warnings and errors since the last look."""
    found = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    caplog.clear()
    return found


async def start(url: str) -> None:
    """As a worker does, with somebody enrolled in the end."""
    store = RedisStore(url)
    await store.open()
    await store.swap(enrolled(ALICE), [event(1)])
    await take_one(store, "sends", limit=5, window=60, now=1_000)
    await store.aclose()


async def test_a_new_store_is_told(server: servers.Server, caplog: pytest.LogCaptureFixture) -> None:
    """Each start that makes a store says so; a start on the store that is there says nothing."""
    url = f"redis://:@127.0.0.1:{server.port}/0"
    await start(url)
    (told,) = warnings(caplog)
    assert "a new, empty one was made" in told
    assert "nobody is enrolled" in told
    await start(url)
    assert warnings(caplog) == []
    server.say("FLUSHALL")
    await start(url)
    assert len(warnings(caplog)) == 1


async def test_one_of_many_workers_tells(server: servers.Server, caplog: pytest.LogCaptureFixture) -> None:
    """Of workers that start together one makes the store, all use it, and it is told once."""
    stores = [RedisStore(f"redis://127.0.0.1:{server.port}") for _ in range(6)]
    await asyncio.gather(*(store.open() for store in stores))
    assert await stores[0].swap(enrolled(ALICE))
    assert [(await store.load(ALICE)).version for store in stores] == [1] * 6
    assert len(warnings(caplog)) == 1
    for store in stores:
        await store.aclose()


async def test_another_database(server: servers.Server, caplog: pytest.LogCaptureFixture) -> None:
    """A wrong database number is told with the one that holds a store."""
    await start(f"redis://127.0.0.1:{server.port}/3")
    warnings(caplog)
    await start(f"redis://127.0.0.1:{server.port}/4")
    (told,) = warnings(caplog)
    assert "database 3 of this server holds a store" in told


async def test_parts_of_a_store(server: servers.Server) -> None:
    """No new store is begun over people if the store's own key is gone.

    Limits alone are no people.
    """
    url = f"redis://127.0.0.1:{server.port}"
    await start(url)
    server.say("DEL", STORE)
    store = RedisStore(url)
    with pytest.raises(SettingsError, match=r"holds parts of a store \(mfa_gate:.*put the newest copy back"):
        await store.open()
    assert not server.say("EXISTS", STORE)
    with server.client() as client:
        client.delete(*(key for key in client.keys("*") if not key.startswith(b"mfa_gate:l:")))
        assert client.keys("*")
    await start(url)


async def test_a_cluster_that_lost_one_of_its_disks(tmp_path: Path) -> None:
    """A Cluster whose server with the store's own key came back empty is no new store.

    The tenants on the other servers show that.
    """
    with servers.cluster(tmp_path) as nodes:
        url = f"redis+cluster://127.0.0.1:{nodes[0].port},127.0.0.1:{nodes[1].port}"
        store = RedisStore(url)
        await store.open()
        for number in range(12):
            assert await store.swap(enrolled(SubjectKey(f"tenant{number}", "a")))
        await store.aclose()
        for node in nodes:
            with node.client() as client:
                if any(b"{store}" in key for key in client.keys("*")):
                    client.flushall()
        for _ in range(5):
            try:
                with pytest.raises(SettingsError, match="holds parts of a store"):
                    await RedisStore(url).open()
                break
            except StoreUnavailable:
                await asyncio.sleep(0.2)
        else:
            pytest.fail("the servers do not answer")


async def test_emptied_under_workers(server: servers.Server, caplog: pytest.LogCaptureFixture) -> None:
    """A worker that runs while the store is emptied refuses, and says so once.

    It goes on refusing beside a store that was made anew.
    """
    url = f"redis://127.0.0.1:{server.port}"
    store = RedisStore(url)
    await store.open()
    assert await store.swap(enrolled(ALICE))
    warnings(caplog)
    server.say("FLUSHALL")
    await asyncio.sleep(1.5)
    with pytest.raises(StoreUnavailable):
        await store.load(ALICE)
    (told,) = warnings(caplog)
    assert "flushed or replaced" in told
    await start(url)
    await asyncio.sleep(0.6)
    with pytest.raises(StoreUnavailable):
        await store.load(ALICE)
    with pytest.raises(StoreUnavailable):
        await store.swap(enrolled(ALICE, version=1))
    await store.aclose()


async def test_emptied_between_two_openings(server: servers.Server) -> None:
    """A process that has used a store makes no new one in its place when it opens again."""
    store = RedisStore(f"redis://127.0.0.1:{server.port}")
    await store.open()
    assert await store.swap(enrolled(ALICE))
    await store.aclose()
    server.say("FLUSHALL")
    with pytest.raises(SettingsError, match="flushed or replaced"):
        await store.open()
    assert server.say("DBSIZE") == 0


async def test_no_store_is_made(server: servers.Server, caplog: pytest.LogCaptureFixture) -> None:
    """An ``open`` that may make no store writes no key.

    F-8. It names the databases that hold one.
    """
    url = f"redis://:@127.0.0.1:{server.port}"
    await start(f"{url}/0")
    caplog.clear()
    before = server.keys()
    for _ in range(2):
        with pytest.raises(StoreMissing) as caught:
            await RedisStore(f"{url}/5").open(make=False)
    assert "/5" in str(caught.value)
    assert str(caught.value).endswith("; database 0 of this server holds a store")
    assert (server.keys(), server.keys(5)) == (before, set())
    assert warnings(caplog) == []


async def test_a_call_makes_no_store(
    server: servers.Server, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only ``open`` makes a store.

    A call of another event loop that comes before ``open`` is done finds none.
    """
    store, start_session, early = RedisStore(f"redis://127.0.0.1:{server.port}"), Session.start, [True]

    async def call() -> None:
        with pytest.raises(StoreUnavailable, match="no store there yet"):
            await store.load(ALICE)

    async def start_later(session: Session, store_id: str, *, make: bool) -> None:
        if early:
            early.clear()
            await asyncio.to_thread(asyncio.run, call())
            assert server.keys() == set()
        await start_session(session, store_id, make=make)

    monkeypatch.setattr(Session, "start", start_later)
    await store.open()
    assert len(warnings(caplog)) == 1
    assert (await store.load(ALICE)).version == 0
    await store.aclose()


async def test_parts_and_no_making(server: servers.Server) -> None:
    """An ``open`` that may make no store refuses parts of a store as any other does."""
    url = f"redis://:@127.0.0.1:{server.port}/0"
    await start(url)
    server.say("DEL", STORE)
    with pytest.raises(SettingsError, match="parts of a store"):
        await RedisStore(url).open(make=False)
