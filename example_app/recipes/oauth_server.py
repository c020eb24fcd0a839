"""An authorization server (OAuth 2.1: code with PKCE).

A person who gives an app access has shown both factors first.
"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import Annotated
from urllib.parse import urlencode

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from fastapi import FastAPI, Form, HTTPException, Request
from fastapi.responses import RedirectResponse
from starlette.middleware.sessions import SessionMiddleware

from mfa_gate import MFAGate
from mfa_gate.identity import SessionUser

from .surroundings import KEYS, PARTY, PASSWORD, SECRET, STORE

CLIENTS = {"reader": "https://reader.example/back"}
codes: dict[str, tuple[str, str, str]] = {}
tokens: dict[str, str] = {}
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


@app.get("/authorize")
def authorize(request: Request, client_id: str, state: str, code_challenge: str) -> RedirectResponse:
    """Give the client a code. The gate has asked for the second factor before this runs."""
    if "user_id" not in request.session:
        raise HTTPException(401, "Sign in first.")
    if client_id not in CLIENTS:
        raise HTTPException(400, "Unknown client.")
    code = secrets.token_urlsafe(32)
    codes[code] = (client_id, request.session["user_id"], code_challenge)
    return RedirectResponse(f"{CLIENTS[client_id]}?{urlencode({'code': code, 'state': state})}", 303)


@app.post("/token")
def token(
    code: Annotated[str, Form()], client_id: Annotated[str, Form()], code_verifier: Annotated[str, Form()]
) -> dict[str, str]:
    """Change a code into a token.

    Programs call this. It is exempt, and asks for the code and its verifier.
    """
    expected, user, challenge = codes.pop(code, ("", "", ""))
    if client_id != expected or not secrets.compare_digest(create_s256_code_challenge(code_verifier), challenge):
        raise HTTPException(400, "invalid_grant")
    made = secrets.token_urlsafe(32)
    tokens[made] = user
    return {"access_token": made, "token_type": "Bearer"}


@app.get("/userinfo")
def userinfo(request: Request) -> dict[str, str]:
    """Name the person who gave the token.

    A program has no session, so the gate sees nobody: the token alone decides, here.
    """
    user = tokens.get(request.headers.get("authorization", "").removeprefix("Bearer "))
    if user is None:
        raise HTTPException(401, "invalid_token")
    return {"sub": user}


gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"),
    identify=SessionUser("user_id", session="sid"),
    store=STORE,
    keys=KEYS,
    relying_party=PARTY,
)
gate.install(app)
app.add_middleware(SessionMiddleware, secret_key=SECRET)
