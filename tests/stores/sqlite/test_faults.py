"""The SQLite store while its file or disk fails.

It refuses within a second, loses nothing, and goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

import mfa_gate.errors
from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.storage import EVERYTHING
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.stores.sqlite.connection import PooledConnection
from mfa_gate.testing.store_suite import ALICE, BOB, changed, enrolled

from ..faults import READS, WRITES, answers, changed_refused, nothing_lost, prepared, refused

pytestmark = pytest.mark.waits

ROOT = os.geteuid() == 0
SOURCE = str(Path(mfa_gate.errors.__file__).parents[1])
NAMES = ("mfa.db", "mfa.db-wal", "mfa.db-shm")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "away").mkdir()
    return tmp_path


@pytest.fixture
async def store(place: Path) -> AsyncIterator[SQLiteStore]:
    store = SQLiteStore(place / "mfa.db")
    await store.open()
    await prepared(store)
    yield store
    await store.aclose()


async def out_of_order(store: SQLiteStore) -> None:
    """Nothing answers."""
    await changed_refused(store)
    await refused(store, READS | WRITES)


def move(place: Path, *names: str, back: bool = False) -> None:
    for name in names:
        source, target = (place / "away" / name, place / name) if back else (place / name, place / "away" / name)
        if source.exists():
            source.rename(target)


@pytest.mark.parametrize("names", [NAMES[:1], NAMES], ids=["database", "database and log"])
async def test_moved_away_and_back(store: SQLiteStore, place: Path, names: tuple[str, ...]) -> None:
    """A store without its file refuses and makes no empty one.

    F-1. With the file back it goes on.
    """
    move(place, *names)
    await out_of_order(store)
    assert not (place / "mfa.db").exists()
    move(place, *names, back=True)
    await answers(store)
    await nothing_lost(store)


@pytest.mark.parametrize("together", [True, False], ids=["at once", "one by one"])
async def test_deleted_and_restored(store: SQLiteStore, place: Path, together: bool) -> None:
    """A copy of database and log in the place of the deleted ones is taken on.

    F-8. No restart is needed.
    """
    for name in NAMES[:2]:
        shutil.copy(place / name, place / "away" / name)
    for name in NAMES:
        (place / name).unlink()
        if not together:
            await refused(store, READS | WRITES)
    await out_of_order(store)
    for name in reversed(NAMES[:2]):
        shutil.copy(place / "away" / name, place / name)
    await answers(store)
    assert changed(store) in (EVERYTHING, frozenset())
    await nothing_lost(store)


async def test_copy_without_its_log(store: SQLiteStore, place: Path) -> None:
    """A fresh copy of the database alone is taken on if the log that stayed fits it."""
    shutil.copy(place / "mfa.db", place / "away" / "mfa.db")
    (place / "mfa.db").unlink()
    await out_of_order(store)
    shutil.copy(place / "away" / "mfa.db", place / "mfa.db")
    await answers(store)
    await nothing_lost(store)


async def test_old_copy_with_a_newer_log(store: SQLiteStore, place: Path) -> None:
    """An old copy beside a log that does not fit is refused, and neither is changed.

    S-123. Without the log the copy is used.
    """
    with contextlib.closing(sqlite3.connect(place / "mfa.db")) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        shutil.copy(place / "mfa.db", place / "away" / "old.db")
        for number in range(300):
            assert await store.swap(enrolled(SubjectKey("t", f"u{number}"), name="n" * 200))
        connection.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
    for number in range(50):
        assert await store.swap(enrolled(SubjectKey("t", f"u{number}"), version=1))
    (place / "mfa.db").unlink()
    old = (place / "away" / "old.db").read_bytes()
    (place / "mfa.db").write_bytes(old)
    await out_of_order(store)
    assert (place / "mfa.db").read_bytes() == old
    for name in NAMES[1:]:
        (place / name).unlink()
    await answers(store)
    await nothing_lost(store)


async def test_old_copy(store: SQLiteStore, place: Path) -> None:
    """An old copy in the place of the running store is refused until the operator chooses it.

    S-123, F-38.
    """
    await store.aclose()
    old = (place / "mfa.db").read_bytes()
    await store.open()
    assert await store.swap(enrolled(BOB))
    await store.aclose()
    new = (place / "mfa.db").read_bytes()
    await store.open()
    for name in NAMES:
        (place / name).unlink()
    (place / "mfa.db").write_bytes(old)
    await out_of_order(store)
    (place / "mfa.db").unlink()
    (place / "mfa.db").write_bytes(new)
    await answers(store)
    assert (await store.load(BOB)).version == 1
    (place / "mfa.db").unlink()
    (place / "mfa.db").write_bytes(old)
    await out_of_order(store)
    (place / "mfa.db.created").unlink()
    await out_of_order(store)
    await SQLiteStore(place / "mfa.db").accept()
    await answers(store)
    await nothing_lost(store)


@pytest.mark.parametrize("names", [NAMES[1:2], NAMES[2:], NAMES[1:]], ids=["log", "index", "both"])
async def test_log_removed(store: SQLiteStore, place: Path, names: tuple[str, ...]) -> None:
    """Committed changes survive the removal of the log or its index under the running store."""
    for name in names:
        (place / name).unlink()
    await answers(store)
    await nothing_lost(store)


def another_store(path: Path) -> None:
    other = path.with_name("other.db")

    async def make() -> None:
        store = SQLiteStore(other)
        await store.open()
        await store.swap(enrolled(BOB))
        await store.aclose()

    asyncio.run(make())
    other.rename(path)


def another_program(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE account (x)")


REPLACEMENTS: dict[str, Callable[[Path], object]] = {
    "another store": another_store,
    "another program's": another_program,
    "garbage": lambda path: path.write_bytes(b"\xde\xad" * 20_000),
    "empty": lambda path: path.touch(),
    "directory": lambda path: path.mkdir(),
    "text": lambda path: path.write_text("hello"),
}


@pytest.mark.parametrize("kind", REPLACEMENTS)
async def test_replaced(store: SQLiteStore, place: Path, kind: str) -> None:
    """Another file in the store's place is an outage.

    F-8. It is not a store in which nobody is enrolled.
    """
    move(place, *NAMES)
    await asyncio.to_thread(REPLACEMENTS[kind], place / "mfa.db")
    await out_of_order(store)
    if (place / "mfa.db").is_dir():
        (place / "mfa.db").rmdir()
    move(place, *NAMES, back=True)
    await answers(store)
    await nothing_lost(store)


async def test_asked_while_it_lets_go(store: SQLiteStore, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that lets go of a replaced file never says that nothing has changed.

    F-8. Another thread closes the connections meanwhile, which takes as long as the disk takes.
    """
    changed(store)
    closing, go_on = threading.Event(), threading.Event()
    drop = PooledConnection.drop

    def slow(slot: PooledConnection) -> None:
        was_open = slot.connection is not None
        drop(slot)
        if was_open and not closing.is_set() and all(other.connection is None for other in store._pool._all):
            closing.set()
            go_on.wait(5)

    monkeypatch.setattr(PooledConnection, "drop", slow)
    move(place, *NAMES)
    (place / "mfa.db").mkdir()
    reading = asyncio.create_task(store.load(ALICE))
    assert await asyncio.to_thread(closing.wait, 5)
    try:
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                changed(store)
    finally:
        go_on.set()
    with pytest.raises(StoreUnavailable):
        await reading


@pytest.mark.parametrize("reach", ["header", "all"])
async def test_corrupt(store: SQLiteStore, place: Path, reach: str) -> None:
    """A store whose bytes on the disk are damaged refuses.

    F-8. With the right bytes back it goes on.
    """
    await store.aclose()  # brings the log home, so that the database itself has it all
    await store.open()
    changed(store)
    good = (place / "mfa.db").read_bytes()
    with open(place / "mfa.db", "r+b") as file:
        file.write(b"\xa5" * (100 if reach == "header" else len(good)))
    await out_of_order(store)
    with open(place / "mfa.db", "r+b") as file:
        file.write(good)
    await answers(store)
    await nothing_lost(store)


async def test_a_fault_that_is_over_refuses_nobody(store: SQLiteStore, place: Path) -> None:
    """A look that failed is not told any more once the file has answered again.

    F-5. The look of a quarter of a second ago would refuse a request although the one before it was served.
    """
    await store.aclose()
    await store.open()
    changed(store)
    good = (place / "mfa.db").read_bytes()
    await asyncio.sleep(0.3)
    with open(place / "mfa.db", "r+b") as file:
        file.write(b"\xa5" * 100)
    with contextlib.suppress(StoreUnavailable):
        changed(store)  # begins a look, which fails
    await refused(store, {"load": READS["load"]})
    with open(place / "mfa.db", "r+b") as file:
        file.write(good)
    await answers(store)
    await store.load(BOB)
    await asyncio.sleep(0.3)
    changed(store)


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE account SET body = X'7B7D' WHERE id = 'alice'",
        "UPDATE account SET body = substr(body, 1, 40) WHERE id = 'alice'",
        "UPDATE account SET body = replace(body, 'used', 'us3d'), version = 1 WHERE id = 'alice'",
        "UPDATE account SET version = 2 WHERE id = 'alice'",
        "UPDATE account SET body = (SELECT body FROM account WHERE id = 'bob'),"
        " checksum = (SELECT checksum FROM account WHERE id = 'bob') WHERE id = 'alice'",
    ],
)
async def test_damaged_account(store: SQLiteStore, place: Path, damage: str) -> None:
    """An account that cannot be read whole is an outage, never an account without factors.

    F-19. Other accounts still answer.
    """
    assert await store.swap(enrolled(BOB))
    with contextlib.closing(sqlite3.connect(place / "mfa.db", isolation_level=None)) as connection:
        if "us3d" in damage:
            damage = "UPDATE account SET body = CAST(body || ' ' AS BLOB) WHERE id = 'alice'"
        assert connection.execute(damage).rowcount == 1
    await refused(store, {"load": READS["load"]})
    assert (await store.load(BOB)).version == 1


async def test_newer_release(store: SQLiteStore, place: Path) -> None:
    """The older process refuses after a newer release upgraded the file.

    F-20. It does not write past the upgrade.
    """
    with contextlib.closing(sqlite3.connect(place / "mfa.db", isolation_level=None)) as connection:
        (ours,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute("PRAGMA user_version = 99")
        await out_of_order(store)
        connection.execute(f"PRAGMA user_version = {ours}")
    await answers(store)
    await nothing_lost(store)


async def test_locked_by_another_process(store: SQLiteStore, place: Path) -> None:
    """Writes are refused in time while another process holds the write lock.

    F-7. Reads and notices answer.
    """
    held = "import sqlite3, sys\nc = sqlite3.connect(sys.argv[1])\nc.execute('BEGIN EXCLUSIVE')\nprint(1, flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", held, str(place / "mfa.db")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        holder.stdout.readline()
        await refused(store, dict(list(WRITES.items())[:3]))
        assert (await store.load(ALICE)).version == 1
        assert changed(store) == frozenset()
        together = await asyncio.gather(*(store.swap(enrolled(BOB)) for _ in range(50)), return_exceptions=True)
        assert len(together) == 50
        assert all(isinstance(outcome, StoreUnavailable) for outcome in together)
        holder.stdin.write("\n")
        holder.stdin.close()
    await answers(store)
    await nothing_lost(store)


async def test_read_only_file(store: SQLiteStore, place: Path) -> None:
    """F-2: a file that is not to be written is read, and every write refused, even for root."""
    (place / "mfa.db").chmod(0o400)
    await refused(store, WRITES)
    assert (await store.load(ALICE)).version == 1
    assert changed(store) == frozenset()
    (place / "mfa.db").chmod(0o600)
    await nothing_lost(store)


async def test_unreadable_file(store: SQLiteStore, place: Path) -> None:
    """F-1: a file that may not be read is an outage."""
    (place / "mfa.db").chmod(0)
    await out_of_order(store)
    (place / "mfa.db").chmod(0o600)
    await answers(store)
    await nothing_lost(store)


@contextlib.contextmanager
def small_disk(place: Path) -> Iterator[Path]:
    point = place / "disk"
    point.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(point)], check=False, capture_output=True
    )
    if made.returncode:
        pytest.skip("may not mount a small disk here")
    try:
        yield point
    finally:
        subprocess.run(["umount", "-l", str(point)], check=True)


async def swap_until_refused(store: SQLiteStore) -> int:
    for number in range(1000):
        try:
            assert await store.swap(enrolled(SubjectKey("t", f"u{number}"), name="x" * 3000))
        except StoreUnavailable:
            return number
    raise AssertionError("the disk never gets full")


@pytest.mark.skipif(not ROOT, reason="mounting needs root")
async def test_full_disk(place: Path) -> None:
    """Writes are refused on a full disk, and reads answer.

    F-2. All that was acknowledged is there. With room on the disk the store goes on.
    """
    with small_disk(place) as point:
        store = SQLiteStore(point / "mfa.db")
        await store.open()
        await prepared(store)
        (point / "filler").write_bytes(b"x" * (os.statvfs(point).f_bavail * os.statvfs(point).f_frsize))
        done = await swap_until_refused(store)
        await refused(store, {"swap": lambda store: store.swap(enrolled(SubjectKey("t", "new"), name="x" * 9000))})
        assert (await store.load(ALICE)).version == 1
        assert len(await store.keys()) == done + 1
        (point / "filler").unlink()
        await answers(store)
        await nothing_lost(store)
        await store.aclose()


@pytest.mark.skipif(not ROOT, reason="mounting needs root")
async def test_read_only_disk(place: Path) -> None:
    """The store does not start on a read-only disk, and makes nothing elsewhere.

    F-2. When the disk is writable again, all is there.
    """
    with small_disk(place) as point:
        store = SQLiteStore(point / "mfa.db")
        await store.open()
        await prepared(store)
        await store.aclose()
        subprocess.run(["mount", "-o", "remount,ro", str(point)], check=True)
        with pytest.raises(SettingsError, match="cannot be"):
            await store.open()
        subprocess.run(["mount", "-o", "remount,rw", str(point)], check=True)
        await store.open()
        await nothing_lost(store)
        await store.aclose()


LIMITED = """
import asyncio, resource, sys
from mfa_gate.errors import StoreUnavailable
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.testing.store_suite import enrolled, ALICE, event
from mfa_gate.core.model import SubjectKey

async def main():
    store = SQLiteStore(sys.argv[1])
    await store.open()
    assert await store.swap(enrolled(ALICE), [event(1)])
    resource.setrlimit(resource.RLIMIT_FSIZE, (900_000, resource.RLIM_INFINITY))
    done = 0
    try:
        while True:
            assert await store.swap(enrolled(SubjectKey("t", f"u{done:04}"), name="x" * 3000), [event(done)])
            done += 1
    except StoreUnavailable:
        pass
    assert 3 < done < 200, done
    assert (await store.load(ALICE)).version == 1
    together = await asyncio.gather(
        *(store.swap(enrolled(SubjectKey("t", f"u{done + n:04}"), name="x" * 3000), [event(done + n)]) for n in range(20)),
        return_exceptions=True,
    )
    assert len(together) == 20
    assert all(isinstance(outcome, StoreUnavailable) for outcome in together), together
    keys = await store.keys()
    assert len(keys) == done + 1, (len(keys), done)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert await store.swap(enrolled(SubjectKey("t", f"u{done:04}"), name="x" * 3000))
    assert len(await store.keys()) == done + 2
    await store.aclose()
    print("held")

asyncio.run(main())
"""


def run_script(script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )


def test_file_size_limit(place: Path) -> None:
    """Neighbours in one transaction are all refused if the log cannot grow.

    F-2. None of them is half there.
    """
    done = run_script(LIMITED, str(place / "mfa.db"))
    assert done.stdout == "held\n", done.stderr
