"""The open parts of a PostgreSQL store on one event loop.

They are the connections, the listener, and the watch.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from typing import Any, TypeVar

from psycopg import Error, OperationalError

from ...errors import SettingsError, StoreUnavailable
from ..common.change_log import ChangeLog
from ..common.fork_safety import watch
from ..common.generation_file import GenerationFile
from ..common.high_water_mark import HighWaterMark
from .connections import Connection, Connections, Dialer, Work, deadline
from .first_open import Found, prepare, read_state
from .invalidation import Invalidation
from .monitor import GONE, OLD_PRIMARY, History, State, Watch
from .outcomes import OutcomeUnknown, outage
from .url import Place

T = TypeVar("T")
Row = tuple[Any, ...]

CHANNEL = "mfa_gate_"
_LISTS_AT_ONCE = 2
_WRONG = ("authentication failed", "no password supplied", "does not exist", "no pg_hba.conf entry")
"""The server's words where no waiting helps: libpq tells no code of a connection that was refused."""


class Session:
    """The connections of one event loop of one process. Another loop has its own (F-40).

    ``forked`` says that this process is a fork of the one that opened the session.
    """

    def __init__(
        self, place: Place, mark: HighWaterMark, history: History, generation_file: GenerationFile | None
    ) -> None:
        self.place = place
        self.schema = place.quoted_schema
        self.timing = place.timing
        self.loop = asyncio.get_running_loop()
        self.store_id = ""
        self.forked = False
        self.found: Found | None = None
        self._mark = mark
        self._history = history
        self._generation_file = generation_file
        self._accepted_at = 0
        self._dialer = Dialer(place, self._admit)
        self._calls = Connections(self._dialer, place, size=place.connections)
        self._lists = Connections(self._dialer, place, size=_LISTS_AT_ONCE)
        self._watch: Watch | None = None
        self._invalidation: Invalidation | None = None

    async def start(self, store_id: str, *, make: bool) -> None:
        """Check the server, find the store's id, and begin to listen.

        ``store_id`` is the id that must be there, or "". Raises ``SettingsError``, ``StoreMissing`` or ``StoreUnavailable``.
        """
        await self.prepare(store_id, make=make)
        await self._calls.open()
        await self._lists.open()
        self._invalidation = Invalidation(
            self._dialer,
            CHANNEL + self.store_id,
            self.watch,
            self.timing,
            read_state=self._read_state,
            say=self._say,
        )
        self._invalidation.start()
        watch(self)

    async def prepare(self, store_id: str, *, make: bool) -> None:
        """Check the server and the store by one connection, without any other."""
        memory = None
        if self._generation_file is not None and not store_id:
            memory = await asyncio.to_thread(self._generation_file.read)
            if memory is not None:
                self._history.recall(list(memory.numbers))
                self._accepted_at = memory.restored_at
        found = self.found = await self._look(make=make and memory is None)
        if store_id and found.state.store != store_id:
            raise StoreUnavailable(GONE)
        if self._generation_file is not None and not store_id:
            await asyncio.to_thread(self._generation_file.require, found.state.store)
        self.store_id = found.state.store
        self._mark.begin(self.store_id, found.state.restored_at)
        if memory is not None:
            self._mark.recall(memory)
        self._watch = Watch(
            self.place, self.store_id, self._mark, self._history, self._generation_file, on_loss=self._went_back
        )
        self._watch.see(found.state, self._watch.newest)

    async def _look(self, *, make: bool) -> Found:
        try:
            connection = await self._dialer.dial()
            try:
                async with deadline(connection, self.timing.start_within):
                    return await prepare(connection, self.place, make=make)
            finally:
                await connection.close()
        except (Error, OSError) as error:
            text = " ".join(str(error).split())
            if isinstance(error, OperationalError) and any(words in text for words in _WRONG):
                raise SettingsError(f"store {self.place.shown!r}: PostgreSQL refuses the sign-in ({text})") from error
            raise outage(error) from error

    async def _admit(self, connection: Connection, system: str, timeline: int) -> None:
        """Refuse a primary from before a failover, unless an operator has accepted its data since."""
        if self._history.is_superseded(system, timeline):
            accepted_at = max(self._accepted_at, self._mark.restored_at)
            state = await read_state(connection, self.place)
            if state is None or state.restored_at <= accepted_at:
                raise StoreUnavailable(OLD_PRIMARY)
            self._history.forget()
        self._history.admit(system, timeline)

    async def wait_for_notices(self, within: float) -> None:
        """Wait until it is known if notices arrive, ``within`` seconds at most."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.invalidation.settled.wait(), within)

    async def aclose(self) -> None:
        """Close everything."""
        if self._invalidation is not None:
            await self._invalidation.aclose()
            await self._calls.aclose()
            await self._lists.aclose()

    @property
    def watch(self) -> Watch:
        """Return the judge of a started session."""
        assert self._watch is not None
        return self._watch

    @property
    def invalidation(self) -> Invalidation:
        """Return the listener of a started session."""
        assert self._invalidation is not None
        return self._invalidation

    async def advice(self) -> tuple[str, ...]:
        """Return the faults of a session that stop nothing, once it is known if notices arrive."""
        await self.wait_for_notices(self.timing.advice_within)
        known = () if self.found is None else self.found.advice
        return (*known, *self.invalidation.advice)

    def changes(self) -> ChangeLog | None:
        """Return the log of changes; None while everything may have changed.

        Raises ``StoreUnavailable`` in trouble.
        """
        watch, invalidation = self._watch, self._invalidation
        if self.forked or watch is None or invalidation is None:
            raise StoreUnavailable("the PostgreSQL store is not open")
        if watch.trouble:
            raise StoreUnavailable(watch.trouble)
        return invalidation.log

    def _went_back(self) -> None:
        if self._invalidation is not None:
            self._invalidation.went_back()

    def before_fork(self) -> None:
        """Do nothing: open connections stay the parent's."""

    def after_fork(self, *, child: bool) -> None:
        """Mark a child's copy of the session as unusable: the connections are its parent's."""
        self.forked = self.forked or child

    async def _read_state(self, connection: Connection) -> State | None:
        return await read_state(connection, self.place)

    async def _say(self, channel: str, payload: str) -> None:
        await self._calls.run(
            lambda connection: connection.execute("SELECT pg_notify(%s, %s)", (channel, payload)),
            within=self.timing.answer_within,
        )

    def require_sound(self) -> None:
        """Raise ``StoreUnavailable`` while every call is refused."""
        if self.watch.trouble:
            raise StoreUnavailable(self.watch.trouble)

    async def rows(self, statement: str, values: Sequence[object], *, is_list: bool = False) -> list[Row]:
        """Read the rows of a statement.

        ``is_list``: it may be slow, and must hold up nobody's sign-in.
        """
        self.require_sound()

        async def work(connection: Connection) -> list[Row]:
            return await (await connection.execute(statement, values, binary=True)).fetchall()

        pool = self._lists if is_list else self._calls
        return await pool.run(work, within=self.timing.answer_within, reads=True)

    async def row(self, statement: str, values: Sequence[object], *, is_list: bool = False) -> Row | None:
        """Read the first row of a statement, or None."""
        rows = await self.rows(statement, values, is_list=is_list)
        return rows[0] if rows else None

    async def call(self, statement: str, values: Sequence[object]) -> Any:
        """Run a statement that writes, and return its one value.

        Raises ``StoreUnavailable`` if there is none: it is another store.
        """
        self.require_sound()

        async def work(connection: Connection) -> Row | None:
            cursor = await connection.execute(statement, values)
            return await cursor.fetchone() if cursor.description else (True,)

        row = await self._calls.run(work, within=self.timing.answer_within)
        if row is None or row[0] is None:
            raise StoreUnavailable(GONE)
        return row[0]

    async def swap(self, work: Work[T]) -> T:
        """Let ``work`` write once, in the time of a swap.

        Raises ``Contention`` and ``OutcomeUnknown`` as well.
        """
        self.require_sound()
        return await self._calls.run_once(work, within=self.timing.swap_within)

    async def landed(self, unknown: OutcomeUnknown, statement: str, values: Sequence[object], expected: Row) -> Row:
        """Read back a write that got no answer (F-7).

        Returns the row if it begins with ``expected``, else raises ``unknown``.

        The question commits something itself. So the answer comes when the write is as safe as every other commit, on the
        standby too.
        """

        async def work(connection: Connection) -> Row | None:
            found = await (await connection.execute(statement, values)).fetchone()
            if found is None or found[: len(expected)] != expected:
                return None
            await connection.execute("SELECT pg_logical_emit_message(true, 'mfa_gate', '')")
            return tuple(found)

        try:
            row = await self._calls.run_once(work, within=self.timing.read_back_within)
        except StoreUnavailable:
            raise unknown from None
        if row is None:
            raise unknown
        return row

    def committed(self, number: int) -> None:
        """Take note of the number of an own change."""
        self.watch.note(number)
