"""Every kind of event as one row, and one line of the audit trail.

To add a kind of event, add its row to the file of its subject. Everything else takes the row: the trail, the pages,
the mails, the counters and the README.
"""

from __future__ import annotations

from collections.abc import Mapping

from . import account, automation, break_glass, operation, person, sign_in, tenant, two_people
from .kind import TOLD_BY, WRONG, Alarm, Counter, EventKind, Notice, Words, indexed
from .record import MOVED, UNREADABLE, Event, KeyedEvent, Moment, moved, place_of, unmoved

__all__ = [
    "EVENTS",
    "GRAVE",
    "KINDS",
    "MOVED",
    "OWN",
    "TOLD_BY",
    "UNKNOWN",
    "UNREADABLE",
    "WRONG",
    "Alarm",
    "Counter",
    "Event",
    "EventKind",
    "KeyedEvent",
    "Moment",
    "Notice",
    "Words",
    "kind_of",
    "moved",
    "place_of",
    "unmoved",
]

EVENTS: Mapping[str, EventKind] = indexed(
    *sign_in.ROWS,
    *account.ROWS,
    *person.ROWS,
    *tenant.ROWS,
    *break_glass.ROWS,
    *two_people.ROWS,
    *automation.ROWS,
    *operation.ROWS,
)
"""Each row by its kind, in the order in which they are listed for people."""

KINDS: Mapping[str, str] = {row.kind: row.trail for row in EVENTS.values() if not row.only_notice}
"""The words of the trail by the kinds that are written there."""

OWN = frozenset(row.kind for row in EVENTS.values() if row.seen_by == "person")
"""The kinds that a person sees on the own page."""

GRAVE = frozenset(row.kind for row in EVENTS.values() if row.grave)
"""The kinds that a store must not lose in a crash."""

UNKNOWN = EventKind(
    kind="unknown",
    trail="an event that only another version knows",
    seen_by="person",
    own=Words("Something about your account changed"),
    desk=Words("Something about the account changed"),
)
"""Stands in for a kind that another version wrote into the same store."""


def kind_of(kind: str) -> EventKind:
    """Return the row of ``kind``, or ``UNKNOWN`` for a kind that only another version writes."""
    return EVENTS.get(kind, UNKNOWN)
