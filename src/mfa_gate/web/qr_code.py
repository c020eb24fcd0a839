"""QR codes (ISO 18004) as inline SVG."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markupsafe import Markup


@dataclass(frozen=True, slots=True)
class Drawing:
    """A drawn QR code: its side in modules, and the path of its dark modules in SVG."""

    size: int
    path: str


async def drawn(text: str) -> Drawing:
    """Draw ``text`` in a thread, so that other requests do not wait.

    It takes about ten milliseconds.
    """
    return await asyncio.to_thread(draw, text)


def draw(text: str) -> Drawing:
    """Draw ``text`` at level M with a quiet zone of four modules."""
    import segno

    rows = [bytes(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=4)]
    path = "".join(
        f"M{run.start()} {y}h{run.end() - run.start()}v1h-{run.end() - run.start()}z"
        for y, row in enumerate(rows)
        for run in re.finditer(rb"\x01+", row)
    )
    return Drawing(len(rows), path)


def qr_svg(code: Drawing | str, label: str) -> Markup:
    """Make the SVG of a drawing, or of a text that is drawn now.

    ``label`` is the accessible name of the picture (U-30).
    """
    from markupsafe import Markup, escape

    drawing = draw(code) if isinstance(code, str) else code
    size = drawing.size
    return Markup(  # noqa: S704  # the label is escaped, the rest is digits
        f'<svg xmlns="http://www.w3.org/2000/svg" class="qr" viewBox="0 0 {size} {size}" role="img" '
        f'aria-label="{escape(label)}" shape-rendering="crispEdges">'
        f'<path fill="#fff" d="M0 0h{size}v{size}H0z"/><path fill="#000" d="{drawing.path}"/></svg>'
    )
