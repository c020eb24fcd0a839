"""The tenant's accent made readable: every pair of colors that the pages use meets WCAG 2.2 1.4.3 and 1.4.11."""

from __future__ import annotations

import colorsys
import re
from dataclasses import dataclass

Color = tuple[int, int, int]

WHITE: Color = (255, 255, 255)
BLACK: Color = (0, 0, 0)
LIGHT_GROUNDS: tuple[Color, ...] = ((255, 255, 255), (243, 245, 248))
"""Card and page in the light theme, as the stylesheet has them."""
DARK_GROUNDS: tuple[Color, ...] = ((24, 28, 36), (13, 16, 21))
DEFAULT_ACCENT = "#0b5fff"


@dataclass(frozen=True, slots=True, kw_only=True)
class Palette:
    """One theme's six accent colors, as CSS hex."""

    fill: str
    hover: str
    on_fill: str
    line: str
    text: str
    soft: str


def parse(accent: str) -> Color:
    """``#rgb`` or ``#rrggbb``; anything else is the default accent."""
    match = re.fullmatch(r"#(?:([0-9a-fA-F]{6})|([0-9a-fA-F]{3}))", accent)
    if match is None:
        return parse(DEFAULT_ACCENT)
    digits = match.group(1) or "".join(char * 2 for char in match.group(2))
    return int(digits[0:2], 16), int(digits[2:4], 16), int(digits[4:6], 16)


def to_hex(color: Color) -> str:
    """``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*color)


def contrast(one: Color, other: Color) -> float:
    """The contrast ratio of WCAG 2.2, 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def palette(accent: Color, *, dark: bool) -> Palette:
    """The accent in one theme. The fill stays the brand's own color; what must be told from the ground moves until it is."""
    grounds = DARK_GROUNDS if dark else LIGHT_GROUNDS
    away = WHITE if dark else BLACK
    fill = _until(accent, away, grounds, 3.0) if dark else accent
    on_fill = WHITE if contrast(fill, WHITE) >= 4.5 else BLACK
    soft = _mix(grounds[0], fill, 0.16 if dark else 0.09)
    return Palette(
        fill=to_hex(fill),
        hover=to_hex(_mix(fill, BLACK if on_fill == WHITE else WHITE, 0.14)),
        on_fill=to_hex(on_fill),
        line=to_hex(_until(accent, away, (*grounds, soft), 3.0)),
        text=to_hex(_until(accent, away, (*grounds, soft), 4.6)),
        soft=to_hex(soft),
    )


def _until(color: Color, goal: Color, grounds: tuple[Color, ...], ratio: float) -> Color:
    for step in range(51):
        mixed = _lighter(color, step / 50) if goal == WHITE else _mix(color, goal, step / 50)
        if min(contrast(mixed, ground) for ground in grounds) >= ratio:
            return mixed
    return goal


def _lighter(color: Color, share: float) -> Color:
    """Up in lightness alone: a mix with white would turn a deep brand color gray."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in color))
    red, green, blue = colorsys.hls_to_rgb(hue, lightness + (1 - lightness) * share, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def _mix(color: Color, other: Color, share: float) -> Color:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(color, other, strict=True))
    return red, green, blue


def _luminance(color: Color) -> float:
    red, green, blue = (_linear(part / 255) for part in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
