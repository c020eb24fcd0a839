"""Connections that end as clients see them, on the servers that people use."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from mfa_gate.core.changes.admin import lock
from mfa_gate.core.model import SubjectKey
from tests.harness import log_in, make_world

from .serving import spawned
from .test_open_connections import chat, ticks

pytestmark = pytest.mark.waits

SERVERS = {
    "uvicorn-h11": ["uvicorn", "--http", "h11", "--log-level", "critical", "--port", "{port}"],
    "uvicorn-httptools": ["uvicorn", "--http", "httptools", "--log-level", "critical", "--port", "{port}"],
    "hypercorn": ["hypercorn", "--bind", "127.0.0.1:{port}"],
    "granian": ["granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", "{port}"],
}
done: list[str] = []


async def rows(request: Request) -> Response:
    """A download of a minute, of a known length where the query says so, with work behind it."""

    async def parts() -> AsyncIterator[bytes]:
        for number in range(600):
            yield b"row %d\n" % number
            await asyncio.sleep(0.1)

    async def after() -> None:
        await asyncio.sleep(0.1)
        done.append("after")

    headers = {"content-length": "99999"} if request.url.query else {}
    return StreamingResponse(parts(), media_type="text/csv", headers=headers, background=BackgroundTask(after))


async def pay(request: Request) -> Response:
    """Work that takes a while."""
    await asyncio.sleep(2)
    done.append("paid")
    return PlainTextResponse("paid")


async def start(request: Request) -> Response:
    """The cookies of a browser with a proof."""
    browser = await world.enrolled(address="127.0.0.1")
    return PlainTextResponse("; ".join(f"{name}={value}" for name, value in browser.cookies.items()))


async def locked(request: Request) -> Response:
    """An administrator locks her."""
    moment = world.engine.moment(actor="boss")
    await world.engine.change(SubjectKey("alpha", "ann"), lambda account: lock(account, moment, reason="lost"))
    return PlainTextResponse("locked")


async def so_far(request: Request) -> Response:
    """Answer with the work that the app has done."""
    return PlainTextResponse(" ".join(sorted(done)))


world = make_world(
    app=Starlette(
        routes=[
            Route("/login", log_in, methods=["POST"]),
            Route("/rows", rows),
            Route("/pay", pay, methods=["POST"]),
            Route("/ticks", ticks),
            WebSocketRoute("/chat", chat),
            Route("/open/start", start),
            Route("/open/locked", locked),
            Route("/open/done", so_far),
        ]
    )
)
app = world.app


async def transfer(client: httpx2.AsyncClient, method: str, url: str) -> str:
    """Return the end of a response: ``whole``, or the kind of failure."""
    try:
        async with client.stream(method, url) as answer:
            async for _ in answer.aiter_bytes():
                pass
        return "whole"
    except httpx2.HTTPError as error:
        return type(error).__name__


@pytest.mark.parametrize("name", SERVERS)
async def test_how_it_ends(name: str) -> None:
    """After a lock a download is seen to be cut, also if its length was known.

    A stream ends, and a websocket ends with 4401. Work that had begun is done, and the work after it, too.
    """
    with spawned("tests.web.test_cut_on_servers:app", SERVERS[name]) as port:
        address = f"http://127.0.0.1:{port}"
        async with httpx2.AsyncClient(timeout=20) as client:
            cookie = (await client.get(f"{address}/open/start")).text
            client.headers["cookie"] = cookie
            asked = [("GET", "/rows"), ("GET", "/rows?known"), ("POST", "/pay"), ("GET", "/ticks")]
            ends: list[Any] = [asyncio.create_task(transfer(client, how, address + path)) for how, path in asked]
            url = address.replace("http", "ws") + "/chat"
            async with connect(url, additional_headers={"Cookie": cookie}) as talk:
                assert await talk.recv() == "hello"
                await asyncio.sleep(0.5)
                await client.get(f"{address}/open/locked")
                with pytest.raises(ConnectionClosed) as closed:
                    await asyncio.wait_for(talk.recv(), 5)
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == 4401
            cut = "RemoteProtocolError"
            assert await asyncio.wait_for(asyncio.gather(*ends), 10) == [cut, cut, cut, "whole"]
            await asyncio.sleep(0.3)
            assert (await client.get(f"{address}/open/done")).text == "after after paid"
