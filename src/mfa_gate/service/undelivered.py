"""Events that the hooks have not received yet when all accounts move to another store.

The hooks receive them in the new store, once.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from ..core.events import Event
from ..core.trail import UnreadableEvent, event_from_json, event_to_json
from ..storage import Store
from .hook_places import Late, ends_of, is_for, load_late, load_place, place_of, save_late
from .outbox import FIRST_WAIT, HEARD, MAX_LATE, PIECE

log = logging.getLogger("mfa_gate")

SHARED = ("notice.email", "notice.text", "alarm")
OWN = ("on_event", "on_lock", "on_reset")
"""``SHARED`` names the hooks that all applications share, ``OWN`` those that each application has for itself."""
OWED = "owed"
"""The group of marks for events that a hook was owed here. An event is owed once, however often it is imported."""


async def owed(store: Store, apps: Iterable[str]) -> dict[str, list[str]]:
    """List for each hook the events that it failed on or has not received yet.

    Returns at most ``MAX_LATE`` lines for a hook, the newest ones, by the name of its place. ``apps`` are the
    applications that the trail knows.
    """
    found = {place_of(hook, app): await _owed_to(store, place_of(hook, app), app) for hook, app in _hooks(apps)}
    return {name: lines for name, lines in found.items() if lines}


def _hooks(apps: Iterable[str]) -> Iterator[tuple[str, str | None]]:
    yield from ((hook, None) for hook in SHARED)
    yield from ((hook, app) for app in sorted({"", *apps}) for hook in OWN)


async def _owed_to(store: Store, name: str, app: str | None) -> list[str]:
    if await store.meta(name) is None:
        return []
    place = await load_place(store, name)
    lines = deque[str](maxlen=MAX_LATE)
    for tenant in await store.trails():
        late = (await load_late(store, name, tenant)).values()
        lines.extend(one.line for one in late if _read(name, one.line) is not None)
        after = place.at.get(tenant, "")
        while (page := await store.trail(tenant, after=after, limit=PIECE)).items:
            after = page.next
            mine = [event for event in page.items if is_for(event, app)]
            heard = await store.marked(HEARD, [f"{name}|{event.id}" for event in mine])
            lines.extend(event_to_json(event) for event in mine if f"{name}|{event.id}" not in heard)
    return list(lines)


def _read(name: str, line: str) -> Event | None:
    """Read a line that the hook with this place must receive.

    A line that cannot be read is logged and left out: no hook could ever receive it.
    """
    try:
        return event_from_json(line)
    except UnreadableEvent as error:
        log.error("an event that waits for %s cannot be read, so it is left out: %s", name, error)
        return None


async def owe(store: Store, name: str, lines: Sequence[str], *, now: int) -> None:
    """Make the hook with this place receive ``lines``, from ``now`` (UTC seconds) on.

    A hook that is new to the store begins behind all events of its trails.
    """
    if await store.meta(name) is None:
        await store.put_meta(name, (await ends_of(store)).to_bytes())
    read = (_read(name, line) for line in lines)
    events = {f"{name}|{event.id}": event for event in read if event is not None}
    known = await store.marked(OWED, list(events))
    fresh = {mark: event for mark, event in events.items() if mark not in known}
    for tenant in {event.tenant for event in fresh.values()}:
        late = await load_late(store, name, tenant)
        mine = [event for event in fresh.values() if event.tenant == tenant]
        late |= {event.id: Late(event_to_json(event), 0, now + FIRST_WAIT) for event in mine}
        await save_late(store, name, tenant, late)
    await store.mark(OWED, list(events))
