"""Find pairs of colors that cannot be told apart (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ..core.luminance import BLACK, PART, TEXT, WHITE, Color, contrast
from .color import parse

Theme = Literal["light", "dark"]
THEMES: tuple[Theme, ...] = ("light", "dark")

PAIRS: tuple[tuple[str, tuple[str, ...], float], ...] = (
    ("text", ("surface", "page", "sunken", "accent-soft", "bad-soft", "good-soft", "warn-soft"), TEXT),
    ("muted", ("surface", "page", "sunken"), TEXT),
    ("accent-text", ("surface", "page", "sunken", "accent-soft"), TEXT),
    ("on-accent", ("accent", "accent-hover"), TEXT),
    ("bad", ("surface", "bad-soft"), TEXT),
    ("good", ("good-soft",), TEXT),
    ("warn", ("surface", "warn-soft"), TEXT),
    ("control", ("surface",), PART),
    ("accent-line", ("surface", "page"), PART),
    ("bad-line", ("surface",), PART),
)
"""The custom properties that stand on each other on our pages."""

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_PROPERTY = re.compile(r"--([a-z-]+)\s*:\s*([^;}]+)")
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")
_RGB = re.compile(r"rgb\(\s*(\d{1,3})[\s,]+(\d{1,3})[\s,]+(\d{1,3})\s*\)")
_NAMED: dict[str, Color] = {"white": WHITE, "black": BLACK}


@dataclass(frozen=True, slots=True, kw_only=True)
class WeakPair:
    """Two custom properties that are too much alike.

    ``needed`` is the ratio that the standard asks for.
    """

    theme: Theme
    front: str
    ground: str
    front_color: str
    ground_color: str
    ratio: float
    needed: float


def weak_pairs(*stylesheets: str) -> list[WeakPair]:
    """List the pairs without enough contrast.

    The stylesheets are in the order in which a page has them.
    A color in a form that is not read here is left out: see ``unread_colors``.
    """
    found = []
    for theme in THEMES:
        values = properties_in(*stylesheets, theme=theme)
        for front, grounds, needed in PAIRS:
            for ground in grounds:
                colors = color_in(values, front), color_in(values, ground)
                if colors[0] is None or colors[1] is None:
                    continue
                ratio = contrast(colors[0], colors[1])
                if ratio < needed:
                    found.append(
                        WeakPair(
                            theme=theme,
                            front=front,
                            ground=ground,
                            front_color=values[front],
                            ground_color=values[ground],
                            ratio=ratio,
                            needed=needed,
                        )
                    )
    return found


def unread_colors(*stylesheets: str) -> list[tuple[str, str]]:
    """List the colors of ``PAIRS`` in a form that is not read: the property and its value."""
    names = dict.fromkeys(name for front, grounds, _ in PAIRS for name in (front, *grounds))
    found = {}
    for theme in THEMES:
        values = properties_in(*stylesheets, theme=theme)
        found.update({name: values[name] for name in names if name in values and color_in(values, name) is None})
    return list(found.items())


def properties_in(*stylesheets: str, theme: Theme) -> dict[str, str]:
    """Return the custom properties of the root in one theme; a later one replaces an earlier."""
    values: dict[str, str] = {}
    for text in stylesheets:
        for selector, body in _rules(_COMMENT.sub("", text), theme):
            if any(part.strip() in (":root", "html") for part in selector.split(",")):
                values.update({name: value.strip().lower() for name, value in _PROPERTY.findall(body)})
    return values


def color_in(values: dict[str, str], name: str, depth: int = 4) -> Color | None:
    """Read the color of a custom property, also of one that names another.

    Returns None for any other form.
    """
    value = values.get(name, "")
    if other := re.fullmatch(r"var\(\s*--([a-z-]+)\s*\)", value):
        return color_in(values, other[1], depth - 1) if depth else None
    if _HEX.fullmatch(value):
        return parse(value)
    if parts := _RGB.fullmatch(value):
        red, green, blue = (min(255, int(part)) for part in parts.groups())
        return red, green, blue
    return _NAMED.get(value)


def _rules(text: str, theme: Theme) -> Iterator[tuple[str, str]]:
    """List the rules that hold on a screen in ``theme``: selector and declarations."""
    start = 0
    while (begin := text.find("{", start)) >= 0:
        head = text[start:begin].rpartition(";")[2].strip()
        end = _closing(text, begin)
        body, start = text[begin + 1 : end], end + 1
        if not head.startswith("@"):
            yield head, body
        elif head.startswith("@media"):
            asked = re.search(r"prefers-color-scheme\s*:\s*(\w+)", head)
            if asked and asked[1] == theme and "print" not in head:
                yield from _rules(body, theme)
        elif head.startswith(("@layer", "@supports")):
            yield from _rules(body, theme)


def _closing(text: str, begin: int) -> int:
    """Return the place of the brace that closes the one at ``begin``."""
    depth = 0
    for place in range(begin, len(text)):
        depth += {"{": 1, "}": -1}.get(text[place], 0)
        if not depth:
            return place
    return len(text)
