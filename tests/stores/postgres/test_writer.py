"""Swaps that share a transaction of PostgreSQL, where one of them cannot be written."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.model import Account, Lock, SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service.trail_verification import verify_trail
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.postgres.monitor import Watch
from mfa_gate.stores.postgres.outcomes import OutcomeUnknown
from mfa_gate.testing.store_suite import ALICE, enrolled, event

from .. import postgres_servers
from ..postgres_servers import schema_of


@pytest.fixture
def url() -> str:
    """The URL of a schema of its own."""
    return postgres_servers.shared().schema()


def refuse(url: str, words: str) -> None:
    """Let the server refuse the row of the person ``bad``, with these words."""
    schema = schema_of(url)
    for statement in (
        f"CREATE FUNCTION {schema}.refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {words}; RETURN new; END$$",
        f"CREATE TRIGGER refuse BEFORE INSERT ON {schema}.account FOR EACH ROW WHEN (new.id = 'bad')"
        f" EXECUTE FUNCTION {schema}.refuse()",
    ):
        postgres_servers.shared().say(statement)


KEYS = [SubjectKey("clinic", name) for name in ("a", "bad", "c", "d")]


async def test_a_swap_that_cannot_be_written_fails_alone(url: str, store: PostgresStore) -> None:
    """Those that shared its transaction are written all the same, each with its own outcome."""
    assert await store.swap(enrolled(KEYS[3]))
    refuse(url, "RAISE EXCEPTION 'not this one' USING ERRCODE = '23514'")
    first = asyncio.ensure_future(store.swap(enrolled(ALICE)))  # the others wait for it, and go together
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    swaps = [store.swap(enrolled(key), [event(number, key=key)]) for number, key in enumerate(KEYS)]
    found = await asyncio.gather(*swaps, return_exceptions=True)
    assert await first
    assert [found[0], found[2], found[3]] == [True, True, False]
    assert isinstance(found[1], StoreUnavailable)
    assert not isinstance(found[1], OutcomeUnknown)
    assert "PostgreSQL refuses (23514): not this one" in str(found[1])
    assert [(await store.load(key)).version for key in KEYS] == [1, 0, 1, 1]
    assert sorted(line.id for line in (await store.events("clinic")).items) == ["e0", "e2"]
    assert await verify_trail(store) == {}


async def test_a_swap_that_loses_alone_is_told_so(url: str, store: PostgresStore) -> None:
    """A transaction that the server takes back has written nothing: another was faster."""
    refuse(url, "RAISE EXCEPTION 'raced' USING ERRCODE = '40001'")
    assert await store.swap(enrolled(KEYS[1])) is False
    assert (await store.load(KEYS[1])).version == 0
    assert await store.swap(enrolled(KEYS[0]))


GRAVE: dict[str, tuple[Account, list[Event], bool]] = {
    "a proof": (enrolled(ALICE), [event(1)], False),
    "nothing to tell": (enrolled(ALICE), [], False),
    "a lock": (enrolled(ALICE, lock=Lock(at=1, cause="admin", ref="R")), [event(1)], True),
    "a reset": (enrolled(ALICE), [event(1), replace(event(2), kind="account.reset")], True),
}


@pytest.mark.parametrize("name", GRAVE)
async def test_a_grave_change_is_remembered_at_once(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A change that must never be lost unseen is remembered here before it is told (S-123)."""
    account, lines, is_grave = GRAVE[name]
    kept = list[bool]()

    async def keep(watch: Watch, *, is_grave: bool = False) -> None:
        kept.append(is_grave)

    monkeypatch.setattr(Watch, "keep", keep)
    assert await store.swap(account, lines)
    assert (True in kept) is is_grave
