"""The effects of a commit: counters, the log, the host's hooks and listeners.

An effect can neither undo nor fail the commit.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from typing import Protocol

from ..core.decision import Decision
from ..core.events import Event
from ..core.model import Account, Subject
from ..host_faults import misbehaved
from ..thread_pool import ThreadPool

audit_log = logging.getLogger("mfa_gate.audit")
log = logging.getLogger("mfa_gate")

HOOK_TIME = 20.0
"""Seconds that a hook of the host has, with the wait for its turn. After that it gets a committed event again."""
CALL_TIMEOUT = 10.0
"""Seconds that a call of a missed event has."""

OnEvent = Callable[[Event], object]
SubjectHook = Callable[[Subject, Event], object]
"""``on_lock``, ``on_reset``: the person concerned, and the event that tells of it."""


class NotCalled(TimeoutError):
    """Raised if time ended before the call's turn came.

    Earlier calls of the same hook took all of it, so the host's function has not failed.
    """


class HostCall:
    """The way to call one hook of the host, which must not stop the event loop.

    A plain function runs in a thread of its own, one call at a time and in their order: the host's function need not be
    safe for threads. ``threads``: up to so many calls at a time, for a function that is. An async function runs on the
    event loop.
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        self._threads = ThreadPool(name, threads)

    async def run(self, hook: Callable[..., object], *arguments: object, within: float) -> object:
        """Call ``hook`` with ``arguments``, wait for its end and return its value.

        Raises what the hook raises, and ``TimeoutError`` after ``within`` seconds. They include the wait for the call's
        turn: ``NotCalled`` if it did not come. A plain function that has begun goes on behind a ``TimeoutError``.

        A hook that throws something else than an exception, such as the cancellation of a task of its own, fails with
        ``RuntimeError``: it would end this round of background work for all tenants, without a word.
        """
        try:
            return await self._run(hook, *arguments, within=within)
        except Exception:
            raise
        except BaseException as error:
            raise misbehaved("the hook", error) from error

    async def _run(self, hook: Callable[..., object], *arguments: object, within: float) -> object:
        if inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(type(hook).__call__):
            async with asyncio.timeout(within):
                return await hook(*arguments)  # type: ignore[misc]  # an async function gives an awaitable
        has_begun = False

        def call() -> object:
            nonlocal has_begun
            has_begun = True
            return hook(*arguments)

        try:
            async with asyncio.timeout(within):
                result = await self._threads.run(call)
                return await result if inspect.isawaitable(result) else result
        except TimeoutError as error:
            if has_begun:
                raise
            raise NotCalled(f"earlier calls took all of {within:g} s") from error

    def close(self) -> None:
        """Let go of the thread, without waiting for a call that hangs."""
        self._threads.close()


class Listener(Protocol):
    """A receiver of committed events, called in the background."""

    @property
    def kinds(self) -> Mapping[str, Collection[str] | None]:
        """Return the kinds of event that it wants, each with the factors that they must be of.

        None stands for any factor. The listener is called with all events of a commit that has one that it wants.
        """

    async def __call__(self, events: Sequence[Event], account: Account) -> None:
        """Take the events of one change, and the account after it."""


class Heard(Protocol):
    """A receiver of the results of hook calls."""

    def __call__(self, name: str, event: Event, /, *, ok: bool) -> None:
        """Take the hook's name, the event, and ``ok`` if the call succeeded."""


class Observer(Protocol):
    """A receiver of durations and refusals, for metrics and traces.

    It must not raise. There is none unless somebody asked for it, and a remembered request never meets it.
    """

    def judged(self, began: float, decision: Decision, /) -> None:
        """Take a judgement that read an account and ends now. ``began`` is its ``perf_counter``."""

    def verified(self, began: float, factor: str, outcome: str, /) -> None:
        """Take a guess that ends now. ``outcome`` is ``granted``, ``fault`` or the reason."""

    def refused(self, reason: str, state: str, /) -> None:
        """Take a refusal that is sent.

        ``state`` is the contract's word where a request was judged, else "".
        """


def _nobody_listens(name: str, event: Event, /, *, ok: bool) -> None:
    """Ignore the result. It is used until an ``Outbox`` stores results."""


class Effects:
    """The receivers of events, and the background work that goes on after an answer.

    A receiver adds itself to one of the lists. ``hook_within`` is the seconds that a hook of the host has, with the wait
    for its turn; ``again_within`` is the seconds for a missed event.
    """

    def __init__(self, on_event: OnEvent | None) -> None:
        self.on_event = on_event
        self.on_event_call = HostCall("on_event")
        self.hook_within = HOOK_TIME
        self.again_within = CALL_TIMEOUT
        self.closers: list[Callable[[], None]] = [self.on_event_call.close]
        self.listeners: list[Listener] = []
        self.counters: list[Callable[[Event], None]] = []
        self.failures: list[Callable[[str], None]] = []
        self.observer: Observer | None = None
        self.heard: Heard = _nobody_listens
        self._under_way: set[asyncio.Task[None]] = set()

    async def follow(self, events: Sequence[Event], account: Account) -> None:
        """Report committed events, and the account after them.

        The answer waits at most 0.3 seconds for the listeners.
        """
        for event in events:
            self.tell(event, committed=True)
        tasks: list[asyncio.Task[None]] = []
        for listener in self.listeners:
            for event in events:
                factors = listener.kinds.get(event.kind, ())
                if factors is None or event.factor in factors:
                    tasks.append(self.later(self._listen(listener, events, account)))
                    break
        if tasks:
            await asyncio.wait(tasks, timeout=0.3)

    async def _listen(self, listener: Listener, events: Sequence[Event], account: Account) -> None:
        try:
            await listener(events, account)
        except Exception:
            log.exception("%s failed on an event", type(listener).__name__)

    def tell(self, event: Event, *, committed: bool = False) -> None:
        """Report one event to the counters, the log (JSON) and the host's hook.

        A failure is logged and changes nothing. A ``committed`` event is in the trail, so a failed hook gets it
        again. So does one that was not called, because earlier calls took its time; the hook has not failed then.
        """
        for count in self.counters:
            try:
                count(event)
            except Exception:
                log.exception("an event could not be counted (ref %s)", event.id)
        if audit_log.isEnabledFor(logging.INFO):
            parts = asdict(event)
            line = json.dumps(parts, separators=(",", ":"), ensure_ascii=True)
            try:
                audit_log.info("%s", line, extra={f"mfa_{name}": part for name, part in parts.items()})
            except Exception as error:  # of a handler of the host; the trail has the event
                with suppress(Exception):  # the same handler may be asked
                    log.error("an event could not be logged (ref %s): %s", event.id, type(error).__name__)
        if self.on_event is None:
            return
        self.later(self._report(self.on_event, event, committed=committed))

    async def _report(self, hook: OnEvent, event: Event, *, committed: bool) -> None:
        try:
            await self.on_event_call.run(hook, event, within=self.hook_within)
        except NotCalled as error:
            log.warning("the on_event hook was not called (ref %s): %s", event.id, error)
            return
        except Exception:
            log.exception("the on_event hook failed (ref %s)", event.id)
            ok = False
        else:
            ok = True
        if committed:
            self.heard("on_event", event, ok=ok)

    def later(self, work: Coroutine[object, object, None]) -> asyncio.Task[None]:
        """Do ``work`` in the background. It must catch its own exceptions."""
        task = asyncio.create_task(work)
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        return task

    def _of_this_loop(self) -> list[asyncio.Task[None]]:
        """List the background work that can still end.

        A loop that was closed leaves its tasks as they are.
        """
        loop = asyncio.get_running_loop()
        return [task for task in self._under_way if task.get_loop() is loop]

    async def idle(self) -> None:
        """Wait until all background work is done."""
        while mine := self._of_this_loop():
            await asyncio.wait(mine)

    async def settle(self) -> None:
        """Wait up to five seconds for the background work."""
        if mine := self._of_this_loop():
            await asyncio.wait(mine, timeout=5)
        for close in self.closers:
            close()
