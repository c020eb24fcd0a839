"""Quart with its signed session cookie."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Any

from quart import Quart, ResponseReturnValue, abort, request, session, websocket
from starlette.requests import HTTPConnection
from werkzeug.datastructures import Headers

from mfa_gate import MFAGate, MFAGateMiddleware, Subject

from .surroundings import KEYS, PARTY, PASSWORD, SECRET, STORE

host = Quart(__name__)
host.secret_key = SECRET


@host.post("/login")
async def login() -> ResponseReturnValue:
    """Sign in by name and password."""
    form = await request.form
    if not secrets.compare_digest(form["password"], PASSWORD):
        abort(401)
    session.update(user_id=form["username"], sid=secrets.token_urlsafe(16))
    return "signed in"


@host.post("/logout")
async def logout() -> ResponseReturnValue:
    """Sign out."""
    session.clear()
    return "signed out"


@host.get("/")
async def home() -> ResponseReturnValue:
    """Show something that needs both factors."""
    if "user_id" not in session:
        abort(401)
    return {"hello": session["user_id"]}


@host.websocket("/ws")
async def echo() -> None:
    """Answer each message with itself."""
    while True:
        await websocket.send(await websocket.receive())


async def push_nothing(path: str, headers: Headers) -> None:
    """Push nothing to the browser: this request is only read."""


async def identify(connection: HTTPConnection) -> Subject | None:
    """Open the session by Quart's own request and session interface."""
    scope: Any = connection.scope
    headers = Headers([(name.decode("latin1").title(), value.decode("latin1")) for name, value in scope["headers"]])
    asked = host.request_class("GET", "http", "/", b"", headers, "", "1.1", scope, send_push_promise=push_nothing)
    found = await host.session_interface.open_session(host, asked)
    return Subject(found["user_id"], session=found["sid"]) if found and "user_id" in found else None


gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"), identify=identify, store=STORE, keys=KEYS, relying_party=PARTY
)
app = MFAGateMiddleware(host, gate=gate)
