"""The watch over Redis: the states in which it refuses, and what it writes down."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path
from typing import Any

import pytest
from redis.exceptions import ResponseError

from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.common.generation_file import GenerationFile
from mfa_gate.stores.redis import monitor
from mfa_gate.stores.redis.monitor import FLUSHED, UNACCEPTED, Watch, number_of
from mfa_gate.stores.redis.names import RESTORED, STORE, keys_of
from mfa_gate.stores.redis.pipeline import OutcomeUnknown
from mfa_gate.stores.redis.replication_ids import ReplicationIds
from mfa_gate.stores.redis.session import Session
from mfa_gate.stores.redis.store import mark_for
from mfa_gate.stores.redis.timing import USUAL, Timing
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

    def __init__(self, servers: Servers, file: GenerationFile | None = None, timing: Timing = USUAL) -> None:
        self.servers = servers
        self.losses: list[int] = []
        self.mark = mark_for(timing)
        self.mark.begin("id", 0)
        topology: Any = servers
        place = place_of("redis://h", timing=timing)
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


TIMES = Timing(check_every=40.0, look_every=30.0, look_again=2.0, keep_every=60.0, settled_after=60.0)


class Rounds:
    """A watch that runs, a round whenever a test says so, by a clock of the test's."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, file: GenerationFile | None = None) -> None:
        self.now = 1_000.0
        self.faults: list[str] = []
        self.checks, self.compared = list[float](), list[float]()
        self.servers = Servers(a=5)
        self.go_on = asyncio.Event()
        self.seen = Seen(self.servers, file, TIMES)
        watch = self.seen.watch
        watch._clock = lambda: self.now
        watch._check_at, watch._keep_at = self.now + TIMES.check_every, self.now + monitor._KEEP_FIRST
        real, ask = watch._recognize, self.servers.ask

        async def recognize() -> None:
            self.go_on.set()
            await real()

        async def asked(key: str, *commands: Any, writes: bool = False) -> list[Any]:
            if commands[0][0] == "SMEMBERS":
                self.compared.append(self.now)
            return await ask(key, *commands, writes=writes)

        async def faults_at(place: object, addresses: object) -> list[str]:
            self.checks.append(self.now)
            return self.faults

        monkeypatch.setattr(monitor, "_EVERY", 0.0)
        monkeypatch.setattr(monitor, "faults_at", faults_at)
        monkeypatch.setattr(watch, "_recognize", recognize)
        monkeypatch.setattr(self.servers, "ask", asked)
        self.task = asyncio.ensure_future(watch.run())

    async def at(self, now: float) -> None:
        """Let two rounds begin at a time, so that one of them has ended."""
        self.now = 1_000.0 + now
        for _ in range(2):
            self.go_on.clear()
            await asyncio.wait_for(self.go_on.wait(), 5)

    async def end(self) -> None:
        """Stop it."""
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


async def test_looks_and_checks_have_their_times(monkeypatch: pytest.MonkeyPatch) -> None:
    """Numbers are compared at first and now and then, servers are checked now and then."""
    rounds = Rounds(monkeypatch)
    for now in (0.0, 29.9, 30.0, 39.9, 40.0, 59.9, 60.0, 79.9, 80.0):
        await rounds.at(now)
    assert rounds.compared == [1_000.0, 1_030.0, 1_060.0]
    assert rounds.checks == [1_040.0, 1_080.0]
    await rounds.end()


async def test_an_unfit_server_is_checked_again_soon(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """All its faults refuse every call, the log says so once, and an operator's cure is seen."""
    rounds = Rounds(monkeypatch)
    watch = rounds.seen.watch
    rounds.faults = ["evicts keys", "keeps nothing"]
    for now in (40.0, 41.9, 42.0):
        await rounds.at(now)
        assert watch.trouble == "evicts keys; keeps nothing"
    assert rounds.checks == [1_040.0, 1_042.0]
    assert [record.getMessage() for record in caplog.records] == [
        "the Redis store is refused: evicts keys; keeps nothing"
    ]
    rounds.faults = []
    await rounds.at(44.0)
    assert watch.trouble == ""
    await rounds.at(83.9)
    assert rounds.checks == [1_040.0, 1_042.0, 1_044.0]
    await rounds.at(84.0)
    assert rounds.checks[-1] == 1_084.0
    await rounds.end()


async def test_an_older_copy_is_compared_again_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The newest copy is taken as soon as it is put back."""
    rounds = Rounds(monkeypatch)
    rounds.seen.mark.settled["a"] = 9
    for now in (0.0, 1.9, 2.0):
        await rounds.at(now)
        assert "older copy" in rounds.seen.watch.trouble
    assert rounds.compared == [1_000.0, 1_002.0]
    rounds.servers.values[keys_of("a").head] = b"9"
    await rounds.at(4.0)
    assert rounds.seen.watch.trouble == ""
    await rounds.at(33.9)
    assert rounds.compared == [1_000.0, 1_002.0, 1_004.0]
    rounds.seen.watch.look_soon()
    await rounds.at(33.9)
    assert rounds.compared[-1] == 1_033.9
    await rounds.end()


@pytest.mark.parametrize("trouble", ["another store", "an older copy"])
async def test_a_store_that_is_gone_is_neither_compared_nor_checked(
    monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    """Another store has other numbers; those of an unaccepted copy are compared."""
    rounds = Rounds(monkeypatch)
    if trouble == "another store":
        rounds.servers.values[STORE] = b"other"
    else:
        rounds.seen.mark.restored_at = 100
    await rounds.at(50.0)
    gone = trouble == "another store"
    assert rounds.seen.watch.trouble == (FLUSHED if gone else UNACCEPTED)
    assert (rounds.compared, rounds.checks) == (([], []) if gone else ([1_050.0], [1_050.0]))
    await rounds.end()


async def test_servers_that_do_not_answer_end_no_watch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call finds that out for itself; what was known stays."""
    rounds = Rounds(monkeypatch)
    answer = rounds.servers.ask
    await rounds.at(0.0)

    async def away(*_: object, **__: object) -> list[Any]:
        raise OutcomeUnknown("away")

    monkeypatch.setattr(rounds.servers, "ask", away)
    await rounds.at(60.0)
    assert rounds.seen.watch.trouble == ""
    monkeypatch.setattr(rounds.servers, "ask", answer)
    rounds.servers.values[STORE] = None
    await rounds.at(61.0)
    assert rounds.seen.watch.trouble == FLUSHED
    await rounds.end()


async def test_what_is_written_down_has_its_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """At first after some seconds, then every minute.

    Never while the store is refused (S-123).
    """
    file = GenerationFile(str(tmp_path / "marker"), server="Redis")
    rounds, kept = Rounds(monkeypatch, file), list[float]()
    monkeypatch.setattr(file, "keep", lambda memory: kept.append(rounds.now))
    for now in (0.0, 4.9, 5.0, 64.9, 65.0):
        await rounds.at(now)
    assert kept == [1_005.0, 1_065.0]
    rounds.servers.values[STORE] = b"other"
    await rounds.at(200.0)
    assert kept == [1_005.0, 1_065.0]
    rounds.servers.values[STORE] = b"id"
    await rounds.at(201.0)
    assert kept == [1_005.0, 1_065.0, 1_201.0]
    await rounds.end()


async def test_the_first_reason_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A store that is gone is told before an older copy, and that before an unfit server."""
    seen = Seen(Servers())
    watch = seen.watch
    watch._unfit = "unfit"
    for part, words in (("trouble", "older"), ("_unaccepted", "unaccepted"), ("_flushed", "flushed")):
        setattr(seen.mark if part == "trouble" else watch, part, words)
        for _ in range(2):
            watch._judge()
            assert watch.trouble == words
    assert [record.levelno for record in caplog.records] == [logging.ERROR] * 3
    watch._flushed = watch._unaccepted = watch._unfit = seen.mark.trouble = ""
    watch._judge()
    assert (watch.trouble, len(caplog.records)) == ("", 3)


async def test_many_tenants_are_asked_for_together(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hundred at a time, each on the server that has it, and none is left out."""
    servers, most, running = Servers(**{f"t{number}": number for number in range(1, 8)}), [0], [0]
    monkeypatch.setattr(monitor, "_AT_ONCE", 3)
    ask = servers.ask

    async def slow(key: str, *commands: Any, writes: bool = False) -> list[Any]:
        running[0] += 1
        most[0] = max(most[0], running[0])
        await asyncio.sleep(0)
        running[0] -= 1
        return await ask(key, *commands, writes=writes)

    monkeypatch.setattr(servers, "ask", slow)
    topology: Any = servers
    assert await monitor._numbers(topology) == {f"t{number}": number for number in range(1, 8)}
    assert most == [3]


async def test_a_look_that_is_refused() -> None:
    """A server that refuses a question is no answer."""
    servers = Servers()
    servers.values[STORE] = ResponseError("NOPERM no")
    with pytest.raises(StoreUnavailable, match="Redis refuses: NOPERM no"):
        await Seen(servers).watch.look()
