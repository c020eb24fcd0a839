"""Name the hooks, keep how far each has come in the trails, and what it is told again.

The cursors of a hook stand in one value. What it failed on stands in a value for each tenant, so that no tenant's failures
take the room of another's.
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
"""The application that the commands are: every application hears of what they did, since they have no hooks of their own."""


MAX_TRIES = 60
"""With the waits between them about two days; then it is given up, and the log says so."""
FEW_TRIES = 3
MENDLESS = (ValueError, TypeError, LookupError, AttributeError)
"""Faults of the event itself, or of what is looked up for it: trying again for two days mends none of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    """Somebody to be told. ``call`` raises where it failed. ``shared``: once for all applications that share the store."""

    name: str
    wants: Callable[[Event], bool]
    call: Callable[[Event], Awaitable[None]]
    shared: bool = False


class CannotBeTold(Exception):
    """Nobody can ever be told of this event, however often it is tried."""


def subject_of(event: Event) -> Subject:
    """Make the subject that an event is about. Raises ``CannotBeTold`` for an id that no host could have named."""
    try:
        return Subject(id=event.account, tenant=event.tenant)
    except ValueError as error:
        raise CannotBeTold(str(error)) from error


def tries_for(error: Exception, hook: Hook) -> int:
    """How often an event is worth trying. Our own hooks fail in the same way each time on what they cannot work with; a
    host's hook may be mended meanwhile."""
    if isinstance(error, CannotBeTold) or (isinstance(error, SendFailed) and not error.transient):
        return 0
    return FEW_TRIES if hook.shared and isinstance(error, MENDLESS) else MAX_TRIES


@dataclass(slots=True)
class Late:
    """An event that a hook failed on: how often, and when it is tried again."""

    line: str
    tries: int
    next_at: int

    @classmethod
    def of(cls, parts: object) -> Late:
        """Read what is stored. Raises ``ValueError``."""
        match parts:
            case [str(line), int(tries), int(next_at)]:
                return cls(line, tries, next_at)
        raise ValueError("an event that waits is damaged")


@dataclass(slots=True)
class Place:
    """How far a hook has come: its cursor in each tenant's trail."""

    at: dict[str, str] = field(default_factory=dict)

    def to_bytes(self) -> bytes:
        """Write it down."""
        return json.dumps({"at": self.at}, separators=(",", ":")).encode()

    @classmethod
    def from_bytes(cls, body: bytes) -> Place:
        """Read the stored place. Raises ``ValueError``."""
        match _document(body):
            case {"at": dict(at)} if all(type(cursor) is str for cursor in at.values()):
                return cls(at=at)
        raise ValueError("the place of a hook is damaged")


def place_of(hook: str, app: str | None) -> str:
    """What the cursor and marks of a hook are called in the store. ``app`` None: all applications share the hook."""
    return f"hook:{hook}" if app is None else f"hook:{hook}@{app}"


def late_of(name: str, tenant: str) -> str:
    """Name the value of a hook's failed events in one tenant."""
    return f"late:{name}|{tenant}"


def is_for(event: Event, app: str | None) -> bool:
    """Whether a hook of ``app`` (None: one that all share) may have to hear of a line. What came from another store's trail
    was told there, or is owed apart (``owing.py``)."""
    return MOVED not in event.detail and (app is None or event.app in (app, COMMANDS) or event.kind == UNREADABLE)


async def ends_of(trail: Trail) -> Place:
    """A place behind all that is in the trails."""
    return Place(at={tenant: (await trail.trail(tenant, after=END)).next for tenant in await trail.trails()})


async def load_place(store: Store, name: str) -> Place:
    """Load a hook's cursors. What is damaged is said, and begun anew at the end: no old history is told again."""
    body = await store.meta(name)
    if body is None:
        return Place()
    try:
        return Place.from_bytes(body)
    except ValueError as error:
        log.error(
            "how far %s has come cannot be read (%s): it goes on behind the newest lines of all trails", name, error
        )
        place = await ends_of(store)
        await store.put_meta(name, place.to_bytes())
        return place


async def load_late(notes: Notes, name: str, tenant: str) -> dict[str, Late]:
    """Load what a hook failed on in one tenant, by the event's id. What is damaged is said and left out."""
    body = await notes.meta(late_of(name, tenant))
    try:
        return {} if body is None else _late(_document(body))
    except ValueError as error:
        log.error("what %s has failed on in tenant %s cannot be read (%s): it is not tried again", name, tenant, error)
        return {}


async def save_late(notes: Notes, name: str, tenant: str, late: dict[str, Late]) -> None:
    """Write down what a hook is told again in one tenant."""
    stored = {id: [one.line, one.tries, one.next_at] for id, one in late.items()}
    await notes.put_meta(late_of(name, tenant), json.dumps(stored, separators=(",", ":")).encode())


def _late(document: object) -> dict[str, Late]:
    if type(document) is not dict:
        raise ValueError("no events by their ids")
    return {id: Late.of(parts) for id, parts in document.items()}


def _document(body: bytes) -> object:
    try:
        return json.loads(body)
    except RecursionError as error:
        raise ValueError("nested too deep") from error
