"""The connections to PostgreSQL.

Which host is tried, which call is made again, and how a pool ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import count
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from psycopg_pool import PoolTimeout

from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.stores.common.high_water_mark import HighWaterMark
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.postgres.connections import Connection, Connections, Dialer, _end, cut, deadline, has_news
from mfa_gate.stores.postgres.monitor import History
from mfa_gate.stores.postgres.outcomes import Contention, OutcomeUnknown
from mfa_gate.stores.postgres.session import Session
from mfa_gate.stores.postgres.url import place_of

from .. import postgres_servers
from ..patience import POSTGRES

_NUMBERS = count(1)


async def admit(connection: Connection, system: str, timeline: int) -> None:
    """Take every server."""


class Named(Dialer):
    """Dials hosts that answer by their names.

    ``tried`` has them, with the time that each was given.
    """

    def __init__(self, hosts: str, **answers: object) -> None:
        super().__init__(place_of(f"postgresql://{hosts}/x", timing=POSTGRES), admit)
        self.answers = answers
        self.tried: list[tuple[str, float]] = []

    async def dial(self) -> Any:
        """Dial; a host answers with anything."""
        return await super().dial()

    async def _dial_one(self, host: str, port: str, *, within: float) -> Any:
        self.tried.append((host, within))
        answer = self.answers.get(host, OSError("no route"))
        if isinstance(answer, Exception):
            raise answer
        return answer


async def test_the_last_good_host_comes_first() -> None:
    """The hosts are tried in their order, from the last good one on, and each once."""
    dialer = Named("a,b,c,d", c="connected")
    assert await dialer.dial() == "connected"
    assert [host for host, _ in dialer.tried] == ["a", "b", "c"]
    assert {within for _, within in dialer.tried} == {POSTGRES.connect_within}
    assert (dialer.trouble, dialer.has_just_failed) == ("", False)
    dialer.tried.clear()
    dialer.answers = {"b": "connected"}
    assert await dialer.dial() == "connected"
    assert [host for host, _ in dialer.tried] == ["c", "d", "a", "b"]


@pytest.mark.parametrize(
    "fault", [TimeoutError(), OSError("no route"), psycopg.OperationalError("refused"), StoreUnavailable("a standby")]
)
async def test_a_host_that_fails_is_passed_over(fault: Exception) -> None:
    """Whatever its fault is, the next one is tried, and no trouble is left."""
    dialer = Named("a,b,c", a=fault, b=fault, c="connected")
    assert await dialer.dial() == "connected"
    assert [host for host, _ in dialer.tried] == ["a", "b", "c"]
    assert (dialer.trouble, dialer._first) == ("", 2)


async def test_a_lone_host_gets_all_the_time() -> None:
    """There is no other host that time would be kept for."""
    dialer = Named("a", a="connected")
    await dialer.dial()
    assert dialer.tried == [("a", POSTGRES.reach_within)]


@pytest.mark.parametrize(
    ("last", "kind", "words"),
    [
        (OSError("no\n route"), psycopg.OperationalError, "no route"),
        (TimeoutError(), psycopg.OperationalError, "b does not answer in time"),
        (StoreUnavailable("a standby"), StoreUnavailable, "a standby"),
        (psycopg.OperationalError("x" * 500), psycopg.OperationalError, "x" * 300),
    ],
)
async def test_no_host_answers(last: Exception, kind: type[Exception], words: str) -> None:
    """The fault of the last host is told, in one line, and remembered for a moment."""
    dialer = Named("a,b", a=OSError("another"), b=last)
    with pytest.raises(kind):
        await dialer.dial()
    assert dialer.trouble == words
    assert dialer.has_just_failed
    dialer._failed_at -= 0.5
    assert not dialer.has_just_failed
    assert dialer.trouble == words


class Lost(Connections):
    """Calls that end in ``outcomes``, one after the other. ``calls`` counts them."""

    def __init__(self, *outcomes: object) -> None:
        self.outcomes = [*outcomes]
        self.calls = 0

    async def run_once(self, work: object, *, within: float) -> Any:
        """End as the next outcome says."""
        self.calls += 1
        assert within <= 5
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


AGAIN, UNKNOWN = Contention("lost"), OutcomeUnknown("no answer")


@pytest.mark.parametrize(
    ("outcomes", "reads", "result", "calls"),
    [
        ([AGAIN, AGAIN, AGAIN, "done"], False, "done", 4),
        ([AGAIN] * 5, False, AGAIN, 4),
        ([UNKNOWN, "done"], False, UNKNOWN, 1),
        ([UNKNOWN, UNKNOWN, UNKNOWN, "done"], True, "done", 4),
        ([UNKNOWN] * 5, True, UNKNOWN, 4),
        ([StoreUnavailable("refused"), "done"], True, None, 1),
    ],
)
async def test_what_is_done_again(outcomes: list[object], reads: bool, result: object, calls: int) -> None:
    """Work that lost to another writer is done again, and a read whose connection broke.

    F-7. A write without an answer may be there, and is never done again.
    """
    made = Lost(*outcomes)
    done = (await asyncio.gather(made.run(None, within=5, reads=reads), return_exceptions=True))[0]  # type: ignore[arg-type]
    assert made.calls == calls
    assert done is result or (result is None and type(done) is StoreUnavailable)


async def test_a_read_is_not_done_again_when_its_time_is_over() -> None:
    """The caller has gone by then."""
    made = Lost(UNKNOWN, "done")
    with pytest.raises(OutcomeUnknown):
        await made.run(None, within=1e-9, reads=True)  # type: ignore[arg-type]
    assert made.calls == 1


@pytest.fixture
async def pool() -> AsyncIterator[Connections]:
    """Two connections to a real server."""
    url = postgres_servers.shared().schema()
    place = place_of(url, timing=POSTGRES)
    made = Connections(Dialer(place, admit), place, size=2)
    await made.open()
    yield made
    await made.aclose()


async def one(connection: Connection) -> object:
    return await (await connection.execute("SELECT 1")).fetchone()


async def test_a_pool_that_closes_lets_calls_end(pool: Connections) -> None:
    """A call that runs while the store is closed gets its answer.

    One that comes later is refused.
    """
    begun = asyncio.Event()

    async def slow(connection: Connection) -> object:
        begun.set()
        await connection.execute("SELECT pg_sleep(0.05)")
        return await one(connection)

    call = asyncio.ensure_future(pool.run(slow, within=5))
    await begun.wait()
    await pool.aclose()
    assert call.done()
    assert await call == (1,)
    with pytest.raises(StoreUnavailable, match="no connection to PostgreSQL is free"):
        await pool.run(one, within=5)


async def test_a_call_that_lasts_too_long(pool: Connections) -> None:
    """A call that the server holds up ends in time, and its connection serves nobody else."""
    before = set[int]()

    async def slow(connection: Connection) -> None:
        before.add(connection.info.backend_pid)
        await connection.execute("SELECT pg_sleep(5)")

    await pool.run(one, within=5)
    with pytest.raises(OutcomeUnknown, match="does not answer in time"):
        await pool.run(slow, within=0.2)

    async def pid(connection: Connection) -> int:
        return connection.info.backend_pid

    assert await pool.run(pid, within=5) not in before


async def test_who_waits_for_a_connection_has_done_nothing(pool: Connections) -> None:
    """A call that got no connection in time was not made, and is known not to be."""
    held, begun = asyncio.Event(), list[object]()

    async def hold(connection: Connection) -> None:
        begun.append(connection)
        await held.wait()

    holders = [asyncio.ensure_future(pool.run(hold, within=5)) for _ in range(2)]
    while len(begun) < 2:
        await asyncio.sleep(0.005)
    late = list[int]()

    async def too_late(connection: Connection) -> None:
        late.append(1)

    with pytest.raises(StoreUnavailable, match="no connection to PostgreSQL is free") as caught:
        await pool.run(too_late, within=0.1)
    assert not isinstance(caught.value, OutcomeUnknown)
    held.set()
    await asyncio.gather(*holders)
    assert await pool.run(one, within=5) == (1,)
    assert (late, pool._running) == ([], set()), "it is not made later either"


async def test_a_commit_without_its_standby(pool: Connections) -> None:
    """Its outcome is unknown, and the connection serves the next call as before."""

    async def unsafe(connection: Connection) -> int:
        pool._dialer.unsafe.add(connection)
        return connection.info.backend_pid

    async def sound(connection: Connection) -> int:
        return connection.info.backend_pid

    pids = {await pool.run(sound, within=5)}
    for call in (pool.run(unsafe, within=5), pool.run_once(unsafe, within=5)):
        with pytest.raises(OutcomeUnknown, match="has committed without its standby: the wait for it was cancelled"):
            await call
    assert len(pool._dialer.unsafe) >= 1
    for _ in range(4):
        pids.add(await pool.run(sound, within=5))
    assert len(pids) <= 2
    assert len(pool._dialer.unsafe) == 0
    assert (pool._lent, pool._running) == (0, set())


@pytest.mark.parametrize(
    ("fault", "kind", "words"),
    [
        (psycopg.errors.SerializationFailure("raced"), Contention, "PostgreSQL: raced"),
        (OSError("gone"), OutcomeUnknown, "PostgreSQL does not answer: gone"),
        (StoreUnavailable("ours"), StoreUnavailable, "ours"),
    ],
)
async def test_a_fault_of_the_work(pool: Connections, fault: Exception, kind: type[Exception], words: str) -> None:
    """It is told as what it is, and the connection goes back to the pool."""

    async def fails(connection: Connection) -> None:
        raise fault

    for _ in range(3):
        with pytest.raises(kind) as caught:
            await pool.run_once(fails, within=5)
        assert str(caught.value) == words
    assert await pool.run(one, within=5) == (1,)
    assert pool._lent == 0


async def test_a_server_that_has_just_failed_is_not_waited_for(pool: Connections) -> None:
    """A call is refused at once where no connection is there or lent.

    With the fault of the last try.
    """
    dialer, place = pool._dialer, place_of("postgresql://127.0.0.1:1/x", timing=POSTGRES)
    away = Connections(dialer, place, size=2)
    loop = asyncio.get_running_loop()
    dialer.trouble, dialer._failed_at = "refused", loop.time()
    took = list[float | None]()

    async def getconn(timeout: float | None = None) -> Any:
        took.append(timeout)
        raise PoolTimeout

    away._pool.getconn = getconn  # type: ignore[method-assign]
    for lent, failed_at, is_tried in ((0, 0.0, False), (1, 0.0, True), (0, -1.0, True)):
        away._lent, dialer._failed_at = lent, loop.time() + failed_at
        with pytest.raises(StoreUnavailable, match="no connection to PostgreSQL: refused"):
            await away.run_once(one, within=5)
        assert len(took) == is_tried
        took.clear()
    dialer.trouble = ""
    with pytest.raises(StoreUnavailable, match="no connection to PostgreSQL is free"):
        await away.run_once(one, within=5)
    assert took[0] == pytest.approx(POSTGRES.reach_within, abs=0.5)


async def test_a_session_of_ours(pool: Connections) -> None:
    """Its limits and names are set, and its statements are prepared after some runs."""
    asked = {
        "search_path": "pg_catalog, pg_temp",
        "row_security": "off",
        "statement_timeout": "8s",
        "lock_timeout": "4s",
        "idle_in_transaction_session_timeout": "10s",
        "idle_session_timeout": "0",
        "default_transaction_isolation": "read committed",
        "enable_seqscan": "off",
        "jit": "off",
        "client_min_messages": "warning",
        "application_name": "mfa_gate",
        "client_encoding": "UTF8",
    }

    async def settings(connection: Connection) -> dict[str, str]:
        assert (connection.autocommit, connection.prepare_threshold) == (True, 2)
        rows = await connection.execute("SELECT n, current_setting(n) FROM unnest(%s::text[]) n", ([*asked],))
        return {name: value async for name, value in rows}

    assert await pool.run(settings, within=5) == asked
    assert not pool._dialer.is_pooled


class Greeted:
    """A connection to a server that says this of itself."""

    def __init__(self, *answers: Any, pid: int = 7) -> None:
        self.answers = [*answers]
        self.info = SimpleNamespace(backend_pid=pid)
        self.asked: list[str] = []
        self.handlers: list[Any] = []
        self.prepare_threshold: int | None = 5

    def add_notice_handler(self, handler: Any) -> None:
        """Keep it."""
        self.handlers.append(handler)

    async def execute(self, statement: str, *_: object) -> Any:
        """Answer with the next row, or fail."""
        self.asked.append(statement)
        answer = self.answers.pop(0) if "SET" not in statement and "set_config" not in statement else None
        if isinstance(answer, Exception):
            raise answer

        async def fetchone() -> Any:
            return answer

        return SimpleNamespace(fetchone=fetchone)


@pytest.mark.parametrize(
    ("answers", "is_pooled", "admitted"),
    [
        ([(7, False), ("71", "0000000A")], False, ("71", 10)),
        ([(8, False), ("71", "00000001")], True, ("71", 1)),
        ([(7, False), psycopg.errors.InsufficientPrivilege("hidden")], False, ("", 0)),
        ([(7, False), psycopg.errors.FeatureNotSupported("none")], False, ("", 0)),
        ([(7, False), None], False, ("", 0)),
    ],
)
async def test_a_server_is_recognized(answers: list[Any], is_pooled: bool, admitted: tuple[str, int]) -> None:
    """By its identifier and its timeline.

    A pooler's session gets no setting, and nothing prepared.
    """
    found = list[tuple[str, int]]()

    async def note(connection: Connection, system: str, timeline: int) -> None:
        found.append((system, timeline))

    dialer = Dialer(place_of("postgresql://h/d"), note)
    connection: Any = Greeted(*answers)
    await dialer._greet(connection)
    assert (dialer.is_pooled, found) == (is_pooled, [admitted])
    assert sum("set_config" in statement for statement in connection.asked) == (not is_pooled)
    assert sum("search_path" in statement for statement in connection.asked) == (not is_pooled)
    assert connection.prepare_threshold == (None if is_pooled else 2)
    for severity, state, is_unsafe in (
        ("WARNING", "01000", True),
        ("NOTICE", "01000", False),
        ("WARNING", "01007", False),
    ):
        dialer.unsafe.clear()
        connection.handlers[0](SimpleNamespace(severity_nonlocalized=severity, sqlstate=state))
        assert (connection in dialer.unsafe) is is_unsafe


@pytest.mark.parametrize("answer", [(7, True), None])
async def test_a_standby_is_refused(answer: Any) -> None:
    """Nothing is ever read from one, whatever it holds."""
    connection: Any = Greeted(answer)
    with pytest.raises(StoreUnavailable, match="the PostgreSQL server is a standby, not the primary"):
        await Dialer(place_of("postgresql://h/d"), admit)._greet(connection)


async def test_a_connection_that_is_not_admitted_is_closed() -> None:
    """A server that must not be used keeps no connection of ours; the next host is tried."""
    server = postgres_servers.shared()
    name = f"refused_{next(_NUMBERS)}"

    async def refuse(connection: Connection, system: str, timeline: int) -> None:
        raise StoreUnavailable("an old primary")

    dialer = Dialer(place_of(f"{server.schema()}&application_name={name}", timing=POSTGRES), refuse)
    with pytest.raises(StoreUnavailable, match="an old primary"):
        await dialer.dial()
    assert dialer.trouble == "an old primary"
    asked = "SELECT count(*) FROM pg_stat_activity WHERE application_name = %s"
    async with asyncio.timeout(5):
        while server.say(asked, name) != [(0,)]:
            await asyncio.sleep(0.005)


async def test_a_deadline(pool: Connections) -> None:
    """Work that takes longer is cut; work that is done in time is not cut later."""

    async def work(connection: Connection) -> object:
        async with deadline(connection, 0.02):
            await one(connection)
        await asyncio.sleep(0.03)
        await one(connection)
        async with deadline(connection, 0.02):
            await connection.execute("SELECT pg_sleep(5)")
        return None

    with pytest.raises(OutcomeUnknown):
        await pool.run_once(work, within=5)


async def test_a_connection_that_the_server_has_ended(pool: Connections) -> None:
    """It is seen before it is lent; a connection at rest has no news."""
    seen = list[Connection]()

    async def look(connection: Connection) -> None:
        seen.append(connection)
        assert not has_news(connection)

    await pool.run(look, within=5)
    cut(seen[0])
    await asyncio.sleep(0.01)
    assert has_news(seen[0])
    assert await pool.run(one, within=5) == (1,)
    await seen[0].close()
    assert has_news(seen[0]), "a connection that was closed serves nobody"


async def test_a_worker_that_outlives_its_cancellation_is_cancelled_again() -> None:
    """A worker of the pool takes a cancellation for a fault of its connection.

    It has ended.
    """
    cancelled = list[int]()

    async def stubborn() -> None:
        for number in range(3):
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                cancelled.append(number)

    task = asyncio.ensure_future(stubborn())
    await asyncio.sleep(0)
    _end(task)
    await asyncio.wait_for(task, 5)
    assert cancelled == [0, 1, 2]
    loop = asyncio.get_running_loop()
    later = list[object]()
    real, loop.call_later = loop.call_later, lambda *given, **_: later.append(given)  # type: ignore[assignment,method-assign]
    try:
        _end(None)
        _end(task)
    finally:
        loop.call_later = real  # type: ignore[method-assign]
    assert later == []


async def test_a_session_that_was_not_started() -> None:
    """It knows no changes; nor does a child's copy of its parent's session (F-40)."""
    place = place_of("postgresql://h/d", timing=POSTGRES)
    mark = HighWaterMark("PostgreSQL", settled_after=60.0, noted_together=5.0)
    session = Session(place, mark, History(), None)
    with pytest.raises(StoreUnavailable, match="is not open"):
        session.changes()
    session.after_fork(child=False)
    assert not session.forked
    session.after_fork(child=True)
    session.after_fork(child=False)
    assert session.forked


async def test_a_database_that_is_not_there() -> None:
    """No waiting helps, so the start stops, and says what the server said."""
    url = postgres_servers.shared().schema().replace("/postgres?", "/nowhere?")
    store = PostgresStore(url, timing=POSTGRES)
    with pytest.raises(SettingsError, match=r'PostgreSQL refuses the sign-in .*"nowhere" does not exist'):
        await store.open()


async def test_a_server_that_is_not_there() -> None:
    """It may come back, so it is an outage."""
    with pytest.raises(StoreUnavailable, match="PostgreSQL does not answer"):
        await PostgresStore("postgresql://127.0.0.1:1/x").open()
