"""Name the hooks, and store how far each has come in the trails and its failed events.

The cursors of a hook stand in one value. Its failed events stand in a value for each tenant, so that the failures of
one tenant never take the room of another.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from ..core.events import MOVED, UNREADABLE, Event
from ..core.model import Subject
from ..errors import SendFailed
from ..storage import END, Notes, Store, Trail

log = logging.getLogger("mfa_gate")

COMMANDS = "mfa-gate"
"""Stands for the commands as an application. They have no hooks, so the hooks of every application get their events."""


MAX_TRIES = 60
"""With the waits between them this takes about two days. Then the event is given up, and the log says so."""
FEW_TRIES = 3
MENDLESS = (ValueError, TypeError, LookupError, AttributeError)
"""Faults of the event itself, or of data that is looked up for it: trying for two days mends none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """A receiver of events.

    ``call`` raises if it failed. ``shared``: the hook runs once for all applications that share the store. One that is
    not is the host's, and its ``call`` ends by itself after ``Effects.again_within``: it knows if the hook was called.
    """

    name: str
    wants: Callable[[Event], bool]
    call: Callable[[Event], Awaitable[None]]
    shared: bool = False


class CannotBeTold(Exception):
    """Raised for an event that no hook can ever receive, however often it is tried."""


def subject_of(event: Event) -> Subject:
    """Make the subject that an event is about.

    Raises ``CannotBeTold`` for an id that no host could have named.
    """
    try:
        return Subject(id=event.account, tenant=event.tenant)
    except ValueError as error:
        raise CannotBeTold(str(error)) from error


def tries_for(error: Exception, hook: Hook) -> int:
    """Return how many times an event is worth trying after ``error``.

    Our own hooks fail in the same way each time on an event that they cannot use. A host's hook may be mended meanwhile.
    """
    if isinstance(error, CannotBeTold) or (isinstance(error, SendFailed) and not error.transient):
        return 0
    return FEW_TRIES if hook.shared and isinstance(error, MENDLESS) else MAX_TRIES


@dataclass(slots=True)
class Late:
    """An event that a hook failed on, with the number of tries and the time of the next one."""

    line: str
    tries: int
    next_at: int

    @classmethod
    def of(cls, parts: object) -> Late:
        """Read the stored form. Raises ``ValueError``."""
        match parts:
            case [str(line), int(tries), int(next_at)]:
                return cls(line, tries, next_at)
        raise ValueError("a failed event of a hook is damaged")


@dataclass(slots=True)
class Place:
    """A hook's cursor in each tenant's trail."""

    at: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Encode the place for the store."""
        return json.dumps({"at": self.at}, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> Place:
        """Read the stored place. Raises ``ValueError``."""
        match _document(body):
            case {"at": dict(at)} if all(type(cursor) is str for cursor in at.values()):
                return cls(at=at)
        raise ValueError("the place of a hook is damaged")


def place_of(hook: str, app: str | None) -> str:
    """Return the name of a hook's cursors and marks in the store.

    ``app`` None: all applications share the hook.
    """
    return f"hook:{hook}" if app is None else f"hook:{hook}@{app}"


def late_of(name: str, tenant: str) -> str:
    """Return the name of the value that holds a hook's failed events in one tenant."""
    return f"late:{name}|{tenant}"


def is_for(event: Event, app: str | None) -> bool:
    """Tell if a hook of ``app`` may have to receive an event. None means a shared hook.

    Events that came from another store's trail were told there, or are owed separately (``undelivered.py``).
    """
    return MOVED not in event.detail and (app is None or event.app in (app, COMMANDS) or event.kind == UNREADABLE)


async def ends_of(trail: Trail) -> Place:
    """Return a place behind all events that are in the trails."""
    return Place(at={tenant: (await trail.trail(tenant, after=END)).next for tenant in await trail.trails()})


async def load_place(store: Store, name: str) -> Place:
    """Load a hook's cursors.

    A damaged value is logged and replaced by the ends of the trails, so that no old history is told again.
    """
    body = await store.meta(name)
    if body is None:
        return Place()
    try:
        return Place.from_bytes(body)
    except ValueError as error:
        log.error(
            "the place of %s in the trails cannot be read (%s): it goes on behind the newest events; compare the trails with "
            "what it has, and deliver by hand what is missing",
            name,
            error,
        )
        place = await ends_of(store)
        await store.put_meta(name, place.to_bytes())
        return place


async def load_late(notes: Notes, name: str, tenant: str) -> dict[str, Late]:
    """Load a hook's failed events in one tenant, by event id.

    A damaged value is logged and left out.
    """
    body = await notes.meta(late_of(name, tenant))
    try:
        return {} if body is None else _late(_document(body))
    except ValueError as error:
        log.error(
            "the failed events of %s in tenant %s cannot be read (%s): they are not tried again; deliver them by hand",
            name,
            tenant,
            error,
        )
        return {}


async def save_late(notes: Notes, name: str, tenant: str, late: dict[str, Late]) -> None:
    """Store the failed events that a hook must receive again in one tenant."""
    if not late:
        await notes.drop_meta(late_of(name, tenant))
        return
    stored = {id: [one.line, one.tries, one.next_at] for id, one in late.items()}
    await notes.put_meta(late_of(name, tenant), json.dumps(stored, separators=(",", ":")).encode())


def _late(document: object) -> dict[str, Late]:
    if type(document) is not dict:
        raise ValueError("the failed events of a hook are damaged")
    return {id: Late.of(parts) for id, parts in document.items()}


def _document(body: bytes) -> object:
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
