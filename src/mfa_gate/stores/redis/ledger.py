"""What Redis has confirmed to this process in the last minutes, since another server may come to be in charge that never had
it (F-3)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from ...core.changes.lost import regained
from ...core.events import Event
from ...core.model import Account, SubjectKey
from ...core.records import replace
from .past import SETTLED_AFTER
from .watching import LOOK_EVERY

KEPT_FOR = SETTLED_AFTER + LOOK_EVERY + 10.0
"""Seconds. A server that is further behind than that is refused as an older copy (``past``)."""
MAX_KEPT = 2_000


@dataclass(frozen=True, slots=True)
class Confirmed:
    """An account as it was swapped by the operation ``op``, with the events of that minute, each with its version."""

    account: Account
    op: str
    events: tuple[tuple[int, Event], ...]
    at: float

    @property
    def version(self) -> int:
        """What it was committed as; the account itself has the version that it was swapped for."""
        return self.account.version + 1


@dataclass(frozen=True, slots=True)
class Regained:
    """What has to be written again: the account, at the stored version, and the events that were lost with it."""

    account: Account
    events: tuple[Event, ...]


class Ledger:
    """Bounded in number and in time. It is a memory of this process: what others committed, they know."""

    def __init__(self) -> None:
        self._kept: OrderedDict[SubjectKey, Confirmed] = OrderedDict()

    def keep(self, account: Account, op: str, events: Sequence[Event], now: float) -> None:
        """``account``, at the version that was swapped, is committed as the next one."""
        version = account.version + 1
        known = self._kept.pop(account.key, None)
        before = known.events if known is not None and now - known.at < KEPT_FOR else ()
        numbered = (*before, *((version, event) for event in events))
        self._kept[account.key] = Confirmed(account, op, numbered, now)
        while self._kept and (len(self._kept) > MAX_KEPT or self._is_old(next(iter(self._kept)), now)):
            self._kept.popitem(last=False)

    def _is_old(self, key: SubjectKey, now: float) -> bool:
        return now - self._kept[key].at >= KEPT_FOR

    def of(self, key: SubjectKey) -> Confirmed | None:
        """What is remembered of an account; to be asked before the store is."""
        return self._kept.get(key)

    def subjects(self) -> list[SubjectKey]:
        """The accounts that something is remembered of."""
        return list(self._kept)


def lost(confirmed: Confirmed | None, stored: Account, op: str) -> Regained | None:
    """What the store has lost of what it had ``confirmed``, or None. ``op`` made the stored version."""
    if confirmed is None or stored.version > confirmed.version:
        return None
    if stored.version == confirmed.version and op == confirmed.op:
        return None
    events = tuple(event for version, event in confirmed.events if version > stored.version)
    return Regained(regained(stored, replace(confirmed.account, version=confirmed.version)), events)
