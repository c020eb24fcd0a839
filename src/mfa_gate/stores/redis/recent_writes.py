"""Memory of the writes that Redis confirmed to this process in the last minutes (F-3).

After a failover the new primary may never have had them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from ...core.events import Event
from .history import ONLY_PUTS_BACK, PUT_BACK, History
from .timing import Timing

MAX_KEPT = 2_000
_OPERATIONS_KEPT = 400
EXTRA_KEPT = 12
"""The number of lost operations, the latest, in the history of the change that puts them back."""

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Confirmed(Generic[V]):
    """``value`` as the operation ``op`` committed it under the number ``version``.

    ``operations`` are those that made it and the versions before it. ``events`` are those of the last minutes, each with
    its version. ``restored_at`` is the last acceptance of a copy that this process knew of (UTC seconds).
    """

    value: V
    version: int
    op: str
    operations: tuple[str, ...]
    events: tuple[tuple[int, Event], ...]
    at: float
    restored_at: int = 0


@dataclass(frozen=True, slots=True)
class Lost(Generic[V]):
    """A confirmed value that the store has lost; None if only lines of the trail are lost.

    ``untouched``: nobody else has changed the row since. ``events`` and ``operations`` were lost with it.
    """

    value: V | None
    untouched: bool
    events: tuple[Event, ...]
    operations: tuple[str, ...]

    @property
    def words(self) -> tuple[str, str]:
        """Return the history of the change that puts this back.

        It has the operations, and a word if the change does nothing else.
        """
        extra = " ".join(PUT_BACK + name for name in self.operations[-EXTRA_KEPT:])
        return extra, ONLY_PUTS_BACK if self.untouched else ""


class RecentWrites(Generic[K, V]):
    """A memory of this process's own commits, bounded in number and in time.

    Each other process remembers its own. ``timing`` is that of the store.
    """

    def __init__(self, timing: Timing) -> None:
        self._kept_for = timing.kept_for
        self.is_owed = False
        """True while the store may have lost something that was not put back: nothing grows too old."""
        self._kept: OrderedDict[K, Confirmed[V]] = OrderedDict()

    def keep(
        self,
        key: K,
        value: V,
        version: int,
        op: str,
        history: str,
        events: Sequence[Event],
        now: float,
        *,
        restored_at: int = 0,
    ) -> None:
        """Remember that ``op`` committed ``value`` as ``version``; ``history`` is the row's."""
        known = self._kept.pop(key, None)
        recent = known is not None and now - known.at < self._kept_for
        before = known.events if recent and known is not None else ()
        made = (*(known.operations if known is not None else ()), *History(history).operations(), op)
        operations = tuple(dict.fromkeys(made))[-_OPERATIONS_KEPT:]
        latest = {event.id: (made, event) for made, event in (*before, *((version, event) for event in events))}
        numbered = tuple(latest.values())
        self._kept[key] = Confirmed(value, version, op, operations, numbered, now, restored_at)
        while self._kept and (len(self._kept) > MAX_KEPT or self._is_old(next(iter(self._kept)), now)):
            self._kept.popitem(last=False)

    def _is_old(self, key: K, now: float) -> bool:
        return not self.is_owed and now - self._kept[key].at >= self._kept_for

    def has_lines(self, key: K) -> None:
        """Remember that the lines of the trail are there again."""
        self._kept[key] = replace(self._kept[key], events=())

    def of(self, key: K) -> Confirmed[V] | None:
        """Return the memory of a row. Call this before the store is asked."""
        return self._kept.get(key)

    def made_by(self, key: K, version: int, stamp: str) -> str:
        """Return the operation that made the version, as it was read or committed here."""
        known = self.of(key)
        return stamp if stamp or known is None or known.version != version else known.op

    def rows(self) -> list[K]:
        """List the rows in this memory."""
        return list(self._kept)


def lost(confirmed: Confirmed[V] | None, version: int, history: History) -> Lost[V] | None:
    """Compare a stored row with the ``confirmed`` write. Returns the loss, or None.

    ``version`` and ``history`` are those of the stored row. A later version proves nothing by itself: another process may
    have continued from an older one. So the confirmed operation is looked for by its name.
    """
    if confirmed is None or confirmed.op in history:
        return None if confirmed is None or not history.has_put_back(confirmed.op) else _lost_lines(confirmed, history)
    if version > confirmed.version and not history.reaches(confirmed.version):
        return None  # too many changes ago to tell
    untouched = history.adds_nothing_to(confirmed.operations)
    operations = tuple(op for op in confirmed.operations if op not in history)
    return Lost(confirmed.value, untouched, _lines(confirmed, history), operations)


def _lost_lines(confirmed: Confirmed[V], history: History) -> Lost[V] | None:
    """Return the lines that another process left out when it put the row back.

    That process did not know them.
    """
    events = _lines(confirmed, history)
    return Lost(None, True, events, ()) if events else None


def _lines(confirmed: Confirmed[V], history: History) -> tuple[Event, ...]:
    shared = history.version_shared_with(confirmed.operations)
    return tuple(event for made, event in confirmed.events if made > shared)
