"""Change notices by ``LISTEN`` and ``NOTIFY``, with numbers.

After a possible gap the answer is "everything changed". Where notices do not arrive at all, it is so for every request.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
import secrets
from collections.abc import Awaitable, Callable

from psycopg import Error

from ...core.model import SubjectKey
from ...errors import StoreUnavailable
from ..common.change_log import ChangeLog, Operations
from .connections import Connection, Dialer, cut, deadline
from .monitor import GONE, State, Watch
from .outcomes import Missing, outage
from .timing import Timing

log = logging.getLogger("mfa_gate")

SWALLOWED = (
    "change notices of PostgreSQL do not arrive: a pooler in transaction mode (PgBouncer) swallows LISTEN. Every request of a "
    "known browser reads the store. Name the server itself in the store's URL, or a pooler in session mode"
)
_UNHEARD = "change notices of PostgreSQL cannot be listened to, so every request of a known browser reads the store: %s"
_UNKNOWN = "PostgreSQL answers too slowly to tell if change notices arrive: ask again when it has less to do"
_TOLD_AFTER = 10
"""Tries in a row, some seconds, after which the operator is told."""
_PAUSE = (0.1, 0.3)
_HELLO = "hello"


class Invalidation:
    """A connection that listens.

    The notices of a store are numbered; a gap means that one was missed.

    ``log`` is the log of changes, None while notices do not arrive. ``is_swallowed`` says that they are sent and lost.
    """

    def __init__(
        self,
        dialer: Dialer,
        channel: str,
        watch: Watch,
        timing: Timing,
        *,
        read_state: Callable[[Connection], Awaitable[State | None]],
        say: Callable[[str, str], Awaitable[None]],
    ) -> None:
        self._dialer = dialer
        self._channel = channel
        self._watch = watch
        self._timing = timing
        self._read_state = read_state
        self._say = say
        self._log = ChangeLog()
        self.log: ChangeLog | None = None
        self.is_swallowed = False
        self._failures = 0
        self._fault = ""
        self._operations = Operations()
        self._base, self._last = 0, 0
        self._hello = ""
        self._hello_at = 0.0
        self.settled = asyncio.Event()
        """Set once it is known that notices arrive, or that they do not."""
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.get_running_loop().create_task(self._listen())

    async def aclose(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            if self._connection is not None:
                cut(self._connection)
            await asyncio.gather(self._task, return_exceptions=True)

    def confirm(self, key: SubjectKey | None, op: str) -> None:
        """Note a change that this process has committed. Its notice is not noted again."""
        if self._operations.is_new(op):
            self._log.note(key)

    def went_back(self) -> None:
        """Report that the server has less than before: everything may have changed."""
        self._log.note(None)

    async def _listen(self) -> None:
        while True:
            try:
                await self._listen_once()
            except (Error, OSError, StoreUnavailable) as error:
                self._fail(str(outage(error)))
            except Exception:  # whatever broke it: it is made anew, and until then nobody is told "nothing"
                log.exception("listening to PostgreSQL failed, and begins anew")
            self.log = None
            await asyncio.sleep(random.uniform(*_PAUSE))  # noqa: S311

    def _fail(self, fault: str) -> None:
        log.debug("the listening connection to PostgreSQL broke: %s", fault)
        self._fault, self._failures = fault, self._failures + 1
        if self._failures == _TOLD_AFTER:
            log.warning(_UNHEARD, fault)
            self.settled.set()

    @property
    def advice(self) -> tuple[str, ...]:
        """Return the reason why notices have not arrived, or not for a while, if that is so."""
        if self.is_swallowed:
            return (SWALLOWED,)
        if not self.settled.is_set():
            return (_UNHEARD % self._fault if self._fault else _UNKNOWN,)
        return (_UNHEARD % self._fault,) if self._failures >= _TOLD_AFTER else ()

    async def _listen_once(self) -> None:
        connection = self._connection = await self._dialer.dial()
        try:
            async with deadline(connection, self._timing.silence):
                await connection.execute(f'LISTEN "{self._channel}"')
            self._base, self._last, self._hello = 0, 0, ""
            expected = 0
            while True:
                expected = await self._ask(connection, expected)
                await self._greet()
                async for notice in connection.notifies(timeout=self._timing.beat):
                    self._hear(notice.payload)
        finally:
            self._connection = None
            await connection.close()

    async def _ask(self, connection: Connection, expected: int) -> int:
        """Ask for the store's state: a silent server and one without news look the same otherwise.

        ``expected`` is the number that the question before found. Its notice must have come meanwhile. Returns the number
        that is found now.
        """
        newest = self._watch.newest
        try:
            async with deadline(connection, self._timing.silence):
                state = await self._read_state(connection)
        except Error as error:
            if isinstance(outage(error), Missing):
                self._watch.see(None, newest)
            raise
        self._watch.see(state, newest)
        if state is None:
            raise StoreUnavailable(GONE)
        if self.log is None:
            self._base = state.changes
        elif max(self._last, self._base) < expected:
            self._miss()
        await self._watch.keep()
        return state.changes

    def _miss(self) -> None:
        self.log, self._hello = None, ""
        self._log.note(None)

    async def _greet(self) -> None:
        """Send a notice to this listener by another connection, until one arrives."""
        now = asyncio.get_running_loop().time()
        if self.log is not None or (self._hello and now < self._hello_at + self._timing.hello_within):
            return
        if self._hello:
            self._swallow()
            if now < self._hello_at + self._timing.hello_every:
                return
        self._hello, self._hello_at = secrets.token_hex(8), now
        await self._say(self._channel, json.dumps([_HELLO, self._hello]))

    def _swallow(self) -> None:
        if not self.is_swallowed:
            log.warning(SWALLOWED)
        self.is_swallowed = True
        self.settled.set()

    def _hear(self, payload: str) -> None:
        """Take one notice. Anybody in the same database can send one, so it may hold any text."""
        try:
            said = json.loads(payload)
        except (ValueError, RecursionError):
            self._log.note(None)
            return
        match said:
            case ["hello", hello]:
                if hello == self._hello and self.log is None:
                    self._arrive()
            case [int(number), str(tenant), id, str(op)]:
                self._heed(number, SubjectKey(tenant, id) if isinstance(id, str) else None, op)
            case [int(number), None, None, str(op)]:
                self._heed(number, None, op)

    def _arrive(self) -> None:
        """Open the channel: a notice came all the way."""
        self._log.note(None)
        self.log, self.is_swallowed, self._failures = self._log, False, 0
        self.settled.set()

    def _heed(self, number: int, key: SubjectKey | None, op: str) -> None:
        """Note the change that a notice announces.

        A number that was there already, or that is not the next one, says that everything may have changed.
        """
        if number != (self._last or self._base) + 1 and not (not self._last and number <= self._base):
            self._log.note(None)
        self._last = number
        self._watch.note(number)
        if self._operations.is_new(op):
            self._log.note(key)
