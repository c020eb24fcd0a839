"""The earlier contact of a factor that keeps a copy of the host's record."""

from __future__ import annotations

from ..core.model import Fields
from .base import Context


def heir_of(data: Fields, old: Fields, until: int) -> Fields:
    """Add the sealed contact of the old copy to a new one, to be told until ``until``."""
    return {**data, "was": old["to"], "was_until": until}


def former_of(context: Context, purpose: str, data: Fields) -> str:
    """Open the earlier contact, "" where there is none or its time is over.

    Raises ``keyring.Unopened``.
    """
    until = data.get("was_until")
    return context.open(purpose, data["was"]) if isinstance(until, int) and context.now < until else ""
