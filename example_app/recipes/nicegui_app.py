"""NiceGUI in a FastAPI app: pages that live on a websocket."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated

from fastapi import FastAPI, Form, HTTPException, Request
from nicegui import ui
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


@ui.page("/")
def home(request: Request) -> None:
    """Show something that needs both factors."""
    if "user_id" not in request.session:
        raise HTTPException(401, "Sign in first.")
    ui.label(f"hello {request.session['user_id']}")


ui.run_with(app, show_welcome_message=False)
gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"),
    identify=SessionUser("user_id", session="sid"),
    store=STORE,
    keys=KEYS,
    relying_party=PARTY,
)
gate.install(app)
# A cookie of its own: NiceGUI's storage keeps one named "session".
app.add_middleware(SessionMiddleware, secret_key=SECRET, session_cookie="signed_in")
