"""A sign-in of a few lines in front of apps that have none of their own, and the gate."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from example_app.recipes.surroundings import KEYS, PARTY, SECRET, STORE
from mfa_gate import MFAGate
from mfa_gate.identity import SessionUser

POLICY = Path(__file__).with_name("policy.toml")
ASGI = Callable[[Any, Any, Any], Awaitable[None]]


async def login(request: Request) -> Response:
    """Sign in as anybody."""
    request.session.update(user_id=str((await request.form())["username"]), sid=secrets.token_urlsafe(16))
    return PlainTextResponse("signed in")


async def logout(request: Request) -> Response:
    """Sign out."""
    request.session.clear()
    return PlainTextResponse("signed out")


class SignedInOnly:
    """Refuse strangers, as the products that stand in front of such apps do."""

    def __init__(self, app: ASGI) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request of somebody on."""
        if "user_id" in scope["session"]:
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 4403})
        else:
            await PlainTextResponse("sign in", 401)(scope, receive, send)


def behind_door(theirs: ASGI, *, starts: Any = None) -> tuple[Starlette, MFAGate]:
    """Put the door and the gate before ``theirs``, whose lifespan is that of ``starts``."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> Any:
        if starts is None:
            yield
        else:
            async with starts.router.lifespan_context(starts):
                yield

    routes = [Route("/login", login, methods=["POST"]), Route("/logout", logout, methods=["POST"])]
    app = Starlette(routes=[*routes, Mount("/", SignedInOnly(theirs))], lifespan=lifespan)
    gate = MFAGate(
        policy=POLICY, identify=SessionUser("user_id", session="sid"), store=STORE, keys=KEYS, relying_party=PARTY
    )
    gate.install(app)
    app.add_middleware(SessionMiddleware, secret_key=SECRET, session_cookie="door")
    return app, gate
