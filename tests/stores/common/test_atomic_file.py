"""A file that is replaced in one step, by one process at a time."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

import pytest

from mfa_gate.stores.common import atomic_file
from mfa_gate.stores.common.atomic_file import alone_in, write


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
