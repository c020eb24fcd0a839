"""Change notices of PostgreSQL are numbered.

Nothing is believed where one may be missing.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import psycopg
import pytest

from mfa_gate.errors import SettingsError
from mfa_gate.storage import EVERYTHING
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.testing.store_suite import ALICE, BOB, changed, enrolled, heard, tells

from .. import postgres_servers
from ..faults import silence
from ..patience import POSTGRES
from ..postgres_servers import schema_of

pytestmark = pytest.mark.waits


@pytest.fixture
def url() -> str:
    """The URL of a schema of its own."""
    return postgres_servers.shared().schema()


async def test_a_gap_forgets_everything(url: str, store: PostgresStore) -> None:
    """A change without a notice, as by hand, is found by the numbers.

    Then nothing is believed.
    """
    await silence(store)
    postgres_servers.shared().say(f"UPDATE {schema_of(url)}.counter SET changes = changes + 1")
    assert await heard(store, lambda told: told is EVERYTHING) is EVERYTHING
    await silence(store)
    assert await store.swap(enrolled(ALICE))
    assert tells(ALICE)(await heard(store, tells(ALICE)))


async def test_a_number_that_comes_again_forgets_everything(url: str, store: PostgresStore) -> None:
    """A notice with a number that was there already empties the caches.

    The data may have gone back.
    """
    other = PostgresStore(url, timing=POSTGRES)
    await other.open()
    assert await other.swap(enrolled(ALICE))
    await silence(store)
    store_id = postgres_servers.shared().say(f"SELECT store FROM {schema_of(url)}.about")[0][0]
    notice = '[1, "clinic", "bob", "another"]'
    postgres_servers.shared().say("SELECT pg_notify(%s, %s)", f"mfa_gate_{store_id}", notice)
    assert await heard(store, lambda told: told is EVERYTHING) is EVERYTHING
    await other.aclose()


async def test_an_acceptance_without_its_notice_forgets_everything(url: str, store: PostgresStore) -> None:
    """A dump that was accepted elsewhere is put back while the worker listens.

    Nobody announces that.
    """
    await silence(store)
    postgres_servers.shared().say(f"UPDATE {schema_of(url)}.about SET restored_at = restored_at + 1")
    assert await heard(store, lambda told: told is EVERYTHING) is EVERYTHING


async def test_a_store_that_went_back_while_it_was_closed(url: str, store: PostgresStore) -> None:
    """The same object opens it again, knows the newer number, and finds an older copy."""
    assert await store.swap(enrolled(ALICE))
    await silence(store)
    await store.aclose()
    postgres_servers.shared().say(f"UPDATE {schema_of(url)}.counter SET changes = changes - 1")
    with pytest.raises(SettingsError, match="older copy"):
        await store.open()


async def test_any_text_ends_no_listening(url: str, store: PostgresStore) -> None:
    """Texts that are no notices, which anybody in the database may send, hide no change."""
    other = PostgresStore(url, timing=POSTGRES)
    await other.open()
    await silence(store)
    store_id = postgres_servers.shared().say(f"SELECT store FROM {schema_of(url)}.about")[0][0]
    for text in ("no JSON", "[" * 5000, "{}", "[9"):
        postgres_servers.shared().say("SELECT pg_notify(%s, %s)", f"mfa_gate_{store_id}", text)
    assert await heard(store, lambda told: told is EVERYTHING) is EVERYTHING
    await silence(store)
    assert await other.swap(enrolled(ALICE))
    assert tells(ALICE)(await heard(store, tells(ALICE)))
    await other.aclose()


async def test_the_listener_is_made_anew(url: str, store: PostgresStore) -> None:
    """A listening connection that breaks empties the cache.

    Changes meanwhile are not missed.
    """
    await silence(store)
    other = PostgresStore(url, timing=POSTGRES)
    await other.open()
    postgres_servers.shared().say(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query ~ 'counter' AND pid <> pg_backend_pid()"
    )
    for version in range(3):
        assert await other.swap(enrolled(BOB, version=version))
    assert await heard(store, lambda told: told is EVERYTHING) is EVERYTHING
    await silence(store)
    assert await other.swap(enrolled(ALICE))
    assert await heard(store, tells(ALICE)) == frozenset({ALICE})
    await other.aclose()


async def test_notices_of_other_stores_are_not_heard(url: str, store: PostgresStore) -> None:
    """Two stores in one database do not hear each other."""
    await silence(store)
    other = PostgresStore(postgres_servers.shared().schema(), timing=POSTGRES)
    await other.open()
    assert await other.swap(enrolled(ALICE))
    await asyncio.sleep(0.1)
    assert changed(store) == frozenset()
    await other.aclose()


async def test_a_pooler_that_swallows_notices(caplog: pytest.LogCaptureFixture) -> None:
    """Behind PgBouncer in transaction mode each request reads the store.

    Log and doctor say so.

    A change by another worker is seen all the same.
    """
    with postgres_servers.pooler(postgres_servers.shared(), "transaction") as behind:
        url = f"{behind}?schema={schema_of(postgres_servers.shared().schema())}"
        store, other = PostgresStore(url), PostgresStore(url)
        await store.open()
        await other.open()
        with caplog.at_level(logging.WARNING, "mfa_gate"):
            for number in range(30):
                assert changed(store) is EVERYTHING
                assert await other.swap(enrolled(ALICE, version=number))
                assert (await store.load(ALICE)).version == number + 1
                await asyncio.sleep(0.03)
        assert "PgBouncer" in caplog.text
        assert any("PgBouncer" in text for text in await store.advice())
        for _ in range(10):
            with psycopg.connect(behind) as connection:
                settings = connection.execute("SHOW statement_timeout").fetchone()
                assert settings == ("0",), "no setting is left behind in a connection that others use"
        await store.aclose()
        await other.aclose()


async def test_advice_waits_until_it_is_known() -> None:
    """On a slow machine the doctor still tells of the pooler; a start does not wait so long."""
    slow = replace(POSTGRES, silence=2.0, hello_within=2.5, advice_within=60.0)
    with postgres_servers.pooler(postgres_servers.shared(), "transaction") as behind:
        store = PostgresStore(f"{behind}?schema={schema_of(postgres_servers.shared().schema())}", timing=slow)
        await store.open()
        assert any("PgBouncer" in text for text in await store.advice())
        await store.aclose()


async def test_a_pooler_in_session_mode() -> None:
    """Behind PgBouncer in session mode notices arrive."""
    with postgres_servers.pooler(postgres_servers.shared(), "session") as behind:
        url = f"{behind}?schema={schema_of(postgres_servers.shared().schema())}"
        store, other = PostgresStore(url, timing=POSTGRES), PostgresStore(url, timing=POSTGRES)
        await store.open()
        await other.open()
        await silence(store)
        assert await other.swap(enrolled(ALICE))
        assert await heard(store, tells(ALICE)) == frozenset({ALICE})
        assert not any("PgBouncer" in text for text in await store.advice())
        await store.aclose()
        await other.aclose()
