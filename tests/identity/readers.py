"""Find users as hosts do: by their libraries, and by lines that people write themselves."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import jwt
from authlib.oauth2.rfc6749 import ResourceProtector
from authlib.oauth2.rfc6750 import BearerTokenValidator
from fastapi.security import APIKeyCookie, APIKeyHeader, APIKeyQuery, HTTPBearer, OAuth2PasswordBearer, OpenIdConnect
from fastapi.security.http import HTTPBase
from starlette.requests import Request

KEY = "k" * 32
Reader = Callable[[Request], Awaitable[str | None]]


def token(sub: str, **claims: Any) -> str:
    """A good token of the host's."""
    return jwt.encode({"sub": sub, "exp": int(time.time()) + 3600, **claims}, KEY, "HS256")


def verify(text: str) -> dict[str, Any]:
    """The host's own verifier."""
    claims: dict[str, Any] = jwt.decode(text, KEY, algorithms=["HS256"])
    return claims


def _written(cut: Callable[[str], str]) -> Reader:
    """A line that somebody wrote themselves: cuts the header as it is."""

    async def read(request: Request) -> str | None:
        return cut(request.headers.get("authorization", ""))

    return read


def _secured(scheme: Any, cut: Callable[[Any], str] = str) -> Reader:
    """One of FastAPI's security classes."""

    async def read(request: Request) -> str | None:
        found = await scheme(request)
        return None if found is None else cut(found)

    return read


async def _authlib(request: Request) -> str | None:
    protector = ResourceProtector()
    protector.register_token_validator(BearerTokenValidator())
    try:
        _, text = protector.parse_request_authorization(SimpleNamespace(headers=request.headers))
    except Exception:  # noqa: BLE001 - Authlib raises errors of many classes
        return None
    return str(text)


async def _last_header(request: Request) -> str | None:
    found = request.headers.getlist("authorization")
    return found[-1].split()[-1] if found and found[-1].split() else None


def _credentials(found: Any) -> str:
    return str(found.credentials)


READERS: dict[str, Reader] = {
    "HTTPBearer": _secured(HTTPBearer(auto_error=False), _credentials),
    "OAuth2PasswordBearer": _secured(OAuth2PasswordBearer("/token", auto_error=False)),
    "HTTPBase": _secured(HTTPBase(scheme="bearer", auto_error=False), _credentials),
    "OpenIdConnect": _secured(
        OpenIdConnect(openIdConnectUrl="/c", auto_error=False), lambda v: re.sub("(?i)^bearer", "", v).strip()
    ),
    "APIKeyHeader": _secured(APIKeyHeader(name="Authorization", auto_error=False)),
    "APIKeyQuery": _secured(APIKeyQuery(name="token", auto_error=False)),
    "APIKeyCookie": _secured(APIKeyCookie(name="access_token", auto_error=False)),
    "cookie with its scheme": _secured(
        APIKeyCookie(name="access_token", auto_error=False), lambda v: v.removeprefix("Bearer ")
    ),
    "Authlib": _authlib,
    "split": _written(lambda v: (v.split() or [""])[-1]),
    "second word": _written(lambda v: ([*v.split(None, 1), "", ""])[1]),
    "seven letters": _written(lambda v: v[7:]),
    "seven letters, stripped": _written(lambda v: v[7:].strip()),
    "replace": _written(lambda v: v.replace("Bearer", "").replace("bearer", "").strip()),
    "commas": _written(lambda v: re.split(r"[ ,]+", v)[-1]),
    "first of commas": _written(lambda v: v.split(",")[0].strip()[7:]),
    "the last header": _last_header,
}


async def found_by(request: Request) -> dict[str, str]:
    """Find the person as each of the hosts does."""
    people: dict[str, str] = {}
    for name, reader in READERS.items():
        text = await reader(request)
        if not text:
            continue
        try:
            people[name] = str(verify(text)["sub"])
        except jwt.InvalidTokenError:
            continue
    return people
