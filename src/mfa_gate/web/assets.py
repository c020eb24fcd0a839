"""The static files, and the stylesheets with the colors of a brand.

The name of a file holds a hash of its content, so the content of one name never changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import PurePosixPath
from types import MappingProxyType

from .color import Palette, palette, parse, to_hex
from .resources import folder

__all__ = ["CSP", "Asset", "asset_name", "brand_css", "brand_name", "static_asset", "static_assets"]

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The content security policy that the pages are written for (S-103): nothing inline, nothing from another site."""

_BRAND = re.compile(r"brand\.([0-9a-f]{6})\.[0-9a-f]{12}\.css")
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


def is_known(name: str, accents: Iterable[str]) -> bool:
    """Tell whether ``name`` is worth a look: no colors, or those of one of ``accents``.

    Anybody may ask for the stylesheet of any color. Nothing is computed or kept for a color that only a visitor names
    (S-122).
    """
    match = _BRAND.fullmatch(name)
    return match is None or f"#{match.group(1)}" in {to_hex(parse(accent)) for accent in accents if accent}


def static_asset(name: str) -> Asset | None:
    """Return the file for ``{prefix}/static/{name}``; None is answered with 404.

    It is a shipped file, or the stylesheet of the color that the name itself tells.
    """
    match = _BRAND.fullmatch(name)
    if match is None:
        return static_assets().get(name)
    accent = f"#{match.group(1)}"
    if name != brand_name(accent):
        return None
    return Asset(name=name, content=brand_css(accent), media_type=_TYPES[".css"])


def present_asset(name: str) -> Asset | None:
    """Find the present file for a name with another hash, or None.

    While a new version is rolled out, a page of one version asks workers of the other for its files. What they have is better
    than no style and no script; it must not be kept under that name.
    """
    brand = _BRAND.fullmatch(name)
    if brand is not None:
        return static_asset(brand_name(f"#{brand.group(1)}"))
    other = _HASHED.fullmatch(name)
    if other is None:
        return None
    try:
        return static_asset(asset_name(f"{other.group(1)}.{other.group(2)}"))
    except KeyError:
        return None


@lru_cache(maxsize=256)
def brand_name(accent: str) -> str:
    """Return the name of the stylesheet with the colors of an accent.

    The name tells the color, so no table of tenants is needed.
    """
    color = to_hex(parse(accent))
    return f"brand.{color[1:]}.{_hash(brand_css(color))}.css"


@lru_cache(maxsize=256)
def brand_css(accent: str) -> bytes:
    """Write the stylesheet with the six colors made of an accent, for both themes.

    It is a file because the content security policy forbids inline style.
    """
    color = parse(accent)
    light, dark = _rule(palette(color, dark=False)), _rule(palette(color, dark=True))
    return f"{light}\n@media (prefers-color-scheme: dark) {{ {dark} }}\n".encode()


def _rule(colors: Palette) -> str:
    return (
        f":root {{ --accent: {colors.fill}; --accent-hover: {colors.hover}; --on-accent: {colors.on_fill}; "
        f"--accent-line: {colors.line}; --accent-text: {colors.text}; --accent-soft: {colors.soft} }}"
    )


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:12]
