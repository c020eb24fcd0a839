"""The Redis store while its servers fail or are unfit.

It refuses within a second, believes no stale word, and goes on.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import threading
import time
from collections.abc import AsyncIterator, Coroutine, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from mfa_gate.core.model import Attempts, SubjectKey
from mfa_gate.core.trail import event_from_json, event_to_json
from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.storage import EVERYTHING
from mfa_gate.stores import store_from_url
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.first_open import faults_of
from mfa_gate.stores.redis.names import TENANTS
from mfa_gate.stores.redis.timing import Timing
from mfa_gate.stores.redis.url import Place, place_of
from mfa_gate.testing.store_suite import ALICE, BOB, Listener, changed, enrolled, event
from tests.service.trails import StoredTrail

from .. import servers
from ..faults import IN_TIME, READS, WRITES, answers, noise, nothing_lost, prepared, refusal, refused, silence
from ..patience import REDIS

pytestmark = pytest.mark.waits


@pytest.fixture
def server(tmp_path: Path) -> Iterator[servers.Server]:
    with servers.single(tmp_path) as server:
        yield server


@pytest.fixture
async def store(server: servers.Server) -> AsyncIterator[RedisStore]:
    store = RedisStore(f"redis://127.0.0.1:{server.port}")
    await store.open()
    await prepared(store)
    yield store
    await store.aclose()


async def test_killed_and_restarted(server: servers.Server, store: RedisStore) -> None:
    """A server that was killed (``kill -9``) is an outage; restarted, it has all its data.

    F-1. All that was acknowledged is there within five seconds.
    """
    await silence(store)
    server.stop()
    await noise(store)
    await refused(store, READS | WRITES)
    server.start()
    await answers(store, within=5)
    await nothing_lost(store)
    await silence(store)


async def test_closed_while_it_breaks(server: servers.Server) -> None:
    """Closing comes to an end also at the moment at which the connections break.

    The push channel and the other connections break together.
    """
    for number in range(8):
        store = RedisStore(f"redis://127.0.0.1:{server.port}")
        await store.open()
        await silence(store)
        calls = [asyncio.ensure_future(store.load(ALICE)) for _ in range(5)]
        server.say("CLIENT", "KILL", "TYPE", "pubsub")
        server.say("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        for _ in range(number):
            await asyncio.sleep(0)
        await asyncio.wait_for(store.aclose(), 3)
        await asyncio.gather(*calls, return_exceptions=True)


async def test_connections_that_an_operator_ends(server: servers.Server, store: RedisStore) -> None:
    """A connection that was ended while nobody used it costs no call."""
    await store.load(ALICE)
    for _ in range(10):
        server.say("CLIENT", "KILL", "TYPE", "normal")
        await asyncio.sleep(0.05)
        await store.load(ALICE)


async def test_hanging(server: servers.Server, store: RedisStore) -> None:
    """A server that accepts connections and never answers is refused within a second.

    F-1. No attempt is given back by it.
    """
    await silence(store)
    assert server.process is not None
    server.process.send_signal(signal.SIGSTOP)
    try:
        await noise(store)
        await refused(store, {"load": READS["load"], "swap": WRITES["swap"]})
        many = await asyncio.gather(*(store.load(ALICE) for _ in range(200)), return_exceptions=True)
        assert len(many) == 200
        assert all(isinstance(outcome, StoreUnavailable) for outcome in many)
    finally:
        server.process.send_signal(signal.SIGCONT)
    await answers(store, within=5)
    assert (await store.load(ALICE)).version == 1
    assert (await store.load(BOB)).version in (0, 1)


async def test_unknown_outcome_is_looked_up(server: servers.Server, store: RedisStore) -> None:
    """A swap whose answer got lost is looked up, not done again.

    F-7. It is reported as the outcome that it had.
    """
    server.say("CLIENT", "PAUSE", 560, "WRITE")
    began = time.monotonic()
    (told,) = await asyncio.gather(store.swap(enrolled(ALICE, version=1), [event(7)]), return_exceptions=True)
    assert time.monotonic() - began < IN_TIME
    assert told is True or isinstance(told, StoreUnavailable)
    await asyncio.sleep(0.3)
    account = await store.load(ALICE)
    assert account.version in ((2,) if told is True else (1, 2))
    assert [line.id for line in (await store.events("clinic")).items] == ["e7", "e1"][2 - account.version :]
    assert not await store.swap(enrolled(ALICE))


async def test_flushed(server: servers.Server, store: RedisStore) -> None:
    """A flushed database is an outage, never a store in which nobody is enrolled.

    F-6. It does not fill again by itself.
    """
    await silence(store)
    server.say("FLUSHALL")
    await refused(store, {name: READS[name] for name in ("load", "settings")})
    for ask in (store.swap(enrolled(BOB)), store.trails(), store.events("")):
        with pytest.raises(StoreUnavailable):
            await ask
    await noise(store)
    await asyncio.sleep(0.5)
    with pytest.raises(StoreUnavailable):
        changed(store)
    await refused(store, READS | WRITES)
    assert server.say("DBSIZE") == 0


async def test_one_tenant_lost(server: servers.Server, store: RedisStore) -> None:
    """A tenant whose keys alone are gone is an outage for its unknown subjects.

    F-6. Other tenants go on.
    """
    with server.client() as client:
        for key in client.keys("*{tclinic}*"):
            client.delete(key)
    await refused(store, {name: READS[name] for name in ("load", "settings", "page", "events", "counts")})
    await refused(store, {name: WRITES[name] for name in ("swap", "append")})
    assert await store.swap(enrolled(SubjectKey("finance", "x")))


async def test_killed_while_a_tenant_is_made_known(server: servers.Server) -> None:
    """A process that died while making a tenant known leaves no tenant that is passed over.

    F-10, F-6. It died between the new tenant's head and the list of all tenants. Rotation, export and
    verification pass over no tenant, and the loss of a tenant is noticed. So nothing is written to a tenant
    before it is listed.
    """
    url = f"redis://127.0.0.1:{server.port}"
    first = RedisStore(url)
    await first.open()
    await first.append([event(1)])
    await first.aclose()
    server.say("SREM", TENANTS, "clinic")  # as if it had died there
    store = RedisStore(url)
    await store.open()
    assert await store.swap(enrolled(ALICE), [event(2)])
    assert await store.trails() == ("clinic",)
    assert await store.keys() == (ALICE,)
    with server.client() as client:
        for key in client.keys("*{tclinic}*"):
            client.delete(key)
    with pytest.raises(StoreUnavailable, match="lost"):
        await store.load(BOB)
    await store.aclose()


async def test_out_of_memory(server: servers.Server, store: RedisStore) -> None:
    """F-2: with the memory used up writes are refused and reads answer."""
    server.say("CONFIG", "SET", "maxmemory", 1)
    await refused(store, {name: call for name, call in WRITES.items() if name != "release"})
    assert (await store.load(ALICE)).version == 1
    server.say("CONFIG", "SET", "maxmemory", 0)
    await nothing_lost(store)


async def test_a_disk_without_room(server: servers.Server, store: RedisStore) -> None:
    """A server that cannot write to its disk refuses changes, and can be read.

    F-2. Such a server refuses a PING as well, which is no reason to give it up.
    """
    server.say("CONFIG", "SET", "save", "3600 1000")
    shutil.rmtree(server.place)
    server.say("BGSAVE")
    while b"rdb_last_bgsave_status:err" not in servers.raw_info(server, "persistence"):
        await asyncio.sleep(0.02)
    with server.client() as client, pytest.raises(redis.ResponseError, match="MISCONF"):
        client.ping()
    await refused(store, {"swap": WRITES["swap"]})
    for _ in range(10):  # longer than an unanswered channel is believed
        assert (await store.load(ALICE)).version == 1
        changed(store)
        await asyncio.sleep(0.1)
    assert changed(store) == frozenset()
    again = RedisStore(f"redis://127.0.0.1:{server.port}", timing=REDIS)
    await again.open()
    await silence(again)
    assert (await again.load(ALICE)).version == 1
    await again.aclose()
    server.say("CONFIG", "SET", "stop-writes-on-bgsave-error", "no")
    await answers(store)
    await nothing_lost(store)


async def test_unfit_while_it_runs(server: servers.Server, store: RedisStore) -> None:
    """A server that is set to evict while workers run is refused until it is put right.

    S-112. It is not refused for a moment only.
    """
    other = RedisStore(f"redis://127.0.0.1:{server.port}", timing=Timing(check_every=0.5, look_again=0.5))
    await other.open()
    server.say("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
    assert "set maxmemory-policy noeviction" in await refusal(other, within=3)
    for _ in range(20):
        await asyncio.sleep(0.1)
        await refused(other, {"load": READS["load"]})
    server.say("CONFIG", "SET", "maxmemory-policy", "noeviction")
    await answers(other, within=3)
    await other.aclose()


async def test_broken_channel(server: servers.Server, store: RedisStore) -> None:
    """A push channel that breaks is noticed at once.

    Until it is up again the answer is "everything".
    """
    other = RedisStore(f"redis://127.0.0.1:{server.port}")
    await other.open()
    await silence(store)
    for _ in range(5):
        server.say("CLIENT", "KILL", "TYPE", "pubsub")
        assert await other.swap(replace(await other.load(BOB), name="x"))
        await asyncio.sleep(0.05)
        told = changed(store)
        assert told is EVERYTHING or BOB in told  # type: ignore[operator]
        await silence(store)
    await other.aclose()


async def test_broken_channel_of_two_readers(server: servers.Server, store: RedisStore) -> None:
    """Each reader of a store hears of the changes that it may have missed.

    This holds however late it looks.
    """
    other = RedisStore(f"redis://127.0.0.1:{server.port}")
    await other.open()
    often, seldom = Listener(store), Listener(store)
    await silence(store)
    for listener in (often, seldom):
        listener.changed()
    for _ in range(3):
        server.say("CLIENT", "KILL", "TYPE", "pubsub")
        assert await other.swap(replace(await other.load(BOB), name="x"))
        await asyncio.sleep(0.05)
        await silence(store)
        while often.changed() != frozenset():
            await asyncio.sleep(0.01)
        told = seldom.changed()
        assert told is EVERYTHING or BOB in told  # type: ignore[operator]
    await other.aclose()


async def test_missed_notice(server: servers.Server, store: RedisStore) -> None:
    """A gap in the numbers of a tenant's notices is answered with "everything"."""
    await silence(store)
    head = "mfa_gate:{tclinic}:head"
    other = RedisStore(f"redis://127.0.0.1:{server.port}")
    await other.open()
    assert await other.swap(enrolled(BOB))
    await asyncio.sleep(0.1)
    assert changed(store) == frozenset({BOB})
    server.say("HINCRBY", head, "seq", 1)
    assert await other.swap(enrolled(BOB, version=1))
    await asyncio.sleep(0.1)
    assert changed(store) is EVERYTHING
    await other.aclose()


async def test_notice_is_quick(server: servers.Server, store: RedisStore) -> None:
    """Another worker's change is known within 50 ms (median of 50, measured on the wall)."""
    other = RedisStore(f"redis://127.0.0.1:{server.port}")
    await other.open()
    await silence(store)
    took: list[float] = []
    for version in range(50):
        assert await other.swap(enrolled(BOB, version=version))
        began = time.monotonic()
        while changed(store) != frozenset({BOB}):
            await asyncio.sleep(0.001)
        took.append(time.monotonic() - began)
    assert sorted(took)[25] < 0.05
    await other.aclose()


async def test_chain(server: servers.Server, store: RedisStore) -> None:
    """The chain that the script makes is the one that ``core.trail`` checks."""
    await store.append([event(number) for number in range(2, 40)])
    with server.client() as client:
        links = [
            (event_from_json(fields[b"e"]), fields[b"d"].decode())
            for _, fields in client.xrange("mfa_gate:{tclinic}:trail")
        ]
        head = client.hgetall("mfa_gate:{tclinic}:head")
    assert len(links) == 39 == int(head[b"length"])
    lines, digest = [(event_to_json(event), digest) for event, digest in links], head[b"digest"].decode()
    assert await verify_trail(StoredTrail(lines, digest)) == {}
    assert await verify_trail(StoredTrail(lines[:-1], digest)) == {"t": 38}


async def test_fork(server: servers.Server, store: RedisStore) -> None:
    """F-40: a child never uses the parent's connection, nor believes its notices."""
    await silence(store)
    child = os.fork()
    if not child:
        code = 1
        try:
            try:
                changed(store)
            except StoreUnavailable:
                code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0
    await nothing_lost(store)


def test_used_on_another_loop(server: servers.Server) -> None:
    """A store that is used on a second event loop gets connections of its own there."""
    store = RedisStore(f"redis://127.0.0.1:{server.port}")

    async def first() -> None:
        await store.open()
        assert await store.swap(enrolled(ALICE))
        session = store._sessions.of_this_loop()
        assert session is not None
        await session.aclose()

    async def second() -> None:
        assert (await store.load(ALICE)).version == 1
        assert changed(store) is EVERYTHING
        await store.aclose()

    asyncio.run(first())
    asyncio.run(second())


async def test_used_on_two_loops_at_once(server: servers.Server, store: RedisStore) -> None:
    """Two gates with one store object, each on a loop of its own, keep their connections.

    Each hears of the changes that the other commits.
    """
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    there = Listener(store)

    async def once(name: str) -> None:
        assert await store.swap(replace(await store.load(BOB), name=name))

    async def hears() -> None:
        until = time.monotonic() + 2
        told = there.changed()
        while told is not EVERYTHING and BOB not in told:  # type: ignore[operator]
            assert time.monotonic() < until
            await asyncio.sleep(0.01)
            told = there.changed()

    async def over_there(work: Coroutine[Any, Any, None]) -> None:
        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, loop))

    try:
        await over_there(once("there"))
        await over_there(silence_of(there))
        await silence(store)
        connections = len(server.say("CLIENT", "LIST").splitlines())
        for number in range(6):
            await once(f"here {number}")
            await over_there(hears())
            await over_there(once(f"there {number}"))
            while BOB not in (told := changed(store)):  # type: ignore[operator]
                assert told is not EVERYTHING
                await asyncio.sleep(0.01)
        assert len(server.say("CLIENT", "LIST").splitlines()) <= connections
    finally:
        for session in [session for session in store._sessions._sessions.values() if session.loop is loop]:
            await over_there(session.aclose())
        loop.call_soon_threadsafe(loop.stop)
        await asyncio.to_thread(thread.join)
        loop.close()


async def silence_of(listener: Listener) -> None:
    """Until a listener has nothing to hear."""
    while listener.changed() != frozenset():
        await asyncio.sleep(0.02)


async def test_away_at_the_start() -> None:
    """A server that is away when the process starts is an outage, told within a second or so."""
    store = RedisStore("redis://127.0.0.1:1")
    with pytest.raises(StoreUnavailable):
        await store.open()
    with pytest.raises(StoreUnavailable):
        await store.load(ALICE)
    await store.aclose()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--appendonly", "no"), "keeps nothing on disk.*durable=false"),
        (("--appendonly", "yes", "--maxmemory-policy", "allkeys-lru"), "set maxmemory-policy noeviction"),
        (("--appendonly", "yes", "--requirepass", "x"), "check user and password"),
    ],
)
async def test_unfit_servers(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    """S-112: a server that evicts, forgets or refuses stops the start, with its fix."""
    with servers.single(tmp_path, *options[:2]) as server:
        for name, value in zip(options[2::2], options[3::2], strict=True):
            server.say("CONFIG", "SET", name[2:], value)
        store = RedisStore(f"redis://127.0.0.1:{server.port}")
        with pytest.raises(SettingsError, match=message):
            await store.open()
        await store.aclose()


async def test_tls(tmp_path: Path) -> None:
    """``rediss://`` talks TLS only to a server whose certificate the named authority signed.

    The URL names the authority.
    """
    name = ("-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1")
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    made = (
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-keyout",
        str(key),
        "-out",
        str(certificate),
    )
    process = await asyncio.create_subprocess_exec("openssl", *made, *name, stderr=asyncio.subprocess.DEVNULL)
    assert await process.wait() == 0
    (port,) = servers.free_ports(1)
    options = ["--tls-port", str(port), "--tls-cert-file", str(certificate), "--tls-key-file", str(key)]
    with servers.single(tmp_path, "--appendonly", "yes", *options, "--tls-auth-clients", "no"):
        store = RedisStore(f"rediss://127.0.0.1:{port}?ca={certificate}", timing=REDIS)
        await store.open()
        assert await store.swap(enrolled(ALICE))
        await silence(store)
        await store.aclose()
        stranger = RedisStore(f"rediss://127.0.0.1:{port}", timing=REDIS)
        with pytest.raises(StoreUnavailable, match="certificate"):
            await stranger.open()
        misnamed = RedisStore(f"rediss://localhost:{port}?ca={certificate}", timing=REDIS)
        with pytest.raises(StoreUnavailable, match="certificate"):
            await misnamed.open()


async def test_forgetful_server_on_purpose(tmp_path: Path) -> None:
    """S-112: ``durable=false`` accepts a server without a disk, and nothing else."""
    with servers.single(tmp_path, "--appendonly", "no") as server:
        store = store_from_url(f"redis://127.0.0.1:{server.port}/0?durable=false")
        await store.open()
        assert await store.swap(enrolled(ALICE))
        await store.aclose()
        server.say("CONFIG", "SET", "maxmemory-policy", "volatile-ttl")
        with pytest.raises(SettingsError, match="noeviction"):
            await store.open()


def test_old_server() -> None:
    """Redis before version 7 is refused; so is one that does not say what it evicts."""
    replies: list[object] = [b"redis_version:6.2.14\r\n", b"# Memory\r\n", b"aof_enabled:1\r\n", []]
    assert [fault.partition(" ")[0] for fault in faults_of(replies, durable=True)] == ["Redis", "Redis"]
    replies = [
        b"redis_version:7.0.1\r\n",
        b"maxmemory_policy:noeviction\r\n",
        b"aof_enabled:0\r\n",
        [b"save", b"3600 1"],
    ]
    assert faults_of(replies, durable=True) == []


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://h", Place(kind="single", hosts=(("h", 6379),))),
        (
            "rediss://u:p%40s@h:7/2?ca=/x.pem",
            Place(kind="single", hosts=(("h", 7),), database=2, username="u", password="p@s", tls=True, ca="/x.pem"),
        ),
        ("redis://[::1]:7", Place(kind="single", hosts=(("::1", 7),))),
        ("redis://[::1]", Place(kind="single", hosts=(("::1", 6379),))),
        ("redis://:a[b]c@h", Place(kind="single", hosts=(("h", 6379),), password="a[b]c")),
        ("redis+cluster://a,[::1]:7,[::2]", Place(kind="cluster", hosts=(("a", 6379), ("::1", 7), ("::2", 6379)))),
        (
            "redis+sentinel://:p@a,b:5/gate/3?replicas=2&durable=false",
            Place(
                kind="sentinel",
                hosts=(("a", 26379), ("b", 5)),
                service="gate",
                database=3,
                password="p",
                replicas=2,
                durable=False,
            ),
        ),
        ("redis://h?marker=/var/lib/a%20b", Place(kind="single", hosts=(("h", 6379),), generation_file="/var/lib/a b")),
        ("redis://h?marker=/var/lib/c++", Place(kind="single", hosts=(("h", 6379),), generation_file="/var/lib/c++")),
        ("redis+cluster://a:1,b?tls=true", Place(kind="cluster", hosts=(("a", 1), ("b", 6379)), tls=True)),
    ],
)
def test_urls(url: str, place: Place) -> None:
    """Each kind of URL gives the servers and the demands on them."""
    assert replace(place_of(url), shown="") == place
    assert "p@s" not in place_of(url).shown


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("redis://", "names no host"),
        ("redis://h:x", "no number"),
        ("redis://h:70000", "no port"),
        ("redis://h/x", "no number"),
        ("redis://h/1/2", "more in its path"),
        ("redis://h?durable=maybe", "neither true nor false"),
        ("redis://h?what=1", "unknown option"),
        ("redis://h?marker=", "names no file"),
        ("redis+sentinel://h", "names no service"),
        ("redis+cluster://h/1", "more in its path"),
        ("redis://u:secret@h?x", "Redis URL"),
    ],
)
def test_wrong_urls(url: str, message: str) -> None:
    """A wrong URL stops the start with what to write instead, and without its password."""
    with pytest.raises(SettingsError, match=message) as caught:
        store_from_url(url)
    assert "secret" not in str(caught.value)


async def test_replica_is_refused(tmp_path: Path) -> None:
    """S-113: nothing is ever read from or written to a replica."""
    with servers.single(tmp_path) as server:
        store = RedisStore(f"redis://127.0.0.1:{server.port}")
        await store.open()
        assert await store.swap(enrolled(ALICE))
        server.say("REPLICAOF", "127.0.0.1", 1)
        await refused(store, {"swap": WRITES["swap"]})
        await refused(store, {"load": READS["load"], "swap": WRITES["swap"]})
        await store.aclose()
        with pytest.raises(StoreUnavailable, match="not the primary"):
            await store.open()


async def test_failover(tmp_path: Path) -> None:
    """A failover under load loses no acknowledged attempt if a replica must agree.

    F-3, S-114. Service is back within seconds after the new primary has its replica.
    """
    with servers.pair(tmp_path) as pair:
        url = f"redis+sentinel://127.0.0.1:{pair.sentinel.port}/gate?replicas=1"
        store = RedisStore(url, timing=REDIS)
        await store.open()
        told = 0
        while True:
            try:
                account = await store.load(ALICE)
                used = account.attempts.used + 1
                assert await store.swap(replace(account, attempts=Attempts(used=used)), [event(used)])
            except StoreUnavailable:
                assert pair.primary.process is None, "killed"
                break
            told = used
            if told == 120:
                asyncio.get_running_loop().call_later(0.02, pair.primary.stop)
        assert told >= 120
        await refused(store, {"swap": WRITES["swap"]})
        await asyncio.to_thread(pair.take_over)
        until = time.monotonic() + 15
        while True:
            try:
                account = await store.load(ALICE)
                break
            except StoreUnavailable:
                assert time.monotonic() < until
                await asyncio.sleep(0.05)
        assert account.attempts.used in (told, told + 1)
        with pytest.raises(StoreUnavailable, match="replicas"):
            await store.swap(enrolled(BOB))
        pair.primary.start()
        until = time.monotonic() + servers.PATIENCE
        while True:
            try:
                bob = await store.load(BOB)
                assert await store.swap(replace(bob, name="back"))
                break
            except StoreUnavailable:
                assert time.monotonic() < until
                await asyncio.sleep(0.1)
        await silence(store)
        await store.aclose()


async def test_cluster_node_lost(tmp_path: Path) -> None:
    """A Cluster without one of its servers is an outage for the tenants on it.

    F-5. With the server back they go on.
    """
    with servers.cluster(tmp_path) as nodes:
        for node in nodes:
            node.say("CONFIG", "SET", "cluster-require-full-coverage", "no")
            node.say("CONFIG", "SET", "appendfsync", "always")
        store = RedisStore(f"redis+cluster://127.0.0.1:{nodes[0].port},127.0.0.1:{nodes[1].port}")
        await store.open()
        keys = [SubjectKey(f"tenant{number}", "a") for number in range(12)]
        for key in keys:
            assert await store.swap(enrolled(key))
        nodes[2].stop()
        outcomes = await asyncio.gather(*(store.load(key) for key in keys), return_exceptions=True)
        lost = [isinstance(outcome, StoreUnavailable) for outcome in outcomes]
        assert 0 < sum(lost) < 12
        await noise(store)
        nodes[2].start()
        until = time.monotonic() + 15
        while any(
            isinstance(o, BaseException)
            for o in await asyncio.gather(*(store.load(k) for k in keys), return_exceptions=True)
        ):
            assert time.monotonic() < until
            await asyncio.sleep(0.1)
        assert [(await store.load(key)).version for key in keys] == [1] * 12
        await silence(store)
        await store.aclose()
