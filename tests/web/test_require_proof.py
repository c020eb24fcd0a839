"""``require_proof`` reaches the gate through every layer of the app."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from fastapi import Depends, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.websockets import WebSocket

from mfa_gate import MFAGateMiddleware, require_proof
from mfa_gate.errors import StoreUnavailable
from mfa_gate.web.connection import ConnectionCut
from tests.harness import FETCH, PAGE, SECRET, Browser, World, call, make_world

from .lasting import CLOSE, HostApp, asked, hold

young = require_proof("5m")


@young
async def told(request: Request) -> Response:
    """Answer with the secret; the endpoint needs a young proof."""
    return PlainTextResponse(SECRET)


@young
async def talk(websocket: WebSocket) -> None:
    """Do the same on a websocket."""
    await websocket.accept()
    await websocket.send_text(SECRET.decode())


async def talk_first(websocket: WebSocket) -> None:
    """Accepts, and demands afterwards."""
    await websocket.accept()
    await young(websocket)
    await websocket.send_text(SECRET.decode())


ROUTES = [Route("/x", told), WebSocketRoute("/talk", talk), WebSocketRoute("/late", talk_first)]


def starlette() -> HostApp:
    """An app with an error layer of its own."""
    return Starlette(routes=ROUTES)


def fastapi() -> HostApp:
    """Make the same app in FastAPI, with a dependency."""
    app = FastAPI()

    @app.get("/x", dependencies=[Depends(young)])
    async def x() -> str:
        return SECRET.decode()

    @app.websocket("/talk", dependencies=[Depends(young)])
    async def ws(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.send_text(SECRET.decode())

    app.websocket("/late")(talk_first)
    return app


def below_a_mount() -> HostApp:
    """A FastAPI app inside another app; the gate sees the path whole."""
    outer = Starlette(routes=[Mount("/sub", app=fastapi())])

    async def rooted(scope: Any, receive: Any, send: Any) -> None:
        await outer(scope, receive, send)

    return rooted


class CatchAll:
    """A middleware that makes an answer of its own of every exception, as many hosts have one."""

    def __init__(self, app: HostApp) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer 500 where anything is raised."""
        try:
            await self.app(scope, receive, send)
        except Exception:  # noqa: BLE001 - the host's own error page is the subject
            if scope["type"] == "http":
                await JSONResponse({"error": "internal"}, 500)(scope, receive, send)
            else:
                await send({"type": "websocket.close", "code": 1011})


class Looks(BaseHTTPMiddleware):
    """A middleware of the kind that puts a task group in between, and looks at the answer."""

    async def dispatch(self, request: Request, call_next: Any) -> Response:
        """Pass the request on."""
        response: Response = await call_next(request)
        response.headers["x-looked"] = "1"
        return response


def caught() -> HostApp:
    """Catch-all middlewares outside and inside of the error layers."""
    return CatchAll(Starlette(routes=ROUTES, middleware=[Middleware(CatchAll), Middleware(Looks)]))


def by_hand() -> HostApp:
    """Make an app without a framework, whose caller catches the exception itself."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        try:
            await young(HTTPConnection(scope))
        except Exception as error:
            if scope["type"] == "http":
                await JSONResponse({"error": str(error)}, 500)(scope, receive, send)
            raise RuntimeError("a handler that fails") from error

    return app


def own_handlers() -> HostApp:
    """Handlers of the host for refusals and for everything."""

    async def page(request: Request, error: Exception) -> Response:
        return PlainTextResponse("Oops", 418)

    return Starlette(routes=ROUTES, exception_handlers={403: page, Exception: page})


APPS: list[Callable[[], HostApp]] = [starlette, fastapi, below_a_mount, caught, by_hand, own_handlers]


async def with_old_proof(**more: Any) -> tuple[World, Browser]:
    """Return a world, and a browser whose proof is too old only for the young demand."""
    world = make_world(**more)
    ann = await world.enrolled()
    world.clock.advance(301)
    return world, ann


@pytest.mark.parametrize("make", APPS)
@pytest.mark.parametrize("headers", [PAGE, FETCH])
async def test_http(make: Callable[[], HostApp], headers: Any) -> None:
    """Page loads and calls get one answer, the gate's own.

    It leads to the gate's page at the root that the gate has.
    """
    world, ann = await with_old_proof()
    path = "/sub/x" if make is below_a_mount else "/x"
    scope = {**asked(ann, path)}
    scope["headers"] = [*scope["headers"], *((k.encode(), v.encode()) for k, v in headers)]
    reply = await call(MFAGateMiddleware(make(), gate=world.gate), scope)
    assert [m["type"] for m in reply.messages] == ["http.response.start", "http.response.body"]
    if headers is PAGE:
        assert (reply.status, reply.location) == (303, "/mfa/challenge")
    else:
        assert (reply.status, reply.reason) == (403, "proof_required")
        assert reply.json()["challenge_url"] == "/mfa/challenge"


@pytest.mark.parametrize("make", APPS)
async def test_websocket(make: Callable[[], HostApp]) -> None:
    """A websocket is refused before it is accepted, with the gate's answer and no other."""
    world, ann = await with_old_proof()
    scope = asked(ann, "/sub/talk" if make is below_a_mount else "/talk", kind="websocket")
    reply = await asyncio.wait_for(call(MFAGateMiddleware(make(), gate=world.gate), scope), 5)
    assert [m["type"] for m in reply.messages] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert reply.status == 403
    assert reply.reason == "proof_required"


@pytest.mark.parametrize("make", [starlette, fastapi, below_a_mount, caught, own_handlers])
async def test_an_open_websocket(make: Callable[[], HostApp]) -> None:
    """A demand on a websocket that is open already ends it with the gate's code."""
    world, ann = await with_old_proof()
    path = "/sub/late" if make is below_a_mount else "/late"
    held = await hold(world, make(), asked(ann, path, kind="websocket"))
    await asyncio.wait({held.task}, timeout=5)
    assert [m["type"] for m in held.sent] == ["websocket.accept", "websocket.close"]
    assert held.sent[-1] == CLOSE


@pytest.mark.parametrize("catches", [False, True])
async def test_an_answer_that_has_begun(catches: bool) -> None:
    """A demand in the middle of an answer cuts the answer.

    There is no second start, and no end that looks whole.
    """
    world, ann = await with_old_proof()

    async def late(request: Request) -> Response:
        async def lines() -> AsyncIterator[bytes]:
            yield b"first"
            await young(request)
            yield SECRET

        return StreamingResponse(lines())

    app: HostApp = Starlette(routes=[Route("/x", late)])
    held = await hold(world, CatchAll(app) if catches else app, asked(ann, "/x"))
    await asyncio.wait({held.task}, timeout=5)
    assert held.error is not None
    assert isinstance(held.error, ConnectionCut) or not catches
    assert [m["type"] for m in held.sent] == ["http.response.start", "http.response.body"]
    assert held.body == b"first"


async def test_met() -> None:
    """A young proof passes, below a mount, too."""
    world = make_world()
    ann = await world.enrolled()
    reply = await call(MFAGateMiddleware(below_a_mount(), gate=world.gate), asked(ann, "/sub/x"))
    assert (reply.status, reply.json()) == (200, SECRET.decode())


STRANGERS = {
    "page": (asked(None, "/x"), PAGE, 303, "", "/login"),
    "page below a root": ({**asked(None, "/app/x"), "root_path": "/app"}, PAGE, 303, "", "/app/login"),
    "form": ({**asked(None, "/x"), "method": "POST"}, PAGE, 303, "", "/login"),
    "call": (asked(None, "/x"), FETCH, 401, "signed_out", ""),
    "program": (asked(None, "/x"), (), 401, "signed_out", ""),
    "websocket": (asked(None, "/talk", kind="websocket"), (), 401, "signed_out", ""),
}
"""Connections of strangers: the scope, its headers; the answer's status, reason and location."""


@pytest.mark.parametrize("kind", STRANGERS)
async def test_nobody(kind: str) -> None:
    """A stranger's page load is led to the sign-in; other requests are told why.

    An endpoint without a demand is the stranger's still: the gate itself asks nobody to sign in.
    """
    scope, headers, status, reason, location = STRANGERS[kind]
    world = make_world()
    routes = [Route("/x", told, methods=["GET", "POST"]), *ROUTES[1:]]
    app = MFAGateMiddleware(Starlette(routes=routes), gate=world.gate)
    assert (await call(app, asked(None, "/open/x"))).status == 404
    sent = {**scope, "headers": [(k.encode(), v.encode()) for k, v in headers]}
    reply = await call(app, sent)
    assert (reply.status, reply.reason, reply.location) == (status, reason, location)
    assert SECRET not in reply.body
    assert reply.header("cache-control") == "no-store"
    if reason:
        assert reply.json()["state"] == "anonymous"


async def test_a_gate_that_cannot_judge(monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that goes away between the door and the endpoint is an outage.

    It is no fault of the app.
    """
    world, ann = await with_old_proof()

    async def away(*_: object, **__: object) -> None:
        raise StoreUnavailable("away")

    app = MFAGateMiddleware(starlette(), gate=world.gate)
    assert (await call(app, asked(ann, "/x"))).status == 403
    monkeypatch.setattr(world.gate.web, "judge_again", away)
    reply = await call(app, asked(ann, "/x"))
    assert (reply.status, reply.reason) == (503, "store_unavailable")


def test_one_factor_is_no_list() -> None:
    """A text would be read as a list of its letters, which no factor meets."""
    for factors in ("totp", [], (), [5], [None]):
        with pytest.raises(ValueError, match="must be a list of one or more kinds"):
            require_proof(factors=factors)  # type: ignore[arg-type]
    assert require_proof(factors=["totp"]).demand.factors_any == ("totp",)


async def test_no_gate() -> None:
    """Without a gate it fails closed, and says so to the developer."""
    with pytest.raises(RuntimeError, match="no gate"):
        await call(Starlette(routes=ROUTES), asked(None, "/x"))


def test_an_older_fastapi_awaits_it() -> None:
    """FastAPI up to 0.117 finds a coroutine and its parameter on the object itself.

    It would not await anything else, and the endpoint would be open. Requirement V-44.
    """
    demand = require_proof("5m")
    assert inspect.iscoroutinefunction(vars(demand)["__call__"])
    assert inspect.signature(demand).parameters["connection"].annotation is HTTPConnection
