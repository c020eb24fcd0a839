"""Roles whose settings or rights are not as the PostgreSQL store needs them.

Nobody passes who should not, and the message says what to do.
"""

from __future__ import annotations

import asyncio

import psycopg
import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.storage import EVERYTHING
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.testing.store_suite import ALICE, changed, enrolled, event

from .. import postgres_servers
from ..faults import READS, WRITES, answers, prepared, refusal, refused, silence
from ..patience import POSTGRES
from ..postgres_servers import Postgres, schema_of

pytestmark = pytest.mark.waits


@pytest.fixture
def server() -> Postgres:
    """The server of all tests that break nothing.

    It has a role for an application, and one that wishes it ill.
    """
    server = postgres_servers.shared()
    for role in ("app", "eve"):
        if not server.say("SELECT 1 FROM pg_roles WHERE rolname = %s", role):
            server.say(f"CREATE ROLE {role} LOGIN")
    return server


@pytest.fixture
async def url(server: Postgres) -> str:
    """The URL of a store that holds something, for the application's role."""
    url = server.schema()
    store = PostgresStore(url, timing=POSTGRES)
    await store.open()
    await prepared(store)
    await store.aclose()
    await store.upgrade(grant_to="app")
    return url.replace("gate@", "app@")


@pytest.mark.parametrize("table", ["account", "tenant", "taken", "about"])
async def test_rows_that_a_policy_hides(server: Postgres, store: PostgresStore, url: str, table: str) -> None:
    """Row level security makes nobody look as if they had no second factor.

    All is refused. Panels of hosted databases offer to turn it on for every table.
    """
    server.say(f"ALTER TABLE {schema_of(url)}.{table} ENABLE ROW LEVEL SECURITY")
    with pytest.raises(StoreUnavailable):
        await {"tenant": READS["settings"], "taken": WRITES["take"]}.get(table, READS["load"])(store)
    if table != "about":  # without it nothing is known of the store
        assert "ROW LEVEL SECURITY" in await refusal(store, within=8)
    with pytest.raises((SettingsError, StoreUnavailable), match=r"(?i)row.level.security"):
        await PostgresStore(url, timing=POSTGRES).open()
    server.say(f"ALTER TABLE {schema_of(url)}.{table} DISABLE ROW LEVEL SECURITY")
    await answers(store, within=5)
    assert (await store.load(ALICE)).version == 1


async def test_rows_that_a_policy_hides_behind_a_pooler(server: Postgres, url: str) -> None:
    """The same holds where a pooler keeps no setting of a session."""
    with postgres_servers.pooler(server, "transaction") as behind:
        store = PostgresStore(f"{behind.replace('gate@', 'app@')}?schema={schema_of(url)}", timing=POSTGRES)
        await store.open()
        assert (await store.load(ALICE)).version == 1
        server.say(f"ALTER TABLE {schema_of(url)}.account ENABLE ROW LEVEL SECURITY")
        with pytest.raises(StoreUnavailable, match="row level security"):
            await store.load(ALICE)
        server.say(f"ALTER TABLE {schema_of(url)}.account DISABLE ROW LEVEL SECURITY")
        await answers(store, within=5)
        await store.aclose()


@pytest.mark.parametrize("pooled", [False, True], ids=["alone", "pooled"])
async def test_functions_of_others_are_not_called(server: Postgres, url: str, pooled: bool) -> None:
    """A function that another role has put into ``public`` is not run with our rights.

    It fits better than the one of PostgreSQL. Up to PostgreSQL 14 every role may make one there (CVE-2018-1058).
    """
    server.say("GRANT CREATE ON SCHEMA public TO eve")
    text = "LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'run as %', current_user; END $$"
    made = {
        "unnest(text[]) RETURNS SETOF text": "unnest(text[])",
        "quote_ident(name) RETURNS text": "quote_ident(name)",
        "hashtextextended(text, integer) RETURNS bigint": "hashtextextended(text, integer)",
        "current_setting(name) RETURNS text": "current_setting(name)",
    }
    try:
        with psycopg.connect(server.url.replace("gate@", "eve@"), autocommit=True) as connection:
            for head in made:
                connection.execute(f"CREATE FUNCTION public.{head} {text}")
        with postgres_servers.pooler(server, "transaction") as behind:
            chosen = f"{behind.replace('gate@', 'app@')}?schema={schema_of(url)}" if pooled else url
            store = PostgresStore(chosen, timing=POSTGRES)
            await store.open()
            for call in (*READS.values(), *WRITES.values()):
                await call(store)
            await store.mark("told", ["e1"])
            assert await store.marked("told", ["e1"]) == {"e1"}
            await store.lines_with("clinic", "id", ["e1"])
            await store.aclose()
            await PostgresStore(chosen.replace("app@", "gate@"), timing=POSTGRES).upgrade()
    finally:
        for function in made.values():
            server.say(f"DROP FUNCTION IF EXISTS public.{function}")
        server.say("REVOKE CREATE ON SCHEMA public FROM eve")


@pytest.mark.parametrize(
    "lacking", ["UPDATE ON {s}.counter", "ALL ON {s}.taken", "EXECUTE ON ALL FUNCTIONS IN SCHEMA {s}"]
)
async def test_a_role_with_fewer_rights(server: Postgres, url: str, lacking: str) -> None:
    """A worker whose role lacks a right does not start, and its operator reads which.

    A command only warns.
    """
    schema = schema_of(url)
    server.say(f"REVOKE {lacking.replace('{s}', schema)} FROM app, PUBLIC")
    with pytest.raises(SettingsError, match=r"lacks rights.*mfa-gate store upgrade --grant-to app") as caught:
        await PostgresStore(url, timing=POSTGRES).open()
    functions = f"SELECT count(*) FROM pg_proc WHERE pronamespace = '{schema}'::regnamespace"
    more = server.say(functions)[0][0] - 3 if lacking.startswith("EXECUTE") else 1 if lacking.startswith("ALL") else 0
    assert (f" and {more} more)" in str(caught.value)) is (more > 0), str(caught.value)
    store = PostgresStore(url, timing=POSTGRES)
    await store.open(make=False)
    assert any("lacks rights" in text for text in await store.advice())
    await store.aclose()
    await PostgresStore(url.replace("app@", "gate@"), timing=POSTGRES).upgrade(grant_to="app")
    await store.open()
    await store.aclose()


SETTINGS = (
    "statement_timeout = 250",
    "lock_timeout = 1",
    "idle_in_transaction_session_timeout = 1",
    "plpgsql.extra_errors = 'all'",
    "bytea_output = escape",
    "\"DateStyle\" = 'SQL, DMY'",
    "standard_conforming_strings = off",
    "search_path = ''",
    "default_transaction_deferrable = on",
    "transform_null_equals = on",
    "extra_float_digits = -15",
    "work_mem = '64kB'",
)


async def test_settings_of_a_role(server: Postgres, url: str) -> None:
    """Settings that somebody gave the role change no answer of the store."""
    try:
        for setting in SETTINGS:
            server.say(f"ALTER ROLE app SET {setting}")
        store = PostgresStore(url, timing=POSTGRES)
        await store.open()
        for call in (*READS.values(), *WRITES.values()):
            await call(store)
        assert (await store.load(ALICE)).version == 1
        assert await store.meta("canary") == b"x"
        await store.aclose()
    finally:
        server.say("ALTER ROLE app RESET ALL")


async def test_a_role_that_may_not_write(server: Postgres, url: str) -> None:
    """A role whose transactions are read-only is told how to change that."""
    server.say("ALTER ROLE app SET default_transaction_read_only = on")
    try:
        with pytest.raises(StoreUnavailable, match="default_transaction_read_only = off"):
            await PostgresStore(url, timing=POSTGRES).open()
    finally:
        server.say("ALTER ROLE app RESET ALL")


async def test_a_role_without_room_for_the_listener(
    server: Postgres, store: PostgresStore, caplog: pytest.LogCaptureFixture
) -> None:
    """A listening connection that cannot be made is told by log and doctor.

    Every request of a known browser reads the store meanwhile.
    """
    await silence(store)
    server.say("ALTER ROLE app CONNECTION LIMIT 1")
    try:
        server.say(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'app' AND query ~ 'synchronous_commit'"
        )
        async with asyncio.timeout(60):
            while not any("CONNECTION LIMIT" in text for text in await store.advice()):
                await asyncio.sleep(0.1)
        assert "every request of a known browser reads the store" in caplog.text
        assert changed(store) is EVERYTHING
        assert (await store.load(ALICE)).version == 1
    finally:
        server.say("ALTER ROLE app CONNECTION LIMIT -1")
    await silence(store)
    assert not any("CONNECTION LIMIT" in text for text in await store.advice())


async def test_a_pooler_in_statement_mode(server: Postgres) -> None:
    """A pooler that takes no transactions makes no store, and says what to name instead."""
    with (
        postgres_servers.pooler(server, "statement") as behind,
        pytest.raises(StoreUnavailable, match="name the server itself"),
    ):
        await PostgresStore(f"{behind}?schema={schema_of(server.schema())}", timing=POSTGRES).open()


@pytest.mark.parametrize("table", ["account", "event", "counter", "roster", "tally", "trail"])
async def test_a_table_that_somebody_locks(server: Postgres, url: str, table: str) -> None:
    """A table that an operator alters or compacts is refused within a second.

    A change that its caller gave up on does not come when the table is free.
    """
    store = PostgresStore(url)
    await store.open()
    many = [enrolled(SubjectKey("clinic", f"{table}{number}")) for number in range(64)]
    with server.connect() as connection, connection.transaction():
        connection.execute(f"LOCK TABLE {schema_of(url)}.{table} IN ACCESS EXCLUSIVE MODE")
        await refused(store, {"swap": WRITES["swap"]})
        results = await asyncio.gather(
            *(store.swap(one, [event(5, key=one.key)]) for one in many), return_exceptions=True
        )
        assert [result for result in results if not isinstance(result, StoreUnavailable)] == []
        await asyncio.sleep(0.7)  # the swap that was under way has ended
    await asyncio.sleep(1)
    await answers(store, within=5)
    found = server.say(f"SELECT count(*) FROM {schema_of(url)}.account WHERE id LIKE %s", f"{table}%")
    assert found == [(0,)]
    await store.aclose()
