"""The static files, and the stylesheets of brands.

The name of a file holds a hash of its content, so the content of one name never changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import PurePosixPath
from types import MappingProxyType

from ..core.rules import BrandRules, Policy
from .resources import folder
from .theme import brand_css

__all__ = [
    "CSP",
    "Asset",
    "BrandSheets",
    "asset_name",
    "brand_asset",
    "brand_name",
    "static_asset",
    "static_assets",
]

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The content security policy that the pages are written for (S-103): nothing inline, nothing from another site."""

_BRAND = re.compile(r"brand\.[0-9a-f]{12}\.css")
_HASHED = re.compile(r"([a-z][a-z0-9-]*)\.[0-9a-f]{12}\.([a-z]+)")
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


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
        if path.suffix in _TYPES:
            content = file.read_bytes()
            name = f"{path.stem}.{_hash(content)}{path.suffix}"
            found[name] = Asset(name=name, content=content, media_type=_TYPES[path.suffix])
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


@lru_cache(maxsize=256)
def brand_name(brand: BrandRules) -> str:
    """Return the name of the stylesheet of a brand."""
    return f"brand.{_hash(brand_css(brand))}.css"


def is_brand(name: str) -> bool:
    """Tell if ``name`` is that of a brand's stylesheet, of this version of it or of another."""
    return _BRAND.fullmatch(name) is not None


class BrandSheets:
    """The stylesheets of the brands that a policy names.

    Anybody may ask for a stylesheet by any name. Nothing is computed for a name that only a visitor tells (S-122).
    """

    def __init__(self) -> None:
        self._policy: Policy | None = None
        self._found: dict[str, BrandRules] = {}

    def find(self, name: str, policy: Policy) -> Asset | None:
        """Return the stylesheet with this name, if a brand of ``policy`` has it."""
        if policy is not self._policy:
            brands = {BrandRules(), *(rules.brand for rules in (policy.base, *policy.tenants.values()))}
            self._found, self._policy = {brand_name(brand): brand for brand in brands}, policy
        brand = self._found.get(name)
        return None if brand is None else brand_asset(brand)


def brand_asset(brand: BrandRules) -> Asset:
    """Make the stylesheet of a brand."""
    return Asset(name=brand_name(brand), content=brand_css(brand), media_type=_TYPES[".css"])


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
