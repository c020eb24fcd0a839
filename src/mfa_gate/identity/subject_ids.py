"""Find the person whom a signal of an identity provider names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..core.model import Subject


def subject_by_sub(tenant: str, issuer: str, subject_id: Mapping[str, Any]) -> Subject | None:
    """Find the person of a subject identifier (RFC 9493) by ``sub`` or ``id``.

    It is the usual rule of a host, for ``SharedSignals.subject_of``. ``iss_sub`` counts for this issuer only; of a ``complex``
    one the ``user`` counts. None for any other format.
    """
    kind = str(subject_id.get("format") or subject_id.get("subject_type") or "").replace("-", "_")
    user = subject_id.get("user")
    if isinstance(user, dict) and kind in ("", "complex"):
        return subject_by_sub(tenant, issuer, user)
    if kind == "iss_sub" and subject_id.get("iss") == issuer:
        named = subject_id.get("sub")
    else:
        named = subject_id.get("id") if kind == "opaque" else None
    try:
        return Subject(named, tenant) if isinstance(named, str) else None
    except ValueError:
        return None
