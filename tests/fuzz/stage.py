"""A host with people in all states, and requests written as text."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mfa_gate.core.reasons import REASONS
from tests.harness import FixedClock, Reply, World, call, http_scope, key, make_world

OPEN = re.compile(r"/public|/open(/(?!\.{1,2}(/|$))[^\0- \x7f-\U0010ffff/\\;%]+)*/?")
"""The paths of this host that the policy exempts, and no trick among them."""
METHODS = re.compile(r"[!-~]{1,12}")
HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,60}")


async def anything(scope: Any, receive: Any, send: Any) -> None:
    """Answer every path and method, and say whom the host sees."""
    who = Request(scope).session.get("user_id") or "nobody"
    await PlainTextResponse(f"of the app, for {who}")(scope, receive, send)


@dataclass
class Stage:
    """A world, a loop to run it, and the pieces that a request may name as ``{name}``."""

    world: World
    runner: asyncio.Runner
    pieces: dict[str, str] = field(default_factory=dict)
    proven: dict[str, str] = field(default_factory=dict)
    """The handle of each person's proven browser."""

    @classmethod
    def make(cls, people: Callable[[Stage], Any], **more: Any) -> Stage:
        """Make the world, and let ``people`` fill it."""
        host = Starlette(routes=[Route("/login", _log_in, methods=["POST"])])
        host.router.default = anything
        made = cls(make_world(app=host, clock=FixedClock(), keys=[key(1)], **more), asyncio.Runner())
        made.runner.run(made.world.gate.web.open())
        made.runner.run(people(made))
        return made

    def close(self) -> None:
        """Close the world."""
        self.runner.run(self.world.gate.service.engine.effects.idle())
        self.runner.run(self.world.gate.web.aclose())
        self.runner.close()

    def check(self, text: bytes) -> None:
        """Send a request that is written as text, and look at the answer."""
        for name, piece in self.pieces.items():
            text = text.replace(b"{%s}" % name.encode(), piece.encode("latin-1"))
        request = parsed(text)
        if request is None:
            return
        self.world.clock.advance(1)
        scope, body = request
        reply = self.runner.run(call(self.world.app, scope, body))
        if scope["path"] != "/login":
            self.judge(reply, scope)

    def judge(self, reply: Reply, scope: dict[str, Any]) -> None:
        """Hold the answer against what is promised of every one."""
        assert 100 <= reply.status < 500 or reply.reason == "send_failed", (reply.status, reply.text)
        for name, value in reply.headers:
            assert not re.search(rb"[\0\r\n]", name + value), (name, value)
        if reply.body.startswith(b"of the app, for "):
            self._judge_passed(reply.text.removeprefix("of the app, for "), scope)
            return
        kept = reply.header("cache-control")
        assert "no-store" in kept or "immutable" in kept, reply.headers
        if reply.status >= 400 and reply.body and "problem" in reply.header("content-type"):
            problem = reply.json()
            assert problem["reason"] in REASONS, problem
            assert problem["status"] == reply.status

    def _judge_passed(self, who: str, scope: dict[str, Any]) -> None:
        if who == "nobody" or OPEN.fullmatch(scope["path"]):
            return
        handle = self.proven.get(who, "\0").encode("latin-1")
        sent = b"".join(value for _, value in scope["headers"])
        assert handle in sent, f"{who} passed without a proof"


async def _log_in(request: Request) -> Response:
    request.session.clear()
    request.session.update(await request.json())
    return PlainTextResponse("signed in")


def parsed(text: bytes) -> tuple[dict[str, Any], bytes] | None:
    """Read a request as a server does.

    Returns None for one that every server refuses by itself.
    """
    head, _, body = text.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    method, _, target = first.partition(" ")
    raw, _, query = target.partition("?")
    if not METHODS.fullmatch(method) or not raw.startswith("/") or re.search(r"[^!-~]", target):
        return None
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        if not HEADER.fullmatch(name) or re.search(r"[\0\r\n]", value):
            return None
        headers.append((name, value.strip(" \t")))
    scope = http_scope(method, unquote(raw), query=query.encode(), headers=headers)
    return scope, body
