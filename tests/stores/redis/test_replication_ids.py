"""Two servers that both say they are the primary (F-4).

Nobody comes back to the one that was taken over from.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from mfa_gate.core.model import Attempts
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.replication_ids import MAX_KNOWN, ReplicationIds
from mfa_gate.testing.store_suite import ALICE, enrolled

from .. import servers
from ..faults import READS, WRITES, refusal, refused
from ..patience import REDIS

pytestmark = pytest.mark.waits

OLD, NEW = "a" * 40, "b" * 40


def answer(id: str, before: str = "0" * 40, role: str = "master") -> dict[str, str]:
    """Make an answer of ``INFO replication``."""
    return {"role": role, "master_replid": id, "master_replid2": before}


def test_who_was_taken_over_from_is_refused() -> None:
    """A server that another server took over from is refused from then on.

    F-4. It is known by the id from which the other goes on. A restarted server has another id.
    """
    replication_ids = ReplicationIds()
    assert replication_ids.admit(answer(OLD)) == OLD
    assert not replication_ids.is_superseded("0" * 40), "that is no server's"
    assert replication_ids.admit(answer(NEW, OLD)) == NEW
    with pytest.raises(StoreUnavailable, match="before the failover"):
        replication_ids.admit(answer(OLD))
    assert replication_ids.admit(answer("c" * 40, OLD)) == "c" * 40
    assert replication_ids.admit(answer(NEW)) == NEW
    with pytest.raises(StoreUnavailable, match="a slave, not the primary"):
        replication_ids.admit(answer(NEW, role="slave"))


def test_a_server_that_names_no_history() -> None:
    """A server that names no replication ids is taken at its word, again and again.

    It stands in for Redis and has no such ids.
    """
    replication_ids = ReplicationIds()
    assert [replication_ids.admit({"role": "master"}) for _ in range(3)] == ["", "", ""]
    assert [replication_ids.admit(answer(OLD, OLD)) for _ in range(3)] == [OLD] * 3
    with pytest.raises(StoreUnavailable):
        replication_ids.admit({})


def test_what_is_known_is_bounded() -> None:
    """S-122: of very many failovers the latest are known."""
    replication_ids = ReplicationIds()
    for number in range(MAX_KNOWN + 5):
        replication_ids.admit(answer(f"{number + 1:040}", f"{number:040}"))
    assert not replication_ids.is_superseded(f"{3:040}")
    assert replication_ids.is_superseded(f"{MAX_KNOWN:040}")


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[servers.Pair]:
    with servers.pair(tmp_path) as pair:
        yield pair


@pytest.fixture
async def store(pair: servers.Pair) -> AsyncIterator[RedisStore]:
    store = RedisStore(f"redis+sentinel://127.0.0.1:{pair.sentinel.port}/gate", timing=REDIS)
    await store.open()
    assert await store.swap(enrolled(ALICE))
    with pair.primary.client() as client:
        assert client.execute_command("WAIT", 1, 5000) == 1
    yield store
    await store.aclose()


def point(pair: servers.Pair, server: servers.Server) -> None:
    """Have the Sentinel name ``server``."""
    with contextlib.suppress(redis.ResponseError):
        pair.sentinel.say("SENTINEL", "REMOVE", "gate")
    pair.sentinel.say("SENTINEL", "MONITOR", "gate", "127.0.0.1", server.port, 1)


async def attempts(store: RedisStore, used: int) -> None:
    """Until the account says so: another server answers."""
    until = time.monotonic() + servers.PATIENCE
    while True:
        try:
            if (await store.load(ALICE)).attempts.used == used:
                return
        except StoreUnavailable:
            pass
        assert time.monotonic() < until
        await asyncio.sleep(0.05)


async def test_an_undemoted_primary_is_refused(pair: servers.Pair, store: RedisStore) -> None:
    """A primary that stood still while another took over is refused.

    F-4. It goes on as if nothing had happened, and lacks the changes since. A store that is led back to it
    refuses it. The store goes on when the other server is named again.
    """
    assert pair.primary.process is not None
    pair.primary.process.send_signal(signal.SIGSTOP)
    try:
        await asyncio.to_thread(pair.take_over)
        until = time.monotonic() + servers.PATIENCE
        while True:
            try:
                assert await store.swap(replace(await store.load(ALICE), attempts=Attempts(used=7)))
                break
            except StoreUnavailable:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
        pair.sentinel.say("SENTINEL", "REMOVE", "gate")  # or it would demote the old one
    finally:
        pair.primary.process.send_signal(signal.SIGCONT)
    assert b"role:master" in servers.raw_info(pair.primary)
    point(pair, pair.primary)
    until = time.monotonic() + servers.PATIENCE
    while "before the failover" not in await refusal(
        store, within=servers.PATIENCE
    ):  # but for the connection that died first
        assert time.monotonic() < until
    await refused(store, {"load": READS["load"], "meta": READS["meta"], "swap": WRITES["swap"]})
    point(pair, pair.replica)
    await attempts(store, 7)


async def test_nobody_stays_with_the_old_primary(pair: servers.Pair, store: RedisStore) -> None:
    """The connection to the old primary is given up when the Sentinel names another server.

    F-4. The old primary still answers well.
    """
    pair.replica.say("REPLICAOF", "NO", "ONE")
    other = RedisStore(f"redis://127.0.0.1:{pair.replica.port}")
    await other.open()
    assert await other.swap(replace(await other.load(ALICE), attempts=Attempts(used=5)))
    await other.aclose()
    assert (await store.load(ALICE)).attempts.used == 3
    point(pair, pair.replica)
    await attempts(store, 5)
