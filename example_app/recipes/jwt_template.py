"""A JSON API with tokens, as the full-stack FastAPI template has it.

Its parts are OAuth2PasswordBearer and PyJWT.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import jwt
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer, OAuth2PasswordRequestForm

from mfa_gate import MFAGate
from mfa_gate.identity import BearerJWT

from .surroundings import KEYS, PARTY, PASSWORD, SECRET, STORE

api = APIRouter(prefix="/api/v1")
reusable_oauth2 = OAuth2PasswordBearer(tokenUrl="/api/v1/login/access-token")


def claims_of(token: str) -> dict[str, Any]:
    """Check signature and time. Raises ``jwt.InvalidTokenError``."""
    return jwt.decode(token, SECRET, algorithms=["HS256"])


def get_current_user(token: Annotated[str, Depends(reusable_oauth2)]) -> str:
    """Find the person of the token, as a dependency of the app."""
    try:
        return str(claims_of(token)["sub"])
    except jwt.InvalidTokenError as error:
        raise HTTPException(403, "Could not validate credentials") from error


@api.post("/login/access-token")
def login(form: Annotated[OAuth2PasswordRequestForm, Depends()]) -> dict[str, str]:
    """Give a token for name and password."""
    if not secrets.compare_digest(form.password, PASSWORD):
        raise HTTPException(400, "Incorrect email or password")
    ends = datetime.now(UTC) + timedelta(days=8)
    # The template has no sid. With it, the second factor outlives a token that is renewed.
    claims = {"sub": form.username, "exp": ends, "sid": secrets.token_urlsafe(16)}
    return {"access_token": jwt.encode(claims, SECRET, algorithm="HS256"), "token_type": "bearer"}


@api.get("/users/me")
def me(user: Annotated[str, Depends(get_current_user)]) -> dict[str, str]:
    """Show something that needs both factors."""
    return {"id": user}


app = FastAPI()
app.include_router(api)

gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"),
    identify=BearerJWT(claims_of, rejects=(jwt.InvalidTokenError,)),
    store=STORE,
    keys=KEYS,
    relying_party=PARTY,
)
gate.install(app)
