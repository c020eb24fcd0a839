"""Judge open connections again while they last, and end those that may not go on (S-15)."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from threading import get_ident
from typing import Any, Protocol

from ..core.decision import Allow
from ..core.model import Subject, SubjectKey
from ..core.revocation import has_signed_out, is_revoked
from ..errors import MFAGateError, StoreUnavailable
from ..service import Judgement, Service
from ..service.access import Pass
from .callers import Callers
from .connection import EXEMPT, Connection, ConnectionGate, LetIn, Timing, WithoutSubject
from .lifespan import running_loop
from .types import Scope

log = logging.getLogger("mfa_gate")

SIDE_BY_SIDE = 100
"""Connections that are judged at the same time."""


class JudgingGate(ConnectionGate, Protocol):
    """The parts of the gate that judge an open connection again."""

    service: Service
    callers: Callers

    def is_exempt(self, scope: Scope, path: str) -> bool:
        """Tell whether a rule exempts ``path`` for everybody."""

    def has_grace(self, scope: Scope, path: str, subject: Subject) -> bool:
        """Tell whether the policy lets this browser on while the store is away."""

    async def judge_subject(self, scope: Scope, subject: Subject, /) -> Judgement:
        """Judge the requests of ``subject`` on this connection now."""

    def enforces_nothing(self, subject: Subject | None, /) -> bool:
        """Tell if the policy only reports for a person.

        For None, if it only reports for everybody.
        """

    def let_in(self, subject: Subject, judgement: Judgement) -> LetIn:
        """Keep the reason why ``subject`` passes."""


class OpenConnections:
    """The timer for all open connections of a gate.

    ``open`` has each of them, and nothing else. ``loop`` is the event loop of the timer, ``thread`` the number of the thread
    that it runs in: None and 0 while the timer stands still.
    """

    def __init__(self, gate: JudgingGate, timing: Timing | None = None) -> None:
        self._gate = gate
        self.timing = timing or Timing()
        self.open: set[Connection] = set()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.thread = 0
        self._rounds: set[asyncio.Task[None]] = set()
        self._deaf = False

    def start(self) -> asyncio.Task[Any] | None:
        """Look again and again on the running loop, for as long as anything is open.

        Returns the running task. Raises ``SettingsError`` outside of asyncio.
        """
        loop = running_loop()
        self.thread = get_ident()
        if self.loop is not loop:
            self.loop = loop
            loop.call_later(self.timing.tick, self._tick, loop)
        return asyncio.current_task(loop)

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.loop is not loop:
            return
        if not self.open:
            self.loop, self.thread = None, 0
            return
        self.thread = get_ident()
        loop.call_later(self.timing.tick, self._tick, loop)
        for due, look in self._due(loop):
            if due:
                round_ = loop.create_task(_side_by_side(due, look))
                self._rounds.add(round_)
                round_.add_done_callback(self._rounds.discard)

    async def look(self) -> None:
        """Look at all open connections once, now.

        It returns when each connection that is due has been judged.
        """
        rounds = (_side_by_side(due, look) for due, look in self._due(asyncio.get_running_loop()))
        await asyncio.gather(*rounds)

    def spare(self, key: SubjectKey) -> None:
        """Let the request of this task run to its end, if it is one of ``key``.

        A stream or a websocket does not. The request ends that person's proofs itself, and its answer must arrive.
        """
        task = asyncio.current_task()
        for connection in self.open:
            passed = connection.passed
            if connection.task is not task or connection.is_live or isinstance(passed, WithoutSubject):
                continue
            if passed.subject.key == key:
                connection.passed = EXEMPT

    # -- who is due ------------------------------------------------------------------------------------------------

    def _due(
        self, loop: asyncio.AbstractEventLoop
    ) -> list[tuple[list[Connection], Callable[[Connection], Awaitable[None]]]]:
        """Find the connections to judge: the account has changed, or their time is up.

        A connection that was ended and still runs is cancelled again.
        """
        self._hear()
        now, wall = self.timing.clock(), self._gate.service.engine.now()
        changed: list[Connection] = []
        again: list[Connection] = []
        for connection in tuple(self.open):
            task = connection.task
            if task is None or task.get_loop() is not loop:
                continue
            if connection.over == "end":
                self._cancel(connection)
                continue
            if connection.over or connection.is_done:
                continue
            if connection.judged_at is None:
                connection.judged_at = now
            if not self._deaf and not connection.looking and _has_changed(connection):
                connection.looking = True
                changed.append(connection)
            elif not connection.asking and connection.is_live and self._is_time(connection, now, wall):
                connection.asking, connection.judged_at = True, now
                again.append(connection)
        return [(changed, self._look_at_account), (again, self._judge)]

    def _hear(self) -> None:
        """Let the engine drop the accounts that changed, as the store tells.

        While the store tells nothing, connections are judged by the clock.
        """
        try:
            self._gate.service.engine.notice()
        except Exception as error:
            if not self._deaf:
                log.warning(
                    "mfa_gate: the store does not tell what changed; connections are judged by the clock: %s", error
                )
            self._deaf = True
        else:
            self._deaf = False

    def _is_time(self, connection: Connection, now: float, wall: int) -> bool:
        passed = connection.passed
        over = not isinstance(passed, WithoutSubject) and wall >= passed.ends_at
        return over or now - (connection.judged_at or 0.0) >= self.timing.again

    # -- judging ---------------------------------------------------------------------------------------------------

    async def _look_at_account(self, connection: Connection) -> None:
        """Judge by the account alone, without asking the host.

        So a lock ends all connections at once, even with a slow host.
        """
        try:
            passed = connection.passed
            if not isinstance(passed, WithoutSubject) and not await self._keeps_its_right(connection, passed):
                self.end(connection)
        except StoreUnavailable:
            pass  # the clock judges it, by the rules for an outage
        except Exception as error:
            self._fail(connection, error)
        finally:
            connection.looking = False

    async def _keeps_its_right(self, connection: Connection, passed: Pass | LetIn) -> bool:
        """Tell if the account still lets this connection go on.

        A response that began by right loses this right only by a revocation.
        """
        if self._gate.enforces_nothing(passed.subject):
            connection.passed = LetIn(passed.subject, None)
            return True
        judgement = await self._gate.judge_subject(connection.as_judged(), passed.subject)
        connection.passed = self._gate.let_in(passed.subject, judgement)
        evidence, entry = judgement.evidence, passed.entry
        if connection.is_live and evidence and entry and has_signed_out(entry.account, evidence):
            return False
        if isinstance(judgement.decision, Allow):
            return True
        if connection.is_live:
            return False
        ends = judgement.requirement.rules.attempts.lock_ends_sessions
        return evidence is None or entry is None or not is_revoked(entry.account, evidence, lock_ends_sessions=ends)

    async def _judge(self, connection: Connection) -> None:
        """Judge as a new request: by exemptions, the signed-in user, the rules for an outage."""
        try:
            if not await self._may_go_on(connection):
                self.end(connection)
        except Exception as error:
            self._fail(connection, error)
        finally:
            connection.asking = False

    async def _may_go_on(self, connection: Connection) -> bool:
        gate, scope = self._gate, connection.as_judged()
        if gate.enforces_nothing(None) or gate.is_exempt(scope, connection.path):
            return True
        subject: Subject | None = None
        try:
            subject = await gate.callers.subject(scope)
            let_in = self._person_let_in(connection)
            if let_in is not None and (subject is None or not _is_same(let_in, subject)):
                return False  # That person has signed out, and the app may still serve them here.
            if subject is None or gate.enforces_nothing(subject):
                return True
            judgement = await gate.judge_subject(scope, subject)
        except StoreUnavailable:
            return subject is not None and gate.has_grace(scope, connection.path, subject)
        connection.passed = gate.let_in(subject, judgement)
        return isinstance(judgement.decision, Allow)

    def _person_let_in(self, connection: Connection) -> Subject | None:
        """Return the person who was let in by right, None for a stranger or where all may pass."""
        passed = connection.passed
        if isinstance(passed, WithoutSubject) or self._gate.enforces_nothing(passed.subject):
            return None
        return passed.subject

    def _fail(self, connection: Connection, error: Exception) -> None:
        """End a connection that cannot be judged, as a new request would be refused."""
        exc_info = None if isinstance(error, (MFAGateError, TimeoutError)) else error
        log.error("mfa_gate: an open connection could not be judged again and ends: %r", error, exc_info=exc_info)
        self.end(connection)

    def end(self, connection: Connection) -> None:
        """End a websocket or an event stream, or cut any other response."""
        if connection not in self.open or connection.over or connection.is_done:
            return
        if connection.is_live:
            connection.end()
            self._cancel(connection)
        else:
            connection.cut()

    def _cancel(self, connection: Connection) -> None:
        if connection.task is not None:
            connection.cancels += 1
            connection.task.cancel()


def _is_same(one: Subject, other: Subject) -> bool:
    """Tell if two answers of the host name one person, and the same one who acts for them."""
    return (one.key, one.actor) == (other.key, other.actor)


def _has_changed(connection: Connection) -> bool:
    passed = connection.passed
    if isinstance(passed, WithoutSubject):
        return False
    if passed.entry is None:
        return isinstance(passed, LetIn) and not passed.learned
    return passed.entry.stale


async def _side_by_side(due: Sequence[Connection], look: Callable[[Connection], Awaitable[None]]) -> None:
    """Look at each connection, ``SIDE_BY_SIDE`` at a time."""
    waiting = deque(due)

    async def work() -> None:
        while waiting:
            await look(waiting.popleft())

    await asyncio.gather(*(work() for _ in range(min(SIDE_BY_SIDE, len(waiting)))))
