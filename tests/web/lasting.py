"""Connections that last, without a server.

The messages of the app are written down as they leave, and time is a number.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest

from mfa_gate import MFAGate, MFAGateMiddleware
from mfa_gate.web.connection import Passed, Timing
from tests.harness import SECRET, Browser, World, http_scope, socket_scope

HostApp = Callable[[Any, Any, Any], Awaitable[None]]
NEVER = 1e9
CLOSE = {"type": "websocket.close", "code": 4401, "reason": "second factor required"}
END = {"type": "http.response.body", "body": b"", "more_body": False}


class Seconds:
    """The clock of the watch, moved by a test."""

    def __init__(self) -> None:
        self.at = 100.0

    def __call__(self) -> float:
        """Seconds since some moment."""
        return self.at


def by_hand(world: World) -> Seconds:
    """Let nothing be looked at by itself; ``look`` does it."""
    clock = Seconds()
    world.gate.web.connections.timing = Timing(tick=NEVER, again=30.0, clock=clock)
    return clock


@dataclass(eq=False)
class Held:
    """One connection.

    ``sent`` has the messages that left, and ``error`` the exception that the server was given at its end.
    """

    task: asyncio.Task[None]
    incoming: asyncio.Queue[dict[str, Any]]
    sent: list[dict[str, Any]]
    scope: dict[str, Any]

    @property
    def is_open(self) -> bool:
        """Return true while the server still waits for the app."""
        return not self.task.done()

    @property
    def body(self) -> bytes:
        """All bytes that have left."""
        return b"".join(m.get("body") or m.get("bytes") or b"" for m in self.sent)

    @property
    def error(self) -> BaseException | None:
        """Return the exception that was raised to the server, or ``None``."""
        return self.task.exception() if self.task.done() and not self.task.cancelled() else None


async def settle(turns: int = 30) -> None:
    """Let all that can go on without waiting go on."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def look(world: World) -> None:
    """Let the watch look once, and let its direct results happen."""
    await world.gate.web.connections.look()
    await settle()


async def hold(world: World, app: HostApp, scope: dict[str, Any]) -> Held:
    """Open a connection to ``app`` behind the gate of ``world``, and let the app begin."""
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    first = "websocket.connect" if scope["type"] == "websocket" else "http.request"
    await incoming.put({"type": first, "body": b"", "more_body": False})
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    gated = MFAGateMiddleware(app, gate=world.gate)
    held = Held(asyncio.create_task(gated(scope, incoming.get, send)), incoming, sent, scope)
    await settle()
    return held


async def remembered(gate: MFAGate, scope: dict[str, Any]) -> Passed | None:
    """Why a request passes without being judged; None where it is judged."""
    found: list[Passed] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        found.append(scope["mfa_gate"].passed)

    async def never(*_: Any) -> None:
        return None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gate.web, "judge", never)
        await MFAGateMiddleware(app, gate=gate)(scope, never, never)
    return found[0] if found else None


def session_of(browser: Browser) -> dict[str, Any]:
    """The host's session of a browser, as its middleware would have opened it."""
    return {"user_id": browser.id, "org": browser.tenant, "groups": [], "sid": f"s-{browser.id}-{browser.tenant}"}


def asked(
    browser: Browser | None, path: str, *, kind: str = "http", method: str = "GET", **more: Any
) -> dict[str, Any]:
    """The scope of a request of ``browser``; None is a stranger."""
    headers = [("cookie", browser.cookie_header())] if browser is not None else []
    make = (
        socket_scope(path, headers=headers)
        if kind == "websocket"
        else http_scope(method, path, headers=headers, **more)
    )
    return {**make, "session": session_of(browser) if browser is not None else {}}


# -- apps --------------------------------------------------------------------------------------------------------------


async def chat(scope: Any, receive: Any, send: Any) -> None:
    """Accept the websocket, and answer every message."""
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        await send({"type": "websocket.send", "bytes": SECRET})


class Parts:
    """A response whose parts a test lets out one by one.

    ``done`` says that the app ran to its end.
    """

    def __init__(self, media: bytes = b"text/csv", *, stubborn: bool = False) -> None:
        self.media = media
        self.stubborn = stubborn
        self.next = asyncio.Event()
        self.last = False
        self.done = False
        self.cancelled = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Send a part each time that the test asks for one."""
        await send({"type": "http.response.start", "status": 200, "headers": [(b"Content-Type", self.media)]})
        async for _ in self._turns():
            await send({"type": "http.response.body", "body": SECRET, "more_body": True})
        await send(END)
        self.done = True

    async def _turns(self) -> AsyncIterator[None]:
        while not self.last:
            try:
                await self.next.wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                if not self.stubborn:
                    raise
            self.next.clear()
            if not self.last:
                yield

    async def part(self, *, last: bool = False) -> None:
        """Let one more part out, if the gate lets it."""
        self.last = last
        self.next.set()
        await asyncio.sleep(0.012 if last else 0)
        await settle()
