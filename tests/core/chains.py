"""A check of a whole chain in memory, for tests; stores read theirs in pieces (``stores.common.trail``)."""

from __future__ import annotations

from collections.abc import Iterable

from mfa_gate.core.events import Event
from mfa_gate.core.trail import START, chain_line, event_to_json


def chain(previous: str, event: Event) -> str:
    """Return the digest of ``event`` where it follows the line with the digest ``previous``."""
    return chain_line(previous, event_to_json(event))


def first_broken(links: Iterable[tuple[Event, str]], head: str, previous: str = START) -> int:
    """Return the index of the first wrong link, the number of links where the tail was cut off, or -1."""
    count = 0
    for event, digest in links:
        previous = chain(previous, event)
        if previous != digest:
            return count
        count += 1
    return -1 if previous == head else count
