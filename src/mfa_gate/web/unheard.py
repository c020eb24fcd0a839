"""Hear a refused request to its end before it is answered (V-43).

Some servers close the connection after an answer to a request that is not read. A browser that is still sending then
shows a broken connection in place of the answer.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from .scope import header
from .types import Receive, Scope

ONE_PACKET = 1024
"""Bytes that come with one packet: a browser has sent such a body before any answer reaches it."""
BODILESS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """The bounds of a body that is read and dropped.

    ``most`` is in bytes: a larger body is answered at once. ``within`` and ``idle`` are seconds, for the whole body and for
    its next piece.
    """

    most: int = 32 * 2**20
    within: float = 60.0
    idle: float = 5.0


USUAL = Bounds()


async def hear_out(scope: Scope, receive: Receive, bounds: Bounds = USUAL) -> None:
    """Read the rest of the body and drop it, within bounds.

    The body must not have been read to its end already. A client that waits for leave to send (``Expect``) needs none.
    """
    if scope["type"] != "http" or scope["method"] in BODILESS or header(scope, b"expect") is not None:
        return
    length = header(scope, b"content-length") or b""
    if len(length) > 9 or (length.isdigit() and not ONE_PACKET < int(length) <= bounds.most):
        return
    await drop_rest(receive, bounds)


async def drop_rest(receive: Receive, bounds: Bounds = USUAL) -> None:
    """Drop the messages of a body until its last one, within bounds."""
    size = 0
    try:
        async with asyncio.timeout(bounds.within):
            while size <= bounds.most:
                # Not wait_for: before Python 3.12 it may swallow the end of the outer time.
                async with asyncio.timeout(bounds.idle):
                    message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                size += len(message.get("body", b""))
    except TimeoutError:
        return


async def nothing_more() -> dict[str, Any]:
    """Receive the end of a body that was read already."""
    return {"type": "http.request", "body": b"", "more_body": False}
