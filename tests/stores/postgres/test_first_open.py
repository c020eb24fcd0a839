"""The first look at a PostgreSQL database: the faults that stop a start, and the advice."""

from __future__ import annotations

import logging
import re
from collections.abc import AsyncIterator
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from mfa_gate.errors import SettingsError, StoreMissing, StoreUnavailable
from mfa_gate.stores.postgres import PostgresStore, first_open
from mfa_gate.stores.postgres.connections import Connection
from mfa_gate.stores.postgres.first_open import OLDEST, _advice, _faults_of, prepare, read_state
from mfa_gate.stores.postgres.monitor import GONE, State
from mfa_gate.stores.postgres.schema import SCHEMA
from mfa_gate.stores.postgres.url import Place, place_of
from mfa_gate.testing.store_suite import ALICE, enrolled

from .. import postgres_servers
from ..faults import refusal
from ..patience import POSTGRES
from ..postgres_servers import schema_of


@pytest.fixture
def url() -> str:
    """The URL of a schema of its own."""
    return postgres_servers.shared().schema()


@pytest.fixture
def place(url: str) -> Place:
    return place_of(url, timing=POSTGRES)


@pytest.fixture
async def connection(url: str) -> AsyncIterator[Connection]:
    """A connection as the owner of the database."""
    async with await psycopg.AsyncConnection.connect(postgres_servers.shared().url, autocommit=True) as made:
        yield made


async def test_the_first_start_makes_a_store(
    connection: Connection, place: Place, caplog: pytest.LogCaptureFixture
) -> None:
    """The log warns, for a store may be lost (F-6).

    The second start finds the same store, and says nothing.
    """
    caplog.set_level(logging.INFO, "mfa_gate")
    made = await prepare(connection, place, make=True)
    (warned,) = caplog.records
    assert (warned.levelname, warned.getMessage().startswith("PostgreSQL held no store at ")) == ("WARNING", True)
    assert made.state == State(made.state.store, SCHEMA, 0, 0, "on", False)
    assert len(bytes.fromhex(made.state.store)) == 16
    assert made.has_trigrams
    assert await prepare(connection, place, make=True) == await prepare(connection, place, make=False) == made
    assert len(caplog.records) == 1


async def test_no_store_is_made_unasked(connection: Connection, place: Place) -> None:
    """A command that only looks makes no schema."""
    with pytest.raises(StoreMissing):
        await prepare(connection, place, make=False)
    assert postgres_servers.shared().say("SELECT 1 FROM pg_namespace WHERE nspname = %s", place.schema) == []


@pytest.mark.parametrize("table", ["about", "counter"])
async def test_a_table_that_was_emptied(connection: Connection, place: Place, table: str) -> None:
    """A store without its id, or without its count of changes, is none.

    T-7. People that are read from it would look unenrolled.
    """
    await prepare(connection, place, make=True)
    await connection.execute(f"DELETE FROM {place.schema}.{table}")
    assert await read_state(connection, place) is None
    remains = {"about": "about", "counter": "about, whose counter is empty"}[table]
    words = re.escape(f"the schema {place.schema} holds parts of a store ({remains}) but not the store itself")
    for make in (True, False):
        with pytest.raises(SettingsError, match=words):
            await prepare(connection, place, make=make)
    with pytest.raises(SettingsError, match="PostgreSQL holds no store: put a copy in place first"):
        await PostgresStore(f"{postgres_servers.shared().url}?schema={place.schema}", timing=POSTGRES).accept()


@pytest.mark.waits
@pytest.mark.parametrize("table", ["about", "counter"])
async def test_a_table_that_is_emptied_while_a_worker_runs(url: str, store: PostgresStore, table: str) -> None:
    """It is an outage: everybody would look like a person without a second factor (F-6)."""
    assert await store.swap(enrolled(ALICE))
    server, name = postgres_servers.shared(), f"{schema_of(url)}.{table}"
    kept = server.say(f"DELETE FROM {name} RETURNING *")
    with pytest.raises(StoreUnavailable) as caught:
        await store.load(ALICE)
    assert str(caught.value) == GONE
    assert await refusal(store, within=5) == GONE
    server.say(f"INSERT INTO {name} VALUES ({', '.join('%s' for _ in kept[0])})", *kept[0])


async def test_other_stores_of_the_database_are_named(connection: Connection, place: Place) -> None:
    """Five schemas at most, in the order of their names.

    One that lacks a table is no store (T-7).
    """
    names = [f"a_{letter}_{place.schema}" for letter in "gfedcba"]
    tables = "CREATE TABLE about () CREATE TABLE counter () CREATE TABLE event ()"
    for name in names:
        more = "CREATE VIEW roster AS SELECT 1" if name.startswith("a_a") else "CREATE TABLE roster ()"
        await connection.execute(f"CREATE SCHEMA {name} {tables} {more}")
    named = [f"; the schema {name} of this database holds a store" for name in sorted(names)[1:6]]
    try:
        assert await first_open._other_schemas(connection, place) == "".join(named)
        itself = place_of(f"postgresql://h/d?schema={sorted(names)[1]}")
        assert named[0] not in await first_open._other_schemas(connection, itself)
    finally:
        await connection.execute(f"DROP SCHEMA {', '.join(names)} CASCADE")


SOUND = {
    "server_encoding": "UTF8",
    "synchronous_commit": "on",
    "fsync": "on",
    "synchronous_standby_names": "b",
    "client_min_messages": "notice",
}
UNSAFE, UNSYNCED = "synchronous_commit=off", "PostgreSQL runs with fsync=off"
ALONE, UNINDEXED = "no standby confirms a commit", "a search by a part of a name looks at everybody"


@pytest.mark.parametrize(
    ("version", "found", "durable", "words"),
    [
        (OLDEST * 10_000, {}, True, []),
        (OLDEST * 10_000 - 1, {}, True, ["PostgreSQL 13 is too old: 14 or newer is needed"]),
        (OLDEST * 10_000, {"server_encoding": "LATIN1"}, True, ["the database holds text as LATIN1"]),
        (OLDEST * 10_000, {"synchronous_commit": "off"}, True, [UNSAFE]),
        (OLDEST * 10_000, {"synchronous_commit": "off"}, False, []),
        (OLDEST * 10_000, {"client_min_messages": "error"}, False, ["SET client_min_messages = warning"]),
        (
            90_624,
            {"server_encoding": "x", "synchronous_commit": "off"},
            True,
            ["PostgreSQL 9 is too old", "as x", UNSAFE],
        ),
    ],
)
def test_an_unfit_server(version: int, found: dict[str, str], durable: bool, words: list[str]) -> None:
    """All its faults are told together."""
    connection: Any = SimpleNamespace(info=SimpleNamespace(server_version=version))
    place = place_of(f"postgresql://h/d?durable={str(durable).lower()}")
    faults = _faults_of(connection, SOUND | found, place)
    assert len(faults) == len(words)
    assert all(expected in fault for expected, fault in zip(words, faults, strict=True))


async def test_an_unfit_server_does_not_start(
    connection: Connection, place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is made there."""
    monkeypatch.setattr(first_open, "OLDEST", 99)
    await connection.execute("SET synchronous_commit = local")
    with pytest.raises(SettingsError) as caught:
        await prepare(connection, place, make=True)
    assert "is too old: 99 or newer is needed" in caught.value.faults[0]
    assert "synchronous_commit=local" in caught.value.faults[1]
    assert all(fault.startswith(f"store {place.shown!r}: ") for fault in caught.value.faults)
    assert postgres_servers.shared().say("SELECT 1 FROM pg_namespace WHERE nspname = %s", place.schema) == []


@pytest.mark.parametrize(
    ("found", "indexed", "words"),
    [
        ({}, True, []),
        ({"fsync": "off"}, True, [UNSYNCED]),
        ({"synchronous_standby_names": ""}, True, [ALONE]),
        ({}, False, [UNINDEXED]),
        ({"fsync": "off", "synchronous_standby_names": ""}, False, [UNSYNCED, ALONE, UNINDEXED]),
    ],
)
def test_advice(found: dict[str, str], indexed: bool, words: list[str]) -> None:
    """A fault that stops nothing is told with what it costs; a sound server has none."""
    told = _advice(SOUND | found, indexed=indexed)
    assert len(told) == len(words)
    assert all(text.startswith(expected) for text, expected in zip(told, words, strict=True))


async def test_advice_of_a_start(connection: Connection, place: Place) -> None:
    """The servers of these tests do not sync, and have no standby.

    The index of names is looked for each time.
    """
    found = await prepare(connection, place, make=True)
    assert [text[:20] for text in found.advice] == [UNSYNCED[:20], ALONE[:20]]
    await connection.execute(f"DROP INDEX {place.schema}.roster_search")
    found = await prepare(connection, place, make=True)
    assert not found.has_trigrams
    assert [text[:20] for text in found.advice] == [UNSYNCED[:20], ALONE[:20], UNINDEXED[:20]]
