"""A file that is replaced in one step, by one process at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.stores.common import atomic_file
from mfa_gate.stores.common.atomic_file import alone_in, sync, write


def held(place: Path) -> int:
    """Lock a directory, as another process does. Returns the descriptor."""
    descriptor = os.open(place, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def test_one_waits_for_the_other(tmp_path: Path) -> None:
    """A process that comes while another one writes goes on when that is done."""
    other = held(tmp_path)
    threading.Timer(0.03, lambda: os.close(other)).start()
    with alone_in(str(tmp_path)) as is_alone:
        assert is_alone
    with alone_in(str(tmp_path)) as is_alone:
        assert is_alone, "the lock was given back"


def test_nobody_waits_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that keeps the lock stops nobody: what is written then is written without it."""
    monkeypatch.setattr(atomic_file, "PATIENCE", 0.01)
    other = held(tmp_path)
    with alone_in(str(tmp_path)) as is_alone:
        assert not is_alone
    os.close(other)
    with alone_in(str(tmp_path / "none")) as is_alone:
        assert not is_alone


def test_a_write_is_whole_and_private(tmp_path: Path) -> None:
    """The file has the new text, and can be read by its owner alone.

    No other file stays beside it.
    """
    path = tmp_path / "marker"
    for text in ("one", "two\n"):
        write(str(path), text)
        assert (path.read_text(), path.stat().st_mode & 0o777) == (text, 0o600)
    assert os.listdir(tmp_path) == ["marker"]


@pytest.mark.parametrize(("mode", "given"), [(0o660, 0o660), (0o640, 0o600), (0o600, 0o600), (0o666, 0o660)])
def test_a_write_like_another_file(tmp_path: Path, mode: int, given: int) -> None:
    """A group that may write the store may write what lies beside it."""
    (tmp_path / "store").touch()
    (tmp_path / "store").chmod(mode)
    write(str(tmp_path / "marker"), "x", like=os.stat(tmp_path / "store"))
    assert (tmp_path / "marker").stat().st_mode & 0o777 == given


def test_a_write_that_fails_leaves_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The text of before stays, and no half of the new one."""
    path = tmp_path / "marker"
    write(str(path), "before")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write(str(path), "after")
    assert (path.read_text(), os.listdir(tmp_path)) == ("before", ["marker"])


@pytest.mark.parametrize("mode", [0o060, 0o040, 0o020, 0o600, 0o666, 0o000])
def test_a_group_that_reads_and_writes(tmp_path: Path, mode: int) -> None:
    """Only one that may do both, with the group of that file."""
    (tmp_path / "store").touch()
    (tmp_path / "store").chmod(mode)
    write(str(tmp_path / "marker"), "x", like=os.stat(tmp_path / "store"))
    both = mode & 0o060 == 0o060
    assert (tmp_path / "marker").stat().st_mode & 0o777 == (0o660 if both else 0o600)
    assert (tmp_path / "marker").stat().st_gid == (tmp_path / "store").stat().st_gid


def test_the_text_is_on_the_disk_before_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A power cut leaves the old text or the new one: the file is synced whole.

    Then its folder.
    """
    synced, fsync = list[object](), os.fsync

    def note(descriptor: int) -> None:
        found = os.fstat(descriptor)
        synced.append("folder" if stat.S_ISDIR(found.st_mode) else found.st_size)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    write(str(tmp_path / "marker"), "twelve bytes")
    assert synced == [12, "folder"]


def test_a_folder_that_cannot_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its file system cannot do better; a fault of the disk is told."""
    for code, is_told in ((errno.EINVAL, False), (errno.EIO, True)):

        def fsync(_: int, code: int = code) -> None:
            raise OSError(code, "refused")

        monkeypatch.setattr(os, "fsync", fsync)
        if is_told:
            with pytest.raises(OSError, match="refused"):
                sync(str(tmp_path))
        else:
            sync(str(tmp_path))


def test_a_file_that_root_writes_belongs_to_the_owner_of_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of the file before, or of the folder: else the service could not read it."""
    given, stat_of = list[tuple[int, int]](), os.stat
    monkeypatch.setattr(os, "fchown", lambda _, user, group: given.append((user, group)))
    owners = {str(tmp_path): (7, 70), str(tmp_path / "marker"): (8, 80)}

    def owned(path: str, **more: Any) -> object:
        found = stat_of(path, **more)
        user, group = owners.get(str(path), (0, 0))
        return SimpleNamespace(st_uid=user, st_gid=group, st_mode=found.st_mode)

    for user, expected in ((0, [(7, 70), (8, 80)]), (5, [])):
        given.clear()
        (tmp_path / "marker").unlink(missing_ok=True)
        with monkeypatch.context() as patched:
            patched.setattr(os, "geteuid", lambda user=user: user)
            patched.setattr(os, "stat", owned)
            for text in ("one", "two"):
                write(str(tmp_path / "marker"), text)
        assert given == expected
