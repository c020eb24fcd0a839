"""Ids with a slash in our own addresses: ``%2F`` is a part of the id.

Servers decode the path before the gate sees it. Which slash was quoted stands in ``raw_path`` alone.
"""

from __future__ import annotations

from urllib.parse import unquote

from .types import Scope

SLASH = "\x00"
"""The mark of a slash that was quoted. No id has it."""


def with_quoted_slashes(scope: Scope, place: str) -> str:
    """Return a place of ours with the mark for each slash that the visitor quoted.

    ``place`` is the end of the decoded path. Without a raw path, or where the two do not fit, it comes back as it is.
    """
    raw: bytes = (scope.get("raw_path") or b"").partition(b"?")[0]
    if b"%2f" not in raw.lower() or SLASH in place:
        return place
    parts = raw.decode("latin-1").split("/")
    for count in range(1, len(parts)):
        tail = [unquote(part) for part in parts[-count:]]
        if "/" + "/".join(tail) == place:
            return "/" + "/".join(part.replace("/", SLASH) for part in tail)
    return place


def id_in(segment: str) -> str:
    """Return the id that a segment names."""
    return segment.replace(SLASH, "/")
