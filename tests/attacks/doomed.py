"""A worker that does one deed and dies on the way, like ``kill -9``.

It dies before a call of its store, after it, or inside it.
"""

from __future__ import annotations

import inspect
import json
import os
import signal
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mfa_gate.storage import Store
from mfa_gate.stores.redis import pipeline
from mfa_gate.stores.redis.resp import Replies, Reply
from mfa_gate.stores.sqlite.worker_thread import Job, WorkerThread
from tests.attacks.mistakes import MISTAKES
from tests.attacks.worker import caller, count_comparisons
from tests.harness import World
from tests.stores.patience import patient_store

Deed = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Kill:
    """The place where a worker died that did a deed.

    It died at its n-th call of the store (``at``): before it, after it, or inside it, ``delay`` seconds after the call
    had begun; or at the end of all. ``number`` is that of the store that it left.
    """

    number: int
    deed: str
    at: int
    call: str
    moment: str
    delay: float = 0.0


class Doomed:
    """A store whose n-th call is the last thing that its process does."""

    def __init__(self, inner: Store, kill: Kill | None) -> None:
        self.calls: list[tuple[str, float]] = []
        self._inner = inner
        self._kill = kill
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
                die()
            self._entered_at[number] = 0.0
            result = await found(*arguments, **named)
            if moment:
                die()
            entered_at = self._entered_at.pop(number)
            self.calls[number - 1] = (name, time.perf_counter() - entered_at if entered_at else 0.0)
            return result

        return called

    def _entered(self) -> None:
        for number in [number for number, at in [*self._entered_at.items()] if not at]:
            self._entered_at[number] = time.perf_counter()
            if self._kill and self._kill.moment == "inside" and self._kill.at == number:
                # Nobody handles it, so the kernel ends all threads where they stand, as for kill -9; and it is in time.
                signal.setitimer(signal.ITIMER_REAL, self._kill.delay)


def die() -> None:
    """End this process by ``kill -9``."""
    os.kill(os.getpid(), signal.SIGKILL)


def on_entering(tell: Callable[[], None]) -> None:
    """Call ``tell`` from now on at each entry into a store.

    For SQLite: each time that its thread begins its work. For Redis: each time that commands were sent.
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
        def has_more(self) -> bool:
            return self._replies.has_more

    WorkerThread._serve = serving  # type: ignore[method-assign]
    pipeline.Replies = Overheard  # type: ignore[assignment,attr-defined]


async def act(world: World, store: str, marks: Path, deed: Deed, kill: Kill | None) -> None:
    """Do one deed on the store, and die on the way.

    A worker that lives writes down its calls of the store and the time that each took.
    """
    MISTAKES[deed["mistake"]]()
    count_comparisons(marks / "compared")
    mark_sends(world, marks / "sent")
    opened = patient_store(store)
    doomed: Any = Doomed(opened, kill)
    await opened.open()
    world.engine.store = doomed
    await do(world, deed)
    if kill is not None and kill.moment == "end":
        die()
    (marks / "calls").write_text(json.dumps(doomed.calls))


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
