"""Measure the contrast of two colors (WCAG 2.2, 1.4.3 and 1.4.11).

The check of a policy, the colors that pages and mails are drawn in, and the doctor all measure by this.
"""

from __future__ import annotations

Color = tuple[int, int, int]

WHITE: Color = (255, 255, 255)
BLACK: Color = (0, 0, 0)
TEXT, PART = 4.5, 3.0
"""The least contrast of text, and of the parts of a control."""


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colors, from 1 to 21."""
    high, low = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def _luminance(color: Color) -> float:
    red, green, blue = (_linear(part / 255) for part in color)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
