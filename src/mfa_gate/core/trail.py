"""The written form of a line of the audit trail, and the chain of lines.

The chain shows that a line was removed, moved or altered. It is keyed: each line goes into it by a digest that only the
holder of a key can compute (``keyed``). Lines of releases before that have a digest without a key.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Sequence
from dataclasses import fields
from operator import attrgetter
from typing import Any

from .events import UNREADABLE, Event, KeyedEvent

START = ""
"""The digest before a tenant's first event."""

_ORDER = tuple(item.name for item in fields(Event))
_DEFAULTS = tuple(item.default if isinstance(item.default, str | int) else None for item in fields(Event))
_values_of = attrgetter(*_ORDER)
_NAMES = frozenset(_ORDER)
_NUMBERS = frozenset({"at", "ms"})
_NEEDED = frozenset({"id", "kind", "at", "tenant"})
KEY = "key"
"""The part of a line that names the key with which it stands in the chain. No event has it."""
WAS, ERASED = "was", "erased"
"""Parts of a line from which a person was erased: its digest before that, and the erasures (``trail_erasure``)."""
LAST_SECOND = 253_402_300_799
"""The last second (UTC) of the year 9999, the last one that a calendar can show."""
_to_json = json.JSONEncoder(sort_keys=True, separators=(",", ":"), check_circular=False).encode


class UnreadableEvent(ValueError):
    """The error for text that is no event that this version can read whole."""


def event_to_json(event: Event) -> str:
    """Write the canonical line of an event: ASCII, with sorted keys.

    Parts that equal their default are left out, so that new fields change no old line.
    """
    return event.line if isinstance(event, KeyedEvent) else _to_json(_written(event))


def _written(event: Event) -> dict[str, Any]:
    parts = zip(_ORDER, _values_of(event), _DEFAULTS, strict=True)
    line = {name: part for name, part, default in parts if part != default}
    line["detail"] = dict(event.detail)
    if not line["detail"]:
        del line["detail"]
    return line


def event_from_json(text: str | bytes) -> Event:
    """Read a whole line.

    Raises ``UnreadableEvent`` for a line that is damaged or of a newer version.
    """
    known, unknown = _parts_of(text)
    if unknown:
        raise UnreadableEvent(f"the event has parts that this version does not know: {sorted(unknown)}")
    return Event(**known)


def event_from_trail(text: str | bytes, *, tenant: str, place: str) -> Event:
    """Read the line at ``place`` in the trail of ``tenant``, as far as this version can.

    Parts of a newer version become words of the detail. A line that is damaged, or that names another tenant, becomes
    an event of the kind ``UNREADABLE`` in its place. So one bad line hides no other.
    """
    try:
        known, unknown = _parts_of(text)
    except UnreadableEvent as error:
        return _in_place_of(text, tenant, place, str(error))
    if known["tenant"] != tenant:
        return _in_place_of(text, tenant, place, "the event tells of another tenant")
    if not 0 <= known["at"] <= LAST_SECOND:
        return _in_place_of(text, tenant, place, "the event has no time that a calendar has")
    if unknown:
        known["detail"] = {**{name: _word(part) for name, part in unknown.items()}, **known.get("detail", {})}
    return Event(**known)


def _in_place_of(text: str | bytes, tenant: str, place: str, reason: str) -> Event:
    line = text if isinstance(text, str) else text.decode(errors="replace")
    id = hashlib.sha256(f"{tenant}\0{place}\0{line}".encode(errors="replace")).hexdigest()[:16]
    return Event(
        id=id,
        kind=UNREADABLE,
        at=0,
        tenant=tenant,
        reason=f"damaged: {place}",
        detail={"found": reason, "place": place},
    )


def _parts_of(text: str | bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    """Split a line into the parts that an ``Event`` has, each of its type, and the others.

    Raises ``UnreadableEvent`` for a damaged line.
    """
    try:
        line = json.loads(text)
    except (ValueError, TypeError, RecursionError) as error:
        raise UnreadableEvent(f"the event is damaged ({type(error).__name__})") from error
    if type(line) is not dict or _NEEDED - line.keys():
        raise UnreadableEvent("the event is damaged (parts are missing)")
    known = {name: _part(name, part) for name, part in line.items() if name in _NAMES}
    return known, {name: part for name, part in line.items() if name not in _NAMES and name not in (KEY, WAS, ERASED)}


def _part(name: str, part: Any) -> Any:
    if name == "detail" and type(part) is dict:
        return {word: _word(value) for word, value in part.items()}
    if type(part) is (int if name in _NUMBERS else str) and name != "detail":
        return part
    raise UnreadableEvent(f"the event is damaged ({name})")


def _word(value: Any) -> str | int:
    """Read a value of the detail.

    A value that only a newer version writes is shown as its JSON.
    """
    return value if isinstance(value, str | int) else _to_json(value)


def digest_of(line: str) -> str:
    """Return the digest (SHA-256, hex) of one canonical line alone."""
    return hashlib.sha256(line.encode()).hexdigest()


def link_digest(line: str) -> str:
    """Return the digest by which a line stands in the chain.

    It is the line's own, or the one that it had before a person was erased from it.
    """
    if f'"{WAS}":' in line:
        try:
            was = json.loads(line).get(WAS)
        except (ValueError, RecursionError, AttributeError):
            was = None
        if isinstance(was, str):
            return was
    return digest_of(line)


def own_digest(event: Event, line: str) -> str:
    """Return the digest by which a store chains the line of an event.

    It is the secret one of a ``KeyedEvent``.
    """
    return event.own if isinstance(event, KeyedEvent) else digest_of(line)


def chain_event(previous: str, event: Event, line: str) -> str:
    """Return the digest of an event's line behind the line with the digest ``previous``."""
    return chain(previous, own_digest(event, line))


def chain(previous: str, own: str) -> str:
    """Return the digest of a line that follows the line with the digest ``previous``.

    It is the SHA-256 (hex) over the two hex digests. So a store that chains where hashing is slow (a script inside
    Redis) hashes 128 bytes, however long the line is.
    """
    return hashlib.sha256((previous + own).encode()).hexdigest()


def keyed_digest(secret: bytes, tenant: str, digest: str) -> str:
    """Return the secret digest (hex) by which a line goes into the chain.

    ``digest`` is its own one, of 64 hex digits.
    """
    return hmac.digest(secret, (digest + tenant).encode("utf-8", "surrogatepass"), "sha256").hex()


def keyed(event: Event, key: str, secret: bytes) -> KeyedEvent:
    """Make the event that a store is given, with the key ``secret`` whose id is ``key``."""
    parts = _written(event)
    parts[KEY] = key
    line = _to_json(parts)
    text = hashlib.sha256(line.encode()).hexdigest() + event.tenant  # as ``keyed_digest``, without two calls a line
    own = hmac.digest(secret, text.encode("utf-8", "surrogatepass"), "sha256").hex()
    return KeyedEvent(**dict(zip(_ORDER, _values_of(event), strict=True)), line=line, own=own)


def count_old(times: Sequence[int], *, before: int, now: int) -> int:
    """Count the lines, oldest first, that may be pruned.

    These are all lines up to the last one older than ``before``.

    Counting ends at the first line between ``before`` and ``now``. A line without a time (0), or with one that lies ahead
    of ``now``, is as old as the line behind it: a wrong clock wrote it, and its order is all that is known.
    """
    count = 0
    for place, at in enumerate(times, 1):
        if before <= at <= now:
            break
        if 0 < at < before and at <= now:
            count = place
    return count
