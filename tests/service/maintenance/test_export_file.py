"""The file of an export is for its owner alone, and for one process at a time.

Each line is bound to its place.
"""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from mfa_gate.errors import SettingsError
from mfa_gate.keyring import Keyring
from mfa_gate.service.maintenance.export_file import FORMAT, PURPOSE, ExportReader, lines_in, opened, row_of
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
