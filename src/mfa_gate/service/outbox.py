"""Whom the trail still has to be told to: each hook hears of each event at least once, also across a crash.

A hook is called at once by the process that committed the event. What it has heard is remembered in the store; behind the newest
lines, one worker at a time reads the trail on from each hook's cursor and calls again whoever has not heard.
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
"""Seconds after which an event that was not heard counts as missed: the process that wrote it may still be at it."""
FLUSH_AFTER, FLUSH_AGAIN = 0.5, 10.0
HEARD = "heard"
"""What the marks are called that say which hook has heard which event."""
MAX_HEARD = 10_000
PIECE = 200
FIRST_WAIT, LONGEST_WAIT = 30, 3_600
MAX_LATE = 500
"""So many failed events of one tenant a hook waits for one by one; with more, it reads no further in that tenant."""
CALL_TIMEOUT = 10.0
RUN_FOR = 3.0
TURN_FOR = 1.0
"""Seconds for one tenant, before the next one has its turn."""
EVERY = 20
"""Seconds that one worker has the work for: longer than a run with its last call can take."""


@dataclass(slots=True)
class Turn:
    """One tenant's share of a round: until when (monotonic), and how many calls were made in it."""

    until: float
    calls: int = 0

    def is_over(self) -> bool:
        """Whether the next tenant is to have its turn."""
        return monotonic() > self.until


class Outbox:
    """Keeps what was heard, and tells again what was not."""

    def __init__(self, engine: Engine, hooks: Sequence[Hook]) -> None:
        self.engine = engine
        self.hooks = {hook.name: hook for hook in hooks}
        self._heard: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._next: dict[str, str] = {}
        self._troubles: dict[tuple[str, str], str] = {}
        self._unreadable: set[str] = set()
        engine.effects.heard = self.heard

    def name_of(self, hook: Hook) -> str:
        """What the hook's cursor and marks are called in the store."""
        return place_of(hook.name, self._app_of(hook))

    def _app_of(self, hook: Hook) -> str | None:
        return None if hook.shared else self.engine.wiring.app

    # -- as it happens ---------------------------------------------------------------------------------------------

    def heard(self, name: str, event: Event, *, ok: bool) -> None:
        """A hook was called for a committed event. Written down a moment later, many at a time; a failure is not."""
        if not ok:
            for count in self.engine.effects.failures:
                count(name)
        elif name in self.hooks and self.hooks[name].wants(event):
            self._heard.append(self._mark(self.hooks[name], event))
            self._arm(FLUSH_AFTER)

    def _mark(self, hook: Hook, event: Event) -> str:
        return f"{self.name_of(hook)}|{event.id}"

    def _arm(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        if self._timer is None or self._loop is not loop:
            self._loop = loop
            self._timer = loop.call_later(seconds, self._due)

    def _due(self) -> None:
        self._timer = None
        self.engine.effects.later(self.flush())

    async def flush(self) -> None:
        """Write down what was heard, in one write. What cannot be written now is kept for later; at worst it is told twice."""
        if not self._heard:
            return
        ids, self._heard = self._heard, []
        try:
            await self.engine.store.mark(HEARD, ids)
        except Exception as error:
            log.warning("what the hooks have heard could not be written down: %s", error)
            self._heard = [*ids, *self._heard][-MAX_HEARD:]
            self._arm(FLUSH_AGAIN)

    # -- at the start, and from time to time -----------------------------------------------------------------------

    async def begin(self) -> None:
        """Give each hook that is new to this store its place: at the end, so that no old history is told to it."""
        store = self.engine.store
        for hook in self.hooks.values():
            if await store.meta(self.name_of(hook)) is None:
                await store.put_meta(self.name_of(hook), (await ends_of(store)).to_bytes())

    async def catch_up(self, *, shared: bool) -> int:
        """Tell what was missed and what is due again, for a few seconds: how many calls. One worker at a time does this, for
        the hooks of this application, or for those that are ``shared`` by all."""
        hooks = [hook for hook in self.hooks.values() if hook.shared == shared]
        tenants = await self.engine.store.trails()
        rounds = await asyncio.gather(*(self._tell(hook, tenants) for hook in hooks), return_exceptions=True)
        for failed in rounds:
            if isinstance(failed, BaseException):
                raise failed
        return sum(calls for calls in rounds if isinstance(calls, int))

    async def _tell(self, hook: Hook, tenants: Sequence[str]) -> int:
        """Give each tenant its turn, again and again until nothing is left or the time is over; the next round begins with
        the tenant that had none."""
        began, calls, name = monotonic(), 0, self.name_of(hook)
        place = await load_place(self.engine.store, name)
        first = bisect_left(tenants, self._next.get(name, ""))
        waiting = deque((*tenants[first:], *tenants[:first]))
        while waiting and monotonic() - began <= RUN_FOR:
            tenant = waiting.popleft()
            turn = Turn(until=min(began + RUN_FOR, monotonic() + TURN_FOR))
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
        """Log a trouble once, until it is another one or over; the other tenants go on."""
        trouble = f"{type(error).__name__}: {error}"
        if self._troubles.get((name, tenant)) != trouble:
            self._troubles[name, tenant] = trouble
            log.error("%s cannot be told of what happens in tenant %s; the others go on: %s", name, tenant, trouble)

    async def _turn(self, hook: Hook, place: Place, tenant: str, turn: Turn) -> bool:
        """Tell one tenant's events, first those that are due again. True where there is more to be read."""
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
            if one.tries + 1 < tries:
                wait = min(FIRST_WAIT * 2 ** min(one.tries, 10), LONGEST_WAIT)
                late[id] = Late(one.line, one.tries + 1, now + wait)
                continue
            if tries:
                log.error("the %s hook failed %d times and is given up (ref %s)", hook.name, one.tries + 1, id)
            del late[id]
        if turn.calls > before:
            await save_late(self.engine.store, self.name_of(hook), tenant, late)

    async def _on(self, hook: Hook, place: Place, tenant: str, late: dict[str, Late], turn: Turn) -> bool:
        """Read one piece of a tenant's trail on, as far as it is old enough. True where there may be more."""
        store, name, after = self.engine.store, self.name_of(hook), place.at.get(tenant, "")
        page = await store.trail(tenant, after=after, limit=PIECE)
        ready = list(takewhile(self._is_settled, page.items))
        known = await store.marked(HEARD, [self._mark(hook, event) for event in ready if self._is_for(hook, event)])
        done, had = 0, len(late)
        for event in ready:
            if done and (turn.is_over() or len(late) >= MAX_LATE):
                break
            done += 1
            self._note(event)
            if not self._is_for(hook, event) or self._mark(hook, event) in known:
                continue
            turn.calls += 1
            if await self._call(hook, event):
                late[event.id] = Late(event_to_json(event), 0, self.engine.now() + FIRST_WAIT)
        if not done:
            return False
        if done < len(page.items):
            page = await store.trail(tenant, after=after, limit=done)
        if len(late) > had:
            await save_late(store, name, tenant, late)
        place.at[tenant] = page.next
        await store.put_meta(name, place.to_bytes())
        await store.unmark(HEARD, sorted(known & {self._mark(hook, event) for event in page.items}))
        return done == PIECE or turn.is_over()

    def _is_settled(self, event: Event) -> bool:
        """Whether the process that wrote an event is done with it. A time far ahead of the clock says nothing about that."""
        return not self.engine.now() - LAG < event.at <= self.engine.now() + LAG

    def _note(self, event: Event) -> None:
        """Say once that a line is damaged, and where."""
        if event.kind == UNREADABLE and event.id not in self._unreadable:
            self._unreadable.add(event.id)
            log.error("the audit trail of %s has a line that cannot be read: %s", event.tenant, event.detail["place"])

    def _is_for(self, hook: Hook, event: Event) -> bool:
        return is_for(event, self._app_of(hook)) and hook.wants(event)

    async def _call(self, hook: Hook, event: Event) -> int:
        """Call a hook: 0 where it heard, or can never hear; else how often it is to be tried in all."""
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                await hook.call(event)
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
        """Write down what was heard."""
        if self._timer is not None and self._loop is asyncio.get_running_loop():
            self._timer.cancel()
        self._timer = None
        await self.flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
