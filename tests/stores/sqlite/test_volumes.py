"""The SQLite store on volumes of container platforms.

Such a volume has another user of the same group, no hard links, nothing to sync, or is read-only.
"""

from __future__ import annotations

import asyncio
import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mfa_gate.errors import SettingsError
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.testing.store_suite import ALICE, enrolled

GROUP, FIRST, SECOND = 23_456, 12_345, 12_346
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="acting as other users needs root")


@pytest.fixture
def volume() -> Iterator[Path]:
    """A folder that a group shares, below a folder that everybody may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="mfa_gate-"))
    change(folder / "warm.db", 0)()  # Python loads modules at their first use, and the other users may not read these
    for left in folder.iterdir():
        left.unlink()
    yield folder
    shutil.rmtree(folder)


def act_as(user: int, work: Callable[[], None], *, group: int = GROUP) -> str:
    """Do ``work`` in a process of another user, and return the refusal or "done"."""
    ours, theirs = os.pipe()
    child = os.fork()
    if child == 0:
        said = "?"
        try:
            os.umask(0o022)
            os.setgroups([group])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            work()
            said = "done"
        except BaseException as error:  # noqa: BLE001 - the parent compares what a child tells
            said = f"{type(error).__name__}: {error}"
        os.write(theirs, said.encode())
        os._exit(0)
    os.close(theirs)
    with open(ours, "rb") as pipe:
        said = pipe.read().decode()
    os.waitpid(child, 0)
    return said


def change(path: Path, version: int) -> Callable[[], None]:
    """Open the store, change an account, and close it."""

    async def work() -> None:
        store = SQLiteStore(path)
        await store.open()
        assert (await store.load(ALICE)).version == version
        assert await store.swap(enrolled(ALICE, version=version))
        await store.aclose()

    return lambda: asyncio.run(work())


@needs_root
@pytest.mark.parametrize("mode", [0o2770, 0o2775])
def test_the_next_container_has_another_user(volume: Path, mode: int) -> None:
    """The next user of the group uses a store that its group may write, marker and all.

    The store stays closed to others.
    """
    path = volume / "mfa.db"
    os.chown(volume, 0, GROUP)
    volume.chmod(mode)
    assert act_as(FIRST, change(path, 0)) == "done"
    for item in volume.iterdir():
        item.chmod(0o660)
    for version, user in enumerate((SECOND, FIRST, SECOND), 1):
        assert act_as(user, change(path, version)) == "done"
    marker = path.with_name("mfa.db.created")
    assert {stat.S_IMODE(item.stat().st_mode) for item in (path, marker)} == {0o660}
    assert {item.stat().st_gid for item in (path, marker)} == {GROUP}
    stranger = act_as(54_321, change(path, 4), group=54_321)
    assert ("let a group that this process is in write it" if mode == 0o2775 else "Permission denied") in stranger


@needs_root
@pytest.mark.parametrize(("folder", "file"), [(0o777, 0o660), (0o2777, 0o660), (0o755, 0o660), (0o2770, 0o600)])
def test_another_user_is_refused(volume: Path, folder: int, file: int) -> None:
    """Only the owner uses the file in a folder that is open to others.

    The same holds if the group lacks the right to write.
    """
    path = volume / "mfa.db"
    os.chown(volume, 0, GROUP)
    volume.chmod(0o2770)
    assert act_as(FIRST, change(path, 0)) == "done"
    path.chmod(file)
    volume.chmod(folder)
    said = act_as(SECOND, change(path, 1))
    assert said.startswith("SettingsError")
    assert "chmod 660" in said or "denied" in said


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK])
async def test_no_hard_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """Many first starts at once on a volume without hard links end up on one store."""

    def link(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(os, "link", link)
    stores = [SQLiteStore(tmp_path / "mfa.db") for _ in range(6)]
    await asyncio.gather(*(store.open() for store in stores))
    assert sum(await asyncio.gather(*(store.swap(enrolled(ALICE)) for store in stores))) == 1
    await asyncio.gather(*(store.aclose() for store in stores))
    assert not [item.name for item in tmp_path.iterdir() if ".new" in item.name]


async def test_neither_hard_links_nor_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error names the features that the volume lacks, with the alternatives.

    Nothing is left behind.
    """

    def missing(*_: object, **__: object) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "link", missing)
    monkeypatch.setattr(fcntl, "flock", missing)
    with pytest.raises(SettingsError, match=r"neither hard links nor file locks.*local disk, or use redis"):
        await SQLiteStore(tmp_path / "mfa.db").open()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EPERM])
async def test_folders_that_cannot_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    """A file system that syncs no folders is used; one whose disk fails is not."""
    fsync = os.fsync

    def picky(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(code, os.strerror(code))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", picky)
    store = SQLiteStore(tmp_path / "mfa.db")
    await store.open()
    assert await store.swap(enrolled(ALICE))
    await store.aclose()


async def test_a_folder_whose_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An input or output error of the folder stops the start."""
    fsync = os.fsync

    def broken(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(SettingsError, match="Input/output error"):
        await SQLiteStore(tmp_path / "mfa.db").open()


@needs_root
def test_a_folder_that_may_not_be_written(volume: Path) -> None:
    """A read-only place is named with its reason."""
    os.chown(volume, 0, GROUP)
    volume.chmod(0o555)
    said = act_as(FIRST, change(volume / "mfa.db", 0))
    assert said.startswith("SettingsError")
    assert "Permission denied" in said
