"""The store's file: the store that it is, and how far it had come when it was last seen."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.stores.sqlite import file as file_module
from mfa_gate.stores.sqlite.file import Identity, StoreFile, is_busy, last_change, name_of, outage, store_id_of
from mfa_gate.stores.sqlite.generation_file import ACCEPTED, Memory
from mfa_gate.stores.sqlite.schema import SCHEMA
from mfa_gate.stores.sqlite.timing import Timing
from mfa_gate.testing.store_suite import ALICE, enrolled

ID = "0" * 32


@pytest.fixture
async def file(tmp_path: Path) -> StoreFile:
    """A store in which one change was made, closed."""
    store = SQLiteStore(tmp_path / "mfa.db")
    await store.open()
    assert await store.swap(enrolled(ALICE))
    await store.aclose()
    made = StoreFile(tmp_path / "mfa.db", Timing(mark_every=5.0))
    with contextlib.closing(made.raw()) as connection:
        made.store_id = store_id_of(connection)
        assert last_change(connection) == 1
    assert made.generation_file.read() == Memory(made.store_id, 1)
    return made


@pytest.fixture
def connection(file: StoreFile) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(file.raw()) as made:
        yield made


def change(connection: sqlite3.Connection) -> None:
    connection.execute("INSERT INTO change (tenant, id) VALUES ('clinic', 'x')")


def test_faults_are_told_by_their_names() -> None:
    """SQLite's name where there is one, else that of the error; a fault that was told stays."""
    own = StoreUnavailable("ours")
    assert outage(own) is own
    with contextlib.closing(sqlite3.connect(":memory:")) as connection, pytest.raises(sqlite3.Error) as caught:
        connection.execute("SELECT * FROM nowhere")
    assert name_of(caught.value) == "SQLITE_ERROR"
    assert str(outage(caught.value)) == "the SQLite store refuses (SQLITE_ERROR): no such table: nowhere"
    assert (name_of(sqlite3.Error("x")), name_of(OSError("x"))) == ("", "")
    assert str(outage(OSError(28, "no room"))) == "the SQLite store refuses (OSError): [Errno 28] no room"


@pytest.mark.parametrize(
    ("name", "is_held"),
    [
        ("SQLITE_BUSY", True),
        ("SQLITE_BUSY_SNAPSHOT", True),
        ("SQLITE_LOCKED", True),
        ("SQLITE_FULL", False),
        ("", False),
    ],
)
def test_a_lock_that_somebody_holds(name: str, is_held: bool) -> None:
    """Only a lock is worth asking again."""
    error = sqlite3.OperationalError("x")
    if name:
        error.sqlite_errorname = name
    assert is_busy(error) is is_held


def test_the_files_that_are_open(file: StoreFile) -> None:
    """Each by device and inode; a log that is not there is none."""
    found = os.stat(file.path)
    assert file.identity() == Identity((found.st_dev, found.st_ino), None, None)
    Path(file.log).touch()
    Path(file.index).touch()
    log, index = os.stat(file.log), os.stat(file.index)
    assert file.identity() == Identity(
        (found.st_dev, found.st_ino), (log.st_dev, log.st_ino), (index.st_dev, index.st_ino)
    )


def lose(file: StoreFile) -> None:
    os.unlink(file.path)


def lead_elsewhere(file: StoreFile) -> None:
    file.given = file.path + ".created"


def lead_nowhere(file: StoreFile) -> None:
    file.given = file.path + ".nowhere"


def hide(file: StoreFile) -> None:
    os.chmod(file.path, 0o200)


def hide_log(file: StoreFile) -> None:
    file.log = file.path + "/log"


GONE: dict[str, tuple[Callable[[StoreFile], None], str]] = {
    "lost": (lose, "mfa.db cannot be reached: No such file or directory"),
    "another file": (lead_elsewhere, "mfa.db.created leads to another file than at the start ("),
    "a link that is gone": (lead_nowhere, "mfa.db.nowhere cannot be reached: No such file"),
    "unreadable": (hide, "may not be read: as its owner, run chmod 600 "),
    "a log that cannot be looked at": (hide_log, "mfa.db/log cannot be reached: Not a directory"),
}


@pytest.mark.parametrize("name", GONE)
def test_files_that_are_not_there(file: StoreFile, name: str) -> None:
    """Each is an outage that says what to do."""
    make, words = GONE[name]
    make(file)
    with pytest.raises(StoreUnavailable) as caught:
        file.identity()
    assert words in str(caught.value)


def test_a_file_that_may_not_be_written(file: StoreFile) -> None:
    """Its mode counts for root as well."""
    file.require_writable()
    os.chmod(file.path, 0o400)
    file.identity()
    with pytest.raises(StoreUnavailable, match=f"is read-only: as its owner, run chmod 600 {file.path}"):
        file.require_writable()


OTHERS = {
    "PRAGMA application_id = 7": "was replaced by a file that is not a store of mfa_gate",
    f"PRAGMA user_version = {SCHEMA + 1}": f"has schema {SCHEMA + 1}, this process knows {SCHEMA}: restart it",
    f"PRAGMA user_version = {SCHEMA - 1}": f"has schema {SCHEMA - 1}, this process knows {SCHEMA}: restart it",
    "UPDATE about SET value = 'x'": "was replaced by another store",
    "DELETE FROM about": "was replaced by another store",
}


@pytest.mark.parametrize("statement", OTHERS)
def test_another_store(file: StoreFile, connection: sqlite3.Connection, statement: str) -> None:
    """A connection is to this store or to none."""
    file.connect(patience=0).close()
    connection.execute(statement)
    with pytest.raises(StoreUnavailable, match=OTHERS[statement]):
        file.connect(patience=0)
    with pytest.raises(StoreUnavailable, match=OTHERS[statement]):
        file.require_sound()


def test_a_connection_waits_as_long_as_it_is_told(file: StoreFile) -> None:
    """The settings of the store are set on each, and nothing is made."""
    with contextlib.closing(file.raw(patience=0.25)) as made:
        asked = ("busy_timeout", "synchronous", "secure_delete", "trusted_schema", "temp_store", "cache_size")
        assert [made.execute(f"PRAGMA {name}").fetchone()[0] for name in asked] == [250, 2, 1, 0, 2, -16384]
        assert made.isolation_level is None
    with contextlib.closing(file.raw(mode="ro")) as made, pytest.raises(sqlite3.OperationalError, match="readonly"):
        made.execute("DELETE FROM change")
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        StoreFile(file.path + ".other").raw()
    assert not os.path.exists(file.path + ".other")


async def test_compacting_tells_what_was_gained(file: StoreFile, connection: sqlite3.Connection) -> None:
    """The file becomes smaller by what is told; where the disk refuses it is an outage."""
    connection.execute("CREATE TABLE filler AS SELECT randomblob(200000) AS x")
    connection.execute("DROP TABLE filler")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    before = os.path.getsize(file.path)
    gained = file.compact()
    assert gained == before - os.path.getsize(file.path) >= 190_000
    assert os.path.getsize(file.log) == 0
    lose(file)
    with pytest.raises(StoreUnavailable, match=r"the SQLite store refuses \(FileNotFoundError\)"):
        file.compact()


def test_an_accepted_copy_is_put_in_place(file: StoreFile, connection: sqlite3.Connection) -> None:
    """The operator's word is heeded once: the time is written down.

    The copy is remembered.
    """
    file.accept_next()
    assert file.generation_file.read() == Memory(ACCEPTED, 0)
    file.require_sound()
    ((at,),) = connection.execute("SELECT value FROM meta WHERE name = 'restored'").fetchall()
    assert int(at) > 1_700_000_000
    assert connection.execute("SELECT tenant, id FROM change ORDER BY seq DESC").fetchone() == (None, None)
    assert file.generation_file.read() == Memory(file.store_id, 2)
    file.require_sound()
    assert last_change(connection) == 2
    connection.execute("UPDATE meta SET value = '99999999999' WHERE name = 'restored'")
    file.accept_now(connection)
    assert connection.execute("SELECT value FROM meta WHERE name = 'restored'").fetchall() == [("99999999999",)]


def test_nothing_to_accept(file: StoreFile, tmp_path: Path) -> None:
    """A file that is missing cannot be accepted, nor one beside which nothing can be written."""
    lose(file)
    with pytest.raises(SettingsError, match=f"is missing: put a copy in place first, or delete {file.path}.created"):
        file.accept_next()
    Path(file.path).touch()
    os.unlink(file.generation_file.path)
    os.mkdir(file.generation_file.path)
    with pytest.raises(SettingsError, match=r"\.created cannot be written: "):
        file.accept_next()


@pytest.mark.parametrize(
    ("memory", "answer"),
    [
        (Memory("{id}", 1), Memory("{id}", 1)),
        (Memory("{id}", 0), Memory("{id}", 0)),
        (Memory("{id}", 2), "is an old copy of the store (change 1; 2 was here)"),
        (Memory(ID, 9), Memory(ID, 9)),
        (None, "is missing beside a store that is in use: "),
    ],
)
def test_comparing(
    file: StoreFile, connection: sqlite3.Connection, memory: Memory | None, answer: Memory | str
) -> None:
    """An old copy is refused, and a store in use without its marker (S-123).

    Another store's marker is returned.
    """
    if memory is None:
        os.unlink(file.generation_file.path)
    else:
        memory = memory._replace(store_id=memory.store_id.replace("{id}", file.store_id))
        file.generation_file.write(memory)
    if isinstance(answer, Memory):
        assert file.compare(connection) == memory
        return
    with pytest.raises(StoreUnavailable) as caught:
        file.compare(connection)
    assert answer in str(caught.value)
    assert "mfa-gate store accept" in str(caught.value)


def test_a_marker_that_another_process_writes_meanwhile(file: StoreFile, connection: sqlite3.Connection) -> None:
    """The first change of all is remembered before it is told; a look in between reads again."""
    answers: list[Memory | None] = [None, Memory(file.store_id, 1)]
    file.generation_file = SimpleNamespace(read=lambda: answers.pop(0), path="x")  # type: ignore[assignment]
    assert file.compare(connection) == Memory(file.store_id, 1)
    assert answers == []


def test_a_store_in_which_nothing_was_done(file: StoreFile, connection: sqlite3.Connection) -> None:
    """It needs no marker yet."""
    connection.execute("DELETE FROM change")
    os.unlink(file.generation_file.path)
    assert file.compare(connection) is None


class Clock:
    """The steady clock of the file."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(file_module, "time", SimpleNamespace(monotonic=lambda: self.now))


def remembered(file: StoreFile) -> int:
    memory = file.generation_file.read()
    assert memory is not None
    return memory.newest


def test_remembering_has_its_time(
    file: StoreFile, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Now and then, and at once where it must never be lost unseen."""
    clock = Clock(monkeypatch)
    for now, after, newest in (
        (0.0, 10.0, 2),
        (9.9, 10.0, 2),
        (10.0, 10.0, 4),
        (10.1, 0.0, 5),
        (15.0, 10.0, 5),
        (15.1, 10.0, 7),
    ):
        clock.now = 1_000.0 + now
        change(connection)
        file.remember(connection, after=after)
        assert remembered(file) == newest, now


def test_a_marker_is_written_where_it_is_behind(
    file: StoreFile, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That of another store, or of a later change, is left as it is."""
    Clock(monkeypatch)
    change(connection)
    written = list[Memory]()
    write = file.generation_file.write
    monkeypatch.setattr(file.generation_file, "write", lambda memory, like: written.append(memory))
    for memory, is_written in (
        (Memory(file.store_id, 1), True),
        (Memory(file.store_id, 2), False),
        (Memory(file.store_id, 3), False),
        (Memory(ID, 1), False),
        (Memory(ACCEPTED, 0), True),
        (None, True),
    ):
        written.clear()
        if memory is None:
            os.unlink(file.generation_file.path)
        else:
            write(memory)
        file.remember(connection)
        assert written == ([Memory(file.store_id, 2)] if is_written else []), memory


def test_the_marker_is_not_read_where_nothing_was_done(
    file: StoreFile, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A store at rest costs no look at the disk, unless it must be sure."""
    clock, reads = Clock(monkeypatch), list[int]()
    read = file.generation_file.read

    def counted() -> Memory | None:
        reads.append(1)
        return read()

    monkeypatch.setattr(file.generation_file, "read", counted)
    for count, after in ((1, 10.0), (1, 10.0), (2, 0.0), (2, 10.0)):
        file.remember(connection, after=after)
        assert len(reads) == count
        clock.now += 100.0
    change(connection)
    file.remember(connection, after=10.0)
    assert len(reads) == 3


def test_a_disk_that_refuses_the_marker(
    file: StoreFile, connection: sqlite3.Connection, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The log says so once for each fault, and again if it comes back."""
    Clock(monkeypatch)
    read, fault = file.generation_file.read, list[OSError]()

    def broken() -> Any:
        if fault:
            raise fault[0]
        return read()

    monkeypatch.setattr(file.generation_file, "read", broken)
    for trouble, count in (("full", 1), ("full", 1), ("sick", 2), ("", 2), ("sick", 3)):
        fault[:] = [OSError(trouble)] if trouble else []
        change(connection)
        file.remember(connection)
        assert len(caplog.records) == count
    assert {record.levelno for record in caplog.records} == {logging.ERROR}
    assert ".created cannot be kept: an older copy of the store would not be noticed: full" in caplog.text


@pytest.mark.parametrize(("before", "is_grave", "is_kept"), [(0, False, True), (1, False, False), (1, True, True)])
def test_a_commit_that_must_not_be_lost_unseen(
    file: StoreFile, connection: sqlite3.Connection, before: int, is_grave: bool, is_kept: bool
) -> None:
    """The first change of all, and each grave one, is remembered before it is told (S-123)."""
    file._remembered = before
    change(connection)
    file.guard(connection, is_grave=is_grave)
    assert remembered(file) == (2 if is_kept else 1)


def test_a_file_without_an_id(connection: sqlite3.Connection) -> None:
    """It is no store's."""
    connection.execute("DELETE FROM about")
    connection.execute("DELETE FROM change")
    assert (store_id_of(connection), last_change(connection)) == ("", 0)
