"""The static files.

The name of a file holds a hash of its content, so the content of one name never changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePosixPath
from types import MappingProxyType

from .resources import folder

__all__ = [
    "CSP",
    "TYPES",
    "Asset",
    "asset_name",
    "hash_of",
    "present_asset",
    "static_asset",
    "static_assets",
]

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The content security policy that the pages are written for (S-103): nothing inline, nothing from another site."""

_HASHED = re.compile(r"([a-z][a-z0-9-]*)\.[0-9a-f]{12}\.([a-z]+)")
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file to serve under ``{prefix}/static/``.

    Browsers may keep it as long as they like: its name changes with its content.
    """

    name: str
    content: bytes
    media_type: str


@cache
def static_assets() -> Mapping[str, Asset]:
    """Return every shipped file by its name with the hash (``mfa.3f9a….css``)."""
    found = {}
    for file in sorted(folder("static").iterdir(), key=lambda file: file.name):
        path = PurePosixPath(file.name)
        if path.suffix in TYPES:
            content = file.read_bytes()
            name = f"{path.stem}.{hash_of(content)}{path.suffix}"
            found[name] = Asset(name=name, content=content, media_type=TYPES[path.suffix])
    return MappingProxyType(found)


@cache
def asset_name(plain: str) -> str:
    """Return the name with the hash for a plain name, such as ``mfa.css``.

    Raises ``KeyError`` for a file that is not shipped.
    """
    stem, _, suffix = plain.rpartition(".")
    for name in static_assets():
        if re.fullmatch(rf"{re.escape(stem)}\.[0-9a-f]+\.{re.escape(suffix)}", name):
            return name
    raise KeyError(plain)


def static_asset(name: str) -> Asset | None:
    """Return the shipped file for ``{prefix}/static/{name}``; None is answered with 404."""
    return static_assets().get(name)


def present_asset(name: str) -> Asset | None:
    """Find the present file for a name with another hash, or None.

    While a new version is rolled out, a page of one version asks workers of the other for its files. What they have is better
    than no style and no script; it must not be kept under that name.
    """
    other = _HASHED.fullmatch(name)
    if other is None:
        return None
    try:
        return static_asset(asset_name(f"{other.group(1)}.{other.group(2)}"))
    except KeyError:
        return None


def hash_of(content: bytes) -> str:
    """Return the hash that stands in a file's name."""
    return hashlib.sha256(content).hexdigest()[:12]
