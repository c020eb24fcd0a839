"""The version of the data in Redis.

A store of another version is refused, and never read in part.
"""

from __future__ import annotations

import re

from ...errors import SettingsError
from .url import Place

SCHEMA = 1
"""The version that this release reads and writes.

The store's id begins with the version and a colon from version 2 on. A release that changes the data gives the store such an id,
and each tenant's head too: then workers of the release before notice it at their next look, and their changes are refused."""

_VERSIONED = re.compile(rb"([1-9][0-9]{0,8}):")


def schema_of(store_id: bytes | None) -> int:
    """Read the version of the data from the store's id."""
    found = _VERSIONED.match(store_id or b"")
    return int(found[1]) if found else 1


def require_known_schema(place: Place, store_id: bytes | None) -> None:
    """Raise ``SettingsError`` for the id of a store in a version that is not known."""
    version = schema_of(store_id)
    if version != SCHEMA:
        raise SettingsError(
            f"store {place.shown!r} has schema {version}, this release knows {SCHEMA}: install the release that wrote it, or "
            "restore the copy from before the upgrade"
        )
