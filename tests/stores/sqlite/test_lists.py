"""Lists, searches and counts of the SQLite store hold up nobody's load.

They give the same answers in pieces.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.storage import take_one
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.stores.sqlite import SQLiteStore, roster
from mfa_gate.stores.sqlite.worker_thread import WorkerThread
from mfa_gate.testing.store_suite import ALICE, enrolled

from ..faults import LISTS, MORE_READS, MORE_WRITES, READS, WRITES

ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "mfa.db")
    await store.open()
    assert await store.swap(enrolled(ALICE))
    yield store
    await store.aclose()


async def test_a_slow_list_holds_up_no_load(store: SQLiteStore) -> None:
    """Loads, swaps and limits are answered while a list takes as long as it likes."""
    go_on, began = threading.Event(), threading.Event()

    def slow(_: object) -> None:
        began.set()
        go_on.wait(10)

    listing = asyncio.create_task(store._lister().run(slow))
    await asyncio.to_thread(began.wait, 5)
    assert (await store.load(ALICE)).version == 1
    assert await store.swap(enrolled(ALICE, version=1))
    assert await take_one(store, "x", limit=1, window=60, now=1000) == 0
    assert await store.meta("x") is None
    assert not listing.done()
    go_on.set()
    await listing


async def test_each_list_is_one(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each list is read by the thread for lists, and no other call is."""
    asked, real = set[str](), WorkerThread.run

    async def run(thread: WorkerThread, work: Any, **more: Any) -> Any:
        asked.add("list" if thread is store._list else "call")
        return await real(thread, work, **more)

    monkeypatch.setattr(WorkerThread, "run", run)
    found = dict[str, set[str]]()
    for name, call in (READS | MORE_READS | WRITES | MORE_WRITES).items():
        asked.clear()
        if hasattr(store, name) or name in WRITES | MORE_WRITES:
            await call(store)
            found[name] = asked.copy()
    assert {name for name, kinds in found.items() if "list" in kinds} == LISTS
    assert {name for name, kinds in found.items() if kinds == {"list"}} == LISTS


async def test_a_list_that_was_given_up_is_stopped(store: SQLiteStore) -> None:
    """A list that takes too long is refused in time and ends in SQLite too.

    The next one is answered.
    """
    for _ in range(2):
        store._list._within = 0.5
        with pytest.raises(StoreUnavailable):
            await store._lister().run(lambda connection: connection.execute(ENDLESS).fetchall())
        store._list._within = 30
        assert len((await store.page("clinic")).items) == 1


async def test_a_list_whose_caller_is_gone_is_stopped(store: SQLiteStore) -> None:
    """A cancelled page leaves no question behind that the next one would wait for."""
    began = threading.Event()

    def endless(connection: object) -> None:
        began.set()
        connection.execute(ENDLESS).fetchall()  # type: ignore[attr-defined]

    task = asyncio.create_task(store._lister().run(endless))
    await asyncio.to_thread(began.wait, 5)
    task.cancel()
    assert len((await store.page("clinic")).items) == 1


async def test_answers_do_not_wait_for_the_slow_job_behind_them(store: SQLiteStore) -> None:
    """Of jobs that one thread does together, each answer goes out when it is ready."""
    gate, last = threading.Event(), threading.Event()
    worker_thread = store._reader()
    first = asyncio.create_task(worker_thread.run(lambda _: gate.wait(5)))
    await asyncio.sleep(0)
    second = asyncio.create_task(worker_thread.run(lambda _: time.sleep(0.01)))
    third = asyncio.create_task(worker_thread.run(lambda _: last.wait(5)))
    await asyncio.sleep(0)
    gate.set()
    await asyncio.wait_for(asyncio.gather(first, second), 4)
    assert not third.done()
    last.set()
    await third


@pytest.mark.parametrize("query", ["", "lovelace", "zoe", "nobody", "9"])
@pytest.mark.parametrize("status", ["", "verified", "locked"])
async def test_pieces_make_no_difference(
    store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, query: str, status: str
) -> None:
    """A search in pieces of three people finds the same as a search in memory.

    This holds page by page.
    """
    monkeypatch.setattr(roster, "SEARCHED_AT_ONCE", 3)
    memory = MemoryStore()
    await memory.open()
    for number in range(40):
        account = replace(
            enrolled(SubjectKey("ward", f"p{number:02d}")), name="Zoe" if number % 7 == 0 else "Ada Lovelace"
        )
        await store.swap(account)
        await memory.swap(account)
    assert await store.counts("ward") == await memory.counts("ward")
    after = ""
    while True:
        found = await store.page("ward", query=query, status=status, after=after, limit=4)
        assert found == await memory.page("ward", query=query, status=status, after=after, limit=4)
        after = found.next
        if not after:
            break
