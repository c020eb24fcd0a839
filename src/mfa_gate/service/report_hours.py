"""The counts of one tenant in one hour, until a store has them."""

from __future__ import annotations

from collections import Counter

from ..core.report import HOUR, Place, Situation
from ..core.stops import Stop

PAUSE = 60
"""Seconds between two writes of an hour that is not over."""
Key = tuple[Situation, Place, Stop]


class Cell:
    """A row that is counted. It counts until ``ends`` (UTC seconds)."""

    __slots__ = ("count", "ends", "first", "last", "minutes")

    def __init__(self, now: int, ends: float) -> None:
        self.count = 0
        self.first = self.last = now
        self.minutes = 0
        self.ends = ends

    def hit(self, now: int) -> None:
        """Count one request."""
        self.count += 1
        self.last = now
        self.minutes |= 1 << now % HOUR // 60


Taken = tuple[dict[Key, Cell], int, Counter[str]]


class Hour:
    """The records of one tenant in one hour that are not written yet.

    ``known`` counts the rows of the whole hour, ``writes`` the parts that were written of it, and ``pairs`` are its people
    with the rules that they do not meet.
    """

    def __init__(self, hour: int) -> None:
        self.hour = hour
        self.rows: dict[Key, Cell] = {}
        self.dropped = 0
        self.unjudged: Counter[str] = Counter()
        self.known = 0
        self.writes = 0
        self.written_at = 0
        self.pairs: set[tuple[str, str]] = set()

    @property
    def is_empty(self) -> bool:
        """Tell if there is nothing to write."""
        return not self.rows and not self.dropped and not self.unjudged

    def may_write(self, now: int) -> bool:
        """Tell if the hour may be written before its end."""
        return self.writes + 2 <= len(self.pairs) and now - self.written_at >= PAUSE

    def take(self) -> Taken:
        """Take the counts out of the hour: a spot that counts goes on in a new cell."""
        taken = self.rows, self.dropped, self.unjudged
        for cell in self.rows.values():
            cell.ends = 0
        self.rows, self.dropped, self.unjudged = {}, 0, Counter()
        return taken

    def give_back(self, taken: Taken) -> None:
        """Put back counts that no store took, beside those that came meanwhile."""
        rows, dropped, unjudged = taken
        for key, cell in rows.items():
            newer = self.rows.get(key)
            if newer is None:
                cell.ends = (self.hour + 1) * HOUR
                self.rows[key] = cell
            else:
                newer.count += cell.count
                newer.first = min(newer.first, cell.first)
                newer.minutes |= cell.minutes
        self.dropped += dropped
        self.unjudged += unjudged
