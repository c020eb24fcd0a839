"""The files of a brand: stylesheet, logos, and icons for tabs and phones.

Their names hold a hash of their content, so browsers may keep them. They are the same for everybody, signed in or not.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache, lru_cache
from types import MappingProxyType
from xml.sax.saxutils import escape

from ..core.rules import BrandRules, Policy
from .assets import TYPES, Asset, hash_of
from .color import mix, palette, parse
from .png import PNG, repainted
from .resources import folder
from .theme import brand_css

ICON_SIZES = (180, 192, 512)
"""Sizes in pixels: the first is that of an iPhone's home screen, the others are those that a web app manifest needs."""
SHADES = 64
"""Colors of an icon, from the ground to the drawing."""

_NAME = re.compile(r"(brand|favicon|logo|logo-dark|icon-(?:180|192|512))(?:\.[0-9a-f]{12}\.[a-z]{3})?")


@lru_cache(maxsize=256)
def brand_names(brand: BrandRules) -> Mapping[str, str]:
    """Return the hashed names of a brand's files by the plain ones (``brand``, ``logo``)."""
    plain = ["brand", "favicon", *(f"icon-{size}" for size in ICON_SIZES)]
    plain += ["logo"] if brand.logo_bytes else []
    plain += ["logo-dark"] if brand.logo_dark_bytes else []
    return MappingProxyType({name: brand_file(brand, name).name for name in plain})


def brand_file(brand: BrandRules, plain: str) -> Asset:
    """Make one file of a brand. A logo that the brand has not is empty."""
    suffix, content = _content(brand, plain)
    return Asset(name=f"{plain}.{hash_of(content)}{suffix}", content=content, media_type=TYPES[suffix])


def _content(brand: BrandRules, plain: str) -> tuple[str, bytes]:
    if plain == "brand":
        return ".css", brand_css(brand)
    if plain == "favicon":
        return ".svg", _favicon(brand.accent, brand.name.strip()[:1].upper())
    if plain.startswith("icon-"):
        return ".png", _icon(brand.accent, int(plain.removeprefix("icon-")))
    content = (brand.logo_dark_bytes if plain == "logo-dark" else b"") or brand.logo_bytes
    return ".png" if content.startswith(PNG) else ".svg", content


def _favicon(accent: str, letter: str) -> bytes:
    """Draw the icon of a tab: a tile in the accent with a letter, or with a shield."""
    colors = palette(parse(accent), dark=False)
    drawing = (
        f'<text x="16" y="23" text-anchor="middle" font-family="system-ui,sans-serif" font-size="20" font-weight="700" '
        f'fill="{colors.on_fill}">{escape(letter)}</text>'
        if letter
        else f'<path d="M16 6l8 3v6c0 5-3 9-8 11-5-2-8-6-8-11V9zM12 16l3 3 5-6" fill="none" stroke="{colors.on_fill}" '
        f'stroke-width="2.2" stroke-linejoin="round"/>'
    )
    tile = f'<rect width="32" height="32" rx="7" fill="{colors.fill}"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">{tile}{drawing}</svg>'.encode()


@lru_cache(maxsize=64)
def _icon(accent: str, size: int) -> bytes:
    """Paint the icon in an accent: the drawing is white, or dark on a pale accent."""
    colors = palette(parse(accent), dark=False)
    ground, pen = parse(colors.fill), parse(colors.on_fill)
    shades = [mix(ground, pen, step / (SHADES - 1)) for step in range(SHADES)]
    return repainted(_drawing(size), shades)


@cache
def _drawing(size: int) -> bytes:
    return folder("static").joinpath(f"icon-{size}.png").read_bytes()


def plain_name(name: str) -> str:
    """Return the plain name in the hashed name of any brand's file; "" for another name."""
    found = _NAME.fullmatch(name)
    return found.group(1) if found else ""


@lru_cache(maxsize=256)
def logos(static: str, brand: BrandRules) -> tuple[str, str]:
    """Return the addresses of the light and the dark logo below ``static``; "" for none."""
    names = brand_names(brand)
    light, dark = (static + names[plain] if plain in names else "" for plain in ("logo", "logo-dark"))
    return light, dark


class BrandFiles:
    """The files of the brands that a policy names.

    Anybody may ask for a file by any name. Nothing is computed for a name that only a visitor tells (S-122).
    """

    def __init__(self) -> None:
        self._policy: Policy | None = None
        self._found: dict[str, BrandRules] = {}

    def find(self, name: str, policy: Policy) -> Asset | None:
        """Return the file with this name, if a brand of ``policy`` has it."""
        if policy is not self._policy:
            brands = {BrandRules(), *(rules.brand for rules in (policy.base, *policy.tenants.values()))}
            found = {name: brand for brand in brands for name in brand_names(brand).values()}
            self._found, self._policy = found, policy
        brand = self._found.get(name)
        return None if brand is None else brand_file(brand, plain_name(name))
