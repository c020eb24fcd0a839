"""The latest changes of a store in this process, and the news among them for a reader."""

from __future__ import annotations

from collections import deque

from ...core.model import SubjectKey
from ...storage import EVERYTHING, Changed, Reader

KEPT = 10_000
REMEMBERED = 10_000
"""Operations that are known again."""
NOTHING: frozenset[SubjectKey] = frozenset()
"""The answer to a reader that has seen all changes."""


class ChangeLog:
    """Number the changes and keep the latest.

    Reading removes nothing, so any number of readers may follow.

    One thread writes at a time; readers may be in others.
    """

    def __init__(self) -> None:
        self.count = 0
        self._changes: deque[tuple[int, SubjectKey | None]] = deque(maxlen=KEPT)

    def note(self, key: SubjectKey | None) -> None:
        """Add a change: of one account, or (None) of anything."""
        number = self.count + 1
        self._changes.append((number, key))
        self.count = number  # a reader in another thread finds what was counted

    def since(self, place: int) -> tuple[Changed, int]:
        """Tell the changes after the first ``place`` of them, and how many there were then.

        They are ``EVERYTHING`` where some of them are no longer kept.
        """
        count, found = self.count, set[SubjectKey]()
        oldest = place
        try:
            for number, key in reversed(self._changes):
                if number <= place:
                    return frozenset(found), count
                if key is None:
                    return EVERYTHING, count
                found.add(key)
                oldest = number
        except RuntimeError:  # another thread has added one meanwhile
            return EVERYTHING, count
        return (frozenset(found) if oldest == place + 1 else EVERYTHING), count


class Operations:
    """The latest operations that were heard of, so that none is noted twice (S-122).

    A writer notes its own when it has committed it, and hears of it later. Servers repeat each other's notices.
    """

    def __init__(self) -> None:
        self._heard: dict[str, None] = {}

    def is_new(self, op: str) -> bool:
        """Tell if nobody has told of this operation before, and remember it."""
        if op in self._heard:
            return False
        self._heard[op] = None
        if len(self._heard) > REMEMBERED:
            del self._heard[next(iter(self._heard))]
        return True


def told(log: ChangeLog | None, reader: Reader) -> Changed:
    """Tell a reader the news of the log.

    A log that the reader has not seen before begins with ``EVERYTHING``.

    None is no log: all may have changed, and the reader stays where it is.
    """
    if log is None:
        return EVERYTHING
    if log is not reader.log:
        reader.log, reader.place = log, log.count
        return EVERYTHING
    if log.count == reader.place:
        return NOTHING
    changed, reader.place = log.since(reader.place)
    return changed
