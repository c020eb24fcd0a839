"""The time zone of a reader, by its name."""

from __future__ import annotations

from datetime import UTC, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo


@lru_cache(maxsize=512)
def zone_of(name: str) -> tzinfo:
    """Return the zone of this name (IANA, ``Europe/Berlin``).

    It is UTC for "", for a name that is not known, and where the machine has no list of zones.
    """
    try:
        return ZoneInfo(name) if name else UTC
    except (OSError, ValueError, LookupError):
        return UTC
