"""The session of a PostgreSQL store: which server and which store it goes on with."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from mfa_gate.core.rules import TenantSettings
from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.stores.common.generation_file import GenerationFile
from mfa_gate.stores.common.high_water_mark import HighWaterMark
from mfa_gate.stores.postgres import PostgresStore, accounts, line_columns, table_locks
from mfa_gate.stores.postgres import session as session_module
from mfa_gate.stores.postgres.accounts import Loader, OwnOperations
from mfa_gate.stores.postgres.connections import Connections, _Made
from mfa_gate.stores.postgres.monitor import GONE, OLD_PRIMARY, History, State, Watch
from mfa_gate.stores.postgres.outcomes import Contention, OutcomeUnknown
from mfa_gate.stores.postgres.rights import grant
from mfa_gate.stores.postgres.schema import SCHEMA
from mfa_gate.stores.postgres.session import Session
from mfa_gate.stores.postgres.url import place_of
from mfa_gate.stores.postgres.writer import Writer
from mfa_gate.testing.store_suite import ALICE, BOB, enrolled, event

from .. import postgres_servers
from ..patience import POSTGRES
from ..postgres_servers import schema_of

PLACE = place_of("postgresql://u:p@h/d", timing=POSTGRES)


@pytest.fixture
def url() -> str:
    """The URL of a schema of its own."""
    return postgres_servers.shared().schema()


def session(file: GenerationFile | None = None) -> Any:
    """Make a session that has connected to nothing."""
    mark = HighWaterMark("PostgreSQL", settled_after=60.0, noted_together=5.0)
    return Session(PLACE, mark, History(), file)


@pytest.mark.parametrize("table", ["about", "counter"])
async def test_a_write_into_a_store_that_is_gone(
    url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    """Each write finds it out by itself, before the watch has (F-6).

    Into another store nothing is written.
    """
    monkeypatch.setattr(Watch, "see", lambda *_: None)
    server, name = postgres_servers.shared(), f"{schema_of(url)}.{table}"
    server.say(f"DELETE FROM {name}")
    for call in (
        lambda: store.swap(enrolled(ALICE), [event(1)]),
        lambda: store.swap_settings(TenantSettings(tenant="clinic")),
        lambda: store.append([event(2)]) if table == "about" else store.load(ALICE),
    ):
        with pytest.raises(StoreUnavailable) as caught:
            await call()
        assert str(caught.value) == GONE
    assert (server.say(f"SELECT count(*) FROM {schema_of(url)}.account") == [(0,)]) is (table == "about")


async def test_another_store_in_its_place(url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that begins later goes on with the same store only, and makes none (F-8, F-40)."""
    server, schema = postgres_servers.shared(), schema_of(url)
    monkeypatch.setattr(Watch, "see", lambda *_: None)

    def refusal() -> str:
        async def load() -> str:
            with pytest.raises(StoreUnavailable) as caught:
                await store.load(ALICE)
            return str(caught.value)

        return asyncio.run(load())

    server.say(f"UPDATE {schema}.about SET store = 'another'")
    assert await asyncio.to_thread(refusal) == GONE
    server.say(f"ALTER SCHEMA {schema} RENAME TO {schema}_away")
    assert "there is no store there yet" in await asyncio.to_thread(refusal)
    assert server.say("SELECT 1 FROM pg_namespace WHERE nspname = %s", schema) == []


class Seen(Session):
    """A session to which the server says ``state``."""

    state: State | None = None

    def __init__(self) -> None:
        mark = HighWaterMark("PostgreSQL", settled_after=60.0, noted_together=5.0)
        super().__init__(PLACE, mark, History(), None)


@pytest.mark.parametrize(
    ("timeline", "restored_at", "accepted", "remembered", "is_admitted"),
    [
        (3, None, 0, 0, True),
        (4, None, 0, 0, True),
        (2, 100, 0, 0, True),
        (2, 100, 100, 0, False),
        (2, 100, 0, 100, False),
        (2, 100, 99, 99, True),
        (2, 0, 0, 0, False),
        (2, None, 0, 0, False),
    ],
)
async def test_a_primary_from_before_a_failover(
    monkeypatch: pytest.MonkeyPatch,
    timeline: int,
    restored_at: int | None,
    accepted: int,
    remembered: int,
    is_admitted: bool,
) -> None:
    """It is taken again only if an operator has accepted its data since (F-4, S-123)."""
    made: Any = session()
    state = None if restored_at is None else State("s", SCHEMA, restored_at, 0, "on", False)

    async def read_state(connection: object, place: object) -> State | None:
        return state

    monkeypatch.setattr(session_module, "read_state", read_state)
    made._history.admit("8", 5)
    made._history.admit("7", 3)
    made._mark.restored_at, made._accepted_at = accepted, remembered
    if is_admitted:
        await made._admit(None, "7", timeline)
        assert (made._history.system, made._history.timeline) == ("7", timeline)
        assert not made._history.is_superseded("7", timeline)
        assert made._history.is_superseded("8", 4) is (timeline >= 3), "an acceptance is of any server"
    else:
        with pytest.raises(StoreUnavailable) as caught:
            await made._admit(None, "7", timeline)
        assert str(caught.value) == OLD_PRIMARY
        assert made._history.part == "7/3"


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (
            psycopg.OperationalError("password authentication failed\n for user"),
            SettingsError,
            "refuses the sign-in (pass",
        ),
        (psycopg.OperationalError("fe_sendauth: no password supplied"), SettingsError, "refuses the sign-in"),
        (psycopg.OperationalError('database "d" does not exist'), SettingsError, "refuses the sign-in"),
        (psycopg.OperationalError("no pg_hba.conf entry for host"), SettingsError, "refuses the sign-in"),
        (psycopg.OperationalError("connection refused"), OutcomeUnknown, "PostgreSQL does not answer"),
        (psycopg.InterfaceError("does not exist"), OutcomeUnknown, "PostgreSQL does not answer"),
        (OSError("does not exist"), OutcomeUnknown, "PostgreSQL does not answer"),
    ],
)
async def test_a_first_look_that_fails(error: Exception, kind: type[Exception], words: str) -> None:
    """A wrong sign-in stops the start, and a server that is away is an outage."""
    made = session()

    async def dial() -> Any:
        raise error

    made._dialer.dial = dial
    with pytest.raises(kind) as caught:
        await made._look(make=True)
    assert words in str(caught.value)
    assert ("store 'postgresql://…@h/d': " in str(caught.value)) is (kind is SettingsError)


async def test_a_first_look_ends_its_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever it finds."""
    closed = list[int]()

    async def close() -> None:
        closed.append(1)

    async def dial() -> Any:
        return SimpleNamespace(close=close)

    async def prepare(connection: object, place: object, *, make: bool) -> str:
        if not make:
            raise SettingsError("unfit")
        return "found"

    monkeypatch.setattr(session_module, "prepare", prepare)
    made = session()
    made._dialer.dial = dial
    assert await made._look(make=True) == "found"
    with pytest.raises(SettingsError, match="unfit"):
        await made._look(make=False)
    assert closed == [1, 1]


@pytest.mark.parametrize(
    ("row", "answer"),
    [((3, "op", 9), (3, "op", 9)), ((3, "other", 9), None), ((4, "op", 9), None), (None, None), ("away", None)],
)
async def test_a_write_without_an_answer(row: Any, answer: Any) -> None:
    """It is there if the row begins with its version and its operation.

    Else its outcome stays unknown (F-7).
    """
    made, statements, unknown = session(), list[str](), OutcomeUnknown("no answer")

    class Connection:
        """Answers the row."""

        async def execute(self, statement: str, *_: object) -> Any:
            statements.append(statement)

            async def fetchone() -> Any:
                return row

            return SimpleNamespace(fetchone=fetchone)

    async def run_once(work: Any, *, within: float) -> Any:
        assert within == POSTGRES.read_back_within
        if row == "away":
            raise StoreUnavailable("away")
        return await work(Connection())

    made._calls.run_once = run_once
    if answer:
        assert await made.landed(unknown, "SELECT", (), (3, "op")) == answer
        assert len(statements) == 2
        assert "pg_logical_emit_message(true," in statements[1], "the answer is as safe as every other commit"
    else:
        with pytest.raises(OutcomeUnknown) as caught:
            await made.landed(unknown, "SELECT", (), (3, "op"))
        assert caught.value is unknown
        assert len(statements) <= 1


async def test_what_a_machine_remembers_is_read_first(tmp_path: Path, url: str) -> None:
    """A place that had a store gets no new one, and the id must be the same (S-123)."""
    marked = f"{url.rpartition('?')[0]}?schema={schema_of(url)}&marker={tmp_path / 'marker'}"
    store = PostgresStore(marked, timing=POSTGRES)
    assert store.generation_file == str(tmp_path / "marker")
    assert PostgresStore(url).generation_file == ""
    (tmp_path / "marker").write_text('{"store": "other", "restored_at": 5, "numbers": {"": 3, "7/2": 3}}')
    with pytest.raises(SettingsError, match="there is no store there yet"):
        await store.open()
    await PostgresStore(url, timing=POSTGRES).upgrade()
    with pytest.raises(SettingsError, match="another store than was used here"):
        await store.open()
    (tmp_path / "marker").unlink()
    await store.open()
    assert await store.swap(enrolled(ALICE))
    await store.aclose()
    assert GenerationFile(str(tmp_path / "marker"), server="x").read() is not None


async def test_accepting_from_a_server_that_is_away() -> None:
    """It is an outage, told as one."""
    with pytest.raises(StoreUnavailable, match="PostgreSQL does not answer: "):
        await PostgresStore("postgresql://127.0.0.1:1/x").accept()


async def test_upgrading_without_the_right(url: str) -> None:
    """The operator is told which user may."""
    server = postgres_servers.shared()
    if not server.say("SELECT 1 FROM pg_roles WHERE rolname = 'nobody'"):
        server.say("CREATE ROLE nobody LOGIN")
    with pytest.raises(SettingsError, match=r"permission denied .*: run it as the owner of the schema"):
        await PostgresStore(url.replace("gate@", "nobody@"), timing=POSTGRES).upgrade()


@pytest.mark.parametrize("role", ["", 'a"b', "a\0b", "x" * 64])
async def test_a_name_that_is_no_role(role: str) -> None:
    """It ends in no statement."""
    nowhere: Any = None
    with pytest.raises(SettingsError, match="is no name of a role"):
        await grant(nowhere, PLACE, role, insert_only=True)


async def test_one_upgrade_at_a_time(url: str) -> None:
    """The second one begins when the first has ended."""
    server, order = postgres_servers.shared(), list[str]()
    place = place_of(url, timing=POSTGRES)
    held = asyncio.Event()

    async def upgrade(name: str) -> None:
        made = await psycopg.AsyncConnection.connect(server.url, autocommit=True)
        async with made as connection, table_locks.alone(connection, place):
            order.append(f"{name} begins")
            if name == "first":
                await held.wait()
            order.append(f"{name} ends")

    first = asyncio.ensure_future(upgrade("first"))
    async with asyncio.timeout(10):
        while not order:
            await asyncio.sleep(0.001)
        second = asyncio.ensure_future(upgrade("second"))
        await asyncio.sleep(0.07)
        assert order == ["first begins"]
        held.set()
        await asyncio.gather(first, second)
    assert order == ["first begins", "first ends", "second begins", "second ends"]


def test_own_operations_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The latest are known, each by its version (S-122)."""
    monkeypatch.setattr(accounts, "_OWN_KEPT", 2)
    own = OwnOperations()
    for row, version, op in (("a", 1, "op1"), ("b", 1, "op2"), ("a", 2, "op3"), ("c", 1, "op4")):
        own.keep(row, version, op)
    assert [own.before(row, version, "") for row, version in (("a", 2), ("a", 1), ("b", 1), ("c", 1), ("d", 0))] == [
        "op3",
        "",
        "",
        "op4",
        "",
    ]
    assert own.before("a", 2, "read") == "read"


@pytest.mark.parametrize("fault", [OutcomeUnknown("no answer"), StoreUnavailable("refused"), Contention("raced"), None])
async def test_swaps_that_are_written_alone(fault: Exception | None) -> None:
    """After a transaction that failed each has its own outcome, an unknown one too."""
    calls = list[int]()

    class Alone(Writer):
        """Writes whose transaction fails together, and of which the second fails alone."""

        async def _written(self, swaps: list[Any], *, waits: bool) -> list[int]:
            calls.append(len(swaps))
            if len(swaps) > 1:
                raise StoreUnavailable("together")
            if swaps[0].account.key == BOB and fault is not None:
                raise fault
            return [7]

    made: Any = SimpleNamespace(timing=POSTGRES)
    swaps: list[Any] = [SimpleNamespace(account=enrolled(key)) for key in (BOB, ALICE)]
    found = await Alone(made)._commit(swaps, waits=False)
    assert calls == [2, 1, 1]
    outcome: object = 7 if fault is None else 0 if isinstance(fault, Contention) else fault
    assert found == [outcome, 7]


async def test_swaps_whose_callers_have_gone_are_not_written() -> None:
    """They were told that it may not be done."""

    class Late(Writer):
        """A transaction that fails when the time is over."""

        async def _written(self, swaps: list[Any], *, waits: bool) -> list[int]:
            assert len(swaps) > 1
            await asyncio.sleep(0.002)
            raise error

    error = StoreUnavailable("together")
    made: Any = SimpleNamespace(timing=SimpleNamespace(swap_within=0.001))
    swaps: list[Any] = [SimpleNamespace(account=enrolled(key)) for key in (BOB, ALICE)]
    assert await Late(made)._commit(swaps, waits=False) == [error, error]


async def test_an_unknown_outcome_is_that_of_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction without an answer is not done again (F-7)."""

    class Unknown(Writer):
        """A transaction without an answer."""

        async def _written(self, swaps: list[Any], *, waits: bool) -> list[int]:
            raise OutcomeUnknown("no answer")

    made: Any = SimpleNamespace(timing=POSTGRES)
    swaps: list[Any] = [SimpleNamespace(account=enrolled(key)) for key in (BOB, ALICE)]
    with pytest.raises(OutcomeUnknown):
        await Unknown(made)._commit(swaps, waits=False)


async def test_a_worker_of_the_pool_that_is_cancelled_while_it_connects() -> None:
    """It ends, although the pool takes that for a fault of the connection."""
    begun = asyncio.Event()

    async def dial() -> Any:
        begun.set()
        await asyncio.sleep(60)

    async def worker() -> str:
        with contextlib.suppress(asyncio.CancelledError):
            await _Made.connect(dialer=SimpleNamespace(dial=dial))
        await asyncio.sleep(60)
        return "lives on"

    task = asyncio.ensure_future(worker())
    await begun.wait()
    task.cancel()
    await asyncio.wait({task}, timeout=5)
    assert task.cancelled()


async def test_a_session_that_is_closed_twice() -> None:
    """One that was never started closes nothing; one that has trouble refuses each call."""
    made = session()
    await made.aclose()
    made._watch = SimpleNamespace(trouble="old", newest=0)
    for call in (made.rows("SELECT 1", ()), made.call("SELECT 1", ()), made.swap(None)):
        with pytest.raises(StoreUnavailable, match="old"):
            await call
    assert isinstance(made._calls, Connections)


@pytest.mark.parametrize("kind", ["account", "tenant"])
@pytest.mark.parametrize("stamped", [True, False])
async def test_a_version_of_another_history(url: str, store: PostgresStore, kind: str, stamped: bool) -> None:
    """A number can come again after a failover.

    The operation that made it never does (F-3).
    """

    async def change(version: int, stamp: str = "") -> bool:
        if kind == "account":
            return await store.swap(replace(enrolled(ALICE, version=version), stamp=stamp))
        return await store.swap_settings(TenantSettings(tenant="clinic", version=version, stamp=stamp))

    assert await change(0)
    assert await change(1)
    read = (await store.load(ALICE)).stamp if kind == "account" else (await store.settings("clinic")).stamp
    server, table = postgres_servers.shared(), f"{schema_of(url)}.{kind}"
    server.say(f"UPDATE {table} SET op = 'another'")
    assert not await change(2, read if stamped else "")
    server.say(f"UPDATE {table} SET op = %s", read)
    assert await change(2, read if stamped else "")


async def test_a_table_that_is_held_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first try comes at once, the others after a pause each; then the operator is told."""
    tries, pauses = list[int](), list[float]()

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(table_locks, "asyncio", SimpleNamespace(sleep=sleep))

    async def work() -> str:
        tries.append(1)
        if len(tries) < 3:
            raise psycopg.errors.LockNotAvailable("held")
        return "done"

    assert await table_locks.until_free(work) == "done"
    assert pauses == [table_locks.PAUSE] * 2
    tries.clear()
    monkeypatch.setattr(table_locks, "TRIES", 2)
    with pytest.raises(StoreUnavailable, match="another session holds a table of the store all the time"):
        await table_locks.until_free(work)
    assert len(tries) == 2


async def test_a_trail_that_is_small(url: str, store: PostgresStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to so many lines a start fills the new columns by itself.

    No lines are written for nothing.
    """
    await store.append([])
    assert await store.trails() == ()
    await store.append([event(number) for number in range(3)])
    place = place_of(url, timing=POSTGRES)
    async with await psycopg.AsyncConnection.connect(postgres_servers.shared().url, autocommit=True) as connection:
        for size, is_small in ((2, False), (3, True), (4, True)):
            monkeypatch.setattr(line_columns, "SMALL", size)
            assert await line_columns.is_small(connection, place) is is_small


@pytest.mark.parametrize("at", [0, 1, 2])
async def test_an_answer_of_a_store_in_trouble(at: int) -> None:
    """A load is refused in trouble.

    Its answer too, where the question itself has shown the trouble.
    """
    asked = list[object]()

    class Sound:
        """A session that is sound so many times."""

        timing = POSTGRES
        checks = 0

        def require_sound(self) -> None:
            if self.checks == at:
                raise StoreUnavailable("hidden rows")
            self.checks += 1

    made: Any = Sound()
    loader = Loader(made)

    async def ask(key: object, *, within: float) -> Any:
        asked.append((key, within))
        return 0, None, None, None, None

    loader._batches = SimpleNamespace(ask=ask)  # type: ignore[assignment]
    if at < 2:
        with pytest.raises(StoreUnavailable, match="hidden rows"):
            await loader.load(ALICE)
    else:
        assert (await loader.load(ALICE)).version == 0
    assert asked == ([(ALICE, POSTGRES.answer_within)] if at else [])
