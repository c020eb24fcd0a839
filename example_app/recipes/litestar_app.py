"""Litestar with its sessions on the server."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated, Any

from litestar import Litestar, Request, WebSocket, get, post, websocket
from litestar.connection import ASGIConnection
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotAuthorizedException
from litestar.middleware.session.server_side import ServerSideSessionBackend, ServerSideSessionConfig
from litestar.params import Body
from starlette.requests import HTTPConnection

from mfa_gate import MFAGate, MFAGateMiddleware, Subject

from .surroundings import KEYS, PARTY, PASSWORD, STORE

sessions = ServerSideSessionConfig()
Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@post("/login")
async def login(request: Request[Any, Any, Any], data: Form) -> str:
    """Sign in by name and password."""
    if not secrets.compare_digest(data["password"], PASSWORD):
        raise NotAuthorizedException
    request.set_session({"user_id": data["username"], "sid": secrets.token_urlsafe(16)})
    return "signed in"


@post("/logout")
async def logout(request: Request[Any, Any, Any]) -> str:
    """Sign out."""
    request.clear_session()
    return "signed out"


@get("/")
async def home(request: Request[Any, Any, Any]) -> dict[str, str]:
    """Show something that needs both factors."""
    if "user_id" not in request.session:
        raise NotAuthorizedException
    return {"hello": request.session["user_id"]}


@websocket("/ws")
async def echo(socket: WebSocket[Any, Any, Any]) -> None:
    """Answer each message with itself."""
    await socket.accept()
    async for text in socket.iter_data("text"):
        await socket.send_text(text)


host = Litestar([login, logout, home, echo], middleware=[sessions.middleware])
backend = ServerSideSessionBackend(sessions)


async def identify(connection: HTTPConnection) -> Subject | None:
    """Load the session by Litestar's own parser and store.

    Litestar opens it inside of the app, too late for the gate.
    """
    scope: Any = {**connection.scope, "app": host}
    session = await backend.load_from_connection(ASGIConnection(scope))
    return Subject(session["user_id"], session=session["sid"]) if "user_id" in session else None


gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"), identify=identify, store=STORE, keys=KEYS, relying_party=PARTY
)
app = MFAGateMiddleware(host, gate=gate)
