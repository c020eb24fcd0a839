"""Security Event Tokens: any bytes, and any claims that the transmitter has signed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import jwt

from tests.harness import START, Browser, World, make_world
from tests.service.test_shared_signals import PUBLISHED, SECRET, push, settings, signed

from ..target import Check, Target

_open: list[tuple[asyncio.Runner, World]] = []


def close() -> None:
    """Close what was made."""
    while _open:
        runner, world = _open.pop()
        runner.run(world.gate.web.aclose())
        runner.close()


def _made(token_of: Callable[[bytes], str]) -> Check:
    runner, world = asyncio.Runner(), make_world(signals=settings())
    _open.append((runner, world))
    runner.run(world.gate.web.open())
    bob: Browser = runner.run(world.enrolled("bob"))

    async def send(data: bytes) -> None:
        reply = await push(world, token_of(data))
        assert reply.status in (202, 400, 401), (reply.status, reply.text)
        if b"bob" not in data:
            assert await bob.is_in(), "a signal for nobody ended somebody's proofs"
        elif not await bob.is_in():
            await bob.prove()

    return lambda data: runner.run(send(data))


def _pushed() -> Check:
    return _made(lambda data: data.decode("latin-1"))


def _signed() -> Check:
    return _made(_token)


def _token(data: bytes) -> str:
    """Sign the bytes as the claims, as a transmitter does that sends anything."""
    text = data.replace(b"{now}", str(START).encode())
    return jwt.api_jws.encode(text, SECRET, algorithm="ES256", headers={"typ": "secevent+jwt", "kid": "one"})


def _claims(**more: Any) -> bytes:
    parts = signed(**more).split(".")[1]
    import base64

    return base64.urlsafe_b64decode(parts + "==")


PUSHED = Target(
    "signals",
    "a token of anybody is refused in the words of RFC 8935",
    _pushed,
    lambda: (signed().encode(), PUBLISHED.encode()),
    (b".", b"eyJ"),
    3000,
    150,
    close,
)
SIGNED = Target(
    "signed-signals",
    "whatever the transmitter signs ends the proofs of its subject alone",
    _signed,
    lambda: (
        _claims(),
        _claims(jti="2"),
        _claims(sub_id=None, event={"subject": {"format": "iss_sub", "iss": "https://idp.example.com/", "sub": "ann"}}),
        _claims(sub_id={"format": "iss_sub", "iss": "https://idp.example.com/", "sub": "bob"}, jti="3"),
        json.dumps({"iss": 1, "aud": ["x"], "iat": START, "jti": "x", "events": {}}).encode(),
    ),
    (b'"events":', b'"iat":', b'"sub":', b'"format":', b"ann"),
    800,
    120,
    close,
)
