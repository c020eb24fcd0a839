"""Let listed front ends of the same site read our JSON (``api_origins``, decision 46)."""

from __future__ import annotations

from typing import Any

from .forms import is_listed
from .responses import NO_STORE, Answer, Header
from .scope import header
from .types import Scope, Send

ALLOWED: tuple[Header, ...] = (
    (b"access-control-allow-methods", b"GET, POST, PATCH, DELETE"),
    (b"access-control-allow-headers", b"Authorization, Content-Type, MFA-Proof, X-MFA-Gate"),
    (b"access-control-max-age", b"600"),
)
EXPOSED: Header = (b"access-control-expose-headers", b"Retry-After, WWW-Authenticate")


def preflight(scope: Scope, origins: tuple[str, ...]) -> Answer | None:
    """Answer a listed origin that asks whether it may call; None for every other request."""
    return Answer(204, b"", (*NO_STORE, *ALLOWED)) if asks_to_call(scope) and is_listed(scope, origins) else None


def asks_to_call(scope: Scope) -> bool:
    """Tell if a browser asks whether a page of another origin may call."""
    return scope["method"] == "OPTIONS" and header(scope, b"access-control-request-method") is not None


def readable_by(scope: Scope, send: Send, origins: tuple[str, ...]) -> Send:
    """Make the ``send`` that lets a listed origin read the answer, with credentials.

    Every answer says that it varies by origin, or a cache would give one origin's answer to another.
    """
    if not origins:
        return send
    more: list[Header] = []
    origin = header(scope, b"origin")
    if origin is not None and is_listed(scope, origins):
        more = [(b"access-control-allow-origin", origin), (b"access-control-allow-credentials", b"true"), EXPOSED]

    async def named(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            message = {**message, "headers": [*_varying(message["headers"]), *more]}
        await send(message)

    return named


def _varying(headers: list[Header]) -> list[Header]:
    varies = [value for key, value in headers if key == b"vary"]
    others = [item for item in headers if item[0] != b"vary"]
    return [*others, (b"vary", b", ".join([*varies, b"Origin"]))]
