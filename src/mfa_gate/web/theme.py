"""The stylesheet of a brand: its tokens as custom properties, and the host's own rules.

Six tokens make the look of the pages (U-61): accent, text, surface, radius, font and logo. All other colors are made
from the first three, so that they can be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from ..core.luminance import BLACK, WHITE, Color, contrast
from ..core.rules import BrandRules
from .color import DARK_GROUNDS, LIGHT_GROUNDS, Palette, mix, palette, parse, to_hex, until

OWN_RADIUS = 10
"""The radius of our stylesheet."""
CARD_RADIUS = 8 / 5
"""The radius of a card, as a multiple of that of a field."""
TEXTS: Mapping[bool, Color] = {False: (23, 27, 36), True: (236, 239, 244)}
"""The color of text in our stylesheet, in the light and in the dark theme."""
SIGNALS: Mapping[bool, Mapping[str, Color]] = {
    False: {"bad": (179, 38, 30), "good": (15, 107, 60), "warn": (122, 74, 0)},
    True: {"bad": (255, 154, 145), "good": (127, 214, 166), "warn": (242, 200, 121)},
}
"""Errors, successes and warnings: the colors on light and on dark ground."""


@lru_cache(maxsize=256)
def brand_css(brand: BrandRules) -> bytes:
    """Write the stylesheet of a brand, for both themes.

    It is a file because the content security policy forbids inline style.
    """
    both = {}
    if brand.radius != OWN_RADIUS:
        both = {"--radius": f"{brand.radius}px", "--radius-card": f"{round(brand.radius * CARD_RADIUS)}px"}
    if brand.font:
        both["--font"] = f"{brand.font}, system-ui, sans-serif"
    light, dark = (_rule(colors_of(brand, dark=dark)) for dark in (False, True))
    rules = [
        _rule(both) if both else "",
        f"@media (prefers-color-scheme: light) {{ {light} }}",
        f"@media (prefers-color-scheme: dark) {{ {dark} }}",
        brand.styles,
    ]
    return "\n".join(filter(None, rules)).encode()


def colors_of(brand: BrandRules, *, dark: bool) -> dict[str, str]:
    """Return the custom properties of one theme.

    They are the accent's six, and all others where the brand has a text or a surface of its own.
    """
    accent = parse(brand.accent)
    own_text, own_surface = (brand.text_dark, brand.surface_dark) if dark else (brand.text, brand.surface)
    if not own_text and not own_surface:
        return _of_accent(palette(accent, dark=dark))
    text = parse(own_text) if own_text else TEXTS[dark]
    surface = parse(own_surface) if own_surface else (DARK_GROUNDS if dark else LIGHT_GROUNDS)[0]
    deep = contrast(surface, WHITE) > contrast(surface, BLACK)
    away = WHITE if deep else BLACK
    page, sunken = (mix(surface, BLACK, share) for share in ((0.35, 0.2) if deep else (0.045, 0.03)))
    grounds = (surface, page, sunken)
    made = {
        "--text": text,
        "--surface": surface,
        "--page": page,
        "--sunken": sunken,
        "--muted": until(mix(text, surface, 0.28), text, grounds, 4.6),
        "--line": mix(surface, text, 0.14),
        "--control": until(mix(surface, text, 0.4), text, grounds, 3.1),
    }
    for name, color in SIGNALS[deep].items():
        soft = mix(surface, color, 0.09)
        made[f"--{name}"] = until(color, away, (*grounds, soft), 4.6)
        made[f"--{name}-soft"] = soft
        made[f"--{name}-line"] = until(mix(color, surface, 0.25), away, (*grounds, soft), 3.1)
    scheme = {"color-scheme": "dark" if deep else "light"} if deep != dark else {}
    written = {name: to_hex(color) for name, color in made.items()}
    return {**scheme, **written, **_of_accent(palette(accent, dark=deep, grounds=grounds))}


def _of_accent(made: Palette) -> dict[str, str]:
    return {
        "--accent": made.fill,
        "--accent-hover": made.hover,
        "--on-accent": made.on_fill,
        "--accent-line": made.line,
        "--accent-text": made.text,
        "--accent-soft": made.soft,
    }


def _rule(properties: Mapping[str, str]) -> str:
    return f":root {{ {'; '.join(f'{name}: {value}' for name, value in properties.items())} }}"
