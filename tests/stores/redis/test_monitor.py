"""The watch over Redis: the states in which it refuses, and what it writes down."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.common.generation_file import GenerationFile
from mfa_gate.stores.redis import monitor
from mfa_gate.stores.redis.monitor import FLUSHED, UNACCEPTED, Watch, number_of
from mfa_gate.stores.redis.names import RESTORED, STORE, keys_of
from mfa_gate.stores.redis.replication_ids import ReplicationIds
from mfa_gate.stores.redis.session import Session
from mfa_gate.stores.redis.store import mark_for
from mfa_gate.stores.redis.timing import USUAL
from mfa_gate.stores.redis.url import place_of


class Servers:
    """Servers that answer with ``values``, by key."""

    def __init__(self, **numbers: int) -> None:
        self.values: dict[str, Any] = {STORE: b"id", RESTORED: None}
        self.tenants = [*numbers]
        for tenant, number in numbers.items():
            self.values[keys_of(tenant).head] = b"%d" % number

    async def ask(self, key: str, *commands: Any, writes: bool = False) -> list[Any]:
        """Answer each command."""
        return [
            [name.encode() for name in self.tenants] if words[0] == "SMEMBERS" else self.values.get(words[1])
            for words in commands
        ]

    async def primaries(self) -> tuple[Any, ...]:
        """Name no server."""
        return ()

    async def aclose(self) -> None:
        """Hold nothing."""


class Seen:
    """A watch over such servers."""

    def __init__(self, servers: Servers, file: GenerationFile | None = None) -> None:
        self.servers = servers
        self.losses: list[int] = []
        self.mark = mark_for(USUAL)
        self.mark.begin("id", 0)
        topology: Any = servers
        place = place_of("redis://h")
        self.watch = Watch(place, topology, self.mark, file, on_loss=lambda: self.losses.append(1))


@pytest.mark.parametrize(("found", "trouble"), [(b"id", ""), (b"another", FLUSHED), (None, FLUSHED)])
async def test_the_stores_own_key(found: bytes | None, trouble: str) -> None:
    """Another store, or none, is refused until the one that was opened is there again."""
    seen = Seen(Servers())
    seen.servers.values[STORE] = found
    await seen.watch.look()
    assert seen.watch.trouble == trouble
    seen.servers.values[STORE] = b"id"
    await seen.watch.look()
    assert seen.watch.trouble == ""


async def test_an_accepted_copy() -> None:
    """A copy from before the last acceptance is refused; a later acceptance is taken."""
    seen = Seen(Servers())
    for restored, trouble in ((b"100", ""), (b"99", UNACCEPTED), (None, UNACCEPTED), (b"100", ""), (b"200", "")):
        seen.servers.values[RESTORED] = restored
        await seen.watch.look()
        assert seen.watch.trouble == trouble, restored
    assert seen.mark.restored_at == 200


async def test_changes_that_are_gone() -> None:
    """A tenant that has less than was heard of empties the caches, once."""
    seen = Seen(Servers(a=5, b=2))
    now = asyncio.get_running_loop().time()
    seen.mark.note("a", 5, now)
    seen.mark.note("b", 2, now)
    await seen.watch.look()
    assert seen.losses == []
    seen.servers.values[keys_of("a").head] = b"4"
    seen.servers.tenants.remove("b")
    for _ in range(2):
        await seen.watch.look()
        assert seen.losses == [1]
    assert seen.mark.newest == {"a": 4, "b": 0}
    assert seen.watch.trouble == "", "what was heard a moment ago may be lost in a failover"


async def test_after_a_return(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers that are back are looked at once.

    If they do not answer, the next look comes soon.
    """
    seen = Seen(Servers(a=5))
    seen.mark.settled["a"] = 9

    async def away(*_: object, **__: object) -> list[Any]:
        raise StoreUnavailable("away")

    monkeypatch.setattr(seen.servers, "ask", away)
    await seen.watch.returned()
    assert seen.watch.trouble == ""
    monkeypatch.undo()
    await seen.watch.returned()
    assert "older copy" in seen.watch.trouble
    assert seen.watch._look_at < asyncio.get_running_loop().time() + USUAL.look_again + 0.1, "it may be put right soon"


@pytest.mark.parametrize("is_sound", [True, False])
async def test_what_is_written_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_sound: bool) -> None:
    """This machine remembers how far the store had come.

    Never the numbers of a refused one (S-123).
    """
    monkeypatch.setattr(monitor, "_EVERY", 0.0)
    file = GenerationFile(str(tmp_path / "marker"), server="Redis")
    seen = Seen(Servers(), file)
    seen.servers.values[STORE] = b"id" if is_sound else b"another"
    seen.watch._keep_at = 0.0
    running = asyncio.ensure_future(seen.watch.run())
    for _ in range(200):
        await asyncio.sleep(0.001)
        if seen.watch._keep_at and (is_sound or seen.watch.trouble):
            break
    await asyncio.sleep(0.02)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (file.read() is not None) is is_sound


@pytest.mark.parametrize(("reply", "number"), [(None, 0), (b"", 0), (b"12", 12), (b"-1", 0), (b"x", 0)])
def test_numbers(reply: bytes | None, number: int) -> None:
    """A value that is missing, or is no number, is before every change."""
    assert number_of(reply) == number


@pytest.mark.parametrize(("known", "set_by"), [(b"theirs", None), (None, b"theirs"), (None, None)])
async def test_one_of_many_workers_makes_the_store(
    monkeypatch: pytest.MonkeyPatch, known: bytes | None, set_by: bytes | None
) -> None:
    """A worker that comes too late takes the store that another one has made."""
    session = Session(place_of("redis://h"), mark_for(USUAL), ReplicationIds())
    asked = list[str]()

    class One(Servers):
        """Servers on which another worker is faster."""

        async def ask(self, key: str, *commands: Any, writes: bool = False) -> list[Any]:
            """Answer the two questions of a worker that makes the store."""
            asked.append(commands[0][0])
            return [known if commands[0][0] == "GET" else set_by]

    servers: Any = One()
    session.topology = servers
    made = await session._made(make=True)
    assert asked == (["GET"] if known else ["GET", "SET"])
    assert made == b"theirs" if known or set_by else len(made) == 32
