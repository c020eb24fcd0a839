"""A legal hold as a document and as one line."""

from __future__ import annotations

from ..service.legal_holds import LegalHold
from ..web.responses import stamp


def hold_json(one: LegalHold) -> dict[str, object]:
    """Write a hold as a document."""
    return {"tenant": one.tenant, "ref": one.ref, "by": one.by, "at": stamp(one.at), "reason": one.reason}


def told(one: LegalHold) -> str:
    """Write a hold as one line."""
    return f"{one.tenant}, since {stamp(one.at)}, by {one.by}: {one.reason} (ref {one.ref})"
