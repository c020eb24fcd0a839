"""Sign-in at an OpenID provider by Authlib, whose ``userinfo`` is kept in the session."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from authlib.integrations.starlette_client import OAuth
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import RedirectResponse, Response
from starlette.middleware.sessions import SessionMiddleware

from mfa_gate import MFAGate
from mfa_gate.identity import SessionUser

from .surroundings import KEYS, PARTY, SECRET, STORE

oauth = OAuth()
oauth.register(
    "provider",
    client_id=os.environ.get("OIDC_CLIENT_ID", "records"),
    client_secret=os.environ.get("OIDC_CLIENT_SECRET", "secret"),
    server_metadata_url=os.environ.get("OIDC_METADATA", "http://localhost:9000/.well-known/openid-configuration"),
    client_kwargs={"scope": "openid email"},
)
app = FastAPI()


@app.get("/login")
async def login(request: Request) -> Response:
    """Lead to the provider."""
    answer: Response = await oauth.provider.authorize_redirect(request, request.url_for("auth"))
    return answer


@app.get("/auth")
async def auth(request: Request) -> Response:
    """Take the person who comes back from the provider."""
    token = await oauth.provider.authorize_access_token(request)
    request.session.update(user=dict(token["userinfo"]), sid=secrets.token_urlsafe(16))
    return RedirectResponse(request.url_for("home"), 303)


@app.get("/logout")
async def logout(request: Request) -> str:
    """Sign out here; the sign-in at the provider goes on."""
    request.session.clear()
    return "signed out"


@app.get("/")
async def home(request: Request) -> dict[str, str]:
    """Show something that needs both factors."""
    user = request.session.get("user")
    if user is None:
        raise HTTPException(401, "Sign in first.")
    return {"hello": user["email"]}


gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"),
    # amr, acr and auth_time are the provider's word on its own second factor: they count only if the policy trusts them.
    identify=SessionUser("user.sub", session="sid", amr="user.amr", acr="user.acr", auth_time="user.auth_time"),
    store=STORE,
    keys=KEYS,
    relying_party=PARTY,
)
gate.install(app)
app.add_middleware(SessionMiddleware, secret_key=SECRET)
