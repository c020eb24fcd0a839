"""Callers that are no people: a webhook with a signature, and a machine with a key."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Form, HTTPException, Request
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection

from mfa_gate import MFAGate, Subject
from mfa_gate.identity import SessionUser

from .surroundings import KEYS, PARTY, PASSWORD, SECRET, STORE

MACHINES = {hashlib.sha256(b"key-of-the-nightly-job").hexdigest(): "nightly-job"}
PEOPLE = SessionUser("user_id", session="sid")
app = FastAPI()


def machine_of(connection: HTTPConnection) -> str | None:
    """Find the machine whose key is in the request."""
    key = connection.headers.get("x-api-key", "")
    return MACHINES.get(hashlib.sha256(key.encode()).hexdigest())


async def identify(connection: HTTPConnection) -> Subject | None:
    """Find the person. A machine is nobody to the gate, so it passes."""
    return None if machine_of(connection) else await PEOPLE(connection)


def caller(request: Request) -> str:
    """Find the machine or, without one, the person. Raises 401 for strangers."""
    # The machine comes first, as in identify. In the other order a good key would carry a session past the gate.
    found: str | None = machine_of(request) or request.session.get("user_id")
    if found is None:
        raise HTTPException(401, "Sign in, or send a key.")
    return found


@app.get("/")
def home(who: Annotated[str, Depends(caller)]) -> dict[str, str]:
    """Show something to machines, and to people with both factors."""
    return {"hello": who}


@app.post("/hooks/payment")
async def payment(request: Request) -> dict[str, bool]:
    """Take a call of the payment provider.

    The policy exempts it, so its signature is checked here.
    """
    expected = hmac.digest(SECRET.encode(), await request.body(), "sha256").hex()
    if not hmac.compare_digest(expected, request.headers.get("x-signature", "")):
        raise HTTPException(401, "Bad signature.")
    return {"taken": True}


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


gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"), identify=identify, store=STORE, keys=KEYS, relying_party=PARTY
)
gate.install(app)
app.add_middleware(SessionMiddleware, secret_key=SECRET)
