"""The PostgreSQL store while its server fails or is unfit.

It refuses within a second, believes no stale word, and goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import psycopg
import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.storage import take_one
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.testing.store_suite import ALICE, BOB, changed, enrolled, event

from .. import postgres_servers
from ..faults import IN_TIME, READS, WRITES, answers, noise, nothing_lost, prepared, refused, silence
from ..patience import POSTGRES
from ..postgres_servers import Postgres, schema_of

pytestmark = pytest.mark.waits


@pytest.fixture(scope="module")
def one_server() -> Iterator[Postgres]:
    """The server that the tests of this file break and mend."""
    with postgres_servers.server() as server:
        yield server


@pytest.fixture
def server(one_server: Postgres) -> Iterator[Postgres]:
    """It, as a test finds it."""
    yield one_server
    one_server.reset()


@pytest.fixture
def url(server: Postgres) -> str:
    """The URL of a schema of the test's own."""
    return server.schema()


@pytest.fixture
async def store(url: str) -> AsyncIterator[PostgresStore]:
    store = PostgresStore(url)
    await store.open()
    await prepared(store)
    yield store
    await store.aclose()


@pytest.fixture
async def patient(url: str) -> AsyncIterator[PostgresStore]:
    """The same for tests that do not measure time.

    A busy machine takes long to make a connection.
    """
    store = PostgresStore(url, timing=POSTGRES)
    await store.open()
    await prepared(store)
    yield store
    await store.aclose()


async def test_killed_and_restarted(server: Postgres, store: PostgresStore) -> None:
    """A server that was killed (``kill -9``) is an outage; restarted, it has all its data.

    F-1, F-9. All that was acknowledged is there within five seconds.
    """
    await silence(store)
    server.kill()
    await noise(store)
    await refused(store, READS | WRITES)
    server.start()
    await answers(store, within=5)
    await nothing_lost(store)
    await silence(store)


async def test_restarted_without_a_pause(server: Postgres, patient: PostgresStore) -> None:
    """A restart ends every session of the pool; no later call meets one of them."""
    await silence(patient)
    await asyncio.gather(*(patient.load(ALICE) for _ in range(20)))
    server.stop()
    server.start()
    await answers(patient, within=5)
    for _ in range(20):
        assert (await patient.load(ALICE)).version == 1
    await nothing_lost(patient)


async def test_hanging(server: Postgres, store: PostgresStore) -> None:
    """A server that accepts connections and never answers is refused within a second.

    F-1. The store goes on when the server does.
    """
    await silence(store)
    server.signal(signal.SIGSTOP)
    try:
        await noise(store)
        await refused(store, READS | WRITES)
        many = await asyncio.gather(*(store.load(ALICE) for _ in range(200)), return_exceptions=True)
        assert len(many) == 200
        assert all(isinstance(outcome, StoreUnavailable) for outcome in many)
    finally:
        server.signal(signal.SIGCONT)
    await answers(store, within=5)
    assert (await store.load(ALICE)).version == 1
    assert (await store.load(BOB)).version in (0, 1)


async def test_sessions_that_time_out(server: Postgres, url: str) -> None:
    """``idle_session_timeout`` ends no session of ours: the store turns it off for them."""
    server.say("ALTER ROLE gate SET idle_session_timeout = '200ms'")
    store = PostgresStore(url)
    await store.open()
    await prepared(store)
    await silence(store)
    await asyncio.sleep(1)
    assert changed(store) == frozenset()
    assert (await store.load(ALICE)).version == 1
    await nothing_lost(store)
    await store.aclose()


async def test_sessions_that_an_operator_ends(server: Postgres, patient: PostgresStore) -> None:
    """Sessions that were ended while they did nothing cost no call."""
    await silence(patient)
    await asyncio.gather(*(patient.load(ALICE) for _ in range(20)))
    server.say("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mfa_gate'")
    await asyncio.sleep(0.05)
    for _ in range(10):
        assert (await patient.load(ALICE)).version == 1
    await silence(patient, within=5)
    await nothing_lost(patient)


async def test_read_only(server: Postgres, store: PostgresStore) -> None:
    """A server that takes no writes refuses them, and what it holds can be read (F-2)."""
    server.say("ALTER SYSTEM SET default_transaction_read_only = on")
    server.say("SELECT pg_reload_conf()")
    await asyncio.sleep(0.3)
    await refused(store, WRITES)
    assert (await store.load(ALICE)).version == 1
    with server.connect(options="-c default_transaction_read_only=off") as connection:
        connection.execute("ALTER SYSTEM RESET default_transaction_read_only")
        connection.execute("SELECT pg_reload_conf()")
    await asyncio.sleep(0.3)
    await answers(store, within=5)
    await nothing_lost(store)


async def test_full_disk(server: Postgres, store: PostgresStore, url: str) -> None:
    """A disk without room takes no write, and all that was written before can be read (F-2)."""
    await silence(store)
    server.say(
        f"INSERT INTO {schema_of(url)}.event (tenant, account, kind, at, line, digest, id)"
        " SELECT 'filler', '', 'x', 0, repeat('x', 1500), '', '' FROM generate_series(1, 12000)"
    )
    server.limit_files(16 * 2**20)  # no file may grow beyond it, and that of the trail has
    big = [event(number, key=SubjectKey("clinic", "x" * 200)) for number in range(400)]
    for _ in range(3):
        with pytest.raises(StoreUnavailable):
            await store.append(big)
    assert (await store.load(ALICE)).version == 1
    server.limit_files(None)
    await answers(store, within=5)
    await nothing_lost(store)
    assert await verify_trail(store, "clinic") == {}


def take_all_connections(server: Postgres, taken: contextlib.ExitStack) -> int:
    """Open connections until the server has no more, and return their number."""
    count = 0
    with contextlib.suppress(psycopg.OperationalError):
        while count < 100:
            taken.enter_context(server.connect())
            count += 1
    return count


async def test_no_connection_left(server: Postgres, store: PostgresStore, url: str) -> None:
    """A server without a free connection serves the workers that run.

    No new worker starts (``max_connections``).
    """
    await silence(store)
    other = PostgresStore(url)
    with contextlib.ExitStack() as taken:
        assert 10 < take_all_connections(server, taken) < 100
        assert (await store.load(ALICE)).version == 1
        assert await store.swap(enrolled(BOB), [event(5, key=BOB)])
        take_all_connections(server, taken)  # one that a busy server let go of late
        began = time.monotonic()
        with pytest.raises(StoreUnavailable, match=r"too many clients|connection slots"):
            await other.open()
        assert time.monotonic() - began < IN_TIME
    await other.open()
    assert (await other.load(BOB)).version == 1
    await other.aclose()


async def test_a_locked_row_stops_nobody_else(server: Postgres, patient: PostgresStore, url: str) -> None:
    """A row that somebody holds delays its own account only.

    The others' swaps go through.
    """
    with server.connect() as connection, connection.transaction():
        connection.execute(f"SELECT 1 FROM {schema_of(url)}.account WHERE id = 'alice' FOR UPDATE")
        keys = [SubjectKey("clinic", f"u{number}") for number in range(10)]
        mine = asyncio.ensure_future(patient.swap(enrolled(ALICE, version=1)))
        await asyncio.sleep(0.3)  # it is under way, and shares its statement with no other
        done = await asyncio.gather(*(patient.swap(enrolled(key)) for key in keys))
        assert done == [True] * 10
        with pytest.raises(StoreUnavailable):
            await mine
    assert await patient.swap(enrolled(ALICE, version=1))


@pytest.mark.parametrize("is_first", [True, False], ids=["asked first", "asked last"])
async def test_a_locked_row_delays_none_that_share_its_statement(server: Postgres, url: str, is_first: bool) -> None:
    """The swap of a row that somebody holds waits alone.

    It goes through as soon as the row is free.
    """
    store = PostgresStore(url, timing=replace(POSTGRES, lock_within=30.0, swap_within=20.0, answer_within=30.0))
    await store.open()
    await prepared(store)
    keys = [SubjectKey("clinic", f"u{number}") for number in range(10)]
    with server.connect() as connection:
        with connection.transaction():
            connection.execute(f"SELECT 1 FROM {schema_of(url)}.account WHERE id = 'alice' FOR UPDATE")
            changes = [enrolled(key) for key in keys]
            changes.insert(0 if is_first else 10, enrolled(ALICE, version=1))
            swaps = [asyncio.ensure_future(store.swap(change, [event(7)])) for change in changes]
            mine = swaps.pop(0 if is_first else 10)
            assert await asyncio.gather(*swaps) == [True] * 10
            assert await asyncio.gather(*(store.swap(enrolled(key, version=1)) for key in keys)) == [True] * 10
            assert not mine.done()
        assert await mine
    assert (await store.load(ALICE)).version == 2
    assert await verify_trail(store) == {}
    await store.aclose()


@pytest.mark.parametrize("ends", ["COMMIT", "ROLLBACK"])
async def test_a_first_row_that_somebody_inserts(server: Postgres, url: str, ends: str) -> None:
    """An account whose first row another transaction has inserted waits alone.

    It is told apart when that ends.
    """
    store = PostgresStore(url, timing=replace(POSTGRES, lock_within=30.0, swap_within=20.0, answer_within=30.0))
    await store.open()
    await prepared(store)
    with server.connect() as connection:
        connection.execute("BEGIN")
        connection.execute(f"INSERT INTO {schema_of(url)}.account VALUES ('clinic', 'bob', 1, 'x', 0, '')")
        keys = [SubjectKey("clinic", f"u{number}") for number in range(10)]
        mine = asyncio.ensure_future(store.swap(enrolled(BOB), [event(7, key=BOB)]))
        assert await asyncio.gather(*(store.swap(enrolled(key)) for key in keys)) == [True] * 10
        assert not mine.done()
        connection.execute(ends)
        assert await mine is (ends == "ROLLBACK")
    assert len((await store.events("clinic")).items) == 1 + (ends == "ROLLBACK")
    assert await verify_trail(store) == {}
    await store.aclose()


async def test_a_first_row_is_not_waited_for_long(server: Postgres, store: PostgresStore, url: str) -> None:
    """A first row that stays uncommitted is refused within a second (F-1).

    It takes no other person's time.
    """
    with server.connect() as connection, connection.transaction():
        connection.execute(f"INSERT INTO {schema_of(url)}.account VALUES ('clinic', 'bob', 1, 'x', 0, '')")
        began = time.monotonic()
        mine = asyncio.ensure_future(store.swap(enrolled(BOB)))
        assert await store.swap(enrolled(ALICE, version=1))
        with pytest.raises(StoreUnavailable, match="another transaction holds the row"):
            await mine
        assert time.monotonic() - began < IN_TIME


async def test_a_race_for_a_locked_row_has_one_winner(server: Postgres, url: str) -> None:
    """Swaps of one version that waited for the row are told apart when it is free."""
    store = PostgresStore(url, timing=POSTGRES)
    await store.open()
    await prepared(store)
    with server.connect() as connection:
        with connection.transaction():
            connection.execute(f"SELECT 1 FROM {schema_of(url)}.account WHERE id = 'alice' FOR UPDATE")
            race = [asyncio.ensure_future(store.swap(enrolled(ALICE, version=1, name=str(n)))) for n in range(5)]
            await asyncio.sleep(0.1)
        assert sorted(await asyncio.gather(*race)) == [False] * 4 + [True]
    await store.aclose()


@pytest.mark.parametrize(
    ("column", "is_told"),
    [("account = 'mallory'", True), ("kind = kind || '.x'", True), ("at = at + 1", True), ("digest = digest", False)]
    + [(f"{name} = 'x'", True) for name in ("id", "address", "network", "browser")],
)
async def test_columns_that_say_something_else_are_found(
    server: Postgres, store: PostgresStore, url: str, column: str, is_told: bool
) -> None:
    """A line that would be found as another one's is named by every verification (S-124)."""
    await store.append([event(1), event(2), event(3)])
    schema = schema_of(url)
    before = await store.links("clinic")
    server.say(f"UPDATE {schema}.event SET {column} WHERE seq = {before[-2].place}")
    assert await store.misfiled("clinic") == ([before[-2].place] if is_told else [])
    assert await store.misfiled("clinic", after=before[-2].place) == []
    assert [link.line for link in await store.links("clinic")] == [link.line for link in before]


async def test_a_cancelled_statement(server: Postgres, store: PostgresStore, url: str) -> None:
    """A statement that was cancelled has written nothing, and the connection serves on."""
    with server.connect() as connection, connection.transaction():
        connection.execute(f"SELECT 1 FROM {schema_of(url)}.account WHERE id = 'alice' FOR UPDATE")
        mine = asyncio.ensure_future(store.swap(enrolled(ALICE, version=1), [event(7)]))
        await asyncio.sleep(0.1)
        connection.execute("SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
        with pytest.raises(StoreUnavailable, match="57014"):
            await mine
    await nothing_lost(store)


async def waited(server: Postgres, call: asyncio.Future[Any]) -> bool:
    """Tell if a call waited for a standby. The wait is cancelled."""
    waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
    found = False
    while not call.done():
        found = bool(server.say(f"SELECT pg_cancel_backend(pid) FROM ({waits}) w")) or found
        await asyncio.sleep(0.02)
    return found


@pytest.mark.parametrize("name", ["swap", "append", "claim", "put_meta"])
async def test_a_cancelled_wait_for_the_standby(server: Postgres, patient: PostgresStore, name: str) -> None:
    """A commit that no standby has confirmed counts as none.

    It is so where an operator cancels the wait for the standby, too. PostgreSQL then says
    that it has committed, with a warning only.
    """
    await unconfirmed(server, patient, name)


async def unconfirmed(server: Postgres, store: PostgresStore, name: str) -> None:
    """Check that a call whose wait for the standby is cancelled is refused."""
    server.say("ALTER SYSTEM SET synchronous_standby_names = 'nobody'")
    server.say("SELECT pg_reload_conf()")
    commit = "SELECT pg_logical_emit_message(true, 'mfa_gate', '')"
    async with asyncio.timeout(30):
        while not await waited(server, asyncio.create_task(asyncio.to_thread(server.say, commit))):
            pass  # the server has not read its configuration yet
    call = asyncio.ensure_future(WRITES[name](store))
    assert await waited(server, call)
    with pytest.raises(StoreUnavailable):
        await call


async def test_a_role_that_hears_of_errors_alone(server: Postgres, url: str) -> None:
    """The warning is heard also where the role, or the URL, asks for no warnings."""
    store = PostgresStore(f"{url}&options=-c%20client_min_messages%3Derror", timing=POSTGRES)
    await store.open()
    try:
        await unconfirmed(server, store, "claim")
    finally:
        await store.aclose()


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
async def test_another_isolation(server: Postgres, url: str, level: str) -> None:
    """A role whose transactions are stricter loses races, and no update (S-31)."""
    server.say(f"ALTER ROLE gate SET default_transaction_isolation = '{level}'")
    one, two = PostgresStore(url, timing=POSTGRES), PostgresStore(url, timing=POSTGRES)
    await one.open()
    await two.open()
    done = await asyncio.gather(
        *((one, two)[n % 2].swap(enrolled(ALICE, name=str(n)), [event(n)]) for n in range(60)),
    )
    assert sum(done) == 1
    taken = await asyncio.gather(*(take_one((one, two)[n % 2], "b", limit=7, window=60, now=9) for n in range(60)))
    assert taken.count(0) == 7
    assert await verify_trail(one) == {}
    await one.aclose()
    await two.aclose()


async def test_unsafe_commits(server: Postgres, store: PostgresStore, url: str) -> None:
    """``synchronous_commit=off`` is refused at the start and while the store runs.

    ``?durable=false`` accepts it.
    """
    server.say("ALTER SYSTEM SET synchronous_commit = off")
    server.say("SELECT pg_reload_conf()")
    await asyncio.sleep(0.6)
    await refused(store, {"load": READS["load"], "swap": WRITES["swap"]})
    with pytest.raises(SettingsError, match="synchronous_commit=off"):
        await PostgresStore(url).open()
    other = PostgresStore(f"{url}&durable=false")
    await other.open()
    assert (await other.load(ALICE)).version == 1
    await other.aclose()
    server.say("ALTER SYSTEM RESET synchronous_commit")
    server.say("SELECT pg_reload_conf()")
    await answers(store, within=5)
    await nothing_lost(store)


async def test_emptied(server: Postgres, store: PostgresStore, url: str) -> None:
    """A store that was dropped is an outage (F-6).

    Nobody counts as a person without a factor.
    """
    await silence(store)
    server.say(f"ALTER SCHEMA {schema_of(url)} RENAME TO away")
    await noise(store)
    await refused(store, READS | WRITES)
    server.say(f"CREATE SCHEMA {schema_of(url)}")
    await refused(store, READS | WRITES)
    server.say(f"DROP SCHEMA {schema_of(url)}")
    server.say(f"ALTER SCHEMA away RENAME TO {schema_of(url)}")
    await answers(store, within=5)
    await nothing_lost(store)


async def test_an_unknown_outcome_is_looked_up(server: Postgres, store: PostgresStore) -> None:
    """A swap whose answer got lost is looked up by its operation, not done again (F-7)."""
    await silence(store)
    outcomes = []
    for number in range(12):
        task = asyncio.ensure_future(store.swap(enrolled(BOB, version=number), [event(number, key=BOB)]))
        await asyncio.sleep(0.001 * (number % 6))
        server.say(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mfa_gate' AND query ~ 'swap_3'"
        )
        (told,) = await asyncio.gather(task, return_exceptions=True)
        version = (await store.load(BOB)).version
        outcomes.append(told)
        if isinstance(told, StoreUnavailable):
            break
        assert told is True
        assert version == number + 1
    lines = (await store.events("clinic", account="bob")).items
    assert len(lines) == (await store.load(BOB)).version
    assert await verify_trail(store) == {}


def test_a_fork_leaves_the_parents_connections_alone(server: Postgres, url: str) -> None:
    """F-40: a child opens its own connections, and its end closes none of its parent's."""

    async def both() -> None:
        store = PostgresStore(url, timing=POSTGRES)
        await store.open()
        await prepared(store)
        await silence(store)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                with pytest.raises(StoreUnavailable):
                    changed(store)
                code = 0
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode((await asyncio.to_thread(os.waitpid, pid, 0))[1]) == 0
        assert changed(store) == frozenset()
        await nothing_lost(store)
        await store.aclose()

    asyncio.run(both())
