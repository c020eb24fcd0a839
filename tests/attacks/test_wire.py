"""The same attacks over a real server, byte by byte.

A request as uvicorn reads it leads past the gate no more than ASGI does.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator

import pytest
from starlette.requests import HTTPConnection
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.harness import SECRET, Browser, World, make_world, served

TARGETS = (
    "/records", "//records", "///records", "/./records", "/x/../records", "/%2e/records", "/%2e%2e/records", "/records/%2e",
    "/records%0a", "/records%0d%0a", "/records%00", "/records%20", "/records;x=1", "/%72ecords", "/records%2f", "/%2frecords",
    "/files/..%2f..%2frecords", "/public/../records", "/public%2f..%2frecords", "/open/%2e%2e/records", "/open/..;/records",
    "/open/door%2f..%2f..%2frecords", "/public%0a", "/public%00", "/public;x", "/publi%63%2f", "/OPEN/door", "/login/",
    "http://localhost:8000/records", "http://evil.example/public/../records", "/records?/public", "/records#/public",
    "/inner/deep", "/bare/x", "/feed", "/nothing", "/mfa/../records", "/mfa/static/..%2f..%2frecords", "/mfa%2f..%2frecords",
)  # fmt: skip


@pytest.fixture(scope="module")
def site() -> Iterator[tuple[World, int]]:
    """A world behind uvicorn."""
    with served(make_world()) as (world, port):
        yield world, port


def reads_each_header() -> bool:
    """Return true if the host's framework reads the second header of cookies.

    Starlette before 0.49 does not: such a request has no sign-in for the host, and so for the gate.
    """
    headers = [(b"cookie", b"a=b"), (b"cookie", b"c=d")]
    return "c" in HTTPConnection({"type": "http", "headers": headers}).cookies


async def raw(port: int, request: bytes) -> bytes:
    """Send these very bytes to the server, and return its answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    await writer.drain()
    try:
        return await asyncio.wait_for(reader.read(), 5)
    finally:
        writer.close()


async def owing(world: World) -> Browser:
    """Return a person who has the password and nothing else."""
    browser = await world.browser("wire")
    assert (await browser.state())["state"] == "enroll"
    world.reached.clear()
    return browser


@pytest.mark.parametrize("method", ["GET", "POST", "get", "HEAD", "OPTIONS", "TRACE", "BREW"])
async def test_targets(site: tuple[World, int], method: str) -> None:
    """No request target on the wire reaches the app without the second factor (S-1 to S-9)."""
    world, port = site
    browser = await owing(world)
    for target in TARGETS:
        for version in ("1.1", "1.0"):
            head = f"{method} {target} HTTP/{version}\r\nHost: localhost\r\nConnection: close\r\n"
            answer = await raw(port, f"{head}Cookie: {browser.cookie_header()}\r\n\r\n".encode())
            assert SECRET not in answer, (method, target)
    assert world.reached == []


async def test_odd_heads(site: tuple[World, int]) -> None:
    """No odd request head gets in.

    There are cookies in two headers, odd spellings, a body that does not belong there, and a pipelined second request.
    Requirements S-6, S-12.
    """
    world, port = site
    browser = await owing(world)
    cookie = browser.cookie_header()
    session = f"session={browser.cookies['session']}"
    line = "GET /records HTTP/1.1\r\nHost: localhost\r\n"
    heads = (
        f"{line}cookie: {cookie}\r\nConnection: close\r\n\r\n",
        f"{line}COOKIE: {cookie}\r\nConnection: close\r\n\r\n",
        *([f"{line}Cookie: a=b\r\nCookie: {session}\r\nConnection: close\r\n\r\n"] if reads_each_header() else []),
        f"{line}Cookie: {session}\r\nCookie: a=b\r\nConnection: close\r\n\r\n",
        f'{line}Cookie: session="{browser.cookies["session"]}"\r\nConnection: close\r\n\r\n',
        f"{line}Cookie: {session};path=/public\r\nConnection: close\r\n\r\n",
        f"{line}Cookie: {session}\r\nContent-Length: 5\r\nConnection: close\r\n\r\nGET /",
        f"GET /public HTTP/1.1\r\nHost: localhost\r\nCookie: {session}\r\n\r\n{line}Cookie: {session}\r\nConnection: close\r\n\r\n",
        f"{line}Cookie: {session}\r\nUpgrade: h2c\r\nConnection: Upgrade, close\r\n\r\n",
        f"{line}Cookie: {session}\r\nX-Original-URL: /public\r\nConnection: close\r\n\r\n",
    )
    for head in heads:
        answer = await raw(port, head.encode())
        assert SECRET + b"/records" not in answer, head
    assert ("http", "GET", "/records") not in world.reached


async def test_sockets(site: tuple[World, int]) -> None:
    """A websocket handshake is answered with 403 and a problem document before it is accepted.

    Requirement S-1.
    """
    world, port = site
    browser = await owing(world)
    for path in ("/chat", "/inner/chat", "//chat", "/chat%0a", "/nothing"):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(f"ws://127.0.0.1:{port}{path}", additional_headers={"Cookie": browser.cookie_header()}):
                raise AssertionError("it was accepted")
        assert refused.value.response.status_code == 403
        assert json.loads(refused.value.response.body)["type"].startswith("urn:mfa-gate:")
    assert world.reached == []


async def test_who_may(site: tuple[World, int]) -> None:
    """A person with a proof gets page, stream and socket over the same server.

    This is the other side.
    """
    world, port = site
    ann = await world.browser("ann")
    await ann.enroll()
    assert SECRET in (await ann.page("/records")).body
    assert (await ann.page("/feed")).body.count(SECRET) == 3
    async with connect(f"ws://127.0.0.1:{port}/chat", additional_headers={"Cookie": ann.cookie_header()}) as socket:
        assert await socket.recv() == SECRET.decode()
