"""Judgement of a store's state.

It must be the same store, of the newest history, on a server that keeps its word.

An older copy of the store is refused until an operator accepts it (F-38, S-123).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from ..common.generation_file import GenerationFile
from ..common.high_water_mark import HighWaterMark
from .schema import SCHEMA
from .url import Place

log = logging.getLogger("mfa_gate")

WHOLE = ""
"""The part of the high-water mark that counts the changes of the whole store, whatever the server."""

GONE = (
    "PostgreSQL no longer holds the store that was opened: it was emptied or replaced; restore it, or restart every worker to "
    "begin anew with nobody enrolled"
)
UNACCEPTED = (
    "PostgreSQL holds an older copy of the store than the one that was accepted last: what was used since would be valid "
    "again. Put that one back, or accept this one: mfa-gate store accept"
)
HIDDEN = (
    "row level security hides rows of the store from this role, so people would look as if they had no second factor: ALTER "
    "TABLE … DISABLE ROW LEVEL SECURITY for each table of the schema {schema}"
)
OLD_PRIMARY = (
    "the PostgreSQL server is a primary from before the failover: make it a standby of the one in charge now. If it shall be "
    "in charge again: mfa-gate store accept"
)


@dataclass(frozen=True, slots=True)
class State:
    """The store as one question found it.

    ``synchronous`` is the session's ``synchronous_commit``. ``is_hidden``: a policy hides rows from our role.
    """

    store: str
    version: int
    restored_at: int
    changes: int
    synchronous: str
    is_hidden: bool


class History:
    """The histories of writes that a store has lived through.

    They are servers by system identifier, and their timelines.

    A promotion begins a new timeline. On one timeline no confirmed change is ever lost.
    """

    def __init__(self) -> None:
        self.system, self.timeline = "", 0
        self._newest: dict[str, int] = {}

    @property
    def part(self) -> str:
        """Return the name of the present history as a part of the high-water mark."""
        return f"{self.system}/{self.timeline}"

    def is_superseded(self, system: str, timeline: int) -> bool:
        """Tell if another server has continued from this server's history (F-4)."""
        return timeline < self._newest.get(system, 0)

    def admit(self, system: str, timeline: int) -> None:
        """Go over to a server."""
        self._newest[system] = timeline
        self.system, self.timeline = system, timeline

    def recall(self, parts: list[str]) -> None:
        """Take over the histories that this machine remembers."""
        for part in parts:
            system, slash, timeline = part.partition("/")
            if slash and timeline.isdecimal():
                self._newest[system] = max(int(timeline), self._newest.get(system, 0))

    def forget(self) -> None:
        """Take any history from now on: an operator has accepted a copy."""
        self._newest.clear()


class Watch:
    """Judges every state that is read. ``trouble`` is the reason to refuse every call, or ""."""

    def __init__(
        self,
        place: Place,
        store: str,
        mark: HighWaterMark,
        history: History,
        generation_file: GenerationFile | None,
        *,
        on_loss: Callable[[], None],
    ) -> None:
        self._place = place
        self._store = store
        self._mark = mark
        self._history = history
        self._generation_file = generation_file
        self._on_loss = on_loss
        self._clock = asyncio.get_running_loop().time
        self._look_at = 0.0
        self._keep_at = self._clock() + place.timing.keep_every
        self.trouble = mark.trouble

    @property
    def newest(self) -> int:
        """Return the newest change number that is known. Read it before the server is asked."""
        return self._mark.newest.get(WHOLE, 0)

    def note(self, number: int) -> None:
        """Take note of a change that was committed: its notice was heard, or it is our own."""
        if number > self.newest:
            self._mark.note(WHOLE, number, self._clock())
            self._settle(number)

    def _settle(self, number: int) -> None:
        """On the same timeline nothing that was committed is ever missing again."""
        if self._history.system and number > self._mark.settled.get(self._history.part, 0):
            self._mark.settled[self._history.part] = number

    def see(self, state: State | None, newest: int) -> None:
        """Judge a state; ``newest`` was known before it was asked for.

        None: the store is not there.
        """
        before, self.trouble = self.trouble, self._fault_of(state, newest)
        if self.trouble and self.trouble != before:
            log.error("the PostgreSQL store is refused: %s", self.trouble)

    def _fault_of(self, state: State | None, newest: int) -> str:
        if state is None or state.store != self._store:
            return GONE
        if state.version != SCHEMA:
            return f"the store has schema {state.version}, this process knows {SCHEMA}: restart it with that release"
        if state.is_hidden:
            return HIDDEN.format(schema=self._place.schema)
        if state.restored_at > self._mark.restored_at:
            self._mark.begin(self._store, state.restored_at)
            self._mark.newest[WHOLE] = state.changes
            self._on_loss()
        elif state.restored_at < self._mark.restored_at:
            return UNACCEPTED
        elif state.changes < newest:
            self._went_back(state.changes, newest)
        if state.changes < self.newest:
            return self.trouble  # an answer from before a change that is known by now: it says nothing
        self._compare(state.changes)
        if not self._mark.trouble:
            self.note(state.changes)
        return self._mark.trouble or self._unfit(state.synchronous)

    def _went_back(self, found: int, newest: int) -> None:
        self._mark.newest[WHOLE] = found
        self._look_at = 0.0
        self._on_loss()
        if found >= self._mark.settled.get(self._history.part, 0):
            log.error(
                "PostgreSQL has lost the last %d confirmed changes in a failover: locks and spent codes of that moment are "
                "as before. With synchronous_standby_names a failover loses nothing",
                newest - found,
            )

    def _compare(self, changes: int) -> None:
        if self._clock() < self._look_at and changes >= self.newest and not self._mark.trouble:
            return
        others = {
            part: number for part, number in self._mark.settled.items() if part not in (WHOLE, self._history.part)
        }
        self._mark.compare({**others, WHOLE: changes, self._history.part: changes}, self._clock())
        self._look_at = self._clock() + self._place.timing.look_every

    def _unfit(self, synchronous: str) -> str:
        return fault_of_commits(synchronous) if self._place.durable else ""

    async def keep(self, *, is_grave: bool = False) -> None:
        """Write the numbers into this machine's file (S-123).

        At most every few seconds, or now for a grave change.
        """
        if self._generation_file is None or self.trouble or not (is_grave or self._clock() >= self._keep_at):
            return
        self._keep_at = self._clock() + self._place.timing.keep_every
        await asyncio.to_thread(self._generation_file.keep, self._mark.memory())


def fault_of_commits(synchronous: str) -> str:
    """Return the fault of a session whose commits may be lost, with its fix, or ""."""
    if synchronous in ("on", "remote_apply"):
        return ""
    return (
        f"PostgreSQL may lose what it has confirmed (synchronous_commit={synchronous}), which would undo locks: ALTER ROLE … "
        "SET synchronous_commit = on, or write ?durable=false at the end of the store's URL to accept that"
    )
