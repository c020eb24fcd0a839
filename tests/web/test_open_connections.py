"""S-15: connections that stay open are judged again, and end when they may not go on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from mfa_gate import MFAGateMiddleware
from mfa_gate.core.changes.admin import lock
from mfa_gate.core.model import SubjectKey
from mfa_gate.web.connection import Timing
from tests.harness import World, make_world
from tests.harness import log_in as host_log_in
from tests.web.lasting import CLOSE, asked, hold
from tests.web.lasting import chat as waiting
from tests.web.serving import served

pytestmark = pytest.mark.waits

SOON = 3.0


async def ticks(request: Request) -> Response:
    """A stream without an end."""

    async def lines() -> AsyncIterator[bytes]:
        while True:
            yield b"data: tick\n\n"
            await asyncio.sleep(0.05)

    return StreamingResponse(lines(), media_type="text/event-stream")


async def chat(websocket: WebSocket) -> None:
    """Say hello, and then answer until the end."""
    await websocket.accept()
    await websocket.send_text("hello")
    async for text in websocket.iter_text():
        await websocket.send_text(text)


def make(**more: Any) -> World:
    """A host with both."""
    app = Starlette(
        routes=[Route("/login", host_log_in, methods=["POST"]), Route("/ticks", ticks), WebSocketRoute("/chat", chat)]
    )
    return make_world(app=app, **more)


async def proven(world: World) -> str:
    """The cookies of a browser on the loopback address, whose second factor is proven."""
    browser = await world.enrolled(address="127.0.0.1")
    return "; ".join(f"{name}={value}" for name, value in browser.cookies.items())


async def lock_ann(world: World) -> None:
    """An administrator locks her: every proof ends."""
    moment = world.engine.moment(actor="boss")
    await world.engine.change(SubjectKey("alpha", "ann"), lambda account: lock(account, moment, reason="lost laptop"))


async def revoke(world: World, how: str) -> None:
    """One of the ways in which a connection loses its right."""
    key = SubjectKey("alpha", "ann")
    match how:
        case "lock":
            await lock_ann(world)
        case "forgotten":
            account = await world.store.load(key)
            assert await world.store.swap(replace(account, browsers=()))
        case "expired":
            world.clock.advance(7 * 86_400)
            await world.store.swap(await world.store.load(key))


@pytest.mark.parametrize("how", ["lock", "forgotten", "expired"])
async def test_websocket_ends(how: str) -> None:
    """An open websocket is closed with 4401 within seconds of the end of its proof.

    The end is a lock, a forgotten browser, or an expired proof.
    """
    world = make()
    cookie = await proven(world)
    with served(world.app) as address:
        url = address.replace("http", "ws") + "/chat"
        async with connect(url, additional_headers={"Cookie": cookie}) as socket:
            assert await socket.recv() == "hello"
            await asyncio.sleep(1.3)
            await socket.send("still here")
            assert await socket.recv() == "still here"
            await revoke(world, how)
            started = time.monotonic()
            with pytest.raises(ConnectionClosed) as closed:
                await asyncio.wait_for(socket.recv(), SOON)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401
            assert time.monotonic() - started < SOON


async def test_stream_ends_cleanly() -> None:
    """A server-sent stream ends as a stream ends: the client sees no broken transfer."""
    world = make()
    cookie = await proven(world)
    with served(world.app) as address:
        asked: dict[str, Any] = {"url": f"{address}/ticks", "headers": {"Cookie": cookie}}
        async with httpx2.AsyncClient(timeout=SOON) as client, client.stream("GET", **asked) as answer:
            assert answer.status_code == 200
            lines = answer.aiter_lines()
            await anext(lines)
            await asyncio.sleep(1.2)
            await lock_ann(world)
            async with asyncio.timeout(SOON):
                async for _ in lines:
                    pass


async def test_goes_on() -> None:
    """A connection that may go on is not touched by being judged again."""
    world = make()
    cookie = await proven(world)
    with served(world.app) as address:
        url = address.replace("http", "ws") + "/chat"
        async with connect(url, additional_headers={"Cookie": cookie}) as socket:
            await socket.recv()
            for number in range(3):
                await asyncio.sleep(1)
                await socket.send(str(number))
                assert await socket.recv() == str(number)


async def test_one_timer_for_a_thousand() -> None:
    """1,000 open connections have one timer between them, and no task of their own."""
    world = make()
    await world.gate.web.open()
    gate = world.gate.web
    gone = asyncio.Event()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await gone.wait()

    async def nothing(*_: Any) -> Any:
        return {"type": "http.request"}

    def scope() -> dict[str, Any]:
        return {"type": "http", "method": "GET", "path": "/x", "headers": [], "client": None, "session": {}}

    gated = MFAGateMiddleware(app, gate=world.gate)
    open_ones = [asyncio.create_task(gated(scope(), nothing, nothing)) for _ in range(1000)]
    await asyncio.sleep(0.05)
    assert len(gate.connections.open) == 1000
    assert len(asyncio.all_tasks()) == 1001
    timers = [handle for handle in asyncio.get_running_loop()._scheduled if not handle.cancelled()]  # type: ignore[attr-defined]
    assert len([handle for handle in timers if getattr(handle._callback, "__self__", None) is gate.connections]) == 1
    gone.set()
    await asyncio.gather(*open_ones)
    assert gate.connections.open == set()


async def test_store_away() -> None:
    """Without the store the timer judges by the clock, and ends connections by it.

    Requirement F-1.
    """
    world = make_world()
    world.gate.web.connections.timing = Timing(tick=0.05, again=0.2)
    ann = await world.enrolled()
    socket = await hold(world, waiting, asked(ann, "/chat", kind="websocket"))
    await world.store.aclose()
    await asyncio.wait({socket.task}, timeout=SOON)
    assert socket.sent[-1] == CLOSE
    assert not socket.is_open
