"""An MCP server (streamable HTTP), whose tools need both factors.

The program sends the person's token and, from the second factor on, the proof that the gate gave for it (``MFA-Proof``).
"""

from __future__ import annotations

import secrets
import time
from pathlib import Path

import jwt
from mcp.server.mcpserver import MCPServer
from mcp.server.transport_security import TransportSecuritySettings
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mfa_gate import MFAGate
from mfa_gate.identity import BearerJWT

from .surroundings import KEYS, ORIGIN, PARTY, PASSWORD, SECRET, STORE

mcp = MCPServer("Records")


@mcp.tool()
def count_records(state: str) -> int:
    """Count the records in this state."""
    return len(state)


@mcp.custom_route("/token", methods=["POST"])
async def token(request: Request) -> Response:
    """Give a token for name and password."""
    form = await request.form()
    if not secrets.compare_digest(str(form["password"]), PASSWORD):
        return JSONResponse({"error": "invalid_grant"}, 400)
    claims = {"sub": str(form["username"]), "exp": time.time() + 3600, "sid": secrets.token_urlsafe(16)}
    return JSONResponse({"access_token": jwt.encode(claims, SECRET, "HS256"), "token_type": "Bearer"})


def claims_of(text: str) -> dict[str, object]:
    """Check a token. Raises ``jwt.InvalidTokenError``."""
    return jwt.decode(text, SECRET, algorithms=["HS256"])


def signed_in(request: Request) -> bool:
    """Tell if somebody is signed in."""
    try:
        return bool(claims_of(request.headers.get("authorization", "").removeprefix("Bearer ")))
    except jwt.InvalidTokenError:
        return False


class SignedInOnly:
    """Refuse strangers: the gate lets them pass, for they are the app's own affair."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer it with 401."""
        if scope["type"] == "http" and scope["path"].endswith("/mcp") and not signed_in(Request(scope)):
            await JSONResponse({"error": "invalid_token"}, 401)(scope, receive, send)
            return
        await self.app(scope, receive, send)


app = mcp.streamable_http_app(
    transport_security=TransportSecuritySettings(allowed_hosts=["localhost:*"], allowed_origins=[ORIGIN])
)
app.add_middleware(SignedInOnly)
gate = MFAGate(
    policy=Path(__file__).with_suffix(".toml"),
    identify=BearerJWT(claims_of, rejects=(jwt.InvalidTokenError,)),
    store=STORE,
    keys=KEYS,
    relying_party=PARTY,
)
gate.install(app)
