"""Delivery of events to the hooks: each hook gets each event at least once.

This holds across a crash. The process that committed an event calls the hooks at once. The store remembers the
delivered events. After a delay, one worker at a time reads the trail from each hook's cursor, and calls each hook for
the events that it has not received.
"""

from __future__ import annotations

import asyncio
import logging
from bisect import bisect_left
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from time import monotonic

from ..core.events import UNREADABLE, Event
from ..core.trail import UnreadableEvent, event_from_json, event_to_json
from .accounts import Engine
from .effects import NotCalled
from .hook_places import (
    Hook,
    Late,
    Place,
    ends_of,
    is_for,
    load_late,
    load_place,
    place_of,
    save_late,
    tries_for,
)

log = logging.getLogger("mfa_gate")

LAG = 30
"""Seconds after which an undelivered event counts as missed. Before, its own process may still deliver it."""
FLUSH_AFTER, FLUSH_AGAIN = 0.5, 10.0
HEARD = "heard"
"""The group of marks for events that a hook has received."""
MAX_HEARD = 10_000
PIECE = 100
FIRST_WAIT, LONGEST_WAIT = 30, 3_600
MAX_LATE = 500
"""The most failed events of one tenant that a hook keeps. With so many, it reads no further in that tenant's trail."""
RUN_FOR = 3.0
TURN_FOR = 1.0
"""Seconds for one tenant, before the next one has its turn."""
EVERY = 20
"""Seconds for which one worker has the work. They are longer than a run with its last call can take."""


@dataclass(slots=True)
class Turn:
    """One tenant's share of a round.

    ``until`` is its end in monotonic seconds; ``calls`` counts the calls made in it.
    """

    until: float
    calls: int = 0

    def is_over(self) -> bool:
        """Tell if the next tenant's turn has come."""
        return monotonic() > self.until


class Outbox:
    """The memory of delivered events, and the second delivery of missed ones."""

    def __init__(self, engine: Engine, hooks: Sequence[Hook]) -> None:
        self.engine = engine
        self.hooks = {hook.name: hook for hook in hooks}
        self.run_for = RUN_FOR
        self.turn_for = TURN_FOR
        self._heard: list[tuple[str, str]] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next: dict[str, str] = {}
        self._troubles: dict[tuple[str, str], str] = {}
        self._unreadable: set[str] = set()
        engine.effects.heard = self.heard

    def name_of(self, hook: Hook) -> str:
        """Return the name of the hook's cursor and marks in the store."""
        return place_of(hook.name, self._app_of(hook))

    def _app_of(self, hook: Hook) -> str | None:
        return None if hook.shared else self.engine.wiring.app

    # -- as it happens ---------------------------------------------------------------------------------------------

    def heard(self, name: str, event: Event, *, ok: bool) -> None:
        """Note that a hook was called for a committed event.

        A success is stored a moment later, many at a time. A failure is only counted.
        """
        if not ok:
            for count in self.engine.effects.failures:
                count(name)
        elif name in self.hooks and self.hooks[name].wants(event):
            self._heard.append((name, event.id))
            self._arm(FLUSH_AFTER)

    def _mark(self, hook: Hook, id: str) -> str:
        return f"{self.name_of(hook)}|{id}"

    def _arm(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is None or self._loop is not loop:
            self._loop = loop
            self._timer = loop.call_later(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        self.engine.effects.later(self.flush())

    async def flush(self) -> None:
        """Store the delivered events in one write.

        If the write fails, it is tried later. At worst an event is delivered twice.
        """
        if not self._heard:
            return
        heard, self._heard = self._heard, []
        try:
            await self.engine.store.mark(HEARD, [self._mark(self.hooks[name], id) for name, id in heard])
        except Exception as error:
            log.warning("the marks of delivered events could not be stored; they are stored later: %s", error)
            self._heard = [*heard, *self._heard][-MAX_HEARD:]
            self._arm(FLUSH_AGAIN)

    # -- at the start, and from time to time -----------------------------------------------------------------------

    async def begin(self) -> None:
        """Give each hook that is new to this store its place: at the end of the trails.

        So no old history is delivered to it.
        """
        store = self.engine.store
        for hook in self.hooks.values():
            if await store.meta(self.name_of(hook)) is None:
                await store.put_meta(self.name_of(hook), (await ends_of(store)).to_bytes())

    async def catch_up(self, *, shared: bool) -> int:
        """Deliver missed events and those due again, for a few seconds. Returns the calls made.

        One worker at a time does this, either for the hooks of this application or for those that are ``shared`` by
        all.
        """
        hooks = [hook for hook in self.hooks.values() if hook.shared == shared]
        tenants = await self.engine.store.trails()
        rounds = await asyncio.gather(*(self._tell(hook, tenants) for hook in hooks), return_exceptions=True)
        for failed in rounds:
            if isinstance(failed, BaseException):
                raise failed
        return sum(calls for calls in rounds if isinstance(calls, int))

    async def _tell(self, hook: Hook, tenants: Sequence[str]) -> int:
        """Give each tenant its turn, until nothing is left or the time is over.

        The next round begins with the tenant that had no turn. Returns the number of calls.
        """
        began, calls, name = monotonic(), 0, self.name_of(hook)
        place = await load_place(self.engine.store, name)
        first = bisect_left(tenants, self._next.get(name, ""))
        waiting = deque((*tenants[first:], *tenants[:first]))
        while waiting and monotonic() - began <= self.run_for:
            tenant = waiting.popleft()
            turn = Turn(until=min(began + self.run_for, monotonic() + self.turn_for))
            try:
                has_more = await self._turn(hook, place, tenant, turn)
                self._troubles.pop((name, tenant), None)
            except Exception as error:
                has_more = False
                self._say(name, tenant, error)
            calls += turn.calls
            if has_more:
                waiting.append(tenant)
            self._next[name] = waiting[0] if waiting else ""
        return calls

    def _say(self, name: str, tenant: str, error: Exception) -> None:
        """Log a failure once, until it changes or ends. The other tenants go on."""
        trouble = f"{type(error).__name__}: {error}"
        if self._troubles.get((name, tenant)) != trouble:
            self._troubles[name, tenant] = trouble
            log.error("%s cannot get the events of tenant %s; the other tenants go on: %s", name, tenant, trouble)

    async def _turn(self, hook: Hook, place: Place, tenant: str, turn: Turn) -> bool:
        """Deliver one tenant's events, first those that are due again.

        Returns True if there may be more to read.
        """
        late = await load_late(self.engine.store, self.name_of(hook), tenant)
        await self._again(hook, tenant, late, turn)
        return len(late) < MAX_LATE and await self._on(hook, place, tenant, late, turn)

    async def _again(self, hook: Hook, tenant: str, late: dict[str, Late], turn: Turn) -> None:
        now, before = self.engine.now(), turn.calls
        for id, one in list(late.items()):
            if (now < one.next_at <= now + LONGEST_WAIT) or turn.is_over():
                continue
            turn.calls += 1
            try:
                event = event_from_json(one.line)
            except UnreadableEvent as error:
                log.error("an event that waits for the %s hook cannot be read (ref %s): %s", hook.name, id, error)
                del late[id]
                continue
            tries = await self._call(hook, event) if hook.wants(event) else 0
            if tries is None:
                late[id] = Late(one.line, one.tries, now + FIRST_WAIT)
                continue
            if one.tries + 1 < tries:
                wait = min(FIRST_WAIT * 2 ** min(one.tries, 10), LONGEST_WAIT)
                late[id] = Late(one.line, one.tries + 1, now + wait)
                continue
            if tries:
                log.error(
                    "the %s hook failed %d times on an event, which is given up (ref %s): do by hand what the hook would have done",
                    hook.name,
                    one.tries + 1,
                    id,
                )
            del late[id]
        if turn.calls > before:
            await save_late(self.engine.store, self.name_of(hook), tenant, late)

    async def _on(self, hook: Hook, place: Place, tenant: str, late: dict[str, Late], turn: Turn) -> bool:
        """Read the next piece of a tenant's trail, as far as it is old enough.

        Returns True if there may be more.
        """
        store, name, after = self.engine.store, self.name_of(hook), place.at.get(tenant, "")
        page = await store.trail(tenant, after=after, limit=PIECE)
        ready = list(takewhile(self._is_settled, page.items))
        known = await store.marked(HEARD, [self._mark(hook, event.id) for event in ready if self._is_for(hook, event)])
        done, had = 0, len(late)
        for event in ready:
            if done and (turn.is_over() or len(late) >= MAX_LATE):
                break
            done += 1
            self._note(event)
            if not self._is_for(hook, event) or self._mark(hook, event.id) in known:
                continue
            turn.calls += 1
            if await self._call(hook, event) != 0:
                late[event.id] = Late(event_to_json(event), 0, self.engine.now() + FIRST_WAIT)
        if not done:
            return False
        if done < len(page.items):
            page = await store.trail(tenant, after=after, limit=done)
        if len(late) > had:
            await save_late(store, name, tenant, late)
        place.at[tenant] = page.next
        await store.put_meta(name, place.to_bytes())
        await store.unmark(HEARD, sorted(known & {self._mark(hook, event.id) for event in page.items}))
        return done == PIECE or turn.is_over()

    def _is_settled(self, event: Event) -> bool:
        """Tell if the process that wrote an event has had time to deliver it.

        A time far ahead of the clock says nothing about that, so it counts as settled.
        """
        return not self.engine.now() - LAG < event.at <= self.engine.now() + LAG

    def _note(self, event: Event) -> None:
        """Log once that a line is damaged, and where."""
        if event.kind == UNREADABLE and event.id not in self._unreadable:
            self._unreadable.add(event.id)
            log.error("the audit trail of %s has a line that cannot be read: %s", event.tenant, event.detail["place"])

    def _is_for(self, hook: Hook, event: Event) -> bool:
        return is_for(event, self._app_of(hook)) and hook.wants(event)

    async def _call(self, hook: Hook, event: Event) -> int | None:
        """Call a hook. Returns the number of tries that a failed event is worth.

        Returns 0 if the hook received the event, or can never receive it, and None if it was not called: earlier calls
        took all of its time, so no try is used up.
        """
        try:
            async with asyncio.timeout(self.engine.effects.again_within if hook.shared else None):
                await hook.call(event)
        except NotCalled as error:
            log.warning("the %s hook was not called (ref %s); it is called later: %s", hook.name, event.id, error)
            return None
        except Exception as error:
            tries = tries_for(error, hook)
            then = "it is tried later" if tries else "no further try can help"
            cause = f"{type(error).__name__}: {error}"
            log.warning("the %s hook failed again (ref %s); %s: %s", hook.name, event.id, then, cause)
            for count in self.engine.effects.failures:
                count(hook.name)
            return tries
        return 0

    async def aclose(self) -> None:
        """Store the delivered events."""
        if self._timer is not None and self._loop is asyncio.get_running_loop():
            self._timer.cancel()
        self._timer = None
        await self.flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
