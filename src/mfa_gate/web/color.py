"""Make the tenant's accent readable.

Every pair of colors that the pages use meets WCAG 2.2, 1.4.3 and 1.4.11.
"""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass

from ..core.luminance import BLACK, PART, TEXT, WHITE, Color, contrast

LIGHT_GROUNDS: tuple[Color, ...] = ((255, 255, 255), (243, 245, 248))
"""Card and page in the light theme, as the stylesheet has them."""
DARK_GROUNDS: tuple[Color, ...] = ((24, 28, 36), (13, 16, 21))
DEFAULT_ACCENT = "#0b5fff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """The six accent colors of one theme, as CSS hex."""

    fill: str
    hover: str
    on_fill: str
    line: str
    text: str
    soft: str


def parse(accent: str) -> Color:
    """Read ``#rgb`` or ``#rrggbb``; any other text gives the default accent."""
    match = re.fullmatch(r"#(?:([0-9a-fA-F]{6})|([0-9a-fA-F]{3}))", accent)
    if match is None:
        return parse(DEFAULT_ACCENT)
    digits = match.group(1) or "".join(char * 2 for char in match.group(2))
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def to_hex(color: Color) -> str:
    """Write a color as ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def palette(accent: Color, *, dark: bool, grounds: tuple[Color, ...] = ()) -> Palette:
    """Make the accent's colors for one theme.

    In the light theme the fill stays the brand's own color. A color that must stand out from the ground is changed
    until its contrast is high enough. ``grounds`` are the card and the page; none: those of our stylesheet.
    """
    grounds = grounds or (DARK_GROUNDS if dark else LIGHT_GROUNDS)
    away = WHITE if dark else BLACK
    fill = until(accent, away, grounds, PART) if dark else accent
    on_fill = WHITE if contrast(fill, WHITE) >= TEXT else BLACK
    soft = mix(grounds[0], fill, 0.16 if dark else 0.09)
    return Palette(
        fill=to_hex(fill),
        hover=to_hex(mix(fill, BLACK if on_fill == WHITE else WHITE, 0.14)),
        on_fill=to_hex(on_fill),
        line=to_hex(until(accent, away, (*grounds, soft), PART)),
        text=to_hex(until(accent, away, (*grounds, soft), 4.6)),
        soft=to_hex(soft),
    )


def until(color: Color, goal: Color, grounds: tuple[Color, ...], ratio: float) -> Color:
    """Change ``color`` towards ``goal`` until it has ``ratio`` against all ``grounds``."""
    for step in range(51):
        mixed = _lighter(color, step / 50) if goal == WHITE else mix(color, goal, step / 50)
        if min(contrast(mixed, ground) for ground in grounds) >= ratio:
            return mixed
    return goal


def _lighter(color: Color, share: float) -> Color:
    """Raise the lightness alone. A mix with white would turn a deep brand color gray."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in color))
    red, green, blue = colorsys.hls_to_rgb(hue, lightness + (1 - lightness) * share, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def mix(color: Color, other: Color, share: float) -> Color:
    """Mix two colors; ``share`` is that of ``other``, from 0 to 1."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return red, green, blue
