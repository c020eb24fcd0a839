"""The server in charge is found, whatever Sentinels and servers answer.

Each documented form of ``CLUSTER SLOTS`` is read.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from redis.crc import key_slot
from redis.exceptions import RedisError

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis.replication_ids import ReplicationIds
from mfa_gate.stores.redis.timing import Timing
from mfa_gate.stores.redis.topology import Cluster, One, named_by_sentinels, slots_from, topology_of
from mfa_gate.stores.redis.url import Place, place_of
from mfa_gate.testing.store_suite import enrolled

from .. import servers
from ..patience import REDIS
from .spoken import END, HANG, Answer, Answers, Spoken, spoken


@pytest.mark.parametrize(
    ("node", "address"),
    [
        ([b"10.0.0.1", 7000, b"id", []], ("10.0.0.1", 7000)),
        ([b"10.0.0.1", 7000], ("10.0.0.1", 7000)),
        ([b"one.example", 7000, b"id", [b"ip", b"10.0.0.1"]], ("one.example", 7000)),
        ([None, 7000, b"id", [b"ip", b"10.0.0.1"]], ("asked", 7000)),
        ([None, 7000], ("asked", 7000)),
        ([b"", 7000], ("asked", 7000)),
        ([b"?", 7000, b"id", [b"ip", b"10.0.0.1"]], ("10.0.0.1", 7000)),
        ([b"?", 7000, b"id", []], ("asked", 7000)),
        ([b"?", 7000], ("asked", 7000)),
        ([b"fe80::1", 7000, b"id", [b"hostname", b"one.example"]], ("fe80::1", 7000)),
    ],
)
def test_endpoints(node: list[object], address: tuple[str, int]) -> None:
    """F-5: with an address, a host name, or none at all."""
    replica = [b"10.0.0.9", 7009, b"other", []]
    assert slots_from([[0, 100, node, replica], [101, 200, node]], "asked") == [(0, 100, address), (101, 200, address)]


@pytest.mark.parametrize(
    "reply", [None, b"OK", 7, [None], [[]], [[0, 1]], [[0, 1, []]], [[0, 1, [b"h", b"7000"]]], [[b"0", 1, [b"h", 1]]]]
)
def test_what_is_no_answer(reply: object) -> None:
    """An answer that cannot be read is a server that does not answer."""
    with pytest.raises(RedisError):
        slots_from(reply, "asked")


@pytest.mark.parametrize("kind", ["unknown-endpoint", "hostname"])
@pytest.mark.waits
async def test_a_cluster_that_names_no_endpoint(tmp_path: Path, kind: str) -> None:
    """A Cluster behind one address is used like any other.

    F-5. Its servers do not know the addresses by which they are reached.
    """
    with servers.cluster(tmp_path) as nodes:
        for node in nodes:
            node.say("CONFIG", "SET", "cluster-preferred-endpoint-type", kind)
        store = RedisStore(f"redis+cluster://127.0.0.1:{nodes[0].port}")
        until = time.monotonic() + 10
        while True:
            try:
                await store.open()
                break
            except StoreUnavailable:
                assert time.monotonic() < until
                await asyncio.sleep(0.1)
        keys = [SubjectKey(f"tenant{number}", "a") for number in range(9)]
        for key in keys:
            assert await store.swap(enrolled(key))
        assert [(await store.load(key)).version for key in keys] == [1] * 9
        await store.aclose()


def at(*ports: int, kind: str = "sentinel", end: str = "/gate") -> Place:
    return place_of(f"redis+{kind}://{','.join(f'127.0.0.1:{port}' for port in ports)}{end}", timing=REDIS)


def fixed(answer: Answer) -> Answers:
    return lambda _: answer


NAMED = ["10.0.0.1", "7000"]
UNSURE = [fixed(None), fixed(["10.0.0.1"]), fixed(["h", "x"]), fixed("OK"), fixed(Exception("ERR no")), fixed(END)]


@pytest.mark.parametrize("other", UNSURE)
@pytest.mark.parametrize("is_first", [True, False])
async def test_one_sentinel_that_knows_is_enough(other: Answers, is_first: bool) -> None:
    """The primary is the one that any Sentinel names, whatever the others say, or do not say."""
    known = fixed(NAMED)
    async with spoken(*((other, known) if is_first else (known, other))) as sentinels:
        place = at(1, *(one.port for one in sentinels))
        for _ in range(3):
            assert await named_by_sentinels(place) == ("10.0.0.1", 7000)
        for one in sentinels:
            for words in one.asked("SENTINEL"):
                assert words == ["SENTINEL", "get-master-addr-by-name", "gate"]
            assert one.asked("AUTH") == [], "the password is the servers', and not the Sentinels'"


@pytest.mark.parametrize(
    ("answers", "trouble"),
    [
        (None, "the Sentinels know no service 'gate'"),
        (["h", "x"], "a Sentinel answers"),
        ("OK", "a Sentinel answers b'OK'"),
        (Exception("ERR no"), "no Sentinel answers: no"),
        (END, "no Sentinel answers: Connection closed"),
        (HANG, "no Sentinel answers: no answer in time"),
    ],
)
async def test_no_sentinel_knows(answers: Answer, trouble: str) -> None:
    """Without a name there is no server, and the error says the reason."""
    async with spoken(fixed(answers)) as (sentinel,):
        with pytest.raises(StoreUnavailable, match=trouble):
            await named_by_sentinels(replace(at(sentinel.port), timing=Timing(connect_within=0.1)))


async def test_a_former_primary_is_hung_up() -> None:
    """The connection to a former primary is closed, as soon as Sentinels name another (F-4).

    While they name the same one it is kept.
    """
    async with spoken(fixed("one"), fixed("two"), fixed(None)) as (one, two, sentinel):
        sentinel.answers = fixed(["127.0.0.1", str(one.port)])
        topology = topology_of(at(sentinel.port), ReplicationIds())
        assert isinstance(topology, One)
        for _ in range(3):
            assert await topology.ask("k", ("GET", "k")) == [b"one"]
            assert await topology.primaries() == (("127.0.0.1", one.port),)
        assert one.connections == 1
        sentinel.answers = fixed(["127.0.0.1", str(two.port)])
        assert await topology.primaries() == (("127.0.0.1", two.port),)
        assert await topology.ask("k", ("GET", "k")) == [b"two"]
        await topology.aclose()


@pytest.mark.parametrize("refusal", ["READONLY You can't write", "MOVED 1 127.0.0.1:1"])
async def test_a_primary_that_is_none_any_more(refusal: str) -> None:
    """A server that refuses as a replica is hung up.

    The next call asks for the one in charge.
    """
    async with spoken(fixed("x")) as (server,):
        topology = topology_of(place_of(f"redis://127.0.0.1:{server.port}", timing=REDIS), ReplicationIds())
        server.answers = lambda words: Exception(refusal) if words[0] == "SET" else "OK"
        with pytest.raises(StoreUnavailable, match="no longer the primary"):
            await topology.ask("k", ("GET", "k"), ("SET", "k", "v"), writes=True)
        assert await topology.ask("k", ("GET", "k")) == [b"OK"]
        assert server.connections == 2
        await topology.aclose()


LOW, HIGH = "foo", "bar"
assert key_slot(LOW.encode()) > 8_191 >= key_slot(HIGH.encode())


def slots(low: Spoken, high: Spoken) -> Answer:
    return [[0, 8_191, ["127.0.0.1", low.port]], [8_192, 16_383, ["127.0.0.1", high.port]]]


def _either(one: Spoken, two: Spoken, name: str, words: list[str]) -> Answer:
    return slots(one, two) if words[0] == "CLUSTER" else name


@pytest.fixture
async def cluster() -> AsyncIterator[tuple[Cluster, Spoken, Spoken]]:
    """A Cluster of two servers that answer with their names."""
    async with spoken(fixed(None), fixed(None)) as (one, two):
        for server, name in ((one, "one"), (two, "two")):
            server.answers = partial(_either, one, two, name)
        made = topology_of(at(one.port, kind="cluster", end=""), ReplicationIds())
        assert isinstance(made, Cluster)
        yield made, one, two
        await made.aclose()


async def test_each_key_is_asked_of_its_server(cluster: tuple[Cluster, Spoken, Spoken]) -> None:
    """The map of slots is read once, and one connection serves all keys of a server."""
    made, one, two = cluster
    for _ in range(3):
        low, high = await asyncio.gather(made.ask(LOW, ("GET", LOW)), made.ask(HIGH, ("GET", HIGH)))
        assert (low, high) == ([b"two"], [b"one"])
    assert len(one.asked("CLUSTER") + two.asked("CLUSTER")) == 1
    assert (one.connections, two.connections) == (2, 1), "one of them was for the map"
    assert await made.primaries() == tuple(sorted((("127.0.0.1", one.port), ("127.0.0.1", two.port))))


def moved_once(made: Spoken, name: str, *, until: int = 1) -> Answers:
    """Make answers that say "moved" to the first reads or writes."""
    before, left = made.answers, [until]

    def answers(words: list[str]) -> Answer:
        if words[0] == name and left[0] > 0:
            left[0] -= 1
            return Exception(f"MOVED 1 127.0.0.1:{made.port}")
        return before(words)

    return answers


@pytest.mark.parametrize("writes", [True, False])
async def test_a_map_that_is_out_of_date(cluster: tuple[Cluster, Spoken, Spoken], writes: bool) -> None:
    """A server that has the key no longer did nothing, so the call is made once more.

    The map is read again before.
    """
    made, one, two = cluster
    two.answers = moved_once(two, "SET")
    assert await made.ask(LOW, ("SET", LOW, "v"), writes=writes) == [b"two"]
    assert len(one.asked("CLUSTER") + two.asked("CLUSTER")) > 1
    assert len(two.asked("SET")) == 2


async def test_a_key_that_moves_is_refused(cluster: tuple[Cluster, Spoken, Spoken]) -> None:
    """A key whose slot moves to and fro is an outage, and no loop (F-5)."""
    made, _, two = cluster
    two.answers = moved_once(two, "SET", until=2)
    with pytest.raises(StoreUnavailable, match="moving the keys"):
        await made.ask(LOW, ("SET", LOW, "v"), writes=True)
    assert len(two.asked("SET")) == 2
    assert await made.ask(LOW, ("SET", LOW, "v"), writes=True) == [b"two"]


@pytest.mark.parametrize("writes", [True, False])
async def test_half_of_a_write_is_not_done_twice(cluster: tuple[Cluster, Spoken, Spoken], writes: bool) -> None:
    """Of commands of which the server did one, a write is not made again (F-7); a read is."""
    made, _, two = cluster
    two.answers = moved_once(two, "SET")
    commands = (("INCR", LOW), ("SET", LOW, "v"))
    if writes:
        with pytest.raises(StoreUnavailable, match="moving the keys"):
            await made.ask(LOW, *commands, writes=True)
    else:
        assert await made.ask(LOW, *commands) == [b"two", b"two"]
    assert len(two.asked("INCR")) == (1 if writes else 2)


async def test_a_slot_of_no_server(cluster: tuple[Cluster, Spoken, Spoken]) -> None:
    """A Cluster that has lost a part refuses that part, and serves the rest."""
    made, one, two = cluster
    one.answers = lambda words: [[0, 8_191, ["127.0.0.1", one.port]]] if words[0] == "CLUSTER" else "one"
    with pytest.raises(StoreUnavailable, match=f"no server of the Redis Cluster has slot {key_slot(LOW.encode())}"):
        await made.ask(LOW, ("GET", LOW))
    assert await made.ask(HIGH, ("GET", HIGH)) == [b"one"]
    assert two.connections == 0


async def test_a_server_that_ends_its_connection_has_the_map_read_again(
    cluster: tuple[Cluster, Spoken, Spoken],
) -> None:
    """Another server may have taken over: the next call finds it."""
    made, one, two = cluster
    assert await made.ask(LOW, ("GET", LOW)) == [b"two"]
    two.answers = fixed(END)
    with pytest.raises(StoreUnavailable):
        await made.ask(LOW, ("GET", LOW))
    one.answers = lambda words: [[0, 16_383, ["127.0.0.1", one.port]]] if words[0] == "CLUSTER" else "one"
    assert await made.ask(LOW, ("GET", LOW)) == [b"one"]


@pytest.mark.parametrize(
    ("answer", "trouble"),
    [([], "has given its slots to no server"), ("OK", "cannot be read"), (Exception("ERR x"), "answers: x"), (END, "")],
)
async def test_a_cluster_without_a_map(cluster: tuple[Cluster, Spoken, Spoken], answer: Answer, trouble: str) -> None:
    """A Cluster that cannot say which server has a key is an outage, with the reason."""
    made, one, two = cluster
    one.answers = two.answers = fixed(answer)
    with pytest.raises(StoreUnavailable, match=trouble or "no server of the Redis Cluster answers"):
        await made.ask(LOW, ("GET", LOW))


@pytest.mark.parametrize("kind", ["sentinel", "cluster"])
async def test_the_password_is_the_servers(kind: str) -> None:
    """A Sentinel is not signed in to, and a node that is asked for the map is."""
    async with spoken(fixed(None)) as (server,):
        server.answers = lambda words: NAMED if words[0] == "SENTINEL" else [] if words[0] == "CLUSTER" else "OK"
        url = f"redis+{kind}://u:p@127.0.0.1:{server.port}" + ("/gate" if kind == "sentinel" else "")
        topology = topology_of(place_of(url, timing=REDIS), ReplicationIds())
        if kind == "sentinel":
            assert await topology.primaries() == (("10.0.0.1", 7000),)
        else:
            with pytest.raises(StoreUnavailable, match="has given its slots to no server"):
                await topology.primaries()
        assert server.asked("AUTH") == ([] if kind == "sentinel" else [["AUTH", "u", "p"]])
        await topology.aclose()


async def test_nothing_runs_on_after_the_end(cluster: tuple[Cluster, Spoken, Spoken]) -> None:
    """A map that is being read when the store is closed is given up.

    Every connection ends.
    """
    made, one, two = cluster
    await made.ask(LOW, ("GET", LOW))
    one.answers = two.answers = fixed(HANG)
    asking = asyncio.ensure_future(made.primaries())
    await asyncio.sleep(0.01)
    reading = made._reading
    assert reading is not None
    assert not reading.done()
    await made.aclose()
    assert reading.cancelled()
    (wire,) = made._wires.values()
    assert not wire._is_sound()
    await asyncio.gather(asking, return_exceptions=True)
    await made.aclose()


@pytest.mark.parametrize(("slot", "host"), [(0, "a"), (100, "a"), (101, "b"), (200, "b"), (201, ""), (300, "c")])
async def test_a_slot_belongs_to_both_ends_of_its_range(monkeypatch: pytest.MonkeyPatch, slot: int, host: str) -> None:
    """And to no other."""
    made = Cluster(at(1, kind="cluster", end=""), ReplicationIds())
    made._slots = [(0, 100, ("a", 1)), (101, 200, ("b", 1)), (300, 300, ("c", 1))]
    monkeypatch.setattr("mfa_gate.stores.redis.topology.key_slot", lambda key: slot)
    if host:
        assert await (await made._wire_of("k"))._find() == (host, 1)
        assert await made._wire_of("k") is await made._wire_of("k")
    else:
        with pytest.raises(StoreUnavailable, match="has slot 201"):
            await made._wire_of("k")


@pytest.mark.parametrize(
    ("option", "refused"),
    [
        ("?sentinel_password=s%2Bcret", False),
        ("?sentinel_user=app&sentinel_password=other", False),
        ("", True),
        ("?sentinel_password=wrong", True),
    ],
)
async def test_sentinels_with_a_password(tmp_path: Path, option: str, refused: bool) -> None:
    """Their sign-in is another one than that of the servers; without it, the option is named."""
    with servers.single(tmp_path) as primary:
        place = tmp_path / "sentinel"
        place.mkdir()
        settings = place / "sentinel.conf"
        settings.write_text(f"sentinel monitor gate 127.0.0.1 {primary.port} 1\n")
        (port,) = servers.free_ports(1)
        sentinel = servers.Server(place, port, ["--sentinel"], settings).start()
        try:
            sentinel.say("ACL", "SETUSER", "app", "on", ">other", "+@all")
            sentinel.say("ACL", "SETUSER", "default", "resetpass", ">s+cret")
            topology = topology_of(
                place_of(f"redis+sentinel://127.0.0.1:{sentinel.port}/gate{option}", timing=REDIS), ReplicationIds()
            )
            if refused:
                with pytest.raises(StoreUnavailable, match=r"no Sentinel answers: .*sentinel_password=…"):
                    await topology.primaries()
            else:
                assert await topology.primaries() == (("127.0.0.1", primary.port),)
            await topology.aclose()
        finally:
            sentinel.stop()
