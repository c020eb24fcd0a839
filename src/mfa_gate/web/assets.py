"""The static files: one stylesheet, one script, and a few lines of brand colors; names hold a hash, so they never change."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from types import MappingProxyType

from .color import Palette, palette, parse, to_hex

__all__ = ["CSP", "Asset", "asset_name", "brand_css", "brand_name", "static_asset", "static_assets"]

CSP = (
    "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; frame-ancestors 'none'"
)
"""The policy that the pages are written for (S-103): nothing inline, nothing from elsewhere."""

_STATIC = Path(__file__).parent / "static"
_BRAND = re.compile(r"brand\.([0-9a-f]{6})\.[0-9a-f]{12}\.css")
_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file to serve under ``{prefix}/static/`` for as long as browsers like (its name changes with its content)."""

    name: str
    content: bytes
    media_type: str


@cache
def static_assets() -> Mapping[str, Asset]:
    """Every shipped file, by its name with the hash (``mfa.3f9a….css``)."""
    found = {}
    for path in sorted(_STATIC.iterdir()):
        if path.suffix in _TYPES:
            content = path.read_bytes()
            name = f"{path.stem}.{_hash(content)}{path.suffix}"
            found[name] = Asset(name=name, content=content, media_type=_TYPES[path.suffix])
    return MappingProxyType(found)


@cache
def asset_name(plain: str) -> str:
    """The name with the hash for ``mfa.css``. Raises ``KeyError`` for a file that is not shipped."""
    stem, _, suffix = plain.rpartition(".")
    for name in static_assets():
        if re.fullmatch(rf"{re.escape(stem)}\.[0-9a-f]+\.{re.escape(suffix)}", name):
            return name
    raise KeyError(plain)


def is_known(name: str, accents: Iterable[str]) -> bool:
    """Tell whether ``name`` is worth a look: no colors, or those of one of ``accents``.

    Anybody may ask for any color's; nothing is computed or kept for a visitor's own (S-122).
    """
    match = _BRAND.fullmatch(name)
    return match is None or f"#{match.group(1)}" in {to_hex(parse(accent)) for accent in accents if accent}


def static_asset(name: str) -> Asset | None:
    """What ``{prefix}/static/{name}`` answers: a shipped file, or the colors that the name itself tells. None: 404."""
    match = _BRAND.fullmatch(name)
    if match is None:
        return static_assets().get(name)
    accent = f"#{match.group(1)}"
    if name != brand_name(accent):
        return None
    return Asset(name=name, content=brand_css(accent), media_type=_TYPES[".css"])


@lru_cache(maxsize=256)
def brand_name(accent: str) -> str:
    """The name of the stylesheet with an accent's colors. It tells the color, so no table of tenants is needed."""
    color = to_hex(parse(accent))
    return f"brand.{color[1:]}.{_hash(brand_css(color))}.css"


@lru_cache(maxsize=256)
def brand_css(accent: str) -> bytes:
    """The six colors made of an accent, for both themes. The policy forbids inline style, hence a file."""
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
