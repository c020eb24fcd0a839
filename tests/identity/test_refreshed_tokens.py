"""Tokens that are refreshed: the claim that names the sign-in decides what lasts (V-48)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mfa_gate.identity import BearerJWT
from tests.harness import Browser, World, make_world, running


def claims_of(token: str) -> dict[str, Any] | None:
    """Read a token that is its claims, in words of two parts."""
    return {"sub": "ann", "org": "alpha", **dict(word.split("-", 1) for word in token.split("."))}


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host that takes tokens."""
    async with running(make_world(identify=BearerJWT(claims_of, tenant="org"))) as made:
        yield made


@pytest.mark.parametrize(
    ("first", "refreshed", "lasts"),
    [("sid-a.jti-1", "sid-a.jti-2", True), ("jti-1", "jti-2", False), ("x-1", "x-2", False)],
)
@pytest.mark.parametrize("remember", [True, False])
async def test_a_proof_after_a_refresh(world: World, first: str, refreshed: str, lasts: bool, remember: bool) -> None:
    """A remembered proof outlives a refresh; another one lasts only where ``sid`` stays."""
    ann = Browser(world)
    ann.id, ann.tenant = "ann", "alpha"
    told = [("authorization", f"Bearer {first}"), ("x-mfa-gate", "1"), ("content-type", "application/json")]

    async def call(name: str, **body: Any) -> dict[str, Any]:
        reply = await ann.ask("POST", f"/mfa/api/{name}", headers=told, body=json.dumps(body).encode())
        assert reply.status in (200, 201), reply.text
        found: dict[str, Any] = reply.json()
        return found

    begun = await call("enroll", factor="totp")
    ann.secret = begun["secret"]
    await call("enroll/confirm", enrollment=begun["enrollment"], response=ann.totp())
    world.clock.advance(30)
    mine = await ann.authenticator("totp")
    proven = await call("verify", authenticator=mine, response=ann.totp(), remember=remember)
    for token, passes in ((first, True), (refreshed, lasts or remember)):
        headers = [("authorization", f"Bearer {token}"), ("mfa-proof", proven["proof_token"])]
        assert (await ann.ask("GET", "/records", headers=headers)).status == (200 if passes else 401)
