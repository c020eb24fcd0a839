"""The threads of the SQLite store, when a piece of work fails or comes too late.

Nothing is left of it, and nobody else suffers.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.core.model import Account
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.sqlite import SQLiteStore, worker_thread
from mfa_gate.stores.sqlite.accounts import Swap
from mfa_gate.stores.sqlite.connection import PooledConnection
from mfa_gate.stores.sqlite.file import Moved
from mfa_gate.stores.sqlite.schema import SCHEMA
from mfa_gate.stores.sqlite.worker_thread import WorkerThread
from mfa_gate.testing.store_suite import ALICE, BOB, enrolled

from ..patience import SQLITE

Work = Callable[[sqlite3.Connection], object]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(tmp_path / "mfa.db", timing=SQLITE)
    await store.open()
    yield store
    await store.aclose()


def put(name: str, error: BaseException | None = None) -> Callable[[sqlite3.Connection], str]:
    """Make work that writes a row, and then fails with ``error``."""

    def work(connection: sqlite3.Connection) -> str:
        connection.execute("INSERT INTO meta (name, value) VALUES (?, 'x')", (name,))
        if error is not None:
            raise error
        return name

    return work


async def together(thread: WorkerThread, *works: Work) -> list[object]:
    """Let a thread do some work in one go. Returns the outcomes."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(5)

    held = asyncio.ensure_future(thread.run(hold))
    await asyncio.to_thread(begun.wait, 5)
    rest = [asyncio.ensure_future(thread.run(work)) for work in works]
    await asyncio.sleep(0)
    go_on.set()
    await held
    return list(await asyncio.gather(*rest, return_exceptions=True))


async def names(store: SQLiteStore) -> set[str]:
    rows = await store._read.run(lambda connection: connection.execute("SELECT name FROM meta").fetchall())
    return {name for (name,) in rows}


OWN = (ValueError("own"), TypeError("own"), OverflowError("own"), sqlite3.ProgrammingError("own"))


@pytest.mark.parametrize("error", OWN, ids=lambda error: type(error).__name__)
async def test_work_that_cannot_be_asked_fails_alone(store: SQLiteStore, error: Exception) -> None:
    """A caller who asks for nonsense gets his own error, and those beside him their answers.

    Nothing of the nonsense is written, and the connection serves on.
    """
    with pytest.raises(type(error), match="own"):
        await store._write.run(put("alone", error))
    before = store._pool._all[0].connection
    found = await together(store._write, put("a"), put("b", error), put("c"))
    assert [found[0], found[2]] == ["a", "c"]
    assert found[1] is error
    assert await names(store) >= {"a", "c"}
    assert not await names(store) & {"alone", "b"}
    assert store._pool._all[0].connection is before


@pytest.mark.parametrize("error", [sqlite3.OperationalError("disk I/O error"), KeyError("k"), MemoryError()])
async def test_a_fault_of_the_store_refuses_all_of_a_transaction(store: SQLiteStore, error: Exception) -> None:
    """A transaction that breaks is taken back as a whole, and each of its callers is refused.

    The next one finds no transaction open.
    """
    found = await together(store._write, put("a"), put("b", error), put("c"))
    assert [type(outcome) for outcome in found] == [StoreUnavailable] * 3
    assert {str(outcome) for outcome in found} == {f"the SQLite store refuses ({type(error).__name__}): {error}"}
    assert await store.swap(enrolled(ALICE))
    assert not await names(store) & {"a", "b", "c"}


async def test_only_a_fault_of_sqlite_costs_the_connection(store: SQLiteStore) -> None:
    """A connection that met a fault of the disk is opened anew; another fault leaves it alone."""

    def failing(_: sqlite3.Connection) -> None:
        raise KeyError("k")

    for number, thread in enumerate((store._write, store._read)):
        pooled = store._pool._all[number]
        before = pooled.connection
        with pytest.raises((StoreUnavailable, KeyError)):
            await thread.run(failing)
        assert pooled.connection is before
        with pytest.raises(StoreUnavailable, match="no such table"):
            await thread.run(lambda connection: connection.execute("SELECT * FROM nowhere"))
        assert pooled.connection is not before
        assert await thread.run(lambda connection: connection.execute("SELECT 1").fetchone()) == (1,)


def forbid_commit(connection: sqlite3.Connection, *, forbidden: bool = True) -> None:
    """Make each COMMIT of a connection fail, as a disk does that is full at this moment."""
    denied = (sqlite3.SQLITE_TRANSACTION, "COMMIT")
    connection.set_authorizer(
        (lambda action, name, *_: sqlite3.SQLITE_DENY if (action, name) == denied else sqlite3.SQLITE_OK)
        if forbidden
        else None
    )


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_commit_that_failed_is_looked_up(store: SQLiteStore, is_there: bool) -> None:
    """A commit that failed may have written all the same, and the file tells (F-7).

    Nothing is written twice.
    """
    asked = list[sqlite3.Connection]()

    def landed(connection: sqlite3.Connection) -> bool:
        asked.append(connection)
        return is_there

    def work(connection: sqlite3.Connection) -> str:
        forbid_commit(connection)
        return put("a")(connection)

    call = store._write.run(work, landed=landed)
    if is_there:
        assert await call == "a"
    else:
        with pytest.raises(StoreUnavailable, match="not authorized"):
            await call
    assert len(asked) == 1
    assert await store.swap(enrolled(BOB)), "a new connection, on which no transaction is open"
    assert "a" not in await names(store)


async def test_what_wrote_nothing_is_not_looked_up(store: SQLiteStore) -> None:
    """Work that changed nothing is not looked up after a commit that failed."""

    def work(connection: sqlite3.Connection) -> bool:
        forbid_commit(connection)
        return False

    def never(_: sqlite3.Connection) -> bool:
        raise AssertionError("asked")

    with pytest.raises(StoreUnavailable, match="not authorized"):
        await store._write.run(work, landed=never)


async def test_a_write_that_fails_before_the_commit_is_not_looked_up(store: SQLiteStore) -> None:
    """It cannot have been written."""

    def never(_: sqlite3.Connection) -> bool:
        pytest.fail("asked")

    with pytest.raises(StoreUnavailable, match="KeyError"):
        await store._write.run(put("a", KeyError("k")), landed=never)


async def test_a_read_that_fails_is_told_to_its_caller_only(store: SQLiteStore) -> None:
    """Each of the reads that are done in one go has its own outcome."""
    error = ValueError("own")

    def own(_: sqlite3.Connection) -> None:
        raise error

    found = await together(
        store._read,
        lambda _: "before",
        own,
        lambda connection: connection.execute("SELECT * FROM nowhere"),
        lambda _: "behind",
    )
    assert [found[0], found[1], found[3]] == ["before", error, "behind"]
    assert isinstance(found[2], StoreUnavailable)


def threads(name: str) -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith(name)]


async def test_each_thread_is_one_and_ends_with_the_store(tmp_path: Path) -> None:
    """A store has one thread for writes, one for reads and one for lists.

    It has no more, however many ask at once. They end when it is closed, after the work that waits, and begin again with it.
    """
    was = len(threads("mfa_gate-sqlite"))
    store = SQLiteStore(tmp_path / "mfa.db", timing=SQLITE)
    for turn in range(2):
        await store.open()
        await asyncio.gather(*(store.load(ALICE) for _ in range(50)), *(store.keys() for _ in range(5)))
        assert len(threads("mfa_gate-sqlite")) == was + 3
        assert [thread.daemon for thread in threads("mfa_gate-sqlite")] == [True] * (was + 3)
        swap = asyncio.ensure_future(store.swap(enrolled(ALICE, version=turn)))
        await asyncio.sleep(0)
        await store.aclose()
        assert await swap
        assert len(threads("mfa_gate-sqlite")) == was


async def test_a_caller_that_gave_up_has_written_nothing(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that has not begun when its caller is told "not in time" does not begin any more."""
    monkeypatch.setattr(store._write, "_within", 0.02)
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(5)

    calls: list[asyncio.Future[Any]] = [asyncio.ensure_future(store._write.run(hold))]
    await asyncio.to_thread(begun.wait, 5)
    calls.append(asyncio.ensure_future(store._write.run(put("late"))))
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [str(outcome) for outcome in found] == ["the SQLite store did not answer in time"] * 2
    go_on.set()
    monkeypatch.undo()
    await store.claim("a", ALICE)
    assert "late" not in await names(store)


async def test_a_batch_has_its_bound(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """A transaction takes so many pieces of work, and the rest comes in the next one."""
    monkeypatch.setattr(worker_thread, "_BATCH", 4)
    sizes, write = list[int](), store._write._write

    def counting(connection: sqlite3.Connection, jobs: Sequence[worker_thread.Job]) -> None:
        sizes.append(len(jobs))
        write(connection, jobs)

    monkeypatch.setattr(store._write, "_write", counting)
    assert await together(store._write, *(put(str(n)) for n in range(10))) == [str(n) for n in range(10)]
    assert sizes == [1, 4, 4, 2]


async def test_a_swap_knows_its_own_row(store: SQLiteStore) -> None:
    """A swap whose commit failed is there if the row has its version and its operation.

    No other's.
    """
    first, second = (Swap.of(enrolled(ALICE, version=version), []) for version in (0, 1))
    for swap in (first, second):
        assert not await store._read.run(swap.landed)
        assert await store._write.run(swap.write)
        assert await store._read.run(swap.landed)
    assert not await store._read.run(first.landed)
    assert not await store._read.run(Swap.of(enrolled(ALICE, version=1), []).landed)
    gone = Swap.of(Account(key=ALICE, version=2, forgotten_at=5), [])
    assert await store._write.run(gone.write)
    assert await store._read.run(gone.landed), "its row lies under another id by now"


async def test_a_file_that_is_replaced_again_and_again(store: SQLiteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each try closes the connections, and after two it is an outage."""
    reopened = list[int]()

    def moved(_: object) -> sqlite3.Connection:
        raise Moved

    monkeypatch.setattr(PooledConnection, "ready", moved)
    monkeypatch.setattr(store._pool, "reopen", lambda: reopened.append(1))
    with pytest.raises(StoreUnavailable, match=r"mfa\.db is being replaced"):
        await store._read.run(lambda _: None)
    assert reopened == [1, 1]


@pytest.mark.parametrize("version", [SCHEMA + 1, SCHEMA - 1])
async def test_a_write_beside_a_newer_release(store: SQLiteStore, version: int) -> None:
    """Nothing is written into a schema of another release (F-20)."""
    await store._write.run(lambda _: None)
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute(f"PRAGMA user_version = {version}")
    with pytest.raises(StoreUnavailable, match="a newer release upgraded the store: restart this process"):
        await store._write.run(put("late"))
    with contextlib.closing(sqlite3.connect(store.path, isolation_level=None)) as other:
        other.execute(f"PRAGMA user_version = {SCHEMA}")
    assert "late" not in await names(store)


def jobs_of(*works: Work) -> list[worker_thread.Job]:
    return [worker_thread.Job(work, None) for work in works]


def test_reads_that_were_given_up() -> None:
    """One that was given up before it began is passed over, and those behind it are done."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        jobs = jobs_of(*(lambda _, n=n: n for n in range(4)))
        jobs[0].abandoned = jobs[2].abandoned = True
        worker_thread._read(connection, jobs)
    assert [job.result for job in jobs] == [None, 1, None, 3]
    assert [job.settled for job in jobs] == [False, True, False, True]


def test_a_read_that_was_given_up_while_it_ran() -> None:
    """Its fault is no fault of the connection; that of another one is."""
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:

        def give_up(_: sqlite3.Connection) -> None:
            next(job for job in jobs if job.work is give_up).abandoned = True
            raise sqlite3.OperationalError("interrupted")

        def fails(_: sqlite3.Connection) -> None:
            raise sqlite3.OperationalError("disk")

        jobs = jobs_of(give_up, lambda _: 7)
        worker_thread._read(connection, jobs)
        assert jobs[1].result == 7
        jobs = jobs_of(fails, give_up, lambda _: 8)
        with pytest.raises(sqlite3.OperationalError, match="disk"):
            worker_thread._read(connection, jobs)
        assert (str(jobs[0].error), jobs[2].result) == ("the SQLite store refuses (OperationalError): disk", 8)


@pytest.mark.parametrize(
    ("name", "later", "tries", "is_raised"),
    [
        ("SQLITE_BUSY", 5.0, 3, False),
        ("SQLITE_BUSY", 0.0, 1, True),
        ("SQLITE_FULL", 5.0, 1, True),
    ],
)
def test_a_locked_file_is_asked_again(
    monkeypatch: pytest.MonkeyPatch, name: str, later: float, tries: int, is_raised: bool
) -> None:
    """Until its time is over, with a pause; another fault is told at once."""
    asked, pauses, clock = list[str](), list[float](), [100.0]
    error = sqlite3.OperationalError("refused")
    error.sqlite_errorname = name

    class Locked:
        """A connection that is locked twice."""

        def execute(self, statement: str) -> None:
            asked.append(statement)
            if len(asked) < 3:
                raise error

    times = SimpleNamespace(monotonic=lambda: clock[0], sleep=pauses.append)
    monkeypatch.setattr(worker_thread, "time", times)
    locked: Any = Locked()
    if is_raised:
        with pytest.raises(sqlite3.OperationalError, match="refused"):
            worker_thread._begin(locked, until=100.0 + later)
    else:
        worker_thread._begin(locked, until=100.0 + later)
    assert asked == ["BEGIN IMMEDIATE"] * tries
    assert len(pauses) == tries - 1
    assert all(0.0003 <= pause <= 0.002 for pause in pauses)


async def test_answers_are_handed_out_while_others_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that are ready after a moment go to their callers; the rest goes at the end."""
    clock, handed = [100.0], list[list[int]]()
    monkeypatch.setattr(worker_thread, "time", SimpleNamespace(monotonic=lambda: clock[0]))
    monkeypatch.setattr(worker_thread, "_answer", lambda jobs: handed.append([job.result for job in jobs]))

    def work(number: int, seconds: float) -> Work:
        def run(_: sqlite3.Connection) -> int:
            clock[0] += seconds
            return number

        return run

    every = worker_thread._HAND_OUT_EVERY
    with contextlib.closing(sqlite3.connect(":memory:")) as connection:
        jobs = jobs_of(work(1, every / 2), work(2, every), work(3, every / 2), work(4, every / 4), work(5, 1.0))
        worker_thread._read(connection, jobs)
    assert handed == [[1, 2], [3, 4, 5]]


def test_the_end_of_a_thread() -> None:
    """Work that waits before the end is done first, and the end is seen again."""
    waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
    one, two = jobs_of(lambda _: 1, lambda _: 2)
    for item in (one, two, None):
        waiting.put(item)
    assert worker_thread._next_jobs(waiting) == [one, two]
    assert worker_thread._next_jobs(waiting) == []
    assert waiting.empty()


async def test_work_beside_a_write_that_fails_is_not_looked_up(store: SQLiteStore) -> None:
    """Its transaction was taken back before the commit, so it cannot be there."""
    begun, go_on = threading.Event(), threading.Event()

    def hold(_: sqlite3.Connection) -> None:
        begun.set()
        go_on.wait(5)

    def never(_: sqlite3.Connection) -> bool:
        pytest.fail("asked")

    calls: list[asyncio.Future[Any]] = [asyncio.ensure_future(store._write.run(hold))]
    await asyncio.to_thread(begun.wait, 5)
    calls.append(asyncio.ensure_future(store._write.run(put("a"), landed=never)))
    calls.append(asyncio.ensure_future(store._write.run(put("b", KeyError("k")), landed=never)))
    await asyncio.sleep(0)
    go_on.set()
    found = await asyncio.gather(*calls, return_exceptions=True)
    assert [str(one) for one in found[1:]] == ["the SQLite store refuses (KeyError): 'k'"] * 2
    assert not await names(store) & {"a", "b"}
