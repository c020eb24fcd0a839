"""A small OpenID provider on this machine, at which everybody is Ann."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt.algorithms import RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def provider_at(issuer: str) -> Starlette:
    """Make the provider; it is served at ``issuer``."""
    nonces: dict[str, tuple[str, str]] = {}

    async def metadata(request: Request) -> Response:
        places = {f"{name}_endpoint": f"{issuer}/{name}" for name in ("authorization", "token")}
        return JSONResponse({"issuer": issuer, "jwks_uri": f"{issuer}/jwks", **places})

    async def authorization(request: Request) -> Response:
        asked = request.query_params
        code = str(len(nonces))
        nonces[code] = (asked["nonce"], asked["client_id"])
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode({'code': code, 'state': asked['state']})}", 303)

    async def token(request: Request) -> Response:
        nonce, client = nonces.pop(str((await request.form())["code"]))
        now = int(time.time())
        claims = {"iss": issuer, "sub": "ann", "aud": client, "iat": now, "exp": now + 60, "nonce": nonce}
        signed = jwt.encode({**claims, "email": "ann@app.example"}, KEY, "RS256", headers={"kid": "k"})
        return JSONResponse({"access_token": "a", "token_type": "Bearer", "id_token": signed})

    async def jwks(request: Request) -> Response:
        public: dict[str, Any] = RSAAlgorithm.to_jwk(KEY.public_key(), as_dict=True)
        return JSONResponse({"keys": [{**public, "kid": "k", "use": "sig", "alg": "RS256"}]})

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", metadata),
            Route("/authorization", authorization),
            Route("/token", token, methods=["POST"]),
            Route("/jwks", jwks),
        ]
    )
