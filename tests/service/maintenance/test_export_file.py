"""The file of an export is for its owner alone, and for one process at a time.

Each line is bound to its place.
"""

from __future__ import annotations

import io
import json
import os
from pathlib import Path

import pytest

from mfa_gate.errors import SettingsError
from mfa_gate.keyring import Keyring
from mfa_gate.service.maintenance.export_file import (
    FORMAT,
    PURPOSE,
    ExportReader,
    ExportWriter,
    lines_in,
    opened,
    row_of,
)
from tests.harness import key

KEYS = Keyring([key(1)])
HEADER = {"export": FORMAT, "id": "e1"}


def sealed(*records: object, header: dict[str, object] | None = HEADER, end: bytes = b"\n") -> bytes:
    """Write lines as an export does; text stands for itself."""
    lines, known = list[bytes](), dict[str, object]()
    for number, record in enumerate([*([header] if header else []), *records], 1):
        text = record if isinstance(record, str) else json.dumps(record)
        line = KEYS.seal(PURPOSE, text.encode(), row=row_of(known, number), nonce=bytes(12))
        lines.append(line.encode())
        known = header or {}
    return b"\n".join(lines) + end


def read(body: bytes) -> tuple[list[object], ExportReader]:
    """Read all lines."""
    reader = ExportReader("file", io.BytesIO(body), KEYS)
    return list(reader), reader


def test_a_file_is_for_its_owner(tmp_path: Path) -> None:
    """Nobody else may read it, and no second process works on it.

    A link and a folder are no file.
    """
    path = tmp_path / "export"
    with opened("--out", path, writing=True) as file:
        assert path.stat().st_mode & 0o777 == 0o600
        file.write(b"one\n")
        with pytest.raises(SettingsError, match="another export or import is at work"), opened("--from", path):
            pass
    with opened("--from", path) as file:
        assert (lines_in(file), file.read()) == (1, b"one\n")
    (tmp_path / "link").symlink_to(path)
    for name, writing in (("link", True), ("gone", False), (".", False)):
        with (
            pytest.raises(SettingsError, match=f"--x {tmp_path / name}"),
            opened("--x", tmp_path / name, writing=writing),
        ):
            pass


def test_the_lines_of_an_export() -> None:
    """The header is told apart; lines and bytes are counted, and a torn end is left out."""
    body = sealed({"k": "a"}, {"k": "b"})
    found, reader = read(body)
    assert (found, reader.header, reader.count, reader.end, reader.torn) == (
        [{"k": "a"}, {"k": "b"}],
        HEADER,
        3,
        len(body),
        False,
    )
    found, reader = read(body[:-1])
    assert (found, reader.count, reader.torn) == ([{"k": "a"}], 2, True)
    found, reader = read(sealed({"k": "a"}, header=None))
    assert (found, reader.header, reader.count) == ([{"k": "a"}], {}, 1)


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (sealed("no JSON"), "file, line 2: holds no record"),
        (sealed({"k": "a"}, "[1]"), "file, line 3: holds no record"),
        (sealed(header={"export": FORMAT, "id": 5}), "file, line 1: holds no record"),
        (
            sealed(header={"export": 99, "id": "e"}),
            f"file, line 1: an export of format 99, but this release reads {FORMAT}",
        ),
        (sealed({"k": "a"}) + b"\xff\n", "file, line 3: "),
        (sealed({"k": "a"}).splitlines(keepends=True)[1], "file, line 1: "),
        (b"".join(sealed({"k": "a"}, {"k": "b"}).splitlines(keepends=True)[::2]), "file, line 2: "),
    ],
)
def test_a_line_that_does_not_open(body: bytes, told: str) -> None:
    """It is named with its number.

    Such are text of another kind, another format, or a line at another place.
    """
    with pytest.raises(SettingsError) as refused:
        read(body)
    assert str(refused.value).startswith(told)


def test_a_device_is_no_file() -> None:
    """An export is read from a file alone."""
    with pytest.raises(SettingsError) as refused, opened("--from", Path("/dev/null")):
        pass
    assert str(refused.value) == "--from /dev/null: is no regular file"


def test_the_header_is_on_the_disk_before_any_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A later run finds its own file; nobody else may read it, whoever made it before."""
    path, synced = tmp_path / "export", list[int]()
    path.touch(mode=0o644)
    monkeypatch.setattr(os, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))
    with opened("--out", path, writing=True) as file:
        writer = ExportWriter(file, KEYS, lambda size: bytes(range(size)))
        writer.begin(tenant="alpha")
        assert path.stat().st_mode & 0o777 == 0o600
        found, reader = read(path.read_bytes())
        assert (found, reader.torn, synced) == ([], False, [path.stat().st_size])
        assert reader.header == {"export": 2, "id": "000102030405060708090a0b0c0d0e0f", "tenant": "alpha"}
        assert (writer.header, writer.count) == (reader.header, 1)
        writer.put({"k": "a"})
        writer.sync()
        assert synced[1:] == [path.stat().st_size]
        assert read(path.read_bytes())[0] == [{"k": "a"}]


def test_an_export_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    """A torn last line is written over, and the next line is bound to its place."""
    path = tmp_path / "export"
    whole = sealed({"k": "a"}, {"k": "b"})
    path.write_bytes(whole + b"a long piece of a line that a crash has left behind")
    with opened("--out", path, writing=True) as file:
        reader = ExportReader("export", file, KEYS)
        assert (list(reader), reader.torn) == ([{"k": "a"}, {"k": "b"}], True)
        writer = ExportWriter(file, KEYS, bytes)
        writer.resume(reader)
        assert path.read_bytes() == whole
        writer.put({"k": "c"})
        writer.sync()
    assert read(path.read_bytes())[0] == [{"k": "a"}, {"k": "b"}, {"k": "c"}]
