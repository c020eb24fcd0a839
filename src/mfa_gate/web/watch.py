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


class Held:
    """One open connection. ``entry`` is the account it was last judged by; ``stranger`` says that nobody was signed in."""

    __slots__ = ("ended", "entry", "judged_at", "opened_at", "scope", "stranger", "task")

    def __init__(self, task: asyncio.Task[Any] | None, scope: dict[str, Any], opened_at: float) -> None:
        # By hand: one is made for every request, and a dataclass takes twice as long.
        self.task = task
        self.scope = scope
        self.opened_at = opened_at
        self.judged_at = 0.0
        self.entry: Entry | None = None
        self.stranger = False
        self.ended = False


class Watch:
    """One timer for all open connections of a guard."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._open: dict[int, Held] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._round: asyncio.Task[None] | None = None

    def hold(self, scope: dict[str, Any]) -> Held:
        """Begin to watch the running task's connection."""
        loop = get_running_loop()
        held = Held(current_task(loop), scope, monotonic())
        self._open[id(held)] = held
        if self._timer is None or self._loop is not loop:
            self._loop = loop
            self._timer = loop.call_later(TICK, self._tick)
        return held

    def drop(self, held: Held) -> None:
        """The connection is over."""
        self._open.pop(id(held), None)

    def _tick(self) -> None:
        self._timer = None
        if not self._open or self._loop is None:
            return
        self._timer = self._loop.call_later(TICK, self._tick)
        if self._round is None or self._round.done():
            due = self._due()
            if due:
                self._round = self._loop.create_task(self._judge(due))

    def _due(self) -> list[Held]:
        """Those that have lasted a while and were never judged here, whose account has changed, or whose time is up."""
        now = monotonic()
        try:
            self._guard.service.engine.notice()
        except Exception:
            log.warning("mfa_gate: the store does not tell what changed; open connections are judged by the clock")
        return [
            held
            for held in self._open.values()
            if not held.ended
            and now - held.opened_at >= TICK / 2
            and (now - held.judged_at >= AGAIN or (held.entry is not None and held.entry.stale))
        ]

    async def _judge(self, due: list[Held]) -> None:
        for held in due:
            if held.ended or id(held) not in self._open:
                continue
            if not await self._may_go_on(held):
                held.ended = True
                if held.task is not None:
                    held.task.cancel()
            await asyncio.sleep(0)

    async def _may_go_on(self, held: Held) -> bool:
        """Judge again. What cannot be judged does not go on."""
        first = not held.judged_at
        held.judged_at = monotonic()
        try:
            judgement = await self._guard.judge_again(held.scope)
        except Exception as error:
            log.error("mfa_gate: an open connection could not be judged again and ends: %s", error)
            return False
        if judgement is None:
            # Nobody is signed in: a stranger stays one; somebody who was signed in has signed out.
            held.stranger = held.stranger or first
            return held.stranger
        held.stranger = False
        held.entry = judgement.entry
        return isinstance(judgement.decision, Allow) or judgement.requirement.report_only


async def end(held: Held, send: Send) -> None:
    """End a connection from our side: 4401 for a websocket, the clean end of a stream."""
    if held.scope["type"] == "websocket":
        messages = [{"type": "websocket.close", "code": CLOSE_CODE, "reason": "second factor required"}]
    else:
        messages = [{"type": "http.response.body", "body": b"", "more_body": False}]
    try:
        for message in messages:
            await send(message)
    except Exception as error:
        log.debug("mfa_gate: the connection was over before it could be ended: %s", error)
