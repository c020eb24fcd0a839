"""The Redis store keeps the contract of all stores.

It does so on one server, on a Cluster, and behind a Sentinel.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis

from mfa_gate.core.events import UNREADABLE
from mfa_gate.core.model import Account, Lock, SubjectKey
from mfa_gate.storage import Rewrite
from mfa_gate.stores.redis import RedisStore, scripts
from mfa_gate.stores.redis.names import keys_of
from mfa_gate.stores.redis.pipeline import Command, Pipeline
from mfa_gate.stores.redis.resp import Reply
from mfa_gate.testing.store_suite import ALICE, BOB, StoreSuite, enrolled, event

from . import servers
from .faults import MORE_READS, MORE_WRITES, READS, WRITES, prepared
from .patience import REDIS


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Server]:
    with servers.single(tmp_path_factory.mktemp("one"), "--appendonly", "yes") as server:
        yield server


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[servers.Server]]:
    with servers.cluster(tmp_path_factory.mktemp("cluster")) as nodes:
        yield nodes


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[servers.Pair]:
    with servers.pair(tmp_path_factory.mktemp("pair")) as pair:
        yield pair


async def opened(url: str) -> AsyncIterator[RedisStore]:
    store = RedisStore(url, timing=REDIS)
    await store.open()
    yield store
    await store.aclose()


async def closed(url: str) -> AsyncIterator[RedisStore]:
    """A store that nobody has opened."""
    store = RedisStore(url)
    yield store
    await store.aclose()


class TestOneServer(StoreSuite):
    """The shared suite on one server."""

    @pytest.fixture
    async def store(self, server: servers.Server) -> AsyncIterator[RedisStore]:
        server.say("FLUSHALL")
        async for store in opened(f"redis://127.0.0.1:{server.port}/3"):
            yield store

    @pytest.fixture
    async def other(self, store: RedisStore, server: servers.Server) -> AsyncIterator[RedisStore]:
        async for other in opened(f"redis://127.0.0.1:{server.port}/3"):
            yield other

    @pytest.fixture
    async def missing(self, server: servers.Server) -> AsyncIterator[RedisStore]:
        server.say("FLUSHALL")
        async for missing in closed(f"redis://127.0.0.1:{server.port}/3"):
            yield missing


@pytest.mark.slow
class TestCluster(StoreSuite):
    """The shared suite on a Cluster of three: each tenant on its own server."""

    @pytest.fixture
    async def store(self, nodes: list[servers.Server]) -> AsyncIterator[RedisStore]:
        for node in nodes:
            node.say("FLUSHALL")
        async for store in opened(f"redis+cluster://127.0.0.1:1,127.0.0.1:{nodes[1].port}"):
            yield store

    @pytest.fixture
    async def other(self, store: RedisStore, nodes: list[servers.Server]) -> AsyncIterator[RedisStore]:
        async for other in opened(f"redis+cluster://127.0.0.1:{nodes[2].port}"):
            yield other

    @pytest.fixture
    async def missing(self, nodes: list[servers.Server]) -> AsyncIterator[RedisStore]:
        for node in nodes:
            node.say("FLUSHALL")
        async for missing in closed(f"redis+cluster://127.0.0.1:{nodes[0].port}"):
            yield missing


@pytest.mark.long
class TestSentinel(StoreSuite):
    """The shared suite behind a Sentinel, with a replica that must have every change."""

    @pytest.fixture
    async def store(self, pair: servers.Pair) -> AsyncIterator[RedisStore]:
        pair.primary.say("FLUSHALL")
        async for store in opened(f"redis+sentinel://127.0.0.1:1,127.0.0.1:{pair.sentinel.port}/gate?replicas=1"):
            yield store

    @pytest.fixture
    async def other(self, store: RedisStore, pair: servers.Pair) -> AsyncIterator[RedisStore]:
        async for other in opened(f"redis+sentinel://127.0.0.1:{pair.sentinel.port}/gate/0?replicas=1"):
            yield other

    @pytest.fixture
    async def missing(self, pair: servers.Pair) -> AsyncIterator[RedisStore]:
        pair.primary.say("FLUSHALL")
        async for missing in closed(f"redis+sentinel://127.0.0.1:{pair.sentinel.port}/gate?replicas=1"):
            yield missing


def test_scripts_have_stable_names(tmp_path: Path) -> None:
    """F-20: a script is named by its text, so workers of two releases never run each other's."""
    found = [value for value in vars(scripts).values() if isinstance(value, scripts.Script)]
    assert len({script.sha for script in found}) == len(found) > 5


async def test_what_is_seldom_is_found_by_name(server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that the first people do not answer is answered by the index of names.

    The result and its order are the same.
    """
    server.say("FLUSHALL")
    store = RedisStore(f"redis://127.0.0.1:{server.port}/3", timing=REDIS)
    await store.open()
    names = {f"u{n:03}": f"Person {n}" for n in range(60)} | {
        "u007": "Émilie *?[x]\\ 100%",
        "z9@x": "ÉMILIE",
        "zz": "^a-b]",
    }
    for id, name in names.items():
        lock = Lock(at=1, cause="attempts", ref="r") if id == "z9@x" else None
        assert await store.swap(enrolled(SubjectKey("clinic", id), name=name, lock=lock))
    assert await store.swap(enrolled(SubjectKey("finance", "u007"), name="Émilie"))
    queries = ["émilie", "*?[x]", "\\", "100%", "^a", "]", "person 1", "5", "@x", "nobody", "u007", "\n"]
    tries = [(query, status, after) for query in queries for status in ("", "locked") for after in ("", "u010", "zz")]

    async def ids() -> list[list[str]]:
        found = []
        for query, status, after in tries:
            pages, start = list[str](), after
            while True:
                page = await store.page("clinic", query=query, status=status, after=start, limit=3)
                pages += [line.key.id for line in page.items]
                start = page.next
                if not start:
                    break
            found.append(pages)
        return found

    plain = await ids()
    monkeypatch.setattr("mfa_gate.stores.redis.roster._LOOKED_AT_FIRST", 2)
    assert await ids() == plain
    renamed = enrolled(SubjectKey("clinic", "u007"), name="Other", version=1)
    assert await store.swap(renamed)
    assert [line.key.id for line in (await store.page("clinic", query="émilie")).items] == ["z9@x"]
    assert [line.key.id for line in (await store.page("clinic", query="other")).items] == ["u007"]
    await store.aclose()


async def test_names_are_found_without_looking_at_everybody(
    server: servers.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seldom name comes from the index.

    The lines of everybody are looked at once, and then no more.
    """
    server.say("FLUSHALL")
    store = RedisStore(f"redis://127.0.0.1:{server.port}/3", timing=REDIS)
    await store.open()
    for n in range(40):
        assert await store.swap(enrolled(SubjectKey("clinic", f"u{n:03}"), name=f"Person {n}"))
    monkeypatch.setattr("mfa_gate.stores.redis.roster._LOOKED_AT_FIRST", 2)
    server.say("CONFIG", "RESETSTAT")
    assert [line.key.id for line in (await store.page("clinic", query="person 39")).items] == ["u039"]
    with server.client() as client:
        calls = client.info("commandstats")["cmdstat_zrangebylex"]["calls"]
    assert calls == 1
    await store.aclose()


async def test_names_that_were_kept_in_another_way(server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """People who are not in the index come into it, some at each search.

    The former index goes.
    """
    server.say("FLUSHALL")
    store = RedisStore(f"redis://127.0.0.1:{server.port}/3", timing=REDIS)
    await store.open()
    people = {f"u{n:03}": f"Person {n}" for n in range(60)} | {"zz": "Émilie"}
    for id, name in people.items():
        assert await store.swap(enrolled(SubjectKey("clinic", id), name=name))
    keys = keys_of("clinic")
    for command in (
        ("SELECT", 3),
        ("DEL", keys.names, keys.places),
        ("HDEL", keys.head, "indexed"),
        ("HSET", keys.head, "named", 61),
        ("HSET", keys.named_before, "00", "x"),
    ):
        with server.client() as client:
            client.execute_command("SELECT", 3)
            client.execute_command(*command)
    monkeypatch.setattr("mfa_gate.stores.redis.roster._LOOKED_AT_FIRST", 2)
    monkeypatch.setattr("mfa_gate.stores.redis.roster._PIECE", 7)
    assert await store.swap(enrolled(SubjectKey("clinic", "u001"), name="Another", version=1))
    for _ in range(4):
        assert [line.key.id for line in (await store.page("clinic", query="émilie")).items] == ["zz"]
    with server.client() as client:
        client.execute_command("SELECT", 3)
        assert client.hlen(keys.places) == 61
        assert not client.exists(keys.named_before)
    for query, id in (("another", "u001"), ("person 59", "u059"), ("émilie", "zz")):
        assert [line.key.id for line in (await store.page("clinic", query=query)).items] == [id]
    await store.aclose()


async def test_a_call_that_writes_says_so(server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each command that changes something is asked as a write, and no other (S-114).

    With ``?replicas=`` a write counts when so many replicas have it; a read must not wait for them. The server itself tells
    by its flags and, of a script, by running it as one that only reads.
    """
    server.say("FLUSHALL")
    texts = {script.sha: script.text for script in vars(scripts).values() if isinstance(script, scripts.Script)}
    real, asked = Pipeline.ask, list[tuple[str, bool, bool]]()

    async def ask(pipeline: Pipeline, *commands: Command, writes: bool = False) -> list[Reply]:
        for command in commands:
            asked.append((str(command[0]), writes, _changes_something(client, command, texts)))
        return await real(pipeline, *commands, writes=writes)

    async for store in opened(f"redis://127.0.0.1:{server.port}"):
        await prepared(store)
        await store.mark("seen", ["a"])
        await store.claim("name", BOB)
        await store.put_meta("over", b"x", until=5)
        await store.add_report_part("clinic", 12, b"x")
        (part,) = await store.report_parts("clinic", since=0, until=99)
        (link,) = await store.links("clinic")
        with server.client() as client:
            monkeypatch.setattr(Pipeline, "ask", ask)
            for call in (READS | MORE_READS).values():
                with contextlib.suppress(AttributeError):  # an optional part that this store does not have
                    await call(store)
            assert len(asked) > 20
            assert [entry for entry in asked if entry[1] or entry[2]] == []
            for call in (MORE_WRITES | WRITES).values():
                await call(store)
            await store.add_report_part("ward", 12, b"x")
            await store.replace_report_part("clinic", part, b"y")
            await store.rewrite("clinic", [Rewrite(link.place, link.line, link.line.replace("e1", "e0"))])
            await store.swap(Account(key=ALICE, version=1, forgotten_at=5))
            await store.swap(enrolled(SubjectKey("a new tenant", "x")))
            assert sum(changes for _, _, changes in asked) > 20
            assert [name for name, writes, changes in asked if changes and not writes] == []


def _changes_something(client: Any, command: Command, texts: dict[str, str]) -> bool:
    """Ask the server if a command would change something now."""
    if command[0] in ("EVALSHA", "EVAL"):
        text = texts[str(command[1])] if command[0] == "EVALSHA" else command[1]
        try:
            client.execute_command("EVAL_RO", text, *command[2:])
        except redis.ResponseError as error:
            return "Write commands are not allowed" in str(error)
        return False
    ((_, _, flags, *_),) = client.execute_command("COMMAND INFO", command[0])
    return b"write" in flags or "write" in flags


async def test_an_index_is_no_proof(server: servers.Server) -> None:
    """A line that an index names wrongly is not another person's, and a damaged line is shown.

    S-124. Both are misfiled.
    """
    server.say("FLUSHALL")
    async for store in opened(f"redis://127.0.0.1:{server.port}"):
        await store.append([event(1), event(2), event(3, key=BOB)])
        places = [link.place for link in await store.links("clinic")]
        keys = keys_of("clinic")
        server.say("ZADD", keys.events_of_account("bob"), places[0], places[0])
        assert [line.id for line in (await store.events("clinic", account="bob")).items] == ["e3"]
        links = await store.links("clinic")
        await store.rewrite("clinic", [Rewrite(links[1].place, links[1].line, "no line")])
        server.say("ZADD", keys.events_of_account("alice"), places[1], places[1])
        shown = (await store.events("clinic", account="alice")).items
        assert [(line.kind == UNREADABLE, line.id == "e1") for line in shown] == [(True, False), (False, True)]
        server.say("ZREM", keys.events_of_account("bob"), places[2])
        assert await store.misfiled("clinic") == [places[2]]
        assert await store.misfiled("clinic", after=places[2]) == []
        server.say("ZADD", keys.events_of_account("bob"), places[2], places[2])
        server.say("ZREM", keys.events_of_kind("attempt.failed"), places[0])
        assert await store.misfiled("clinic") == [places[0]]


async def replicated(server: servers.Server, store: RedisStore, people: range) -> float:
    """Bytes of replication for one new person, the mean of some, once so many are there."""
    for n in people[:-40]:
        key = SubjectKey("clinic", f"user{n:07}@clinic.example")
        assert await store.swap(enrolled(key, name=f"First{n} Last{n}"))
    with server.client() as client:
        before = client.info("replication")["master_repl_offset"]
    for n in people[-40:]:
        key = SubjectKey("clinic", f"user{n:07}@clinic.example")
        assert await store.swap(enrolled(key, name=f"First{n} Last{n}"))
    with server.client() as client:
        return float(client.info("replication")["master_repl_offset"] - before) / 40


@pytest.mark.slow
@pytest.mark.parametrize("people", [1_000, pytest.param(16_000, marks=pytest.mark.long)])
async def test_a_new_person_costs_the_same_however_many_there_are(tmp_path: Path, people: int) -> None:
    """The thousandth person costs as many bytes of replication as the first ones.

    The numbers are printed and compared.
    """
    with servers.pair(tmp_path) as pair:
        store = RedisStore(f"redis://127.0.0.1:{pair.primary.port}", timing=REDIS)
        await store.open()
        few = await replicated(pair.primary, store, range(100))
        many = await replicated(pair.primary, store, range(100, people))
        print(f"bytes of replication for a new person: {few:.0f} of 100 people, {many:.0f} of {people:,}")
        assert many < few * 1.15
        await store.aclose()
