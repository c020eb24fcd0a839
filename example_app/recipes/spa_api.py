"""The API of a single-page app on another origin of the same site.

The front end (spa.html) is served from another port: python -m http.server 5173 -d example_app/recipes
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from fastapi import FastAPI, HTTPException, Request
from fastapi.middleware.cors import CORSMiddleware
from pydantic import BaseModel
from starlette.middleware.sessions import SessionMiddleware

from mfa_gate import MFAGate
from mfa_gate.identity import SessionUser

from .surroundings import KEYS, PARTY, PASSWORD, SECRET, STORE

FRONT_END = os.environ.get("FRONT_END", "http://localhost:5173")
app = FastAPI()


class SignIn(BaseModel):
    """The form of the front end."""

    username: str
    password: str


@app.post("/api/login")
def login(request: Request, form: SignIn) -> dict[str, str]:
    """Sign in by name and password."""
    if not secrets.compare_digest(form.password, PASSWORD):
        raise HTTPException(401, "Wrong name or password.")
    request.session.update(user_id=form.username, sid=secrets.token_urlsafe(16))
    return {"hello": form.username}


@app.post("/api/logout")
def logout(request: Request) -> dict[str, str]:
    """Sign out."""
    request.session.clear()
    return {"signed": "out"}


@app.get("/api/me")
def me(request: Request) -> dict[str, str]:
    """Show something that needs both factors."""
    if "user_id" not in request.session:
        raise HTTPException(401, "Sign in first.")
    return {"hello": request.session["user_id"]}


gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"),
    identify=SessionUser("user_id", session="sid"),
    store=STORE,
    keys=KEYS,
    relying_party=PARTY,
    sign_out="/api/logout",
    home=os.environ.get("SPA_HOME", "/api/me"),
    api_origins=[FRONT_END],  # the gate's own calls below /mfa/api
)
gate.install(app)
app.add_middleware(SessionMiddleware, secret_key=SECRET)
# Outermost: the front end reads the app's answers and the gate's refusals, and the preflights of both are answered.
app.add_middleware(
    CORSMiddleware,
    allow_origins=[FRONT_END],
    allow_credentials=True,
    allow_methods=["GET", "POST", "PATCH", "DELETE"],
    allow_headers=["Content-Type", "X-MFA-Gate"],
)
