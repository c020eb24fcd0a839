"""The JSON form of a tenant's settings, for stores and exports."""

from __future__ import annotations

import json
from dataclasses import asdict, fields
from typing import Any

from ..errors import StoreUnavailable
from .rules import TenantSettings
from .trail import LAST_SECOND

_SETTINGS = frozenset(item.name for item in fields(TenantSettings)) - {"tenant", "version", "stamp"}
ENDED_BY_TIME = "proofs_from"
"""The time of the last end of all proofs, in settings of before the number. It is read as the first end."""


def settings_to(settings: TenantSettings) -> str:
    """Write a tenant's settings as JSON, without tenant, version and stamp.

    The store keeps those itself.
    """
    document = {name: part for name, part in asdict(settings).items() if name in _SETTINGS}
    return json.dumps(document, sort_keys=True, separators=(",", ":"))


def settings_from(tenant: str, version: int, body: str | bytes) -> TenantSettings:
    """Read stored settings.

    Raises ``StoreUnavailable`` if they are damaged or of a newer version.
    """
    try:
        document = json.loads(body)
        if unknown := document.keys() - _SETTINGS - {ENDED_BY_TIME}:
            raise ValueError(f"unknown parts {sorted(unknown)}")
        ended_at = _setting(ENDED_BY_TIME, document.pop(ENDED_BY_TIME, 0))
        if ended_at:
            document = {"epoch": 1, "ended_at": ended_at, **document}
        parts: dict[str, Any] = {name: _setting(name, document[name]) for name in document}
        return TenantSettings(tenant=tenant, version=version, **parts)
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise StoreUnavailable(
            f"the settings of tenant {tenant!r} in the store cannot be read ({error}): start the release that wrote them, or "
            f"restore the store from a copy"
        ) from error


def _setting(name: str, part: object) -> object:
    """Read one part of the settings. Raises ``ValueError`` for a part of another type."""
    if name in ("factors", "tokens"):
        if isinstance(part, list) and all(type(factor) is str for factor in part):
            return tuple(part)
    elif type(part) is int and 0 <= part <= LAST_SECOND:
        return part
    raise ValueError(f"{name} is {part!r}")
