"""The connections of the SQLite store: when each is opened anew, and how they pass a fork."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.storage import EVERYTHING
from mfa_gate.stores.sqlite import SQLiteStore, connection, invalidation, log_index
from mfa_gate.stores.sqlite.file import StoreFile
from mfa_gate.testing.store_suite import ALICE, BOB, changed, enrolled

from ..patience import SQLITE


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "mfa.db", timing=SQLITE)
    await store.open()
    assert await store.swap(enrolled(ALICE))
    yield store
    await store.aclose()


def opened(store: SQLiteStore) -> list[sqlite3.Connection | None]:
    """The connections for writes, reads, lists and looks."""
    return [one.connection for one in store._pool._all]


async def use(store: SQLiteStore) -> None:
    await store.claim("name", ALICE)
    assert (await store.load(ALICE)).version == 1
    assert await store.keys() == (ALICE,)
    changed(store)


async def test_a_connection_is_kept(store: SQLiteStore) -> None:
    """Each thread opens its connection once, and the looks have one of their own."""
    await use(store)
    before = opened(store)
    assert len({id(one) for one in before if one is not None}) == 4
    for _ in range(3):
        await use(store)
    assert opened(store) == before


async def test_who_waits_for_a_lock(store: SQLiteStore) -> None:
    """A read waits for a log that another process reads after a crash.

    A write asks again by itself while the file is locked.
    """
    await use(store)
    patience = [one.execute("PRAGMA busy_timeout").fetchone()[0] for one in opened(store) if one is not None]
    assert patience == [0, 400, 400, 0]


async def test_a_fork_closes_what_is_open(store: SQLiteStore) -> None:
    """Nothing is open across a fork; the next use opens anew, and hears "everything"."""
    await use(store)
    assert changed(store) == frozenset()
    store.before_fork()
    assert opened(store) == [None] * 4
    assert all(one.lock.locked() for one in store._pool._all), "nothing begins before the fork is done"
    store.after_fork(child=True)
    assert not any(one.lock.locked() for one in store._pool._all)
    assert changed(store) is EVERYTHING
    await use(store)


@pytest.mark.parametrize("child", [True, False])
async def test_a_fork_while_the_disk_hangs(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch, child: bool) -> None:
    """A connection that is in use for too long is lost to the child, and not to the parent.

    F-40. All others are closed, and go on in both.
    """
    monkeypatch.setattr(connection, "_FORK_PATIENCE", 0.01)
    await use(store)
    hanging = store._pool._all[0]
    lock = hanging.lock
    lock.acquire()  # a write that the disk holds up
    store.before_fork()
    assert [one is not None for one in opened(store)] == [True, False, False, False]
    store.after_fork(child=child)
    assert (await store.load(ALICE)).version == 1
    assert await store.keys() == (ALICE,)
    lock.release()
    if child:
        with pytest.raises(StoreUnavailable, match="forked while its SQLite store hung: restart it"):
            await store.claim("other", BOB)
    else:
        assert await store.claim("other", BOB)
    assert hanging.stuck is child


async def test_the_log_of_changes_is_bounded(
    store: SQLiteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S-122: old changes go, and a worker that slept behind them hears "everything"."""
    monkeypatch.setattr(invalidation, "_TRIMMED_EVERY", 5)
    monkeypatch.setattr(invalidation, "CHANGES_KEPT", 10)
    sleeper = SQLiteStore(tmp_path / "mfa.db", timing=SQLITE)
    await sleeper.open()
    changed(sleeper)
    for number in range(29):
        assert await store.swap(enrolled(SubjectKey("t", str(number))))
    kept = await store._read.run(lambda one: [seq for (seq,) in one.execute("SELECT seq FROM change ORDER BY seq")])
    assert kept == [*range(21, 31)]
    assert changed(sleeper) is EVERYTHING
    assert await store.swap(enrolled(BOB))
    assert changed(sleeper) == frozenset({BOB})
    await sleeper.aclose()


async def test_the_mapped_index_is_let_go_of(store: SQLiteStore) -> None:
    """Its one view serves every look, and no descriptor of it stays open behind the store."""
    for number in range(3):
        assert await store.swap(enrolled(BOB, version=number))
        changed(store)
    view = store._pool.view
    assert view is not None
    assert (log_index._OPEN[view.place], view._users) == (view, 1)
    await store.aclose()
    assert view.place not in log_index._OPEN
    assert view.bytes.closed


async def test_a_look_that_is_overdue(store: SQLiteStore) -> None:
    """A disk that hangs is told three quarters of a second after the question.

    Not before (F-1).
    """
    changed(store)
    notices, held = store._invalidation, store._pool._all[1].lock
    with held:
        for _ in range(2):
            notices._look_at = 0.0
            changed(store)
        notices._look_at, notices._asked_at = 0.0, notices._asked_at - 0.8
        with pytest.raises(StoreUnavailable, match="does not answer"):
            changed(store)
    await store.load(ALICE)
    changed(store)


async def test_compacting(store: SQLiteStore, tmp_path: Path) -> None:
    """The file is written anew, and the caller is told by how much it is smaller."""
    for number in range(60):
        assert await store.swap(enrolled(SubjectKey("t", str(number)), name="x" * 3_000))
    for number in range(60):
        assert await store.swap(Account(key=SubjectKey("t", str(number)), version=1, forgotten_at=5))
    await store.aclose()
    await store.open()
    before = (tmp_path / "mfa.db").stat().st_size
    freed = await store.compact()
    assert freed == before - (tmp_path / "mfa.db").stat().st_size > 100_000
    assert (await store.load(ALICE)).version == 1


async def test_replaced_while_it_is_opened(store: SQLiteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection is not taken for one to a file that came in its place meanwhile (F-8)."""
    await store.aclose()
    shutil.copy(tmp_path / "mfa.db", tmp_path / "copy.db")
    await store.open()
    real, pooled = StoreFile.connect, store._pool._all[1]
    pooled.drop()

    def connect(file: StoreFile, *, patience: float) -> sqlite3.Connection:
        made = real(file, patience=patience)
        (tmp_path / "copy.db").replace(tmp_path / "mfa.db")
        return made

    monkeypatch.setattr(StoreFile, "connect", connect)
    with pytest.raises(StoreUnavailable, match="was replaced while it was opened"):
        await store.load(ALICE)
    assert pooled.connection is None
    monkeypatch.undo()
    assert (await store.load(ALICE)).version == 1


async def test_the_disk_is_looked_at_now_and_then(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fresh connection looks at the disk every quarter of a second.

    The open one may answer from its cache. The looks of each request are no such use.
    """
    monkeypatch.setattr(connection, "LOOK_EVERY", 1_000.0)
    await use(store)
    for one in store._pool._all:
        one._knock_at = 0.0
    fresh, real = list[float](), StoreFile.connect

    def connect(file: StoreFile, *, patience: float) -> sqlite3.Connection:
        fresh.append(patience)
        return real(file, patience=patience)

    monkeypatch.setattr(StoreFile, "connect", connect)
    before = opened(store)
    for _ in range(3):
        await use(store)
    assert fresh == [0.4] * 3, "one for writes, one for reads and one for lists"
    assert opened(store) == before


async def test_a_disk_that_fails_ends_the_connection(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """An open connection is no longer believed once the disk refuses a fresh one."""
    await use(store)
    reads = store._pool._all[1]
    reads._knock_at = 0.0

    def connect(file: StoreFile, *, patience: float) -> sqlite3.Connection:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(StoreFile, "connect", connect)
    for _ in range(2):
        with pytest.raises(StoreUnavailable, match="disk I/O error"):
            await store.load(ALICE)
        assert reads.connection is None
    monkeypatch.undo()
    assert (await store.load(ALICE)).version == 1
