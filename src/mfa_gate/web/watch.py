"""Connections that stay open: judged again while they last, and ended when they may not go on (S-15)."""

from __future__ import annotations

import asyncio
import logging
from asyncio import current_task, get_running_loop
from collections.abc import Awaitable, Callable
from time import monotonic
from typing import TYPE_CHECKING, Any

from ..core.decision import Allow
from ..service.engine import Entry

if TYPE_CHECKING:
    from .guard import Guard

log = logging.getLogger("mfa_gate")

TICK = 1.0
"""Seconds between two looks at the store's notices, while anything is open."""
AGAIN = 30.0
"""Seconds after which every open connection is judged again, whatever the store says."""
CLOSE_CODE = 4401

Send = Callable[[Any], Awaitable[None]]


class Lasting:
    """What is known of a connection that has lasted: ``entry`` is the account it was last judged by; ``stranger`` says that
    nobody was signed in."""

    __slots__ = ("ended", "entry", "judged_at", "scope", "stranger")

    def __init__(self, scope: dict[str, Any]) -> None:
        self.scope = scope
        self.judged_at = 0.0
        self.entry: Entry | None = None
        self.stranger = False
        self.ended = False


class Watch:
    """One timer for all open connections of a guard. ``open`` has what each running task answers, and no more than that: an
    entry is made for every request, so how long one has lasted is told by the ticks that it was open at."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self.open: dict[asyncio.Task[Any] | None, dict[str, Any]] = {}
        self._lasting: dict[asyncio.Task[Any], Lasting] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        self._round: asyncio.Task[None] | None = None

    def hold(self, scope: dict[str, Any]) -> asyncio.Task[Any] | None:
        """Begin to watch the running task's connection; its end takes it out of ``open``."""
        loop = get_running_loop()
        if self.loop is not loop:
            self.start(loop)
        task = current_task(loop)
        self.open[task] = scope
        return task

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Look again and again on this loop, for as long as anything is open."""
        self.loop = loop
        loop.call_later(TICK, self._tick, loop)

    def ended(self, task: asyncio.Task[Any], scope: dict[str, Any]) -> bool:
        """Whether this watch has cancelled the task for the sake of this connection."""
        lasting = self._lasting.get(task)
        return lasting is not None and lasting.scope is scope and lasting.ended

    def _tick(self, loop: asyncio.AbstractEventLoop) -> None:
        if self.loop is not loop:
            return
        if not self.open:
            self.loop = None
            self._lasting.clear()
            return
        loop.call_later(TICK, self._tick, loop)
        if self._round is None or self._round.done():
            due = self._due()
            if due:
                self._round = loop.create_task(self._judge(due))

    def _due(self) -> list[tuple[asyncio.Task[Any], Lasting]]:
        """Those that were open at the tick before and were never judged here, whose account has changed, or whose time is up."""
        now = monotonic()
        try:
            self._guard.service.engine.notice()
        except Exception:
            log.warning("mfa_gate: the store does not tell what changed; open connections are judged by the clock")
        known, self._lasting, due = self._lasting, {}, []
        for task, scope in self.open.items():
            if task is None:
                continue
            lasting = known.get(task)
            if lasting is None or lasting.scope is not scope:
                self._lasting[task] = Lasting(scope)
                continue
            self._lasting[task] = lasting
            changed = lasting.entry is not None and lasting.entry.stale
            if not lasting.ended and (changed or now - lasting.judged_at >= AGAIN):
                due.append((task, lasting))
        return due

    async def _judge(self, due: list[tuple[asyncio.Task[Any], Lasting]]) -> None:
        for task, lasting in due:
            if lasting.ended or self.open.get(task) is not lasting.scope:
                continue
            if not await self._may_go_on(lasting) and self.open.get(task) is lasting.scope:
                lasting.ended = True
                task.cancel()
            await asyncio.sleep(0)

    async def _may_go_on(self, lasting: Lasting) -> bool:
        """Judge again. What cannot be judged does not go on."""
        first = not lasting.judged_at
        lasting.judged_at = monotonic()
        try:
            judgement = await self._guard.judge_again(lasting.scope)
        except Exception as error:
            log.error("mfa_gate: an open connection could not be judged again and ends: %s", error)
            return False
        if judgement is None:
            # Nobody is signed in: a stranger stays one; somebody who was signed in has signed out.
            lasting.stranger = lasting.stranger or first
            return lasting.stranger
        lasting.stranger = False
        lasting.entry = judgement.entry
        return isinstance(judgement.decision, Allow) or judgement.requirement.report_only


async def end(scope: dict[str, Any], send: Send) -> None:
    """End a connection from our side: 4401 for a websocket, the clean end of a stream."""
    if scope["type"] == "websocket":
        messages = [{"type": "websocket.close", "code": CLOSE_CODE, "reason": "second factor required"}]
    else:
        messages = [{"type": "http.response.body", "body": b"", "more_body": False}]
    try:
        for message in messages:
            await send(message)
    except Exception as error:
        log.debug("mfa_gate: the connection was over before it could be ended: %s", error)
