"""Real HTTP servers for the senders to meet, well and badly behaved.

The messages that they are sent are here, too.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from mfa_gate.ports import Message


@dataclass(frozen=True)
class Trust:
    """One self-signed certificate for 127.0.0.1, for a server to show and a client to trust."""

    server: ssl.SSLContext
    client: ssl.SSLContext


def email_message(**changes: str) -> Message:
    """A message as the service makes one."""
    fields = {
        "to": "ann@clinic.example",
        "text": "Your security code is:\n\n493817\n",
        "subject": "493817 is your security code for App",
        "key": "challenge-1",
        "code": "493817",
    }
    return Message(channel="email", tenant="clinic", **(fields | changes))


def text_message(**changes: str) -> Message:
    """A text message as the service makes one."""
    fields = {"to": "+12025550143", "text": "493817 is your code\n@app.example #493817", "key": "challenge-1"}
    return Message(channel="sms", tenant="clinic", code="493817", **(fields | changes))


@dataclass
class Request:
    """A request as the HTTP server received it."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


Behavior = Callable[[Request, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class HTTPServer:
    """A bare HTTP/1.1 server.

    It keeps the requests that it was sent, and behaves as the test says.
    """

    behavior: Behavior
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    url: str = ""

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            first, *lines = head.rstrip().split("\r\n")
            method, path, _ = first.split(" ")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            request = Request(method, path, headers, body)
            self.requests.append(request)
            await self.behavior(request, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def answers(status: int, body: bytes = b"{}", *, headers: str = "") -> Behavior:
    """Answer with ``status``."""

    async def behave(_: Request, writer: asyncio.StreamWriter) -> None:
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(body)}\r\nConnection: close\r\n{headers}\r\n"
        writer.write(head.encode() + body)
        await writer.drain()

    return behave


async def silence(_: Request, writer: asyncio.StreamWriter) -> None:
    """Takes the request and never answers; ends when the client goes."""
    for _turn in range(200):
        if writer.is_closing():
            return
        await asyncio.sleep(0.02)


async def hang_up(_: Request, writer: asyncio.StreamWriter) -> None:
    """Takes the request and drops the connection."""
    writer.transport.abort()


async def half_an_answer(_: Request, writer: asyncio.StreamWriter) -> None:
    """Begins an answer and drops the connection."""
    writer.write(b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{")
    await writer.drain()


async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
    """An answer that ends only when the client goes."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while not writer.is_closing():
        writer.write(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        await writer.drain()


@asynccontextmanager
async def http_server(behavior: Behavior, tls: ssl.SSLContext | None = None) -> AsyncIterator[HTTPServer]:
    """A server on a free port of 127.0.0.1."""
    server = HTTPServer(behavior)
    listening = await asyncio.start_server(server, "127.0.0.1", 0, ssl=tls)
    port = listening.sockets[0].getsockname()[1]
    server.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield server
    finally:
        listening.close()
        await asyncio.sleep(0.03)
