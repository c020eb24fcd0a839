"""Keep connections open: a websocket that echoes, and a stream of ticks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from .clock import DemoClock, rfc3339
from .parts import parts_of

__all__ = ["routes"]


async def echo(websocket: WebSocket) -> None:
    """Send every text back, for a person who is signed in."""
    if parts_of(websocket).identity.signed_in(websocket) is None:
        await websocket.close()
        return
    await websocket.accept()
    try:
        while True:
            await websocket.send_text(await websocket.receive_text())
    except WebSocketDisconnect:
        return


async def events(request: Request) -> Response:
    """Send one tick a second."""
    parts = parts_of(request)
    if parts.identity.signed_in(request) is None:
        return JSONResponse({"error": "Sign in first."}, 401)
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_ticks(parts.clock), media_type="text/event-stream", headers=headers)


async def _ticks(clock: DemoClock) -> AsyncIterator[str]:
    number = 0
    while True:
        number += 1
        yield f'id: {number}\ndata: {{"tick": {number}, "at": "{rfc3339(clock.now())}"}}\n\n'
        await asyncio.sleep(1)


routes = [WebSocketRoute("/ws", echo), Route("/events", events, methods=["GET"])]
