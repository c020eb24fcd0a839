"""An older copy in the place of the Redis store (F-38, S-123).

It is recognized and refused until somebody wants it. Then nothing comes back. The loss of a failover or a
restart is no older copy.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from mfa_gate.core.model import Account, Attempts, Challenge, Lock, SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.storage import EVERYTHING
from mfa_gate.stores.redis import RedisStore, monitor
from mfa_gate.stores.redis.timing import Timing
from mfa_gate.testing.store_suite import ALICE, BOB, changed, enrolled, event

from .. import servers
from ..faults import READS, WRITES, answers, refusal, refused
from ..patience import REDIS

pytestmark = pytest.mark.waits

SETTLED = 1.0
BRISK = replace(REDIS, settled_after=SETTLED, noted_together=0.1, look_every=0.5, look_again=0.5, keep_every=0.5)
"""A second for a minute, and time for a busy machine to answer."""
AT_REST = replace(BRISK, look_every=1_000.0)
CAROL = SubjectKey("finance", "carol")
LOCK = Lock(at=100, cause="attempts", ref="R")
CODE = Challenge(id="c", factor="email", purpose="sign-in", target="t", browser="b", issued_at=1, expires_at=1 << 40)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[servers.Server]:
    with servers.single(tmp_path) as server:
        yield server


@pytest.fixture
async def opened() -> AsyncIterator[Opened]:
    """Opens stores, and closes them in the end."""
    stores: list[RedisStore] = []

    async def open_store(url: str, *, timing: Timing = BRISK) -> RedisStore:
        stores.append(RedisStore(url, timing=timing))
        await stores[-1].open()
        return stores[-1]

    yield open_store
    for store in stores:
        await store.aclose()


Opened = Callable[..., Awaitable[RedisStore]]


def url(server: servers.Server, marker: Path | None = None) -> str:
    return f"redis://127.0.0.1:{server.port}" + (f"?marker={marker}" if marker else "")


async def a_minute() -> None:
    """Wait until the changes have settled: they are old enough, and were looked at again."""
    await asyncio.sleep(SETTLED + 1.3)


async def change(store: RedisStore, key: SubjectKey = ALICE, **parts: object) -> None:
    """One more change of an account."""
    assert await store.swap(replace(await store.load(key), **parts), [event(9, key=key)])  # type: ignore[arg-type]


async def healthy(store: RedisStore) -> None:
    """Check that the store answers, also after it has looked at the data of the servers."""
    await answers(store, within=5)
    for _ in range(20):
        await asyncio.sleep(0.1)
        await store.load(ALICE)
        changed(store)


async def test_under_running_workers(server: servers.Server, opened: Opened) -> None:
    """An older copy that is put back while workers run is refused at the very first look.

    S-123. The copy is a dump from before a lock. The worker that made the change refuses it, and so does one
    that only heard of it, until the newer data is there again.
    """
    store, other = await opened(url(server)), await opened(url(server))
    assert await store.swap(enrolled(ALICE), [event(1)])
    assert await store.swap(enrolled(CAROL), [event(2, key=CAROL)])
    older = server.copy("older")
    await change(store, lock=LOCK)
    await a_minute()
    newer = server.copy("newer")
    server.put_back(older)
    for worker in (store, other):
        told = await refusal_of_a_copy(worker)
        assert "tenant 'clinic': change 1; 2 was here" in told
        assert "mfa-gate store accept" in told
    await asyncio.sleep(1)
    for worker in (store, other):
        await refused(worker, READS | WRITES)
        with pytest.raises(StoreUnavailable, match="older copy"):
            changed(worker)
        with pytest.raises(StoreUnavailable, match="older copy"):
            await worker.load(CAROL)
    server.put_back(newer)
    for worker in (store, other):
        await answers(worker, within=5)
        assert (await worker.load(ALICE)).lock == LOCK


async def test_a_worker_at_rest(server: servers.Server, opened: Opened) -> None:
    """A worker at rest refuses an older copy too.

    S-123. The changes that it heard of settle at its next look. It looks when the servers are back, though
    nobody asks it.
    """
    idle, store = await opened(url(server), timing=AT_REST), await opened(url(server), timing=AT_REST)
    assert await store.swap(enrolled(ALICE))
    older = server.copy("older")
    await asyncio.sleep(1)
    await change(store, lock=LOCK)
    await store.aclose()
    await asyncio.sleep(SETTLED + 0.2)
    session = idle._sessions.of_this_loop()
    assert session is not None
    assert session._watch is not None
    await session._watch.look()
    server.put_back(older)
    until, told = time.monotonic() + 5, ""
    while "older copy" not in told:
        assert time.monotonic() < until
        await asyncio.sleep(0.02)
        try:
            changed(idle)
        except StoreUnavailable as error:
            told = str(error)


async def refusal_of_a_copy(store: RedisStore) -> str:
    """Return the words of the refusal of a copy.

    Between the old server and the copy there is an outage. After it no load is answered even once.
    """
    until = time.monotonic() + 5
    while "older copy" not in (told := await refusal(store, within=0)):
        assert time.monotonic() < until
    return told


async def test_a_copy_without_the_tenant(server: servers.Server, opened: Opened) -> None:
    """A copy from before a tenant's first person is refused.

    S-123. It is no store in which nobody of that tenant is enrolled.
    """
    store = await opened(url(server))
    assert await store.swap(enrolled(CAROL))
    older = server.copy("older")
    assert await store.swap(enrolled(ALICE))
    await a_minute()
    server.put_back(older)
    await refusal_of_a_copy(store)
    await refused(store, {"load": READS["load"], "settings": READS["settings"], "swap": WRITES["swap"]})
    server.put_back(older)


async def test_what_each_call_reads_is_enough(
    server: servers.Server, opened: Opened, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No account is read of a tenant that went back, even before anybody has looked.

    S-123. This holds also if the data is replaced while the connections stay open.
    """
    looking, may_look = set[object](), True
    compare = monitor.Watch._compare  # every look does this, that of the timer as well

    async def compared(self: monitor.Watch) -> None:
        if may_look:
            looking.add(mark := object())
            try:
                await compare(self)
            finally:
                looking.discard(mark)

    monkeypatch.setattr(monitor.Watch, "_compare", compared)
    store = await opened(url(server))
    assert await store.swap(enrolled(ALICE))
    assert await store.swap_settings(TenantSettings(tenant="clinic", enabled_at=5))
    await a_minute()
    may_look = False
    while looking:  # one that had begun ends first
        await asyncio.sleep(0.01)
    server.say("HINCRBY", "mfa_gate:{tclinic}:head", "seq", -1)
    for call in (store.load(ALICE), store.load(BOB), store.settings("clinic")):
        with pytest.raises(StoreUnavailable, match="older copy"):
            await call
    assert (await store.load(CAROL)).version == 0
    server.say("HINCRBY", "mfa_gate:{tclinic}:head", "seq", 1)
    await answers(store)


async def test_accepted(server: servers.Server, opened: Opened) -> None:
    """Every worker goes on by itself once an operator has accepted the copy.

    F-38. A worker that started meanwhile does too. No proof lives and no code counts. The lock that the copy
    has stands, and later changes count.
    """
    store, other = await opened(url(server)), await opened(url(server))
    assert await store.swap(enrolled(ALICE, challenges=(CODE,)), [event(1)])
    assert await store.swap(enrolled(BOB, lock=LOCK))
    before = await store.load(ALICE)
    older = server.copy("older")
    for used in (4, 5, 6):
        await change(store, attempts=Attempts(used=used))
    await a_minute()
    server.put_back(older)
    await refusal_of_a_copy(other)
    fresh = await opened(url(server))  # knows nothing of the past
    assert (await fresh.load(ALICE)).challenges == (CODE,)
    while changed(fresh) != frozenset():
        await asyncio.sleep(0.01)
    began = int(time.time())
    await RedisStore(url(server), timing=BRISK).accept()
    after = await fresh.load(ALICE)
    assert changed(fresh) is EVERYTHING
    for worker in (store, other, fresh):
        await healthy(worker)
        assert await worker.load(ALICE) == after
    assert (after.epoch, after.challenges, after.attempts.used) == (before.epoch + 1, (), 3)
    assert began <= after.restored_at <= time.time()
    assert (await store.load(BOB)).lock == LOCK
    assert (await store.load(SubjectKey("clinic", "new"))).restored_at == after.restored_at
    await change(store, challenges=(CODE,))
    now = await other.load(ALICE)
    assert (now.challenges, now.epoch) == ((CODE,), after.epoch)
    assert await other.swap(enrolled(CAROL))
    assert await store.load(CAROL) == enrolled(CAROL, version=1)
    await a_minute()
    await healthy(store)


async def test_accepted_twice(server: servers.Server, opened: Opened) -> None:
    """Each acceptance is later than the one before, also within a second.

    Nothing from between the two lives on.
    """
    store = await opened(url(server))
    assert await store.swap(enrolled(ALICE))
    await store.accept()
    first = await store.load(ALICE)
    assert await store.swap(first)
    await store.accept()
    second = await store.load(ALICE)
    assert second.epoch == first.epoch + 1
    assert second.restored_at > first.restored_at
    assert not await verify_trail(store)


async def test_what_was_before_the_accepted_copy(server: servers.Server, opened: Opened, tmp_path: Path) -> None:
    """The newer data that an accepted copy replaced is no longer the store.

    S-123. The codes that were used since the acceptance would be unused there. Workers refuse that data. With
    a marker the start refuses it too.
    """
    marked = url(server, tmp_path / "marker")
    store = await opened(marked)
    assert await store.swap(enrolled(ALICE))
    older = server.copy("older")
    for used in (4, 5, 6):
        await change(store, attempts=Attempts(used=used))
    await a_minute()
    newer = server.copy("newer")
    server.put_back(older)
    await refusal_of_a_copy(store)
    await RedisStore(marked, timing=BRISK).accept()
    await healthy(store)
    accepted = server.copy("accepted")
    await change(store, lock=LOCK)
    await a_minute()
    server.put_back(newer)
    await asyncio.sleep(2)
    assert "than the one that was accepted last" in await refusal(store)
    await store.aclose()
    with pytest.raises(SettingsError, match="than the one that was accepted last"):
        await opened(marked)
    server.put_back(accepted)
    with pytest.raises(SettingsError, match="tenant 'clinic'"):
        await opened(marked)
    await RedisStore(marked, timing=BRISK).accept()
    assert (await (await opened(marked)).load(ALICE)).attempts.used == 3


async def test_there_is_nothing_to_accept(server: servers.Server) -> None:
    """An empty Redis is not made a store by accepting it."""
    with pytest.raises(SettingsError, match="holds no store"):
        await RedisStore(url(server), timing=BRISK).accept()
    assert server.say("DBSIZE") == 0


async def test_what_the_ledger_knows_does_not_come_back(server: servers.Server, opened: Opened) -> None:
    """A change that was confirmed before the acceptance is not written into the accepted copy.

    The copy is the store, also for the changes that this process had confirmed in the minute before.
    """
    store = await opened(url(server))
    assert await store.swap(enrolled(ALICE))
    older = server.copy("older")
    await change(store, name="of yesterday")
    await a_minute()
    server.put_back(older)
    await refusal_of_a_copy(store)
    await RedisStore(url(server), timing=BRISK).accept()
    await healthy(store)
    account = await store.load(ALICE)
    assert (account.name, account.version) == ("Ada Lovelace", 1)


async def test_while_every_worker_was_down(server: servers.Server, opened: Opened, tmp_path: Path) -> None:
    """A copy that was put in place while every worker was down stops the start.

    S-123. This needs ``?marker=``, and lasts until the copy is accepted. The marker then begins anew. Without
    a marker nothing is written, and nothing can be known.
    """
    marked = url(server, tmp_path / "marker")
    store = await opened(marked)
    assert await store.swap(enrolled(ALICE, challenges=(CODE,)))
    older = server.copy("older")
    await change(store, lock=LOCK)
    await a_minute()
    await store.aclose()
    newer = server.copy("newer")
    server.put_back(older)
    for _ in range(2):
        with pytest.raises(SettingsError, match=r"older copy .*mfa-gate store accept"):
            await store.open()
        with pytest.raises(SettingsError, match=r"older copy .*mfa-gate store accept"):
            await opened(marked)
    server.put_back(newer)
    await (await opened(marked)).aclose()
    server.put_back(older)
    unmarked = await opened(url(server))
    assert (await unmarked.load(ALICE)).challenges == (CODE,)
    await RedisStore(marked, timing=BRISK).accept()
    store = await opened(marked)
    assert (await store.load(ALICE)).challenges == ()
    await a_minute()
    await store.aclose()
    await (await opened(marked)).aclose()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_file()) == ["marker"]


async def test_another_store_where_there_was_one(server: servers.Server, opened: Opened, tmp_path: Path) -> None:
    """A marker stops the start on a store that was emptied or replaced by another one.

    F-6. It happened while every worker was down. The marker stops also the acceptance, and nothing is
    written. Deleting the marker begins anew.
    """
    marked = url(server, tmp_path / "marker")
    store = await opened(marked)
    assert await store.swap(enrolled(ALICE))
    await a_minute()
    await store.aclose()
    server.say("FLUSHALL")
    for call in (opened(marked), RedisStore(marked, timing=BRISK).accept()):
        with pytest.raises(SettingsError, match=r"no store, but there was one.*delete"):
            await call
    assert server.say("DBSIZE") == 0
    await (await opened(url(server))).aclose()
    with pytest.raises(SettingsError, match="another store"):
        await opened(marked)
    (tmp_path / "marker").unlink()
    assert (await (await opened(marked)).load(ALICE)).version == 0


@pytest.mark.parametrize("fsync", ["always", "everysec"])
async def test_a_restart_is_none(tmp_path: Path, opened: Opened, fsync: str) -> None:
    """A server that was killed and comes back is the store.

    F-3. This holds with the loss of a second and without it.
    """
    with servers.single(tmp_path, "--appendonly", "yes", "--appendfsync", fsync) as server:
        store = await opened(url(server, tmp_path / "marker"))
        assert await store.swap(enrolled(ALICE))
        await a_minute()
        for used in range(40):
            await change(store, attempts=Attempts(used=used))
            await asyncio.sleep(0.01)
        server.stop()
        await asyncio.sleep(SETTLED * 2)
        server.start()
        await healthy(store)
        assert (await store.load(ALICE)).attempts.used == 39
        await a_minute()
        await store.aclose()
        await (await opened(url(server, tmp_path / "marker"))).load(ALICE)


async def test_a_failover_that_loses_is_none(tmp_path: Path, opened: Opened) -> None:
    """A replica that takes over without the last moment is no older copy.

    F-3. The confirmed changes are put back. Nobody is refused for the loss, neither then nor long after that
    moment.
    """
    with servers.pair(tmp_path) as pair:
        place = f"redis+sentinel://127.0.0.1:{pair.sentinel.port}/gate"
        store, other = await opened(place), await opened(place)
        assert await store.swap(enrolled(ALICE))
        await a_minute()
        with pair.primary.client() as client:
            assert client.execute_command("WAIT", 1, 5000) == 1
        pair.replica.say("REPLICAOF", "127.0.0.1", 1)
        for used in range(5):
            await change(store, attempts=Attempts(used=used))
        await change(store, lock=LOCK)
        pair.primary.stop()
        await asyncio.sleep(SETTLED * 2)
        pair.replica.say("REPLICAOF", "NO", "ONE")
        pair.sentinel.say("SENTINEL", "REMOVE", "gate")
        pair.sentinel.say("SENTINEL", "MONITOR", "gate", "127.0.0.1", pair.replica.port, 1)
        for worker in (store, other):
            await answers(worker, within=20)
            await healthy(worker)
            assert (await worker.load(ALICE)).lock == LOCK
        await a_minute()
        await healthy(store)
        await healthy(other)


async def test_a_replica_of_yesterday_is_one(tmp_path: Path, opened: Opened) -> None:
    """A replica that was cut off long ago and takes over now is an older copy.

    S-123. It is refused like any other.
    """
    with servers.pair(tmp_path) as pair:
        store = await opened(f"redis+sentinel://127.0.0.1:{pair.sentinel.port}/gate")
        assert await store.swap(enrolled(ALICE))
        with pair.primary.client() as client:
            assert client.execute_command("WAIT", 1, 5000) == 1
        pair.replica.say("REPLICAOF", "127.0.0.1", 1)
        await change(store, lock=LOCK)
        await a_minute()
        pair.primary.stop()
        pair.replica.say("REPLICAOF", "NO", "ONE")
        pair.sentinel.say("SENTINEL", "REMOVE", "gate")
        pair.sentinel.say("SENTINEL", "MONITOR", "gate", "127.0.0.1", pair.replica.port, 1)
        until = time.monotonic() + 10
        while "older copy" not in await refusal(store, within=0):
            assert time.monotonic() < until
            await asyncio.sleep(0.02)


async def test_one_node_of_a_cluster(tmp_path: Path, opened: Opened) -> None:
    """One server of a Cluster that is put back is noticed.

    S-123. After the acceptance everybody proves again, whatever server they are on.
    """
    with servers.cluster(tmp_path) as nodes:
        for node in nodes:
            node.say("CONFIG", "SET", "appendfsync", "always")
        place = ",".join(f"127.0.0.1:{node.port}" for node in nodes)
        store = await opened(f"redis+cluster://{place}")
        keys = [SubjectKey(f"tenant{number}", "a") for number in range(12)]
        for key in keys:
            assert await store.swap(enrolled(key, challenges=(CODE,)))
        older = nodes[2].copy("older")
        for key in keys:
            await change(store, key, attempts=Attempts(used=6))
        await a_minute()
        nodes[2].put_back(older)
        until = time.monotonic() + 15
        while "older copy" not in await refusal_of_any(store, keys):
            assert time.monotonic() < until
            await asyncio.sleep(0.05)
        accepting = RedisStore(f"redis+cluster://{place}", timing=BRISK)
        while True:
            try:
                await accepting.accept()
                break
            except StoreUnavailable:  # a Cluster takes a moment to be whole again
                assert time.monotonic() < until
                await asyncio.sleep(0.1)
        found = await patiently(store, keys)
        assert {account.epoch for account in found} == {1}
        assert {account.challenges for account in found} == {()}
        assert {account.attempts.used for account in found} == {3, 6}


async def refusal_of_any(store: RedisStore, keys: list[SubjectKey]) -> str:
    """Return the words of the refusals of these keys."""
    outcomes = await asyncio.gather(*(store.load(key) for key in keys), return_exceptions=True)
    return " ".join(str(outcome) for outcome in outcomes if isinstance(outcome, StoreUnavailable))


async def patiently(store: RedisStore, keys: list[SubjectKey]) -> list[Account]:
    """The accounts, as soon as all are answered."""
    until = time.monotonic() + 15
    while True:
        try:
            return [await store.load(key) for key in keys]
        except StoreUnavailable:
            assert time.monotonic() < until
            await asyncio.sleep(0.1)
