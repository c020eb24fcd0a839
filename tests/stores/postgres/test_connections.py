"""The connections to PostgreSQL.

Which host is tried, which call is made again, and how a pool ends.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest

from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.stores.common.high_water_mark import HighWaterMark
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.postgres.connections import Connection, Connections, Dialer, _end, cut, has_news
from mfa_gate.stores.postgres.monitor import History
from mfa_gate.stores.postgres.outcomes import Contention, OutcomeUnknown
from mfa_gate.stores.postgres.session import Session
from mfa_gate.stores.postgres.url import place_of

from .. import postgres_servers
from ..patience import POSTGRES


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
    with pytest.raises(StoreUnavailable, match="no connection to PostgreSQL is free") as caught:
        await pool.run(one, within=0.1)
    assert not isinstance(caught.value, OutcomeUnknown)
    held.set()
    await asyncio.gather(*holders)
    assert await pool.run(one, within=5) == (1,)


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
    assert session.advice == ()
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
