"""How a line of the audit trail is written down, and the chain that shows when one was removed, moved or altered."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from .events import Event

START = ""
"""The digest before a tenant's first event."""

_DEFAULTS: dict[str, Any] = {item.name: item.default for item in fields(Event) if isinstance(item.default, str)}
_NAMES = frozenset(item.name for item in fields(Event))
_to_json = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


class UnreadableEvent(ValueError):
    """The text is no event that this version can read whole."""


def event_to_json(event: Event) -> str:
    """The canonical line: ASCII, keys sorted, parts that say nothing left out, so that new fields change no old line."""
    line = {name: part for name in _NAMES if (part := getattr(event, name)) != _DEFAULTS.get(name)}
    line["detail"] = dict(event.detail)
    if not line["detail"]:
        del line["detail"]
    return _to_json(line)


def event_from_json(text: str | bytes) -> Event:
    """The event in a line. Raises ``UnreadableEvent`` for one that is damaged or of a newer version."""
    try:
        line = json.loads(text)
        if unknown := line.keys() - _NAMES:
            raise UnreadableEvent(f"the event has parts that this version does not know: {sorted(unknown)}")
        return Event(**line)
    except UnreadableEvent:
        raise
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise UnreadableEvent(f"the event is damaged ({type(error).__name__})") from error


def digest_of(line: str) -> str:
    """The digest (SHA-256, hex) of a canonical line by itself."""
    return hashlib.sha256(line.encode()).hexdigest()


def chain_line(previous: str, line: str) -> str:
    """The digest of a canonical line that follows the one with the digest ``previous``: SHA-256 over the two hex digests.

    A store that must chain where it cannot hash much (a script inside Redis) hashes 128 bytes, however long the line is.
    """
    return hashlib.sha256((previous + digest_of(line)).encode()).hexdigest()


def chain(previous: str, event: Event) -> str:
    """The digest of ``event`` when it follows, in its tenant's trail, the event with the digest ``previous``."""
    return chain_line(previous, event_to_json(event))


def first_broken(links: Iterable[tuple[Event, str]], head: str, previous: str = START) -> int:
    """Where a tenant's trail, oldest first, stops being what was written: the index of the first wrong link, the number
    of links where the tail was cut off (the last digest is not ``head``), or -1 where all of it holds."""
    count = 0
    for event, digest in links:
        previous = chain(previous, event)
        if previous != digest:
            return count
        count += 1
    return -1 if previous == head else count
