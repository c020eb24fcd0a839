"""Tables, roles and the index of names of the PostgreSQL store."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import MissingExtra, SettingsError, StoreMissing, StoreUnavailable
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.storage import Rewrite
from mfa_gate.stores import store_from_url
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.postgres.url import place_of
from mfa_gate.testing.store_suite import ALICE, BOB, enrolled, event
from tests.stores.faults import READS, WRITES

from .. import postgres_servers
from ..patience import POSTGRES
from ..postgres_servers import Postgres, schema_of

pytestmark = pytest.mark.waits


@pytest.fixture
def server() -> Postgres:
    """The server of all tests that break nothing, with a role for an application."""
    server = postgres_servers.shared()
    if not server.say("SELECT 1 FROM pg_roles WHERE rolname = 'app'"):
        server.say("CREATE ROLE app LOGIN")
    return server


def as_app(url: str) -> str:
    """Return the URL for the application's role."""
    return url.replace("gate@", "app@")


async def test_least_privileges(server: Postgres) -> None:
    """The application's role makes no tables, and works with what ``store upgrade`` gives it."""
    url = server.schema()
    with pytest.raises(SettingsError, match="mfa-gate store upgrade"):
        await PostgresStore(as_app(url), timing=POSTGRES).open()
    told = await PostgresStore(url, timing=POSTGRES).upgrade(grant_to="app")
    assert "made, version" in told
    store = PostgresStore(as_app(url), timing=POSTGRES)
    await store.open(make=False)
    for call in (*READS.values(), *WRITES.values()):
        await call(store)
    await store.add_report_part("clinic", 1, b"x")
    (part,) = await store.report_parts("clinic", since=0, until=1)
    await store.replace_report_part("clinic", part, b"y")
    assert await store.prune_report("clinic", before=2) == 1
    await store.put_meta("form", b"x", until=5)
    assert await store.prune_meta(before=6) == 1
    assert await store.swap(enrolled(ALICE), [event(1)])
    line = (await store.links("clinic"))[0]
    await store.rewrite("clinic", [Rewrite(line.place, line.line, line.line)])
    assert await store.prune("clinic", before=1_800_000_000) > 1
    await store.aclose()
    assert "up to date" in await PostgresStore(url, timing=POSTGRES).upgrade()


async def test_a_trail_that_can_only_be_added_to(server: Postgres) -> None:
    """With ``--insert-only`` the application's role adds lines, and alters and removes none."""
    url = server.schema()
    await PostgresStore(url, timing=POSTGRES).upgrade(grant_to="app", insert_only=True)
    store = PostgresStore(as_app(url), timing=POSTGRES)
    await store.open()
    assert await store.swap(enrolled(ALICE), [event(1)])
    await store.append([event(2)])
    line = (await store.links("clinic"))[0]
    for call in (
        store.rewrite("clinic", [Rewrite(line.place, line.line, "{}")]),
        store.prune("clinic", before=1_800_000_000),
    ):
        with pytest.raises(StoreUnavailable, match="42501"):
            await call
    assert [line.id for line in (await store.events("clinic")).items] == ["e2", "e1"]
    assert await verify_trail(store) == {}
    await store.aclose()


async def test_a_role_without_rights(server: Postgres) -> None:
    """A role that was given nothing is told so at the start."""
    url = server.schema()
    store = PostgresStore(url, timing=POSTGRES)
    await store.open()
    await store.aclose()
    with pytest.raises(StoreUnavailable, match="42501"):
        await PostgresStore(as_app(url), timing=POSTGRES).open()


@pytest.mark.parametrize("indexed", [True, False])
async def test_names_are_found(server: Postgres, indexed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person who is not among the first is found by a part of the name.

    It works with the index of names and without.
    """
    monkeypatch.setattr("mfa_gate.stores.postgres.roster.LOOKED_AT_FIRST", 3)
    monkeypatch.setattr("mfa_gate.stores.postgres.roster.SEARCHED_AT_ONCE", 4)
    url = server.schema()
    store = PostgresStore(url, timing=POSTGRES)
    await store.open()
    if not indexed:
        server.say(f"DROP INDEX {url.rpartition('=')[2]}.roster_search")
        await store.aclose()
        await store.open()
    names = {f"u{number:02}": f"Person {number}" for number in range(30)} | {"u07": "Émilie 100%_\\", "z": "ÉMILIE"}
    for id, name in names.items():
        assert await store.swap(enrolled(SubjectKey("clinic", id), name=name))
    assert await store.swap(enrolled(SubjectKey("other", "x"), name="Émilie"))
    found = {
        "émilie": ["u07", "z"],
        "100%_\\": ["u07"],
        "%": ["u07"],
        "person 29": ["u29"],
        "on 2": ["u02", *(f"u{number}" for number in range(20, 30))],
        "u1": [f"u{number}" for number in range(10, 20)],
        "nobody at all": [],
    }
    for query, ids in found.items():
        pages, after = list[str](), ""
        while True:
            page = await store.page("clinic", query=query, after=after, limit=4)
            pages += [line.key.id for line in page.items]
            after = page.next
            if not after:
                break
        assert pages == ids, query
    await store.aclose()
    assert ("not indexed" in await PostgresStore(url, timing=POSTGRES).upgrade()) is False


SHAPE = (
    "SELECT 'column', table_name || '.' || column_name, data_type || is_nullable FROM information_schema.columns"
    " WHERE table_schema = %s",
    "SELECT 'index', indexname, indexdef FROM pg_indexes WHERE schemaname = %s",
    "SELECT 'function', proname, pg_get_functiondef(p.oid) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace"
    " WHERE n.nspname = %s",
    "SELECT 'trigger', t.tgname, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s",
    "SELECT 'broken index', c.relname, '' FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid"
    " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = %s AND NOT i.indisvalid",
)


def shape(server: Postgres, url: str) -> set[tuple[str, ...]]:
    """Describe the tables, indexes and functions of a store, whatever its schema is called."""
    schema = schema_of(url)
    rows = [row for statement in SHAPE for row in server.say(statement, schema)]
    return {tuple(str(part).replace(schema, "") for part in row) for row in rows}


@pytest.mark.parametrize("version", [1, 2])
async def test_a_store_of_an_older_release(server: Postgres, version: int) -> None:
    """A store of an older version is upgraded with all that is in it (F-8, F-20).

    It has the tables and functions of a new one then. The dumps were made by those releases.
    """
    new, url = server.schema(), server.schema()
    await PostgresStore(new, timing=POSTGRES).upgrade()
    dump = (Path(__file__).parent / "older" / f"version_{version}.sql").read_text()
    server.say(dump.replace("mfa_gate", schema_of(url)))
    assert f"upgraded from version {version}" in await PostgresStore(url, timing=POSTGRES).upgrade()
    assert shape(server, url) == shape(server, new)
    store = PostgresStore(url, timing=POSTGRES)
    await store.open(make=False)
    assert (await store.load(ALICE)).version == 2
    assert [line.id for line in (await store.events("clinic")).items] == ["e2", "e1"]
    assert [line.id for line in (await store.lines_with("clinic", "id", ["e1", "e9"])).items] == ["e1"]
    assert await store.misfiled("clinic") == []
    assert (await store.settings("clinic")).enabled_at == 5
    assert (await store.counts("clinic"))["verified"] == 1
    assert await store.meta("canary") == b"sings"
    assert await store.marked("told", ["e1", "e2"]) == {"e1"}
    assert not await store.claim("name", BOB)
    assert await store.total("bucket", window=60, now=1000) == 1
    assert await store.swap(enrolled(ALICE, version=2), [event(3)])
    assert await verify_trail(store) == {}
    await store.aclose()


def older(server: Postgres, *, version: int = 2, lines: int = 0) -> str:
    """Make a store of an older release with so many lines more, and return its URL."""
    url = server.schema()
    schema = schema_of(url)
    dump = (Path(__file__).parent / "older" / f"version_{version}.sql").read_text()
    server.say(dump.replace("mfa_gate", schema))
    server.say(
        f"INSERT INTO {schema}.event (tenant, account, kind, at, line, digest) SELECT 'other', '', 'x', n,"
        " json_build_object('id', 'n' || n, 'address', '192.0.2.' || n %% 250, 'network', '192.0.2.0/24')::text, ''"
        " FROM generate_series(1, %s) n",
        lines,
    )
    return url


def write_as_before(server: Postgres, url: str, id: str, *, patience: str = "200ms") -> None:
    """Write a line as a worker of the older release does, which waits for no lock long."""
    schema = schema_of(url)
    with server.connect(options=f"-c lock_timeout={patience}") as connection:
        connection.execute(
            f"SELECT {schema}.append_1(store, '{{other}}', '{{\"\"}}', '{{x}}', '{{9}}', ARRAY[%s], '{{d}}') FROM {schema}.about",
            (f'{{"id":"{id}","address":"192.0.2.7","browser":"b{id}"}}',),
        )


async def until_it_waits(server: Postgres, upgrade: asyncio.Task[str]) -> None:
    """Wait until the upgrade makes an index, for which it waits for somebody's transaction."""
    asked = "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY%' AND wait_event_type = 'Lock'"
    async with asyncio.timeout(60):
        while not server.say(asked):
            assert not upgrade.done(), upgrade.result()
            await asyncio.sleep(0.02)


async def test_a_large_store_is_upgraded_beside_its_workers(server: Postgres) -> None:
    """Workers of the older release write on during an upgrade (F-20).

    They do so after an upgrade that was killed, too.
    """
    url = older(server, lines=12_000)
    schema = schema_of(url)
    with server.connect() as other:
        other.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
        other.execute("SELECT count(*) FROM pg_class")
        for id in ("one", "two"):  # killed at the first time, and run again
            upgrade = asyncio.ensure_future(PostgresStore(url, timing=POSTGRES).upgrade())
            await until_it_waits(server, upgrade)
            write_as_before(server, url, id)
            if id == "one":
                server.say(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONC%'"
                )
                with pytest.raises(StoreUnavailable):
                    await upgrade
                write_as_before(server, url, "between")
        other.execute("ROLLBACK")
        assert "upgraded from version 2" in await upgrade
    new = server.schema()
    await PostgresStore(new, timing=POSTGRES).upgrade()
    assert shape(server, url) == shape(server, new)
    store = PostgresStore(url, timing=POSTGRES)
    await store.open(make=False)
    for id in ("n1", "n12000", "one", "between", "two"):
        assert len((await store.lines_with("other", "id", [id])).items) == 1, id
    assert server.say(f"SELECT count(*) FROM {schema}.event WHERE id = ''") == [(0,)]
    assert len((await store.lines_with("other", "browser", ["bone", "btwo"])).items) == 2
    await store.aclose()


async def test_a_start_upgrades_no_large_store(server: Postgres) -> None:
    """A worker that finds a large store of an older release is told to upgrade it first.

    A small one it upgrades.
    """
    large, small = older(server, lines=12_000), older(server, lines=100)
    with pytest.raises(SettingsError, match=r"mfa-gate store upgrade.*go on meanwhile"):
        await PostgresStore(large, timing=POSTGRES).open()
    write_as_before(server, large, "one")
    store = PostgresStore(small, timing=POSTGRES)
    await store.open()
    assert len((await store.lines_with("other", "id", ["n100"])).items) == 1
    await store.aclose()


async def test_a_line_that_comes_after_the_upgrade(server: Postgres) -> None:
    """A worker of the older release that was in the midst of a write is refused (F-20).

    Else its line would be found by nothing that is searched.
    """
    url = older(server)
    schema = schema_of(url)
    write_as_before(server, url, "one")
    with server.connect() as other:
        other.execute("BEGIN")
        other.execute(f"SELECT 1 FROM {schema}.trail WHERE tenant = 'other' FOR UPDATE")
        writing = asyncio.create_task(asyncio.to_thread(write_as_before, server, url, "two", patience="60s"))
        async with asyncio.timeout(30):
            while not server.say(
                "SELECT 1 FROM pg_stat_activity WHERE query ~ 'append_1' AND wait_event_type = 'Lock'"
            ):
                await asyncio.sleep(0.02)
        store = PostgresStore(url, timing=POSTGRES)
        await store.open()
        other.execute("ROLLBACK")
    with pytest.raises(psycopg.Error):
        await writing
    assert server.say(f"SELECT count(*) FROM {schema}.event WHERE id = ''") == [(0,)]
    await store.aclose()


async def test_an_upgrade_waits_before_nobody(server: Postgres, monkeypatch: pytest.MonkeyPatch) -> None:
    """An upgrade that cannot have a table lets the workers write meanwhile.

    It says in the end who may hold the table.
    """
    monkeypatch.setattr("mfa_gate.stores.postgres.table_locks.TRIES", 4)
    monkeypatch.setattr("mfa_gate.stores.postgres.table_locks.PAUSE", 0.5)
    url = older(server)
    with server.connect() as other, other.transaction():
        other.execute(f"SELECT count(*) FROM {url.rpartition('=')[2]}.event")  # as pg_dump
        upgrade = asyncio.ensure_future(PostgresStore(url, timing=POSTGRES).upgrade())
        done, refused = 0, 0
        while not upgrade.done():
            try:
                await asyncio.to_thread(write_as_before, server, url, f"w{done}")
                done += 1
            except psycopg.errors.LockNotAvailable:
                refused += 1
        with pytest.raises(StoreUnavailable, match="pg_dump"):
            await upgrade
    assert refused <= 4 < done
    assert "upgraded" in await PostgresStore(url, timing=POSTGRES).upgrade()


async def test_other_schemas_are_named(server: Postgres) -> None:
    """A place without a store names the schemas of the database that hold one (T-7)."""
    store = PostgresStore(server.schema(), timing=POSTGRES)
    await store.open()
    await store.aclose()
    with pytest.raises(StoreMissing, match="of this database holds a store"):
        await PostgresStore(server.schema(), timing=POSTGRES).open(make=False)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("postgresql://h", "names no database"),
        ("postgresql://h/d?schema=Odd", "no name for a schema"),
        ("postgresql://h/d?schema=pg_catalog", "no name for a schema"),
        ("postgresql://h/d?durable=1", "neither true nor false"),
        ("postgresql://h/d?connections=0", "write a number"),
        ("postgresql://h/d?marker=", "names no file"),
        ("postgresql:///d?host=a,b&port=1,2,3", "2 hosts and 3 ports"),
        ("postgresql://u:secret@h/d?nonsense=1", "cannot be read"),
        ("postgresql://u@a,b/d?hostaddr=1.1.1.1,1.1.1.2", "several addresses"),
        ("postgresql://u:#secret@h/d", "%23"),
        ("postgresql://u:1#secret@h/d", "%23"),
        ("postgresql://u:x?secret@h/d", "%3F"),
        ("postgresql://u:secret/x@h/d", "%2F"),
        ("postgresql://u:secret%zz@h/d", "%25"),
        ("postgresql://u:secret@[h/d", "cannot be read"),
        ("postgresql:///d?user=u&password=secret&nonsense=1", "cannot be read"),
    ],
)
def test_odd_urls(url: str, words: str) -> None:
    """Each odd URL is told with what to write instead, and without its password."""
    with pytest.raises(SettingsError, match=words) as caught:
        store_from_url(url)
    assert "secret" not in str(caught.value)


def test_several_hosts() -> None:
    """Hosts have a port each, or one for all; libpq's own parameters are passed on."""
    place = place_of("postgresql://u:p%40@a,b:6000/d?sslmode=require&schema=mfa&marker=/m&connections=9")
    assert place.hosts == (("a", ""), ("b", "6000"))
    assert place.parameters == {"user": "u", "password": "p@", "dbname": "d", "sslmode": "require"}
    assert (place.schema, place.generation_file, place.connections) == ("mfa", "/m", 9)
    place = place_of("postgresql:///d?password=a+b&options=-c%20jit%3Doff&sslrootcert=/c%2B%2B/my%20ca&marker=/x+y")
    assert place.parameters == {
        "password": "a+b",
        "options": "-c jit=off",
        "sslrootcert": "/c++/my ca",
        "dbname": "d",
    }
    assert place.generation_file == "/x+y"
    assert place_of("postgres:///d?host=/run/postgresql").hosts == (("/run/postgresql", ""),)


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing psycopg is a fault that names the command that installs it."""
    import sys

    for name in [name for name in sys.modules if name.startswith("mfa_gate.stores.postgres")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(MissingExtra, match=r'pip install "mfa-gate\[postgres\]"'):
        store_from_url("postgresql://h/d")
