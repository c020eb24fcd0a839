"""Ids that people can read: a name that somebody chose, and no number of a database."""

from __future__ import annotations

import re

_NAMED = re.compile(r"[^\W\d_][\w.+'-]{0,39}(@[\w.-]{1,80})?")
_MACHINE = re.compile(r"(?=[^@]*\d[^@]*\d)[0-9A-Fa-f-]{8,}|[^@]*\d{6,}[^@]*|[^@]{33,}")


def readable_id(id: str) -> str:
    """Return an id that reads like a name or an address; "" for a number, a UUID or the like."""
    return id if _NAMED.fullmatch(id) and not _MACHINE.fullmatch(id) else ""
