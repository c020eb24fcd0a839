"""The Redis store keeps the contract of all stores: on one server, on a Cluster, behind a Sentinel."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from mfa_gate.core.model import Lock, SubjectKey
from mfa_gate.stores.redis import RedisStore
from mfa_gate.testing.store_suite import StoreSuite, enrolled

from . import servers

pytestmark = pytest.mark.usefixtures("patient")


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
    store = RedisStore(url)
    await store.open()
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


@pytest.mark.slow
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


def test_scripts_have_stable_names(tmp_path: Path) -> None:
    """F-20: a script is named by its text, so workers of two releases never run each other's."""
    from mfa_gate.stores.redis import scripts

    found = [value for value in vars(scripts).values() if isinstance(value, scripts.Script)]
    assert len({script.sha for script in found}) == len(found) > 5


async def test_what_is_seldom_is_found_by_name(server: servers.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    """A search that the first people do not answer is answered by the index of names, with the same result in the same order."""
    server.say("FLUSHALL")
    store = RedisStore(f"redis://127.0.0.1:{server.port}/3")
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
    monkeypatch.setattr("mfa_gate.stores.redis.roster._LOOKED_AT", 2)
    assert await ids() == plain
    renamed = enrolled(SubjectKey("clinic", "u007"), name="Other", version=1)
    assert await store.swap(renamed)
    assert [line.key.id for line in (await store.page("clinic", query="émilie")).items] == ["z9@x"]
    assert [line.key.id for line in (await store.page("clinic", query="other")).items] == ["u007"]
    await store.aclose()
