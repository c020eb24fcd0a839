"""Raw requests over real servers: no reading of a header leads a token past the gate."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from mfa_gate.identity import BearerJWT
from tests.harness import make_world
from tests.web.serving import free_port, served

from .readers import found_by, token, verify

pytestmark = pytest.mark.waits
ANN = token("ann").encode()
BOB = token("bob").encode()

HEADS: tuple[bytes, ...] = (
    b"Authorization: Bearer " + ANN,
    b"AUTHORIZATION: bearer " + ANN,
    b"Authorization: Bearer\t" + ANN,
    b"Authorization:Bearer  " + ANN,
    b"Authorization: \t Bearer " + ANN + b" \t",
    b"Authorization: Bearer" + ANN,
    b"Authorization: Bearer," + ANN,
    b"Authorization: Bearer\x0b" + ANN,
    b"Authorization: Bearer\xa0" + ANN,
    b"Authorization: \xa0Bearer " + ANN,
    b"Authorization: Basic YTpi, Bearer " + ANN,
    b"Authorization: Basic YTpi\r\nAuthorization: Bearer " + ANN,
    b"Authorization: Bearer " + ANN + b"\r\nauthorization: Basic YTpi",
    b"Authorization: Bearer " + ANN + b"\r\nAuthorization: Bearer " + BOB,
    b"Authorization:\r\nAuthorization: Bearer " + ANN,
    b"Authorization: Bearer\r\n " + ANN,
    b"Authorization: Bearer\r\n\t" + ANN,
    b"Authorization : Bearer " + ANN,
    b"Authorization: " + ANN,
    b"Authorization: Token " + ANN,
    b"Authorization: xxxxxx " + ANN,
    b'Authorization: Bearer "' + ANN + b'"',
    b"Cookie: access_token=" + ANN,
    b'Cookie: access_token="' + ANN + b'"',
    b"Cookie: a=b\r\nCookie: access_token=" + ANN,
    b"Cookie: access_token=x; access_token=" + ANN,
    b'Cookie: access_token="\\145' + ANN[1:] + b'"',
    b"Cookie: access_token=Bearer " + ANN,
    b"X-Nothing: here",
)
TARGETS = (b"/me", b"/inner/me", b"/me?token=" + ANN, b"/me?a=b&%74oken=%65" + ANN[1:], b"/me?token=&token=" + ANN)
HANDSHAKE = (
    b"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    b"Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


async def me(request: Request) -> JSONResponse:
    """Tell the people that the host finds, in whichever way."""
    return JSONResponse({"people": sorted(set((await found_by(request)).values()))})


async def chat(websocket: WebSocket) -> None:
    """Do the same for a websocket, and then end it."""
    people = await found_by(Request({**websocket.scope, "type": "http", "method": "GET"}))
    await websocket.accept()
    await websocket.send_text(json.dumps({"people": sorted(set(people.values()))}))
    await websocket.close()


def app() -> Any:
    """A host that takes tokens, with a gate that knows the header alone."""
    routes = [Route("/me", me), Mount("/inner", routes=[Route("/me", me)]), WebSocketRoute("/chat", chat)]
    adapter = BearerJWT(verify, rejects=(jwt.InvalidTokenError,))
    return make_world(app=Starlette(routes=routes), identify=adapter, session=False).app


# -- servers -----------------------------------------------------------------------------------------------------------


@contextmanager
def _uvicorn(http: str, app: Any) -> Iterator[int]:
    with served(app, http=http, log_level="critical", proxy_headers=True) as address:
        yield int(address.rpartition(":")[2])


@contextmanager
def _looped(run: Callable[[int, asyncio.Event], Any]) -> Iterator[int]:
    """A server that is a coroutine, in a thread of its own, on a free port."""
    port = free_port()
    loops: list[tuple[asyncio.AbstractEventLoop, asyncio.Event]] = []

    async def main() -> None:
        stop = asyncio.Event()
        loops.append((asyncio.get_running_loop(), stop))
        await run(port, stop)

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    try:
        yield port
    finally:
        for loop, stop in loops:
            loop.call_soon_threadsafe(stop.set)
        thread.join(10)


def _hypercorn(app: Any) -> Any:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    async def run(port: int, stop: asyncio.Event) -> None:
        config = Config()
        config.bind = [f"127.0.0.1:{port}"]
        config.loglevel = "CRITICAL"
        await serve(app, config, shutdown_trigger=stop.wait)

    return _looped(run)


def _granian(app: Any) -> Any:
    from granian.constants import Interfaces
    from granian.server.embed import Server

    async def run(port: int, stop: asyncio.Event) -> None:
        server = Server(app, address="127.0.0.1", port=port, interface=Interfaces.ASGI, log_enabled=False)
        serving = asyncio.create_task(server.serve())
        await stop.wait()
        server.stop()  # type: ignore[no-untyped-call]
        await serving

    return _looped(run)


SERVERS: dict[str, Callable[[Any], Any]] = {
    "uvicorn with h11": lambda app: _uvicorn("h11", app),
    "uvicorn with httptools": lambda app: _uvicorn("httptools", app),
    "hypercorn": _hypercorn,
    "granian": _granian,
}


def exchange(port: int, request: bytes) -> bytes:
    """Send these very bytes; the answer until the server closes or falls silent."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        connection.sendall(request)
        connection.settimeout(0.4)
        try:
            while piece := connection.recv(65_536):
                answer += piece
                if b"]}" in answer or answer.endswith((b"}", b"\r\n0\r\n\r\n")):
                    break
        except (TimeoutError, ConnectionError):
            pass
    return answer


def ready(port: int) -> None:
    """Wait until the server takes connections."""
    until = time.monotonic() + 15
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < until, "the server did not start"
            time.sleep(0.02)
        else:
            return


@pytest.mark.parametrize("name", SERVERS)
def test_raw_requests(name: str) -> None:
    """S-12, S-13: no header, cookie or query is nobody for the gate and somebody for the app.

    It holds over each server, and none of them is a fault of ours.
    """
    with SERVERS[name](app()) as port:
        ready(port)
        answers: list[tuple[bytes, bytes]] = []
        for head in HEADS:
            request = b"GET /me HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + head + b"\r\n\r\n"
            answers.append((request, exchange(port, request)))
            request = b"GET /chat HTTP/1.1\r\nHost: localhost\r\n" + HANDSHAKE + head + b"\r\n\r\n"
            answers.append((request, exchange(port, request)))
        for target in TARGETS:
            request = b"GET " + target + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            answers.append((request, exchange(port, request)))
            request = (
                b"GET " + target.replace(b"/me", b"/chat") + b" HTTP/1.1\r\nHost: localhost\r\n" + HANDSHAKE + b"\r\n"
            )
            answers.append((request, exchange(port, request)))
    for request, answer in answers:
        assert b'"ann"' not in answer, (request, answer)
        assert b'"bob"' not in answer, (request, answer)
        assert b" 503 " not in answer.split(b"\r\n")[0], (request, answer)
    assert sum(b'"people":[]' in answer.replace(b" ", b"") for _, answer in answers) >= 2, "strangers pass"
    assert sum(b" 401 " in answer.split(b"\r\n")[0] for _, answer in answers) >= 20
