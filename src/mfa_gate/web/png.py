"""The colors of a PNG that has a palette (PNG, third edition: 11.2.2)."""

from __future__ import annotations

from collections.abc import Sequence
from zlib import crc32

from ..core.luminance import Color

PNG = b"\x89PNG\r\n\x1a\n"
LENGTH, KIND, CHECK = 4, 4, 4


def chunk(kind: bytes, content: bytes) -> bytes:
    """Write one chunk: length, kind, content and check sum."""
    return len(content).to_bytes(LENGTH) + kind + content + crc32(kind + content).to_bytes(CHECK)


def repainted(png: bytes, colors: Sequence[Color]) -> bytes:
    """Return ``png`` with another palette. Raises ``ValueError`` for another count of colors.

    The drawing is not unpacked: only the chunk with the palette is written anew.
    """
    start = png.index(b"PLTE") - LENGTH
    length = int.from_bytes(png[start : start + LENGTH])
    written = b"".join(bytes(color) for color in colors)
    if len(written) != length:
        raise ValueError(f"the drawing has {length // 3} colors, not {len(colors)}")
    return png[:start] + chunk(b"PLTE", written) + png[start + LENGTH + KIND + length + CHECK :]
