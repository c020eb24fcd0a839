"""A worker that does one deed and is struck on the way.

It is struck before a call of its store, after it, or inside it. It dies like ``kill -9``, or one of the victims of
``strikes.py`` is hit and the worker lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import json
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfa_gate.errors import StoreUnavailable
from mfa_gate.storage import Store
from mfa_gate.stores.postgres.connections import Connection, Connections
from mfa_gate.stores.redis import pipeline
from mfa_gate.stores.redis.resp import Replies, Reply
from mfa_gate.stores.sqlite.worker_thread import Job, WorkerThread
from tests.attacks.mistakes import MISTAKES
from tests.attacks.strikes import STRIKES, die, overhear_sessions
from tests.attacks.worker import caller, count_comparisons
from tests.harness import World
from tests.stores.patience import patient_store

Deed = dict[str, Any]
A_TIMERS_LEAST = 5e-5
"""Seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """The place where a worker was struck that did a deed.

    It was at its n-th call of the store (``at``): before it, after it, or inside it, ``delay`` seconds after the call
    had begun; or at the end of all. ``number`` is that of the store that it left, ``swaps`` are the calls of the deed that
    write the account, and ``victim`` is a key of ``STRIKES``.
    """

    number: int
    deed: str
    at: int
    call: str
    moment: str
    swaps: tuple[int, ...] = ()
    victim: str = "worker"
    delay: float = 0.0


class Doomed:
    """A store at whose n-th call somebody is struck.

    ``struck`` is "inside" the call, "beside" it, or "".
    """

    def __init__(self, inner: Store, kill: Kill | None) -> None:
        self.calls: list[tuple[str, float]] = []
        self.struck = ""
        self._inner = inner
        self._kill = kill
        self._loop = asyncio.get_running_loop()
        self._entered_at: dict[int, float] = {}
        on_entering(self._entered)

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def called(*arguments: Any, **named: Any) -> Any:
            self.calls.append((name, 0.0))
            number = len(self.calls)
            moment = self._kill.moment if self._kill and self._kill.at == number else ""
            if moment == "before":
                self._strike("beside")
            self._entered_at[number] = 0.0
            try:
                result = await found(*arguments, **named)
            finally:
                if moment and not self.struck:
                    self._strike("beside")
            entered_at = self._entered_at.pop(number)
            self.calls[number - 1] = (name, time.perf_counter() - entered_at if entered_at else 0.0)
            return result

        return called

    def _entered(self) -> None:
        for number in [number for number, at in [*self._entered_at.items()] if not at]:
            self._entered_at[number] = time.perf_counter()
            if self._kill is None or self._kill.moment != "inside" or self._kill.at != number:
                continue
            if self._kill.victim == "worker":
                # Nobody handles it, so the kernel ends all threads where they stand, as for kill -9; and it is in time.
                signal.setitimer(signal.ITIMER_REAL, self._kill.delay)
            else:
                self._loop.call_soon_threadsafe(self._strike_later, number, self._kill.delay)

    def _strike_later(self, number: int, delay: float) -> None:
        """Strike in a moment, or at once inside a call that is over sooner than a timer is."""
        if delay > A_TIMERS_LEAST:
            self._loop.call_later(delay, self._strike_inside, number)
        else:
            self._strike_inside(number)

    def _strike_inside(self, number: int) -> None:
        if not self.struck and number in self._entered_at:
            self._strike("inside")

    def _strike(self, how: str) -> None:
        assert self._kill is not None
        self.struck = how
        STRIKES[self._kill.victim]()


def on_entering(tell: Callable[[], None]) -> None:
    """Call ``tell`` from now on at each entry into a store.

    For SQLite: each time that its thread begins its work. For Redis: each time that commands were sent. For PostgreSQL:
    each time that a connection is lent.
    """
    serve = WorkerThread._serve

    def serving(self: WorkerThread, jobs: Sequence[Job]) -> None:
        tell()
        serve(self, jobs)

    class Overheard:
        def __init__(self, connection: Any) -> None:
            self._replies = Replies(connection)

        async def next(self) -> Reply:
            tell()
            return await self._replies.next()

        @property
        def has_news(self) -> bool:
            return self._replies.has_news

    run_once = Connections.run_once

    async def running(self: Connections, work: Any, **named: Any) -> Any:
        def overheard(connection: Connection) -> Any:
            tell()
            return work(connection)

        return await run_once(self, overheard, **named)

    WorkerThread._serve = serving  # type: ignore[method-assign]
    pipeline.Replies = Overheard  # type: ignore[assignment,attr-defined]
    Connections.run_once = running  # type: ignore[method-assign]


async def act(world: World, store: str, marks: Path, deed: Deed, kill: Kill | None) -> None:
    """Do one deed on the store, and be struck on the way.

    A worker that lives writes down its calls of the store, the time that each took, and when it was struck.
    """
    MISTAKES[deed["mistake"]]()
    overhear_sessions()
    count_comparisons(marks / "compared")
    mark_sends(world, marks / "sent")
    opened = patient_store(store)
    doomed: Any = Doomed(opened, kill)
    await opened.open()
    world.engine.store = doomed
    doing = asyncio.create_task(do(world, deed), name="deed")
    with contextlib.suppress(StoreUnavailable, asyncio.CancelledError) if kill else contextlib.nullcontext():
        await doing
    if kill is not None and kill.moment == "end" and kill.victim == "worker":
        die()
    await world.engine.effects.idle()
    await opened.aclose()
    (marks / "calls").write_text(json.dumps(doomed.calls))
    (marks / "struck").write_text(doomed.struck)


async def do(world: World, deed: Deed) -> Any:
    """The deed, and all that comes of it. Returns the service's answer."""
    service, who = world.gate.service, caller(deed["handle"])
    match deed["kind"]:
        case "verify":
            done: Any = await service.verification.verify(
                who, handle=deed["handle"], authenticator=deed["authenticator"], response=deed["response"]
            )
        case "confirm":
            done = await service.enrollments.confirm(
                who, handle=deed["handle"], enrollment=deed["enrollment"], response=deed["response"]
            )
        case _:
            done = await service.challenges.begin(who, deed["authenticator"])
    await world.engine.effects.idle()
    return done


def mark_sends(world: World, marks: Path) -> None:
    """From now on a message leaves a mark as soon as the sender has it."""
    inner = world.email.send

    async def send(message: Any) -> None:
        marks.write_bytes(b"x")
        await inner(message)

    world.email.send = send  # type: ignore[method-assign]
