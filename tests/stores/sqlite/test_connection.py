"""The connections of the SQLite store: when each is opened anew, and how they pass a fork."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate import stores
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.rules import TenantSettings
from mfa_gate.core.settings_codec import settings_to
from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.storage import EVERYTHING
from mfa_gate.stores.sqlite import SQLiteStore, connection, invalidation, log_index, name_index, schema, trail
from mfa_gate.stores.sqlite.connection import PooledConnection
from mfa_gate.stores.sqlite.file import LOOK_EVERY, StoreFile
from mfa_gate.stores.sqlite.settings import SettingsSwap
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
    assert store._invalidation._view is view  # a look reads it, and asks SQLite only when something was written
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


async def test_moved_away_while_it_is_opened(
    store: SQLiteStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connection to a file that went meanwhile is closed.

    Python 3.13 warns of one that is left open.
    """
    real, pooled, opened = StoreFile.connect, store._pool._all[1], list[sqlite3.Connection]()
    pooled.drop()

    def connect(file: StoreFile, *, patience: float) -> sqlite3.Connection:
        opened.append(real(file, patience=patience))
        (tmp_path / "mfa.db").rename(tmp_path / "away.db")
        return opened[-1]

    monkeypatch.setattr(StoreFile, "connect", connect)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        await store.load(ALICE)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[-1].execute("SELECT 1")
    monkeypatch.undo()
    (tmp_path / "away.db").rename(tmp_path / "mfa.db")
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


async def test_settings_know_their_own_row(store: SQLiteStore) -> None:
    """A change whose commit failed is there if the row has its version and its operation."""
    swaps = [
        SettingsSwap(
            TenantSettings(tenant="clinic", version=version), settings_to(TenantSettings(tenant="clinic")), [], op
        )
        for version, op in ((0, 7), (1, 8), (1, 9))
    ]
    for swap in swaps[:2]:
        assert not await store._read.run(swap.landed)
        assert await store._write.run(swap.write)
        assert await store._read.run(swap.landed) is True
    assert not await store._write.run(swaps[2].write)
    assert [await store._read.run(swap.landed) for swap in swaps] == [False, True, False]


async def test_a_time_that_cannot_be_read(store: SQLiteStore) -> None:
    """It is an outage: the proofs of an account may be older than the acceptance."""
    await store.put_meta("restored", b"yesterday")
    with pytest.raises(StoreUnavailable, match="the time of an accepted copy cannot be read: restore the store"):
        await store.load(ALICE)
    await store.drop_meta("restored")
    assert (await store.load(ALICE)).version == 1


async def test_a_look_that_fails_costs_its_connection(store: SQLiteStore) -> None:
    """A fault of SQLite while changes are looked for is an outage; the next look opens anew."""
    changed(store)
    assert changed(store) == frozenset()
    pooled = store._invalidation._pooled
    broken = sqlite3.connect(":memory:")
    pooled.drop()
    pooled.connection, store._invalidation._connection = broken, broken
    broken.close()
    store._invalidation._header = b""
    with pytest.raises(StoreUnavailable, match="the SQLite store refuses"):
        changed(store)
    assert pooled.connection is None
    assert changed(store) is EVERYTHING
    assert changed(store) == frozenset()


def test_an_index_that_cannot_be_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its descriptor stays open: to close it would drop the locks of SQLite.

    Another file is not mapped.
    """
    path = tmp_path / "index"
    path.write_bytes(b"x" * 10)  # shorter than the header
    found = path.stat()
    kept: list[int] = []
    monkeypatch.setattr(log_index, "_UNFIT", kept)
    monkeypatch.setattr(log_index, "_OPEN", {})
    place = (found.st_dev, found.st_ino)
    assert log_index.LogIndex.of(str(path), place) is None
    assert log_index.LogIndex.of(str(path), (0, 0)) is None
    assert log_index.LogIndex.of(str(tmp_path / "none"), place) is None
    assert len(kept) == 2
    for descriptor in kept:
        os.fstat(descriptor)
        os.close(descriptor)
    path.write_bytes(b"y" * log_index.HEADER)
    one, two = (log_index.LogIndex.of(str(path), place) for _ in range(2))
    assert one is not None
    assert one is two
    assert one.bytes[:] == b"y" * log_index.HEADER
    one.release()
    assert {place: one} == log_index._OPEN
    one.release()
    assert log_index._OPEN == {}
    assert one.bytes.closed


def test_statements_of_the_columns() -> None:
    """Each index of lines is asked for what it lacks; an index of some lines only for those."""
    statements = trail._UNINDEXED.split(" UNION ALL ")
    assert statements == [trail._lacking(*column) for column in trail._INDEXED.items()]
    for name, statement in zip(trail._INDEXED, statements, strict=True):
        assert f"INDEXED BY event_{name} WHERE" in statement
        assert statement.endswith(" <> ''") is (name not in ("id", "kind"))
    for name in schema._SEARCHED:
        assert any(schema._filled(name) in step for steps in schema.STEPS.values() for step in steps)


async def test_people_are_added_to_the_index_after_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is tried again after a longer pause, until nobody is missing."""
    answers: list[Any] = [3, StoreUnavailable("away"), 2, 0]
    pauses = list[float]()

    async def run(work: object) -> int:
        assert work is name_index.fill
        answer = answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return int(answer)

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr(name_index, "asyncio", SimpleNamespace(sleep=sleep))
    writer: Any = SimpleNamespace(run=run)
    await name_index.fill_all(writer)
    short, long = name_index._PAUSE, name_index._LONG_PAUSE
    assert pauses == [short, long, short, short]


@pytest.mark.parametrize("url", ["sqlite:///x.db", "sqlite:////x.db"])
def test_a_platform_without_locks(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    """The store in a file is refused there, with the reason."""
    monkeypatch.setattr(stores, "fault_of_platform", lambda: "not on this system")
    with pytest.raises(SettingsError, match="not on this system"):
        stores.store_from_url(url)


async def test_a_forgotten_person_leaves_no_name(store: SQLiteStore) -> None:
    """Neither in the rows nor in the notices (S-121)."""
    assert await store.swap(replace(enrolled(ALICE, version=1), forgotten_at=9).without_person())
    assert (await store.load(ALICE)).is_unknown

    def everything(found: sqlite3.Connection) -> str:
        tables = [row[0] for row in found.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")]
        return "".join(repr(found.execute(f"SELECT * FROM {table}").fetchall()) for table in tables)

    assert "alice" not in await store._read.run(everything)
    kept = await store.load(ALICE)
    assert await store.swap(replace(kept, name="Alice"))
    assert (await store.load(ALICE)).version == 3


def test_the_disk_is_looked_at_when_it_is_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """By a fresh connection, now and then; a place that does not knock never looks."""
    clock, fresh = [100.0], list[float]()

    def connect(*, patience: float) -> sqlite3.Connection:
        fresh.append(clock[0])
        return sqlite3.connect(":memory:")

    timing = SimpleNamespace(mark_every=7.0)
    file: Any = SimpleNamespace(connect=connect, remember=lambda found, after: None, timing=timing)
    monkeypatch.setattr(connection, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    one, quiet = PooledConnection(file), PooledConnection(file, knocks=False)
    every = LOOK_EVERY
    for now in (0.0, every / 2, every, every * 1.5, every * 2):
        clock[0] = 128.0 + now
        one._knock()
        quiet._knock()
    assert fresh == [128.0, 128.0 + every, 128.0 + 2 * every]


@pytest.mark.parametrize("is_stale", [True, False])
async def test_a_log_that_was_removed_is_rescued(store: SQLiteStore, is_stale: bool) -> None:
    """By a connection that has it open, be it the only one; all that were open are closed."""
    file = StoreFile(store.path)
    file.store_id = store._file.store_id
    one, quiet = PooledConnection(file), PooledConnection(file)
    pool = connection.ConnectionPool(file, quiet, one)
    opened = one.ready()
    asked = list[str]()

    class Asked:
        """The connection, whose statements are noted."""

        def execute(self, statement: str) -> Any:
            asked.append(statement)
            return opened.execute(statement)

        def close(self) -> None:
            asked.append("closed")
            opened.close()

    one.connection = Asked()  # type: ignore[assignment]
    if is_stale:
        assert one.opened is not None
        one.opened = one.opened._replace(log=(0, 0))
    pool.reopen()
    assert asked == (["PRAGMA wal_checkpoint(TRUNCATE)", "closed"] if is_stale else ["closed"])
    assert (one.connection, quiet.connection) == (None, None)
    one.ready()
    pool.close()
    assert one.connection is None


@pytest.mark.parametrize("child", [True, False])
async def test_threads_after_a_fork(store: SQLiteStore, child: bool) -> None:
    """A child has none of its parent's threads, and begins its own.

    The parent keeps them (F-40).
    """
    await use(store)
    before, queues = [thread._thread for thread in store._threads], [thread._queue for thread in store._threads]
    assert None not in before
    store.before_fork()
    store.after_fork(child=child)
    assert [thread._thread for thread in store._threads] == ([None] * 3 if child else before)
    await use(store)
    if child:  # its parent's threads are here as well, and are to end
        for queue in queues:
            queue.put(None)
