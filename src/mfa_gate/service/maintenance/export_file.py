"""Read and write the file of an export: sealed lines, each bound to its place in the file.

A line that was altered, taken out, moved or taken from another export does not open. The last line closes the export,
so a missing end is noticed. The first line names the export and is sealed like all others.
"""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from ...errors import SettingsError
from ...keyring import Keyring, Unopened

Record = dict[str, Any]

FORMAT = 2
PURPOSE = "export"
ROW = ("mfa_gate", "export")


@contextlib.contextmanager
def opened(option: str, path: Path, *, writing: bool = False) -> Iterator[BinaryIO]:
    """Open the file that ``option`` names, and lock it for this process.

    ``writing``: continue the file, or create it (readable by its owner only). Raises ``SettingsError``.
    """
    import fcntl  # some systems have none; there all other commands still work

    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW if writing else os.O_RDONLY
    try:
        with os.fdopen(os.open(path, flags, 0o600), "r+b" if writing else "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise SettingsError(f"{option} {path}: is no regular file")
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield file
    except BlockingIOError as error:
        raise SettingsError(f"{option} {path}: another export or import is at work on it") from error
    except OSError as error:
        raise SettingsError(f"{option} {path}: {error.strerror or error}") from error


def lines_in(file: BinaryIO) -> int:
    """Count the lines; the file is at its beginning before and after."""
    count = sum(piece.count(b"\n") for piece in iter(partial(file.read, 2**20), b""))
    file.seek(0)
    return count


class ExportReader:
    """A reader of an export.

    ``header`` is its first line. It is empty in files of older releases, whose lines are not bound to a place.
    ``count`` is the number of whole lines, ``end`` the offset behind them. ``torn``: a last line without its end was
    skipped.
    """

    def __init__(self, name: str, file: BinaryIO, keyring: Keyring) -> None:
        """Set ``name``, the file's name in messages."""
        self.name = name
        self.header: Record = {}
        self.count = 0
        self.end = 0
        self.torn = False
        self._file = file
        self._keyring = keyring

    def __iter__(self) -> Iterator[Record]:
        """Yield the content of each line except the header.

        Raises ``SettingsError`` with the number of a line that does not open.
        """
        for line in self._file:
            if not line.endswith(b"\n"):
                self.torn = True
                return
            record = self._opened(line.strip())
            self.count, self.end = self.count + 1, self.end + len(line)
            if self.count > 1 or "export" not in record:
                yield record
                continue
            self.header = record
            if record["export"] != FORMAT:
                raise self.fault(
                    f"an export of format {record['export']}, but this release reads {FORMAT}: use the release that wrote it"
                )

    def _opened(self, line: bytes) -> Record:
        row = row_of(self.header, self.count + 1)
        try:
            record = json.loads(self._keyring.open(PURPOSE, line.decode("ascii"), row=row))
        except (Unopened, UnicodeDecodeError) as error:
            raise self.fault(str(error), at=self.count + 1) from error
        except (ValueError, RecursionError) as error:
            raise self.fault("holds no record", at=self.count + 1) from error
        id = record.get("id") if isinstance(record, dict) else None
        if not isinstance(record, dict) or ("export" in record and not (isinstance(id, str) and id.isprintable())):
            raise self.fault("holds no record", at=self.count + 1)
        return record

    def fault(self, text: str, *, at: int = 0) -> SettingsError:
        """Make the error for a line (``at`` 0: the last one that was read)."""
        return SettingsError(f"{self.name}, line {at or self.count}: {text}")


def row_of(header: Record, number: int) -> tuple[str, ...]:
    """Return the place that line ``number`` (from 1) is bound to."""
    return (*ROW, header["id"], str(number)) if header else ROW


class ExportWriter:
    """A writer of further lines, behind the ``count`` lines that are there."""

    def __init__(self, file: BinaryIO, keyring: Keyring, entropy: Callable[[int], bytes]) -> None:
        self._file = file
        self._keyring = keyring
        self._entropy = entropy
        self.header: Record = {}
        self.count = 0

    def begin(self, **header: Any) -> None:
        """Write the first line to the disk before any other, so that a later run knows its file."""
        os.fchmod(self._file.fileno(), 0o600)
        record = {"export": FORMAT, "id": self._entropy(16).hex(), **header}
        self.put(record)
        self.header = record
        self.sync()

    def resume(self, lines: ExportReader) -> None:
        """Go on behind the lines that were read; a torn line is dropped."""
        self.header, self.count = lines.header, lines.count
        self._file.seek(lines.end)
        self._file.truncate()

    def put(self, record: Record) -> None:
        """Write one more line."""
        self.count += 1
        row, plain = row_of(self.header, self.count), json.dumps(record, separators=(",", ":")).encode()
        sealed = self._keyring.seal(PURPOSE, plain, row=row, nonce=self._entropy(12))
        self._file.write(sealed.encode() + b"\n")

    def sync(self) -> None:
        """Write everything through to the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())
