"""The search in the trail by an index, the kept counts of people, and the time of lists."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.model import Account, Lock, SubjectKey
from mfa_gate.core.trail_search import search_of
from mfa_gate.errors import StoreUnavailable
from mfa_gate.service.admin.trail import search_trail
from mfa_gate.storage import EventPage, FindsLines
from mfa_gate.stores.common.documents import SEARCHED
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.stores.sqlite.timing import Timing
from mfa_gate.testing.store_suite import enrolled

FILTERS = (
    {"address": "192.0.2.3"},
    {"address": "192.0.2.3", "kind": "attempt"},
    {"address": "2001:DB8::1"},
    {"address": "campus"},
    {"address": "=campus"},
    {"address": "192.0.2.0/30"},
    {"browser": "browser1", "account": "user1"},
    {"ref": "ref0000011"},
    {"address": "192.0.2.3", "q": "user1"},
    {"address": "203.0.113.9"},
)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    """A store with a limit of its own for lists."""
    made = SQLiteStore(tmp_path / "mfa.db", timing=Timing(answer_within=8.0, list_within=20.0))
    await made.open()
    yield made
    await made.aclose()


def lines() -> list[Event]:
    """Return lines of two tenants from many places, some with a network alone."""
    luck = random.Random(5)
    places = [("192.0.2.3", "192.0.2.3"), ("192.0.2.9", "=campus"), ("", "=campus"), ("", "192.0.2.3"), ("", "")]
    places += [("2001:db8::1", "2001:db8::/64"), ("", "2001:db8::/64")]
    found = []
    for number in range(400):
        address, network = luck.choice(places)
        found.append(
            Event(
                id=f"REF{number:07}",
                kind=luck.choice(("attempt.failed", "proof.granted")),
                at=1_000_000 + number,
                tenant=luck.choice(("alpha", "beta")),
                account=f"user{number % 3}",
                address=address,
                network=network,
                browser=luck.choice(("", "browser1", "browser2")),
            )
        )
    return found


@pytest.mark.parametrize("words", FILTERS, ids=lambda words: " ".join(f"{k}={v}" for k, v in words.items()))
@pytest.mark.parametrize("limit", [7, 200])
async def test_an_index_finds_what_a_look_at_every_line_finds(
    store: SQLiteStore, words: dict[str, str], limit: int
) -> None:
    """Page by page, with the same cursors at the end."""
    memory, search, pages = MemoryStore(), search_of(words), list[list[str]]()
    assert isinstance(store, FindsLines)
    assert not isinstance(memory, FindsLines)
    await memory.open()
    for one in (store, memory):
        await one.append(lines())
        found, after = list[str](), ""
        while True:
            page: EventPage = await search_trail(one, "alpha", search, after=after, limit=limit)
            assert len(page.items) <= limit
            found += [event.id for event in page.items]
            after = page.next
            if not after:
                break
        pages.append(found)
    assert pages[0] == pages[1]


@pytest.mark.parametrize("name", list(SEARCHED))
async def test_the_index_is_used(store: SQLiteStore, name: str) -> None:
    """No line of anybody else is read, and none is sorted."""
    for column in SEARCHED[name]:
        with closing(sqlite3.connect(store.path)) as connection:
            plan = connection.execute(
                f"EXPLAIN QUERY PLAN SELECT seq, body FROM event WHERE tenant = ? AND {column} = ? AND seq < ?"
                " ORDER BY seq DESC LIMIT ?",
                ("alpha", "x", 9, 5),
            ).fetchall()
        told = " ".join(str(row[3]) for row in plan)
        assert "USING INDEX event_" in told, told
        assert "TEMP B-TREE" not in told


async def test_a_line_that_cannot_be_read_is_no_hindrance(store: SQLiteStore) -> None:
    """A line that was made unreadable stops no other one."""
    await store.append(lines()[:3])
    with closing(sqlite3.connect(store.path)) as connection, connection:
        connection.execute("UPDATE event SET body = 'no line' WHERE seq = 2")
    await store.append(lines()[3:5])
    assert (await store.lines_with("alpha", "address", ("nowhere",))).items == ()


async def test_the_kept_counts_are_those_of_the_people(store: SQLiteStore) -> None:
    """People come, change and are forgotten in any order, and each state has its number."""
    luck, memory = random.Random(7), MemoryStore()
    await memory.open()
    for _ in range(150):
        key = SubjectKey("ward", f"p{luck.randrange(20)}")
        account = await store.load(key)
        change = luck.randrange(4)
        if change == 0:
            made = replace(enrolled(key), version=account.version)
        elif change == 1:
            made = replace(account, skip_count=1)
        elif change == 2:
            made = replace(account, lock=Lock(at=1, cause="attempts", ref="R"))
        else:
            made = Account(key=key, version=account.version)
        assert await store.swap(made)
        assert await memory.swap(made)
        assert await store.counts("ward") == await memory.counts("ward")
    with closing(sqlite3.connect(store.path)) as connection:
        counted = dict(connection.execute("SELECT status, count(*) FROM roster GROUP BY status").fetchall())
    assert {status: count for status, count in (await store.counts("ward")).items() if count} == counted


async def test_a_slow_disk_makes_a_list_slow_and_no_load(tmp_path: Path) -> None:
    """A list waits for the disk longer than a sign-in does, and gives an answer."""
    store = SQLiteStore(tmp_path / "mfa.db", timing=Timing(answer_within=0.3, list_within=20.0))
    await store.open()

    def slow(_: object) -> str:
        time.sleep(0.6)
        return "answered"

    assert await store._list.run(slow) == "answered"
    with pytest.raises(StoreUnavailable):
        await store._read.run(slow)
    await store.aclose()
