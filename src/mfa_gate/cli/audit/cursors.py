"""The place of ``audit follow`` in every trail, kept in a file.

So a restart misses nothing and doubles nothing.

The file is written before a batch begins and after each piece of it. Where standard output is a file, its size tells after a
kill how much of the batch was written. A piece for a pipe is at most ``PIPE`` bytes, which a pipe takes whole or not at all.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Sequence

from ...errors import SettingsError
from ...service.trail_reader import TrailReader

PIPE = 4_096


class Cursors:
    """A cursor for each tenant. Without a path nothing is kept.

    ``batch`` names the tenant whose lines are being written, ``written`` the lines of it that are out, ``size`` the size of
    the output before it (-1: it is no file).
    """

    def __init__(self, path: str = "") -> None:
        self._descriptor = -1
        self._length = 0
        self.is_new = True
        self.places: dict[str, str] = {}
        self.batch, self.written, self.size = "", 0, -1
        if path:
            self._open(path)

    def _open(self, path: str) -> None:
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            raw = os.pread(self._descriptor, 1 << 24, 0)
        except OSError as error:
            raise SettingsError(f"--state {path}: cannot be opened ({error})") from error
        self._length = len(raw)
        if not raw.strip():
            return
        try:
            known = json.loads(raw)
            self.places = {str(tenant): str(place) for tenant, place in known["places"].items()}
            self.batch, self.written, self.size = str(known["batch"]), int(known["written"]), int(known["size"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise SettingsError(f"--state {path}: holds no state of audit follow; give another name") from error
        self.is_new = False

    def save(self) -> None:
        """Write the state in one piece. It survives a kill of this process."""
        if self._descriptor < 0:
            return
        parts = {"places": self.places, "batch": self.batch, "written": self.written, "size": self.size}
        text = json.dumps(parts, separators=(",", ":")).encode()
        text = text.ljust(self._length - 1) + b"\n"
        self._length = len(text)
        os.pwrite(self._descriptor, text, 0)

    def sync(self) -> None:
        """Write the state through to the disk."""
        if self._descriptor >= 0:
            os.fsync(self._descriptor)


class Output:
    """Standard output, by its descriptor: nothing waits in a buffer."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)

    @property
    def size(self) -> int:
        """Return the size of the file, -1 for anything else."""
        return os.fstat(self._descriptor).st_size if self._is_file else -1

    def write(self, data: bytes) -> None:
        """Write all of it."""
        while data:
            data = data[os.write(self._descriptor, data) :]


def write_batch(lines: Sequence[bytes], tenant: str, behind: str, cursors: Cursors, output: Output) -> None:
    """Write the lines of one tenant, each once, and move its cursor to ``behind``.

    After a restart in the midst of a batch these are its lines again, perhaps with more behind them. Those that are out are
    left out, and a torn last line is finished.
    """
    done = 0
    if cursors.batch == tenant:
        done = _bytes_out(lines, cursors, output)
    else:
        cursors.batch, cursors.written, cursors.size = tenant, 0, output.size
        if lines:
            cursors.save()
    for piece, count in _pieces(lines, done):
        output.write(piece)
        cursors.written = count
        if cursors.size < 0:
            cursors.save()
    cursors.places[tenant] = behind
    cursors.batch, cursors.written, cursors.size = "", 0, -1
    cursors.save()


def _bytes_out(lines: Sequence[bytes], cursors: Cursors, output: Output) -> int:
    """Count the bytes of the batch that were written before the restart."""
    whole = sum(map(len, lines[: cursors.written]))
    if cursors.size < 0 or output.size < cursors.size:
        return whole
    return min(max(whole, output.size - cursors.size), sum(map(len, lines)))


def _pieces(lines: Sequence[bytes], done: int) -> list[tuple[bytes, int]]:
    """Cut the rest of a batch into pieces of whole lines.

    Each comes with the number of lines up to its end.
    """
    pieces, piece, count = list[tuple[bytes, int]](), b"", 0
    for line in lines:
        rest = line[done:] if done < len(line) else b""
        done, count = max(0, done - len(line)), count + 1
        if piece and len(piece) + len(rest) > PIPE:
            pieces.append((piece, count - 1))
            piece = b""
        piece += rest
    return [*pieces, (piece, count)] if piece else pieces


async def begin(trail: TrailReader, tenants: Sequence[str], cursors: Cursors, *, after: str, keeps: bool) -> None:
    """Set the cursors at the first start.

    They stand behind ``after``, at the beginning where a state is kept, else at the end.

    Raises ``SettingsError`` for an unknown reference.
    """
    if not cursors.is_new:
        return
    place = await trail.place_of(after) if after else ""
    if place is None:
        raise SettingsError(f"--after {after}: no line of the trail has this reference")
    for tenant in tenants:
        cursors.places[tenant] = place if after or keeps else await trail.end(tenant)
    cursors.save()
