"""The first start on a SQLite file: its result, and the files that stop a start."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.errors import SettingsError, StoreMissing, StoreUnavailable
from mfa_gate.stores import store_from_url
from mfa_gate.stores.common import network_fs
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.stores.sqlite import SQLiteStore, first_open, schema
from mfa_gate.stores.sqlite.file import StoreFile
from mfa_gate.testing.store_suite import ALICE, enrolled


async def made(path: Path) -> None:
    store = SQLiteStore(path)
    await store.open()
    await store.swap(enrolled(ALICE))
    await store.aclose()


async def refusal(path: Path) -> str:
    store = SQLiteStore(path)
    with pytest.raises(SettingsError) as caught:
        await store.open()
    await store.aclose()
    return str(caught.value)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "mfa.db"


def sql(path: Path, *statements: str) -> None:
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


async def test_missing_with_marker(path: Path) -> None:
    """A store that was there once is never made anew in silence.

    F-8. That would unenroll everybody.
    """
    await made(path)
    path.unlink()
    message = await refusal(path)
    assert "is missing" in message
    assert f"delete {path}.created" in message
    assert not path.exists()
    path.with_name("mfa.db.created").unlink()
    await made(path)


async def test_another_store_in_its_place(path: Path) -> None:
    """A store that was made elsewhere is refused unless the operator accepts it.

    F-8. It is not taken for this one.
    """
    await made(path)
    await made(path.with_name("other.db"))
    shutil.move(path.with_name("other.db"), path)
    assert "not the store that was created here" in await refusal(path)
    await SQLiteStore(path).accept()
    await made_again(path)


async def made_again(path: Path) -> None:
    store = SQLiteStore(path)
    await store.open()
    assert (await store.load(ALICE)).version == 1
    await store.aclose()


async def test_marker_comes_back(path: Path) -> None:
    """A store whose first start was killed before its marker is taken on and marked.

    The next start does it.
    """
    store = SQLiteStore(path)
    await store.open()
    await store.aclose()
    path.with_name("mfa.db.created").unlink()
    await made(path)
    assert re.fullmatch("[0-9a-f]{32}\n1\n", path.with_name("mfa.db.created").read_text())


async def test_no_marker_beside_a_store_in_use(path: Path) -> None:
    """A store in use without its marker is refused.

    It may be a copy, or a store that was moved without its marker. It is not taken for an accepted one.
    """
    await made(path)
    path.with_name("mfa.db.created").unlink()
    before = path.read_bytes()
    assert "mfa.db.created is missing beside a store that is in use" in await refusal(path)
    assert path.read_bytes() == before
    assert not path.with_name("mfa.db.created").exists()
    await SQLiteStore(path).accept()
    await made_again(path)


@pytest.mark.parametrize("text", ["", "\n", "half", "{id}\n", "{id}\n-1\n", "{id}\nmany\n", "{id}\n\u0665\n"])
async def test_damaged_marker(path: Path, text: str) -> None:
    """A marker that cannot be read whole guards nothing, so it stops the start."""
    await made(path)
    marker = path.with_name("mfa.db.created")
    marker.write_text(text.replace("{id}", marker.read_text().split()[0]))
    assert "it is damaged" in await refusal(path)


@pytest.mark.parametrize("name", ["link.db", "sub/../mfa.db", "sub/up/mfa.db", "sub/link.db"])
async def test_other_names_are_the_same_store(path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A store has one marker and one log, whatever name leads to its file.

    Opening it by another name changes nothing.
    """
    await made(path)
    folder = path.parent
    (folder / "sub").mkdir()
    (folder / "link.db").symlink_to("mfa.db")
    (folder / "sub" / "up").symlink_to("..")
    (folder / "sub" / "link.db").symlink_to("../link.db")
    monkeypatch.chdir(folder)
    before = await bare(path)
    for given in (name, folder / name):
        store = SQLiteStore(given)
        await store.open()
        assert (await store.load(ALICE)).restored_at == 0
        await store.aclose()
    assert await bare(path) == before
    assert [item.name for item in folder.rglob("*.created")] == ["mfa.db.created"]


async def bare(path: Path) -> tuple[object, ...]:
    store = SQLiteStore(path)
    await store.open()
    account, events = await store.load(ALICE), await store.events("")
    await store.aclose()
    return account, events


async def test_link_that_leads_elsewhere_meanwhile(path: Path) -> None:
    """A link that is set to another file while the store is open is refused.

    It is no way to two stores in use at once.
    """
    await made(path)
    await made(path.with_name("other.db"))
    link = path.with_name("link.db")
    link.symlink_to("mfa.db")
    store = SQLiteStore(link)
    await store.open()
    link.unlink()
    link.symlink_to("other.db")
    with pytest.raises(StoreUnavailable, match="leads to another file"):
        await store.load(ALICE)
    await store.aclose()


async def test_second_name(path: Path) -> None:
    """A second name by a hard link is refused.

    The second name would have a log of its own. Two users of the two names would destroy the file.
    """
    await made(path)
    os.link(path, path.with_name("second.db"))
    assert "second name" in await refusal(path)
    path.with_name("second.db").unlink()
    await made_again(path)


async def test_old_copy(path: Path) -> None:
    """The store does not start on yesterday's copy.

    S-123, F-38. The copy would revive spent codes and undo locks. The operator may choose it.
    """
    await made(path)
    old = path.read_bytes()
    store = SQLiteStore(path)
    await store.open()
    assert await store.swap(enrolled(ALICE, version=1))
    await store.aclose()
    path.write_bytes(old)
    message = await refusal(path)
    assert "old copy of the store (change 1; 2 was here)" in message
    await SQLiteStore(path).accept()
    await made_again(path)


def foreign(path: Path) -> None:
    sql(path, "CREATE TABLE account (id)")


def newer(path: Path) -> None:
    asyncio.run(made(path))
    sql(path, "PRAGMA user_version = 99")


def torn(path: Path) -> None:
    asyncio.run(made(path))
    good = path.read_bytes()
    path.write_bytes(good[: len(good) // 2])


def damaged(path: Path) -> None:
    asyncio.run(made(path))
    with open(path, "r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * 8192)


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "another program's": (foreign, "another program's SQLite file: give the store a file of its own"),
    "newer": (newer, f"has schema 99, this release knows {schema.SCHEMA}: install the release that wrote it"),
    "no SQLite": (lambda path: path.write_bytes(b"hello" * 1000), "no SQLite file, or a damaged one"),
    "torn": (torn, "damaged"),
    "damaged": (damaged, "damaged"),
    "empty": (lambda path: path.touch(), "is empty: restore it from a copy, or delete it"),
    "directory": (lambda path: path.mkdir(), "not a regular file"),
    "dangling link": (lambda path: path.symlink_to("nowhere"), "cannot be used"),
}


@pytest.mark.parametrize("kind", REFUSED)
async def test_refused(path: Path, kind: str) -> None:
    """A file that is no sound store of ours stops the start, and the error says the fix.

    F-8, F-20. The file is left as it is.
    """
    make, message = REFUSED[kind]
    await asyncio.to_thread(make, path)
    before = path.read_bytes() if path.is_file() else b""
    assert message in await refusal(path)
    assert (path.read_bytes() if path.is_file() else b"") == before


async def test_no_directory(tmp_path: Path) -> None:
    """A path without a directory is named with the command's worth of fix."""
    assert f"make {tmp_path / 'no'}" in await refusal(tmp_path / "no" / "mfa.db")


@pytest.mark.skipif(os.geteuid() != 0, reason="giving a file away needs root")
async def test_wrong_owner(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """F-8: another user's file is refused; only root may work on it in its owner's place."""
    await made(path)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "belongs to user 0, this process runs as 1000" in await refusal(path)


async def test_open_modes_are_closed(path: Path) -> None:
    """S-116: a file that others could read is made private at the start."""
    await made(path)
    path.chmod(0o644)
    await made_again(path)
    assert path.stat().st_mode & 0o777 == 0o600


async def test_network_file_system(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-116: on a network file system the start is refused and nothing is made."""
    monkeypatch.setattr(first_open, "network_type_of", lambda _: "nfs4")
    assert "network file system (nfs4)" in await refusal(path)
    assert list(path.parent.iterdir()) == []


async def test_old_sqlite(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-116: a SQLite older than 3.35 is refused."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 34, 1))
    assert "3.35" in await refusal(path)


async def test_upgrade(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An older file is brought up to date in one whole step, and keeps its contents.

    F-20.
    """
    await made(path)
    monkeypatch.setitem(schema.STEPS, schema.SCHEMA, ("CREATE TABLE more (x)", "INSERT INTO more VALUES (5)"))
    for module in (schema, first_open, __import__("mfa_gate.stores.sqlite.file", fromlist=["x"])):
        monkeypatch.setattr(module, "SCHEMA", len(schema.STEPS))
    monkeypatch.setattr(__import__("mfa_gate.stores.sqlite.worker_thread", fromlist=["x"]), "SCHEMA", len(schema.STEPS))
    await asyncio.gather(*(made_again(path) for _ in range(4)))
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT x FROM more").fetchall() == [(5,)]
        assert connection.execute("PRAGMA user_version").fetchone() == (len(schema.STEPS),)


async def test_first_starts_at_once(path: Path) -> None:
    """Many workers that start for the first time at once end up on one store.

    They leave no other files behind.
    """
    stores = [SQLiteStore(path) for _ in range(12)]
    await asyncio.gather(*(store.open() for store in stores))
    won = await asyncio.gather(*(store.swap(enrolled(ALICE)) for store in stores))
    assert sum(won) == 1
    await asyncio.gather(*(store.aclose() for store in stores))
    # SQLite may leave its log if the last two connections close at the same moment. The next opening takes it up.
    last = SQLiteStore(path)
    await last.open()
    await last.aclose()
    assert sorted(item.name for item in path.parent.iterdir()) == ["mfa.db", "mfa.db.created"]


async def test_killed_while_creating(path: Path) -> None:
    """F-10: a first start that is killed at any point leaves nothing that stops the next one."""
    for name in ("mfa.db.0123.new", "mfa.db.created.0123"):
        path.with_name(name).write_bytes(b"half")
    await made(path)
    await made_again(path)
    os.link(path, path.with_name("mfa.db.0456.new"))  # killed between the name and the clearing up
    await made_again(path)
    assert path.stat().st_nlink == 1


MOUNTS = """\
22 1 8:1 / / rw,relatime - ext4 /dev/sda1 rw
30 22 0:40 / /srv rw - nfs4 server:/export rw
31 30 8:2 / /srv/local rw - xfs /dev/sdb rw
32 22 0:41 / /mnt/my\\040share rw - cifs //server/share rw
33 22 0:42 / /home/a/remote rw - fuse.sshfs a@b: rw
34 22 0:43 / /mnt/c rw - 9p C:\\\\134 rw
35 22 0:44 / /data rw - fuse.mergerfs a:b rw
36 22 0:45 / /over rw - nfs server:/x rw
37 22 0:46 / /over rw - tmpfs tmpfs rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/mfa.db", ""),
        ("/srv/mfa.db", "nfs4"),
        ("/srv", "nfs4"),
        ("/srvx/mfa.db", ""),
        ("/srv/local/mfa.db", ""),
        ("/mnt/my share/mfa.db", "cifs"),
        ("/home/a/remote/x/mfa.db", "fuse.sshfs"),
        ("/home/a/mfa.db", ""),
        ("/mnt/c/mfa.db", "9p"),
        ("/data/mfa.db", ""),
        ("/over/mfa.db", ""),
    ],
)
def test_mounts(path: str, kind: str) -> None:
    """The innermost and latest mount of a path tells if it is a network file system.

    S-116.
    """
    assert network_fs.network_type(path, MOUNTS) == kind


def test_sandbox_root() -> None:
    """A sandbox whose own root disk is 9p is local; a 9p share inside of it is not."""
    text = "1 0 0:1 / / rw - 9p none rw\n2 1 0:2 / /share rw - 9p host rw\n"
    assert network_fs.network_type("/var/mfa.db", text) == ""
    assert network_fs.network_type("/share/mfa.db", text) == "9p"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mfa.db", "no URL"),
        ("", "no URL"),
        ("mysql://u:secret@h/db", "no known kind"),
        ("sqlite://mfa.db", "three slashes"),
        ("sqlite:///", "names no file"),
        ("sqlite:///:memory:", "memory://"),
        ("sqlite:///x.db?mode=ro", "takes no options"),
        ("memory://x", "takes nothing"),
    ],
)
def test_wrong_urls(url: str, message: str) -> None:
    """A URL that names no store stops the start, says what to write, and tells no password."""
    with pytest.raises(SettingsError, match=re.escape(message)) as caught:
        store_from_url(url)
    assert "secret" not in str(caught.value)


async def test_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three slashes are relative to the working directory, and four are absolute.

    No store is imported before it is named.
    """
    monkeypatch.chdir(tmp_path)
    assert isinstance(store_from_url("memory://"), MemoryStore)
    for url, path in (("sqlite:///a.db", "a.db"), (f"sqlite:///{tmp_path}/b c%20.db", "b c%20.db")):
        store = store_from_url(url)
        await store.open()
        await store.aclose()
        assert (tmp_path / path).stat().st_size > 0


def test_lazy_imports() -> None:
    """Choosing the memory store loads neither sqlite3 nor redis."""
    code = (
        "import sys; from mfa_gate.stores import store_from_url; store_from_url('memory://');"
        "print(sorted({'sqlite3', 'redis'} & set(sys.modules)))"
    )
    source = str(Path(first_open.__file__).parents[3])
    environment = {**os.environ, "PYTHONPATH": source}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "[]\n"


async def test_another_worker_makes_the_store_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that saw no file, and then a faster one's mark, takes its store."""
    await made(path)
    real, looks = os.path.lexists, list[str]()

    def lexists(place: str) -> bool:
        looks.append(place)
        return real(place) and (place != str(path) or looks.count(place) > 1)

    monkeypatch.setattr(os.path, "lexists", lexists)
    await made_again(path)
    assert looks.count(str(path)) > 1


async def test_no_store_is_made(path: Path) -> None:
    """An ``open`` that may make no store leaves no file.

    F-8. A store that was lost is still reported as lost.
    """
    for place in (path, path.parent / "no" / "folder.db"):
        with pytest.raises(StoreMissing, match="there is no store there yet"):
            await SQLiteStore(place).open(make=False)
    assert list(path.parent.iterdir()) == []
    await made(path)
    path.unlink()
    with pytest.raises(SettingsError, match="was created here once"):
        await SQLiteStore(path).open(make=False)
    assert not path.exists()


@pytest.mark.parametrize(
    ("file", "folder", "is_shared"),
    [
        (0o660, 0o770, True),
        (0o660, 0o2770, True),
        (0o660, 0o2775, True),
        (0o660, 0o2777, False),
        (0o660, 0o2772, False),
        (0o660, 0o775, False),
        (0o660, 0o771, False),
        (0o660, 0o774, False),
        (0o640, 0o770, False),
        (0o620, 0o770, False),
        (0o600, 0o2770, False),
    ],
)
def test_a_file_that_a_group_shares(file: int, folder: int, is_shared: bool) -> None:
    """The group reads and writes it.

    Nobody else can put another file in its place (S-116).
    """
    modes: list[Any] = [SimpleNamespace(st_mode=mode) for mode in (file, folder)]
    assert first_open.is_shared_with_group(*modes) is is_shared


@pytest.mark.parametrize(
    ("user", "group", "groups", "shared", "may"),
    [
        (0, 5, [], False, True),
        (1000, 5, [], False, True),
        (2000, 5, [], False, False),
        (2000, 70, [], True, True),
        (2000, 5, [70], True, True),
        (2000, 5, [71], True, False),
        (2000, 70, [70], False, False),
    ],
)
async def test_users_that_may_open_it(
    path: Path, monkeypatch: pytest.MonkeyPatch, user: int, group: int, groups: list[int], shared: bool, may: bool
) -> None:
    """Root, the owner, and a group that shares it (S-116)."""
    await made(path)
    real = os.stat

    def stat(name: Any, **more: Any) -> Any:
        found = real(name, **more)
        if str(name) != str(path):
            return found
        modes = {"st_mode": 0o100660 if shared else 0o100600, "st_uid": 1000, "st_gid": 70}
        kept = {part: getattr(found, part) for part in ("st_size", "st_nlink", "st_dev", "st_ino")}
        return SimpleNamespace(**kept, **modes)

    path.parent.chmod(0o2770)
    for name, answer in (("geteuid", user), ("getegid", group), ("getgroups", groups)):
        monkeypatch.setattr(os, name, lambda answer=answer: answer)
    monkeypatch.setattr(os, "stat", stat)
    file = StoreFile(path)
    if may:
        first_open._require_own(file)
        return
    with pytest.raises(SettingsError, match=f"belongs to user 1000, this process runs as {user}: run as its owner"):
        first_open._require_own(file)


@pytest.mark.parametrize(
    ("folder", "before", "after"),
    [(0o700, 0o644, 0o600), (0o700, 0o600, 0o600), (0o700, 0o400, 0o400), (0o770, 0o664, 0o660), (0o770, 0o660, 0o660)],
)
async def test_log_and_index_are_closed_as_the_file(path: Path, folder: int, before: int, after: int) -> None:
    """S-116: each loses the rights that it should not have, and none is given."""
    await made(path)
    path.parent.chmod(folder)
    names = [path, path.with_name("mfa.db-wal"), path.with_name("mfa.db-shm")]
    for name in names:
        name.touch()
        name.chmod(before)
    first_open._require_own(StoreFile(path))
    assert [name.stat().st_mode & 0o777 for name in names] == [after] * 3


async def test_a_second_name_that_is_no_first_start(path: Path) -> None:
    """Only the leftovers of a first start are removed, and only those of this very file."""
    await made(path)
    other = path.with_name("mfa.db.0789.new")
    other.write_text("another file")
    os.link(path, path.with_name("mfa.db.0456.new"))
    os.link(path, path.with_name("other.db.0456.new"))
    with pytest.raises(SettingsError, match="a second name"):
        first_open._require_one_name(StoreFile(path), path.stat())
    assert sorted(item.name for item in path.parent.iterdir() if item.suffix == ".new") == [
        "mfa.db.0789.new",
        "other.db.0456.new",
    ]


@pytest.mark.parametrize("code", sorted(first_open._NO_LINKS))
@pytest.mark.parametrize("is_there", [False, True])
def test_a_volume_without_hard_links(path: Path, monkeypatch: pytest.MonkeyPatch, code: int, is_there: bool) -> None:
    """The name is given under a lock, unless another worker was faster."""
    fresh = path.with_name("fresh")
    fresh.write_text("fresh")
    if is_there:
        path.write_text("faster")

    def link(*_: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", link)
    first_open._give_name(str(fresh), str(path))
    assert path.read_text() == ("faster" if is_there else "fresh")
    assert fresh.exists() is is_there


def test_a_name_that_is_taken_or_cannot_be_given(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another worker's file stays; any other fault of the disk stops the start."""
    fresh = path.with_name("fresh")
    fresh.write_text("fresh")
    path.write_text("faster")
    first_open._give_name(str(fresh), str(path))
    assert path.read_text() == "faster"

    def link(*_: object) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(OSError, match="Input/output error"):
        first_open._give_name(str(fresh), str(path))


def failed(name: str) -> sqlite3.Error:
    error = sqlite3.OperationalError("words")
    error.sqlite_errorname = name
    return error


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("SQLITE_BUSY_RECOVERY", StoreUnavailable, "is locked by another process"),
        ("SQLITE_READONLY_DIRECTORY", SettingsError, "cannot be opened for writing (words): give this process's user"),
        ("SQLITE_CANTOPEN", SettingsError, "cannot be opened for writing"),
        ("SQLITE_PERM", SettingsError, "cannot be opened for writing"),
        ("SQLITE_IOERR_WRITE", SettingsError, "cannot be opened for writing"),
        ("SQLITE_FULL", SettingsError, "cannot be opened for writing"),
        ("SQLITE_NOTADB", SettingsError, "is no SQLite file, or a damaged one (words): restore it from a copy"),
        ("SQLITE_CORRUPT", SettingsError, "is no SQLite file, or a damaged one"),
    ],
)
def test_faults_of_the_first_look(path: Path, name: str, kind: type[Exception], words: str) -> None:
    """A lock is an outage; a disk that takes no writes, and a damaged file, are told apart."""
    refused = first_open._refusal(StoreFile(path), failed(name))
    assert type(refused) is kind
    assert words in str(refused)


class Answers:
    """A connection that answers, or fails, as it is told."""

    def __init__(self, answer: object) -> None:
        self.answer = answer
        self.asked: list[str] = []

    def execute(self, statement: str) -> Any:
        """Answer."""
        self.asked.append(statement)
        if isinstance(self.answer, Exception):
            raise self.answer
        return SimpleNamespace(fetchone=lambda: (self.answer,))


def test_a_file_that_somebody_writes_can_be_written(path: Path) -> None:
    """Any other fault of the try is the file's; nothing is left open by it."""
    busy: Any = Answers(failed("SQLITE_BUSY"))
    first_open._try_writing(busy)
    free: Any = Answers(0)
    first_open._try_writing(free)
    assert free.asked == ["BEGIN IMMEDIATE", "ROLLBACK"]
    closed: Any = Answers(failed("SQLITE_READONLY"))
    with pytest.raises(sqlite3.Error):
        first_open._try_writing(closed)


async def test_a_disk_without_a_write_ahead_log(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQLite falls back to another journal there.

    Which several processes cannot share (S-116).
    """
    await made(path)

    class Falling(sqlite3.Connection):
        """A connection on such a disk."""

        def execute(self, statement: str, *more: Any) -> Any:
            return super().execute(statement.replace("journal_mode = WAL", "journal_mode = DELETE"), *more)

    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *given, **more: connect(*given, factory=Falling, **more))
    assert "cannot keep a write-ahead log (delete): use a local disk" in await refusal(path)


async def test_a_large_file_is_not_read_through(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to a size the start reads it whole.

    A damaged row of a larger one is found where it is read.
    """
    await made(path)
    looked = list[int]()
    monkeypatch.setattr(first_open, "_require_sound", lambda *_: looked.append(1))
    size = path.stat().st_size
    for limit, count in ((size, 1), (size - 1, 1), (size + 1, 2)):
        monkeypatch.setattr(first_open, "_CHECKED_WHOLE", limit)
        await made_again(path)
        assert len(looked) == count


async def test_a_store_that_cannot_be_made(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason is told, and nothing is left behind."""

    def upgrade(connection: sqlite3.Connection) -> None:
        connection.execute("SELECT nonsense")

    monkeypatch.setattr(first_open, "upgrade", upgrade)
    assert "mfa.db cannot be created: no such column: nonsense" in await refusal(path)
    assert list(path.parent.iterdir()) == []


async def test_a_marker_that_cannot_be_written(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store whose loss nobody would notice does not start."""
    await made(path)
    path.with_name("mfa.db.created").unlink()
    sql(path, "DELETE FROM change")
    monkeypatch.setattr(StoreFile, "remember", lambda *_: None)
    assert "mfa.db.created cannot be written: give this process's user the directory" in await refusal(path)


async def test_the_oldest_sqlite(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest release that is good enough is good enough."""
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 35, 0))
    await made(path)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        ((ours,),) = connection.execute("PRAGMA application_id").fetchall()
    assert ours.to_bytes(4) == b"mfag", "every file that was ever made has it"


async def test_a_file_that_cannot_be_opened(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first connection says so already."""
    await made(path)

    def raw(_: StoreFile) -> sqlite3.Connection:
        raise failed("SQLITE_CANTOPEN")

    monkeypatch.setattr(StoreFile, "raw", raw)
    assert "mfa.db cannot be opened for writing (words): give this process's user the file" in await refusal(path)


async def test_a_file_whose_first_page_cannot_be_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told as a damaged one, and its connection is closed."""
    await made(path)
    opened = list[sqlite3.Connection]()

    def unreadable(_: StoreFile, connection: sqlite3.Connection) -> None:
        opened.append(connection)
        raise failed("SQLITE_CORRUPT")

    monkeypatch.setattr(first_open, "_require_ours", unreadable)
    assert "mfa.db is no SQLite file, or a damaged one (words): restore it from a copy" in await refusal(path)
    with pytest.raises(sqlite3.ProgrammingError, match="closed"):
        opened[0].execute("SELECT 1")


async def test_a_path_that_is_no_utf_8(tmp_path: Path) -> None:
    """A folder may have any bytes in its name."""
    folder = os.fsdecode(os.fsencode(tmp_path) + b"/\xff")
    os.mkdir(folder)
    store = SQLiteStore(f"{folder}/mfa.db")
    await store.open()
    assert await store.swap(enrolled(ALICE))
    await store.aclose()


async def test_a_dump_that_was_read_back(path: Path, tmp_path: Path) -> None:
    """It is no other program's file, and the refusal says how a copy is made."""
    await made(path)
    with (
        contextlib.closing(sqlite3.connect(path)) as whole,
        contextlib.closing(sqlite3.connect(tmp_path / "b")) as back,
    ):
        back.executescript("\n".join(whole.iterdump()))
    os.replace(tmp_path / "b", path)
    assert "VACUUM INTO" in await refusal(path)
