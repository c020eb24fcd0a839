"""The places of the source that a measurement did not reach.

Each is known by its text, for line numbers move.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

ROOMS: Mapping[str, float] = {"core": 100, "factors": 100, "keyring.py": 100, "service": 95, "web": 95, "stores": 95}
"""The least share of the branches that the tests reach, in percent."""
WHOLE = 100


@dataclass(frozen=True, slots=True)
class Place:
    """A line that was not run, or a branch that was not taken.

    ``text`` is the line, or ``line -> next line``.
    """

    path: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Listed:
    """A row of the list: places that need not be reached, and the reason.

    Path and text may have ``*``.
    """

    path: str
    text: str
    reason: str

    def covers(self, place: Place) -> bool:
        """Tell if this row is about a place."""
        return fnmatchcase(place.path, self.path) and fnmatchcase(place.text, self.text)


def rows_of(text: str) -> list[Listed]:
    """Read the list: ``path | text | reason``; the text may have bars of its own.

    Raises ``ValueError`` for a row without a reason.
    """
    rows = []
    for line in text.splitlines():
        if line.strip() and not line.startswith("#"):
            path, _, rest = line.partition(" | ")
            what, _, reason = rest.rpartition(" | ")
            if not (path and what and reason):
                raise ValueError(f"a row is a path, a text and a reason: {line}")
            rows.append(Listed(path.strip(), what.strip(), reason.strip()))
    return rows


def room_of(path: str) -> str:
    """Return the room of a path below the package, "" for one that has no bound."""
    first = path.partition("/")[0]
    return first if first in ROOMS else ""


def places_of(path: str, lines: Sequence[str], found: Mapping[str, Any]) -> Iterator[Place]:
    """Yield the places of one file that coverage's JSON calls missing.

    A branch to a line that was never run is told by that line alone.
    """
    missing = set(found["missing_lines"])

    def text(number: int) -> str:
        return lines[number - 1].strip() if number > 0 else "exit"

    for number in sorted(missing):
        yield Place(path, text(number), number)
    for source, target in found["missing_branches"]:
        if source not in missing and target not in missing:
            yield Place(path, f"{text(source)} -> {text(target)}", source)


def shares_of(files: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Return the share of the branches of each room that were taken, in percent."""
    taken: dict[str, int] = dict.fromkeys(ROOMS, 0)
    total: dict[str, int] = dict.fromkeys(ROOMS, 0)
    for path, found in files.items():
        if room := room_of(path):
            taken[room] += found["summary"]["covered_branches"]
            total[room] += found["summary"]["num_branches"]
    return {room: 100 * taken[room] / total[room] for room in ROOMS if total[room]}


def faults_of(shares: Mapping[str, float], places: Sequence[Place], rows: Sequence[Listed]) -> list[str]:
    """List all that is wrong.

    That is a place without a reason, a reason without a place, and a room below its share.
    In rooms that need less than the whole, what is left beyond the list is bounded by the share.
    """
    faults = []
    for place in places:
        if ROOMS[room_of(place.path)] == WHOLE and not any(row.covers(place) for row in rows):
            faults.append(f"{place.path}:{place.line}: neither reached nor listed: {place.text}")
    for row in rows:
        if not any(row.covers(place) for place in places):
            faults.append(f"listed and reached, or no longer there: {row.path} | {row.text}")
    for room, share in shares.items():
        if ROOMS[room] < WHOLE and share < ROOMS[room]:
            faults.append(f"{room}: {share:.1f} % of the branches are reached, {ROOMS[room]:.0f} % are asked for")
    return faults
