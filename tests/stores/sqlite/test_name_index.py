"""The index of names in the SQLite store.

It finds what a look at everybody finds, and keeps nothing of who is gone.
"""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.stores.sqlite import SQLiteStore, name_index, roster
from mfa_gate.testing.store_suite import enrolled

NAMES = ("Ann Lee", "Zoë Maß", "İrem", "ann\nann", "100 %_'\"", "Σίσυφος", "李小龙 Bruce", "🙂🙂 x", "", "a\0b")
WORDS = (
    "ann",
    "zoë",
    "MASS",
    "ß",
    "irem",
    "i̇rem",
    "σίσυφος",
    "Σίσυφοσ",
    "李小",
    "小龙",
    "🙂🙂",
    "%_'",
    "a\0b",
    "\0",
    "\n",
    "07",
)
MORE_WORDS = ("p07", "p0", "n lee", "lee\n", "person-013", "erson-01", "rson-013\nann", "nobody", "xyz", "-", "\ud800")
PEOPLE = 60


@pytest.fixture
async def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[SQLiteStore]:
    """A store that looks at three people, and asks its index for the others."""
    monkeypatch.setattr(roster, "LOOKED_AT_FIRST", 3)
    made = SQLiteStore(tmp_path / "mfa.db")
    await made.open()
    yield made
    await made.aclose()


def named(number: int) -> Account:
    return replace(enrolled(SubjectKey("ward", f"person-{number:03d}")), name=NAMES[number % len(NAMES)])


async def gone(store: SQLiteStore, number: int) -> None:
    key = SubjectKey("ward", f"person-{number:03d}")
    version = (await store.load(key)).version
    assert await store.swap(Account(key=key, version=version, forgotten_at=5))


def parts_in(store: SQLiteStore) -> set[tuple[bytes, str]]:
    """Read the index: each part, and whose it is."""
    with closing(sqlite3.connect(store.path)) as connection:
        return set(connection.execute("SELECT part, id FROM name_part LEFT JOIN roster USING (number)").fetchall())


async def test_the_index_finds_what_a_look_at_everybody_finds(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Any word, from any place, while people come, get other names, and go."""
    memory, luck = MemoryStore(), random.Random(3)
    await memory.open()
    for number in luck.sample(range(PEOPLE), PEOPLE):
        await store.swap(named(number))
        await memory.swap(named(number))
    for number in luck.sample(range(PEOPLE), 20):
        other = replace(named(number), version=1, name=luck.choice(NAMES))
        await store.swap(other)
        await memory.swap(other)
    for number in luck.sample(range(PEOPLE), 10):
        for one in (store, memory):
            key = SubjectKey("ward", f"person-{number:03d}")
            gone_now = Account(key=key, version=(await one.load(key)).version, forgotten_at=5)
            assert await one.swap(gone_now)
    asked, real = [], name_index.places_of

    def places_of(connection: sqlite3.Connection, word: str) -> list[name_index.Range] | None:
        asked.append(real(connection, word))
        return asked[-1]

    monkeypatch.setattr(name_index, "places_of", places_of)
    for word in WORDS + MORE_WORDS:
        for after, status in (("", ""), ("person-031", ""), ("", "verified"), ("", "locked")):
            found = await store.page("ward", query=word, after=after, status=status, limit=5)
            assert found == await memory.page("ward", query=word, after=after, status=status, limit=5), word
    assert sum(place is not None for place in asked) > 20, "the index was asked for few of them"


async def test_a_word_of_many_is_looked_for_in_everybody(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The index gives up a word that many have, and the search goes on piece by piece."""
    monkeypatch.setattr(name_index, "_MOST", (2, 4))
    monkeypatch.setattr(roster, "SEARCHED_AT_ONCE", 7)
    for number in range(PEOPLE):
        await store.swap(named(number))
    with closing(sqlite3.connect(store.path)) as connection:
        assert name_index.places_of(connection, "person") is None
        assert name_index.places_of(connection, "person-037") is not None
    found = await store.page("ward", query="person", limit=40)
    assert [line.key.id for line in found.items] == [f"person-{number:03d}" for number in range(40)]
    assert found.next == "person-039"


async def test_other_tenants_are_not_found(store: SQLiteStore) -> None:
    """The index is one for all tenants, and a search is of one."""
    for tenant in ("ward", "clinic"):
        for number in range(6):
            await store.swap(enrolled(SubjectKey(tenant, f"person-{number}")))
    found = await store.page("clinic", query="person-5")
    assert [line.key for line in found.items] == [SubjectKey("clinic", "person-5")]


async def test_nothing_is_left_of_a_forgotten_person(store: SQLiteStore) -> None:
    """The index has parts of those who are there, and the file no piece of the others."""
    for number in range(PEOPLE):
        await store.swap(replace(named(number), name=f"secret{number:03d}xyz"))
    for number in range(0, PEOPLE, 2):
        await gone(store, number)
    await store.swap(replace(named(1), version=1, name="Plain"))
    left = parts_in(store)
    assert {id for _, id in left} == {f"person-{number:03d}" for number in range(1, PEOPLE, 2)}
    await store.aclose()
    assert Path(store.path).stat().st_size > 0
    held = Path(store.path).read_bytes()
    assert [n for n in range(PEOPLE) if f"t{n:03d}xyz".encode() in held or f"cret{n:03d}".encode() in held] == list(
        range(3, PEOPLE, 2)
    )


async def test_a_proof_writes_nothing_into_the_index(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """The line of a person changes with each proof, and the searched text does not."""
    await store.swap(named(1))
    monkeypatch.setattr(name_index, "put", None)
    own = replace(named(1).authenticators[0], last_used_at=1_700_000_077)
    assert await store.swap(replace(named(1), version=1, authenticators=(own,)))
    assert (await store.page("ward", query="person-001")).items[0].last_proof_at == 1_700_000_077


async def test_people_of_an_older_release_are_added(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """They are found at once, without the index at first.

    The index has all of them a little later.
    """
    monkeypatch.setattr(name_index, "FILLED_AT_ONCE", 7)
    monkeypatch.setattr(name_index, "_PAUSE", 0.001)
    for number in range(20):
        await store.swap(named(number))
    before = parts_in(store)
    await store.aclose()
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE roster SET number = 0")
        connection.execute("DELETE FROM name_part")
    await store.open()
    for word in ("person-019", "nobody"):
        assert len((await store.page("ward", query=word)).items) == (word != "nobody")
    assert store._filling is not None
    await asyncio.wait_for(store._filling, 20)
    assert parts_in(store) == before
