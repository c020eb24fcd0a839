"""Whom the trail still has to be told to: each hook hears of each event at least once, also across a crash.

A hook is called at once by the process that committed the event. What it has heard is remembered in the store; behind the newest
lines, one worker at a time reads the trail on from each hook's cursor and calls again whoever has not heard.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from time import monotonic

from ..core.events import MOVED, Event
from ..core.trail import UnreadableEvent, event_from_json, event_to_json
from ..ports import END
from .engine import Engine

log = logging.getLogger("mfa_gate")

LAG = 30
"""Seconds after which an event that was not heard counts as missed: the process that wrote it may still be at it."""
FLUSH_AFTER, FLUSH_AGAIN = 0.5, 10.0
HEARD = "heard"
"""What the marks are called that say which hook has heard which event."""
MAX_HEARD = 10_000
PIECE = 200
FIRST_WAIT, LONGEST_WAIT = 30, 3_600
MAX_TRIES = 60
"""With the waits between them about two days; then it is given up, and the log says so."""
MAX_LATE = 500
"""So many failed events a hook waits for one by one; with more, it reads no further."""
CALL_TIMEOUT = 10.0
RUN_FOR = 3.0
EVERY = 20
"""Seconds that one worker has the work for: longer than a run with its last call can take."""
COMMANDS = "mfa-gate"
"""The application that the commands are: every application hears of what they did, since they have no hooks of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Somebody to be told. ``call`` raises where it failed. ``shared``: once for all applications that share the store."""

    name: str
    wants: Callable[[Event], bool]
    call: Callable[[Event], Awaitable[None]]
    shared: bool = False


@dataclass(slots=True)
class Late:
    """An event that a hook failed on: how often, and when it is tried again."""

    line: str
    tries: int
    next_at: int


@dataclass(slots=True)
class Place:
    """How far a hook has come: the cursor in each tenant's trail, and what is tried again, by the event's id."""

    at: dict[str, str] = field(default_factory=dict)
    late: dict[str, Late] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """As it is stored."""
        late = {id: [one.line, one.tries, one.next_at] for id, one in self.late.items()}
        return json.dumps({"at": self.at, "late": late}, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> Place:
        """The stored place."""
        document = json.loads(body)
        return cls(at=document["at"], late={id: Late(*parts) for id, parts in document["late"].items()})


def place_of(hook: str, app: str | None) -> str:
    """What the cursor and marks of a hook are called in the store. ``app`` None: all applications share the hook."""
    return f"hook:{hook}" if app is None else f"hook:{hook}@{app}"


def is_for(event: Event, app: str | None) -> bool:
    """Whether a hook of ``app`` (None: one that all share) may have to hear of a line. What came from another store's trail
    was told there, or is owed apart (``owing.py``)."""
    return MOVED not in event.detail and (app is None or event.app in (app, COMMANDS))


class Telling:
    """Keeps what was heard, and tells again what was not."""

    def __init__(self, engine: Engine, hooks: Sequence[Hook]) -> None:
        self.engine = engine
        self.hooks = {hook.name: hook for hook in hooks}
        self._heard: list[str] = []
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
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
                ends = {tenant: (await store.trail(tenant, after=END)).next for tenant in await store.trails()}
                await store.put_meta(self.name_of(hook), Place(at=ends).to_bytes())

    async def catch_up(self, *, shared: bool) -> int:
        """Tell what was missed and what is due again, for a few seconds: how many calls. One worker at a time does this, for
        the hooks of this application, or for those that are ``shared`` by all."""
        began, calls = monotonic(), 0
        for hook in self.hooks.values():
            if hook.shared != shared:
                continue
            body = await self.engine.store.meta(self.name_of(hook))
            place = Place() if body is None else Place.from_bytes(body)
            calls += await self._again(hook, place, began)
            for tenant in await self.engine.store.trails():
                calls += await self._on(hook, place, tenant, began)
        return calls

    async def _again(self, hook: Hook, place: Place, began: float) -> int:
        now, calls = self.engine.now(), 0
        for id, late in list(place.late.items()):
            if now < late.next_at or monotonic() - began > RUN_FOR:
                continue
            calls += 1
            try:
                event = event_from_json(late.line)
            except UnreadableEvent:
                del place.late[id]
                continue
            if not hook.wants(event) or await self._call(hook, event):
                del place.late[id]
            elif late.tries + 1 >= MAX_TRIES:
                log.error("the %s hook failed %d times and is given up (ref %s)", hook.name, MAX_TRIES, id)
                del place.late[id]
            else:
                wait = min(FIRST_WAIT * 2**late.tries, LONGEST_WAIT)
                place.late[id] = Late(late.line, late.tries + 1, now + wait)
        if calls:
            await self.engine.store.put_meta(self.name_of(hook), place.to_bytes())
        return calls

    async def _on(self, hook: Hook, place: Place, tenant: str, began: float) -> int:
        """Read one tenant's trail on, as far as it is old enough."""
        store, name, calls = self.engine.store, self.name_of(hook), 0
        while monotonic() - began <= RUN_FOR and len(place.late) < MAX_LATE:
            after, ready_before = place.at.get(tenant, ""), self.engine.now() - LAG
            page = await store.trail(tenant, after=after, limit=PIECE)
            ready = tuple(takewhile(lambda event: event.at <= ready_before, page.items))  # noqa: B023 - used here only
            if not ready:
                break
            if len(ready) < len(page.items):
                page = await store.trail(tenant, after=after, limit=len(ready))
            mine = [event for event in page.items if self._is_for(hook, event)]
            known = await store.marked(HEARD, [self._mark(hook, event) for event in mine])
            for event in mine:
                if self._mark(hook, event) in known:
                    continue
                calls += 1
                if monotonic() - began > RUN_FOR or not await self._call(hook, event):
                    place.late[event.id] = Late(event_to_json(event), 0, self.engine.now() + FIRST_WAIT)
            place.at[tenant] = page.next
            await store.put_meta(name, place.to_bytes())
            await store.unmark(HEARD, sorted(known))
        return calls

    def _is_for(self, hook: Hook, event: Event) -> bool:
        return is_for(event, self._app_of(hook)) and hook.wants(event)

    async def _call(self, hook: Hook, event: Event) -> bool:
        try:
            async with asyncio.timeout(CALL_TIMEOUT):
                await hook.call(event)
        except Exception:
            log.exception("the %s hook failed again (ref %s); it is tried later", hook.name, event.id)
            for count in self.engine.effects.failures:
                count(hook.name)
            return False
        return True

    async def aclose(self) -> None:
        """Write down what was heard."""
        if self._timer is not None and self._loop is asyncio.get_running_loop():
            self._timer.cancel()
        self._timer = None
        await self.flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
