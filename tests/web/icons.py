"""The tool that draws the icons of an installed page: ``python tests/web/icons.py``.

A phone with a tick, as shares from ground (0) to drawing (63) in a palette. The package paints them in a brand's colors.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from itertools import pairwise
from math import hypot
from pathlib import Path

import mfa_gate
from mfa_gate.web.brand_files import ICON_SIZES, SHADES
from mfa_gate.web.png import PNG, chunk

FOLDER = Path(mfa_gate.__file__).parent / "web" / "static"
GRID, PEN = 512, 30
"""The drawing is made on a grid of 512 with a pen of 30."""
LEFT, TOP, RIGHT, BOTTOM, ROUND = 156, 96, 356, 416, 34
TICK = ((208, 256), (244, 294), (306, 222))


def _to_line(x: float, y: float, start: tuple[int, int], end: tuple[int, int]) -> float:
    dx, dy = end[0] - start[0], end[1] - start[1]
    along = min(1, max(0, ((x - start[0]) * dx + (y - start[1]) * dy) / (dx * dx + dy * dy)))
    return hypot(x - start[0] - along * dx, y - start[1] - along * dy)


def _to_phone(x: float, y: float) -> float:
    """Return the distance to the outline of the phone: a rectangle with round corners."""
    out_x = abs(x - (LEFT + RIGHT) / 2) - (RIGHT - LEFT) / 2 + ROUND
    out_y = abs(y - (TOP + BOTTOM) / 2) - (BOTTOM - TOP) / 2 + ROUND
    return abs(hypot(max(out_x, 0), max(out_y, 0)) + min(max(out_x, out_y), 0) - ROUND)


def _row(y: int, size: int) -> Iterator[int]:
    scale = GRID / size
    for x in range(size):
        at = ((x + 0.5) * scale, (y + 0.5) * scale)
        far = min(_to_phone(*at), *(_to_line(*at, *ends) for ends in pairwise(TICK)))
        share = min(1, max(0, 0.5 + (PEN / 2 - far) / scale))
        yield round(share * (SHADES - 1))


def drawn(size: int) -> bytes:
    """Draw the icon of ``size`` pixels, in shades of gray."""
    rows = b"".join(b"\0" + bytes(_row(y, size)) for y in range(size))
    grays = b"".join(bytes([round(255 * step / (SHADES - 1))] * 3) for step in range(SHADES))
    head = size.to_bytes(4) * 2 + bytes([8, 3, 0, 0, 0])
    parts = ((b"IHDR", head), (b"PLTE", grays), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return PNG + b"".join(chunk(kind, content) for kind, content in parts)


if __name__ == "__main__":
    for size in ICON_SIZES:
        (FOLDER / f"icon-{size}.png").write_bytes(drawn(size))
