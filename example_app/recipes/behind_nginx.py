"""An app behind nginx: TLS, the path /records, and a unix socket (behind_nginx.conf)."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, HTTPException, Request, WebSocket
from starlette.middleware.sessions import SessionMiddleware

from mfa_gate import MFAGate
from mfa_gate.identity import SessionUser

from .surroundings import KEYS, PARTY, PASSWORD, SECRET, STORE

app = FastAPI()


@app.post("/login")
def login(request: Request, username: Annotated[str, Form()], password: Annotated[str, Form()]) -> str:
    """Sign in by name and password."""
    if not secrets.compare_digest(password, PASSWORD):
        raise HTTPException(401, "Wrong name or password.")
    request.session.update(user_id=username, sid=secrets.token_urlsafe(16))
    return "signed in"


@app.post("/logout")
def logout(request: Request) -> str:
    """Sign out."""
    request.session.clear()
    return "signed out"


@app.get("/")
def home(request: Request) -> dict[str, str]:
    """Show something that needs both factors."""
    if "user_id" not in request.session:
        raise HTTPException(401, "Sign in first.")
    return {"hello": request.session["user_id"]}


@app.websocket("/ws")
async def echo(websocket: WebSocket) -> None:
    """Answer each message with itself."""
    await websocket.accept()
    async for text in websocket.iter_text():
        await websocket.send_text(text)


gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"),
    identify=SessionUser("user_id", session="sid"),
    store=STORE,
    keys=KEYS,
    relying_party=PARTY,  # the origin that browsers show: https
    trusted_proxies=["unix"],  # nginx alone can open the socket; uvicorn must not read the header, too
)
gate.install(app)
app.add_middleware(SessionMiddleware, secret_key=SECRET, https_only=True)
