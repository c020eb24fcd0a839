"""The one connection to a server.

Which reply is whose, and what a caller is told while it is broken.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.redis import first_open, pipeline
from mfa_gate.stores.redis.first_open import remains_at
from mfa_gate.stores.redis.pipeline import OutcomeUnknown, Pipeline
from mfa_gate.stores.redis.replication_ids import ReplicationIds
from mfa_gate.stores.redis.timing import Timing
from mfa_gate.stores.redis.url import Address, place_of

from ..patience import REDIS
from .spoken import END, HANG, Answer, Spoken, spoken


def echo(words: list[str]) -> Answer:
    """Answer with what was asked for."""
    return words[1]


@pytest.fixture
async def server() -> AsyncIterator[Spoken]:
    async with spoken(echo) as (one,):
        yield one


def wire(server: Spoken, *, replicas: int = 0, timing: Timing = REDIS) -> Pipeline:
    """Make a connection to a server, with a number of replicas that a write needs."""
    place = replace(place_of(f"redis://127.0.0.1:{server.port}", timing=timing), replicas=replicas)

    async def find() -> Address:
        return place.hosts[0]

    return Pipeline(place, find, ReplicationIds())


async def test_each_caller_gets_its_own_replies(server: Spoken) -> None:
    """Many callers share one connection, and each gets as many replies as it has commands."""
    made = wire(server)
    calls = [made.ask(*(("GET", f"{n}.{m}") for m in range(n % 3 + 1))) for n in range(300)]
    assert await asyncio.gather(*calls) == [[f"{n}.{m}".encode() for m in range(n % 3 + 1)] for n in range(300)]
    assert server.connections == 1
    await made.aclose()


@pytest.mark.parametrize(("acknowledged", "replicas"), [(0, 1), (1, 2), (1, 1), (3, 1), (Exception("ERR x"), 1)])
async def test_a_write_counts_when_replicas_have_it(server: Spoken, acknowledged: Answer, replicas: int) -> None:
    """S-114: a write beside which too few replicas are is refused.

    A read beside it is answered.
    """
    server.answers = lambda words: acknowledged if words[0] == "WAIT" else echo(words)
    made = wire(server, replicas=replicas)
    enough = isinstance(acknowledged, int) and acknowledged >= replicas
    write, read = await asyncio.gather(
        made.ask(("SET", "a"), writes=True), made.ask(("GET", "b")), return_exceptions=True
    )
    assert read == [b"b"]
    if enough:
        assert write == [b"a"]
    else:
        assert isinstance(write, StoreUnavailable)
        assert f"of {replicas} replicas have the change" in str(write)
        assert not isinstance(write, OutcomeUnknown), "it is not looked up: it is there, and not safe"
    assert server.asked("WAIT") == [["WAIT", str(replicas), "3000"]]
    assert await made.ask(("GET", "c")) == [b"c"]
    assert len(server.asked("WAIT")) == 1, "no read waits for replicas"
    await made.aclose()


async def test_without_replicas_nobody_waits(server: Spoken) -> None:
    """No replica is asked for where the URL names none."""
    made = wire(server)
    assert await made.ask(("SET", "a"), writes=True) == [b"a"]
    assert server.asked("WAIT") == []
    await made.aclose()


@pytest.mark.parametrize("odd", [END, HANG])
async def test_no_reply(server: Spoken, odd: Any) -> None:
    """Commands that were sent and got no reply may have been run.

    The next caller gets a new connection.
    """
    made = wire(server, timing=Timing(connect_within=5.0, command_within=0.1, answer_within=8.0))
    server.answers = lambda _: odd
    with pytest.raises(OutcomeUnknown, match="Redis did not answer: "):
        await made.ask(("GET", "a"))
    server.answers = echo
    made._place = replace(made._place, timing=REDIS)
    assert await made.ask(("GET", "b")) == [b"b"]
    assert server.connections == 2
    await made.aclose()


async def test_a_caller_that_gives_up(server: Spoken) -> None:
    """Each caller is told in time, and what was not sent by then is not sent any more."""
    made = wire(server, timing=Timing(connect_within=5.0, command_within=5.0, answer_within=0.1))
    go_on = asyncio.Event()
    real = made._find

    async def slow() -> Address:
        await go_on.wait()
        return await real()

    made._find = slow
    found = await asyncio.gather(*(made.ask(("GET", str(n))) for n in range(3)), return_exceptions=True)
    assert [str(one) for one in found] == ["Redis did not answer in time"] * 3
    go_on.set()
    await asyncio.sleep(0.02)
    assert server.asked("GET") == []
    assert await made.ask(("GET", "now")) == [b"now"]
    assert server.asked("GET") == [["GET", "now"]]
    await made.aclose()


async def test_a_server_that_cannot_be_reached_rests(server: Spoken, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a failure all are refused for a moment, without another try.

    Then it is tried again.
    """
    monkeypatch.setattr(pipeline, "_PAUSE", (0.1, 0.1))
    made = wire(server)
    tries, real = list[int](), made._find

    async def nowhere() -> Address:
        tries.append(1)
        raise ConnectionRefusedError("nobody listens")

    made._find = nowhere
    for _ in range(3):
        found = await asyncio.gather(*(made.ask(("GET", "a")) for _ in range(5)), return_exceptions=True)
        assert {str(one) for one in found} == {"Redis cannot be reached: nobody listens"}
        assert not any(isinstance(one, OutcomeUnknown) for one in found), "nothing was sent"
    assert len(tries) == 1
    made._find = real
    await asyncio.sleep(0.11)
    assert await made.ask(("GET", "a")) == [b"a"]
    await made.aclose()


async def test_a_server_that_takes_nobody(server: Spoken) -> None:
    """The reason is told where the fault itself has no words."""
    made = wire(server, timing=Timing(connect_within=0.05, command_within=0.05))

    async def never() -> Address:
        raise TimeoutError

    made._find = never
    with pytest.raises(StoreUnavailable, match="cannot be reached: no answer in time"):
        await made.ask(("GET", "a"))
    await made.aclose()


@pytest.mark.parametrize("turns", [1, 5])
async def test_closed(server: Spoken, turns: int) -> None:
    """Callers that wait when the connection is closed are told so; it may be used again."""
    made = wire(server)
    stay, real = asyncio.Event(), made._find

    async def slow() -> Address:
        await stay.wait()
        return await real()

    made._find = slow
    calls = [asyncio.ensure_future(made.ask(("GET", str(n)))) for n in range(3)]
    for _ in range(turns):
        await asyncio.sleep(0)
    await made.aclose()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [str(one) for one in found] == ["the Redis store was closed"] * 3
    made._find = real
    assert await made.ask(("GET", "a")) == [b"a"]
    await made.aclose()
    assert made._alarm is None


async def test_a_reply_too_many_ends_the_connection(server: Spoken) -> None:
    """S-117: a server that says more than it was asked answers nobody else by that."""
    made = wire(server)
    server.answers = lambda words: [1] if words[1] == "odd" else words[1]
    assert await made.ask(("GET", "odd")) == [[1]]
    real = server._usual
    server._usual = lambda words: "another" if words[0] == "ECHO" else real(words)  # type: ignore[method-assign]
    with pytest.raises(OutcomeUnknown, match="do not fit the commands"):
        await made.ask(("GET", "a"))
    del server._usual
    assert await made.ask(("GET", "b")) == [b"b"]
    assert server.connections == 2
    await made.aclose()


REMAINS: dict[str, tuple[dict[str, Answer], tuple[tuple[str, ...], tuple[str, ...]] | str]] = {
    "nothing": ({"SCAN": ["0", []], "INFO": ""}, ((), ())),
    "limits only": ({"SCAN": ["0", ["mfa_gate:l:a"]], "INFO": ""}, ((), ())),
    "an account": ({"SCAN": ["0", ["mfa_gate:l:a", "mfa_gate:{tx}:a:b"]], "INFO": ""}, (("mfa_gate:{tx}:a:b",), ())),
    "another database": ({"SCAN": ["0", []], "INFO": "# Keyspace\r\ndb0:keys=1\r\ndb3:keys=1\r\n"}, ((), ("3",))),
    "a refused look": ({"SCAN": Exception("NOPERM no"), "INFO": ""}, "does not answer"),
}


@pytest.mark.parametrize("name", REMAINS)
async def test_remains_of_an_earlier_store(server: Spoken, name: str) -> None:
    """A server that does not let us look may hold people (F-6)."""
    answers, found = REMAINS[name]
    answers |= {"GET": "id", "SELECT": "OK"}
    server.answers = lambda words: answers[words[0]]
    server.is_plain = True
    place = place_of(f"redis://127.0.0.1:{server.port}/0", timing=REDIS)
    if isinstance(found, str):
        with pytest.raises(StoreUnavailable, match=found):
            await remains_at(place, place.hosts)
    else:
        remains = await remains_at(place, place.hosts)
        assert (remains.keys, remains.databases) == found


def test_commands_as_bytes() -> None:
    """Each word with its length in bytes, whatever it is made of."""
    assert pipeline.packed([("SET", "ß", b"\xff\r\n"), ("INCRBY", "k", 12)]) == (
        b"*3\r\n$3\r\nSET\r\n$2\r\n\xc3\x9f\r\n$3\r\n\xff\r\n\r\n*3\r\n$6\r\nINCRBY\r\n$1\r\nk\r\n$2\r\n12\r\n"
    )
    assert pipeline.packed([]) == b""


@pytest.mark.parametrize(("error", "words"), [(TimeoutError(), "no answer in time"), (OSError("gone"), "gone")])
def test_words_of_a_fault(error: Exception, words: str) -> None:
    """A fault without words has some."""
    assert pipeline.words_of(error) == words


async def test_an_answer_stays() -> None:
    """A job that has its reply, or its fault, keeps it."""
    loop = asyncio.get_running_loop()
    answered, failed, given_up = (pipeline.Job([], loop, due_at=0.0, writes=False) for _ in range(3))
    answered.future.set_result([b"x"])
    failed.fail(StoreUnavailable("first"))
    given_up.give_up()
    for job in (answered, failed, given_up):
        job.fail(StoreUnavailable("second"))
        job.give_up()
    assert await answered.future == [b"x"]
    with pytest.raises(StoreUnavailable, match="first"):
        await failed.future
    with pytest.raises(OutcomeUnknown, match="Redis did not answer in time"):
        await given_up.future
    assert answered.abandoned


async def test_commands_go_out_in_pieces(server: Spoken, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many callers at once.

    One that gave up meanwhile is not asked for, and takes no place.
    """
    monkeypatch.setattr(pipeline, "_BATCH", 2)
    made = wire(server)
    await made.ask(("GET", "first"))
    before = len(server.asked("ECHO"))
    calls = [asyncio.ensure_future(made.ask(("GET", str(n)), ("GET", f"{n}b"))) for n in range(6)]
    await asyncio.sleep(0)
    for job in list(made._waiting)[1:3]:
        job.give_up()
    found = await asyncio.gather(*calls, return_exceptions=True)
    left = [n for n in range(6) if isinstance(found[n], list)]
    assert [found[n] for n in left] == [[f"{n}".encode(), f"{n}b".encode()] for n in left]
    assert len(left) == 4
    assert len(server.asked("ECHO")) - before == 2
    assert [words[1] for words in server.asked("GET")[1:]] == [word for n in left for word in (f"{n}", f"{n}b")]
    await made.aclose()


async def test_a_server_that_was_taken_over_from(server: Spoken) -> None:
    """Its connection is given up before the next question, and another is asked for (F-4)."""
    made, superseded, admitted = wire(server), set[str](), list[str]()

    def admit(answer: dict[str, str]) -> str:
        admitted.append(answer["role"])
        return f"id{len(admitted)}"

    lineage: Any = SimpleNamespace(admit=admit, is_superseded=lambda id: id in superseded)
    made._lineage = lineage
    for expected in (1, 1):
        await made.ask(("GET", "a"))
        assert (server.connections, made._server) == (expected, "id1")
    superseded.add("id1")
    for _ in range(2):
        await made.ask(("GET", "a"))
        assert (server.connections, made._server) == (2, "id2")
    assert admitted == ["master", "master"]
    await made.aclose()


async def test_a_server_that_is_not_admitted(server: Spoken) -> None:
    """It keeps no connection, and callers are told the reason."""
    made = wire(server)

    def admit(_: object) -> str:
        raise StoreUnavailable("a replica")

    lineage: Any = SimpleNamespace(admit=admit, is_superseded=lambda id: False)
    made._lineage = lineage
    with pytest.raises(StoreUnavailable, match="Redis cannot be reached: a replica") as caught:
        await made.ask(("GET", "a"))
    assert not isinstance(caught.value, OutcomeUnknown)
    assert (made._connection, made._replies, made._is_sound()) == (None, None, False)


async def test_bytes_that_nobody_asked_for(server: Spoken) -> None:
    """They end the connection before the next question is put (S-117)."""
    made = wire(server)
    await made.ask(("GET", "a"))
    assert made._is_sound()
    assert made._replies is not None
    made._replies._bytes += b"+odd\r\n"
    assert not made._is_sound()
    assert await made.ask(("GET", "b")) == [b"b"]
    assert server.connections == 2
    await made.aclose()


@pytest.mark.parametrize("where", ["find", "read"])
@pytest.mark.parametrize(("error", "is_logged"), [(KeyError("odd"), True), (ConnectionError("gone"), False)])
async def test_a_fault_that_nobody_foresaw(
    server: Spoken, caplog: pytest.LogCaptureFixture, where: str, error: Exception, is_logged: bool
) -> None:
    """It goes to the log with its place, and callers get an outage as of any other fault."""
    made = wire(server)
    await made.ask(("GET", "a"))

    async def broken() -> Any:
        raise error

    if where == "find":
        await made.hang_up()
        made._find = broken
    else:
        assert made._replies is not None
        made._replies.next = broken  # type: ignore[method-assign]
    with pytest.raises(StoreUnavailable) as caught:
        await made.ask(("GET", "a"))
    assert isinstance(caught.value, OutcomeUnknown) is (where == "read")
    assert ("cannot be reached" in str(caught.value)) is (where == "find")
    assert len(caplog.records) == is_logged
    assert (made._connection, len(made._waiting)) == (None, 0)
    await made.aclose()


async def test_the_order_is_kept_where_nobody_answers(server: Spoken) -> None:
    """Callers that wait while the connection is made keep their places if that is broken off."""
    made, stay = wire(server), asyncio.Event()

    async def never() -> Address:
        await stay.wait()
        raise AssertionError

    made._find = never
    calls = [asyncio.ensure_future(made.ask(("GET", str(n)))) for n in range(3)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert made._task is not None
    made._task.cancel()
    await asyncio.gather(made._task, return_exceptions=True)
    assert [job.commands[0][1] for job in made._waiting] == ["0", "1", "2"]
    await made.aclose()
    await asyncio.gather(*calls, return_exceptions=True)


async def test_those_behind_a_failure_are_answered(server: Spoken, monkeypatch: pytest.MonkeyPatch) -> None:
    """A caller that waited while the connection broke gets an answer by the next one.

    Without another call.
    """
    monkeypatch.setattr(pipeline, "_BATCH", 1)
    made = wire(server)
    await made.ask(("GET", "a"))
    server.answers = lambda words: END if words[1] == "breaks" else words[1]
    found = await asyncio.gather(made.ask(("GET", "breaks")), made.ask(("GET", "b")), return_exceptions=True)
    assert isinstance(found[0], OutcomeUnknown)
    assert found[1] == [b"b"]
    assert server.connections == 2
    await made.aclose()


async def test_a_question_that_is_broken_off(server: Spoken) -> None:
    """The end of the store, or of its loop, ends the work at once.

    Whether it was done is not known.
    """
    made = wire(server)
    await made.ask(("GET", "a"))
    server.answers = lambda words: HANG
    asking = asyncio.ensure_future(made.ask(("GET", "b")))
    while len(server.asked("GET")) < 2:
        await asyncio.sleep(0.001)
    task = made._task
    assert task is not None
    await made.aclose()
    assert task.cancelled()
    with pytest.raises(OutcomeUnknown, match="Redis did not answer: CancelledError"):
        await asking


LIMITS, KEPT = ["mfa_gate:l:a"], ["mfa_gate:l:b", "mfa_gate:{tx}:head"]


@pytest.mark.parametrize(
    ("pages", "keys", "looks"),
    [
        ([LIMITS, LIMITS, KEPT], ("mfa_gate:{tx}:head",), 3),
        ([LIMITS, []], (), 2),
        ([[]] * 99, (), first_open._SCANS),
    ],
)
@pytest.mark.parametrize("kind", ["redis", "redis+cluster"])
async def test_a_large_server_is_looked_through(
    server: Spoken, kind: str, pages: list[list[str]], keys: tuple[str, ...], looks: int
) -> None:
    """A piece at a time, up to a number of them; a Cluster has one database only."""
    left = [*pages]

    def answer(words: list[str]) -> Answer:
        if words[0] == "SCAN":
            page = left.pop(0)
            return [str(len(left)), page]
        return "" if words[0] == "INFO" else "OK"

    server.answers, server.is_plain = answer, True
    place = place_of(f"{kind}://127.0.0.1:{server.port}", timing=REDIS)
    found = await remains_at(place, place.hosts)
    assert (found.keys, found.databases) == (keys, ())
    scans = server.asked("SCAN")
    assert [words[1] for words in scans] == ["0", *(str(len(pages) - n) for n in range(1, looks))]
    assert {tuple(words[2:]) for words in scans} == {("MATCH", "mfa_gate:*", "COUNT", "1000")}
    assert len(server.asked("INFO")) == (kind == "redis")
