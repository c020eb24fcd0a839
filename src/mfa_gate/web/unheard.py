"""Hear a refused request to its end before it is answered (V-43).

Some servers close the connection after an answer to a request that is not read. A browser that is still sending then
shows a broken connection in place of the answer.
"""

from __future__ import annotations

import asyncio
from typing import Any

from .scope import header
from .types import Receive, Scope

MOST = 32 * 2**20
"""Bytes that are read and dropped. A larger body is answered at once."""
ONE_PACKET = 1024
"""Bytes that come with one packet: a browser has sent such a body before any answer reaches it."""
WITHIN = 60.0
IDLE = 5.0
"""Seconds for the next piece of a body."""
BODILESS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


async def hear_out(scope: Scope, receive: Receive) -> None:
    """Read the rest of the body and drop it, within bounds.

    The body must not have been read to its end already. A client that waits for leave to send (``Expect``) needs none.
    """
    if scope["type"] != "http" or scope["method"] in BODILESS or header(scope, b"expect") is not None:
        return
    length = header(scope, b"content-length") or b""
    if len(length) > 9 or (length.isdigit() and not ONE_PACKET < int(length) <= MOST):
        return
    await drop_rest(receive)


async def drop_rest(receive: Receive) -> None:
    """Drop the messages of a body until its last one, within bounds."""
    size = 0
    try:
        async with asyncio.timeout(WITHIN):
            while size <= MOST:
                # Not wait_for: before Python 3.12 it may swallow the end of the outer time.
                async with asyncio.timeout(IDLE):
                    message = await receive()
                if message["type"] != "http.request" or not message.get("more_body"):
                    return
                size += len(message.get("body", b""))
    except TimeoutError:
        return


async def nothing_more() -> dict[str, Any]:
    """Receive the end of a body that was read already."""
    return {"type": "http.request", "body": b"", "more_body": False}
