"""An older copy in the place of the PostgreSQL store (F-38, S-123).

It is recognized and refused until somebody wants it. The loss of a failover is no older copy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mfa_gate.core.model import Challenge, Lock
from mfa_gate.errors import SettingsError, StoreMissing, StoreUnavailable
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.postgres.monitor import History
from mfa_gate.stores.postgres.timing import USUAL
from mfa_gate.testing.store_suite import ALICE, BOB, enrolled, event

from .. import postgres_servers
from ..faults import READS, WRITES, answers, refusal, refused, silence
from ..postgres_servers import Postgres

pytestmark = pytest.mark.waits

LOCK = Lock(at=100, cause="attempts", ref="R")
CODE = Challenge(id="c", factor="email", purpose="sign-in", target="t", browser="b", issued_at=1, expires_at=1 << 40)
AT_ONCE = replace(USUAL, keep_every=0.0)


@pytest.fixture
def server() -> Iterator[Postgres]:
    with postgres_servers.server() as server:
        yield server


async def written(url: str, count: int) -> None:
    """Make so many changes by another worker, and close it."""
    store = PostgresStore(url)
    await store.open()
    for _ in range(count):
        account = await store.load(BOB)
        assert await store.swap(replace(account, name=f"n{account.version}"), [event(account.version, key=BOB)])
    await store.aclose()


async def test_a_running_worker_refuses_an_older_copy(server: Postgres, tmp_path: Path) -> None:
    """The data goes back while a worker runs: it refuses, until an operator accepts the copy.

    After that codes of before count no more, and locks of the copy stand.
    """
    store = PostgresStore(server.url)
    await store.open()
    assert await store.swap(enrolled(ALICE, lock=LOCK, challenges=(CODE,)), [event(1)])
    server.stop()
    copy = server.copy("older")
    server.start()
    await answers(store, within=5)
    await written(server.url, 3)
    await silence(store)
    server.stop()
    server.put_back(copy)
    server.start()
    assert "older copy" in await refusal(store, within=5)
    await refused(store, READS | WRITES)
    await PostgresStore(server.url).accept()
    await answers(store, within=5)
    account = await store.load(ALICE)
    assert (account.lock, account.challenges, account.epoch) == (LOCK, (), 1)
    assert await store.swap(account, [event(2)])
    assert await verify_trail(store) == {}
    await store.aclose()


async def test_the_file_knows_an_older_copy(server: Postgres, tmp_path: Path) -> None:
    """With a marker a start on an older copy, an emptied database or another store is refused."""
    url = f"{server.url}?marker={tmp_path / 'marker'}"
    await written(url, 2)
    server.stop()
    copy = server.copy("old")
    server.start()
    await written(url, 1)
    server.stop()
    server.put_back(copy)
    server.start()
    with pytest.raises(SettingsError, match="older copy"):
        await PostgresStore(url).open()
    await PostgresStore(url).accept()
    await written(url, 1)
    server.say("DROP SCHEMA mfa_gate CASCADE")
    with pytest.raises(StoreMissing):
        await PostgresStore(url).open()
    await written(server.url, 1)
    with pytest.raises(SettingsError, match="another store than was used here"):
        await PostgresStore(url).open()


async def test_a_lock_is_in_the_file_before_it_is_told(server: Postgres, tmp_path: Path) -> None:
    """The marker is written with every lock: a copy from before it is recognized (T-29)."""
    url = f"{server.url}?marker={tmp_path / 'marker'}"
    store = PostgresStore(url)
    await store.open()
    assert await store.swap(enrolled(ALICE))
    assert await store.swap(enrolled(ALICE, version=1, lock=LOCK))
    assert '/1": 2' in (tmp_path / "marker").read_text()
    await store.aclose()


async def test_an_acceptance_reaches_every_worker(server: Postgres) -> None:
    """A worker that was told of an acceptance refuses the data from before it."""
    store, other = PostgresStore(server.url), PostgresStore(server.url)
    await store.open()
    await other.open()
    assert await store.swap(enrolled(ALICE, challenges=(CODE,)))
    server.stop()
    copy = server.copy("unaccepted")
    server.start()
    await other.accept()
    await answers(store, within=5)
    assert (await store.load(ALICE)).challenges == ()
    server.stop()
    server.put_back(copy)
    server.start()
    assert "than the one that was accepted last" in await refusal(store, within=5)
    await store.aclose()
    await other.aclose()


async def test_parts_of_a_store(server: Postgres) -> None:
    """A store of which the table with its id is gone is no new store (T-7)."""
    await written(server.url, 1)
    server.say("DROP TABLE mfa_gate.about")
    with pytest.raises(SettingsError, match="parts of a store"):
        await PostgresStore(server.url).open()


async def test_a_newer_release(server: Postgres) -> None:
    """Tables of a newer release are refused, at the start and while a worker runs (F-20)."""
    store = PostgresStore(server.url)
    await store.open()
    server.say("UPDATE mfa_gate.about SET version = version + 1")
    assert "restart it with that release" in await refusal(store)
    with pytest.raises(SettingsError, match="install the release that wrote it"):
        await PostgresStore(server.url).open()
    await store.aclose()


def test_an_old_primary_is_known() -> None:
    """A server whose history another has continued is not used again (F-4)."""
    history = History()
    history.admit("7", 1)
    history.admit("7", 2)
    assert history.is_superseded("7", 1)
    assert not history.is_superseded("8", 1)
    history.forget()
    assert not history.is_superseded("7", 1)
    history.recall(["7/3", "", "x", "7/y"])
    assert history.is_superseded("7", 2)


async def test_no_file_can_be_written(server: Postgres, tmp_path: Path) -> None:
    """A marker in a folder that is not there stops the start."""
    store = PostgresStore(f"{server.url}?marker={tmp_path / 'none' / 'marker'}")
    with pytest.raises(SettingsError, match="cannot be written"):
        await store.open()
    with pytest.raises(StoreUnavailable):
        await store.load(ALICE)
