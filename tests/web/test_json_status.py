"""``json_status=401`` is for callers with cookies alone.

A client that sends a password or a token with each request would ask for it again, or take it for worn out.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import pytest
from starlette.requests import HTTPConnection

from mfa_gate import Subject
from tests.harness import FETCH, Browser, Reply, World, make_world, running

BASIC = "Basic " + base64.b64encode(b"ann:secret").decode()


async def identify(connection: HTTPConnection) -> Subject | None:
    """Tell people by the session, and Ann by her password or her token."""
    if connection.headers.get("authorization"):
        return Subject("ann", "alpha")
    session = connection.scope.get("session") or {}
    return Subject(session["user_id"], session["org"]) if session else None


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(make_world(identify=identify, json_status=401)) as made:
        yield made


async def ask(world: World, authorization: str) -> Reply:
    """Send a request without cookies that shows a password or a token."""
    return await Browser(world).ask("GET", "/records", headers=[("authorization", authorization)])


async def test_who_gets_it(world: World) -> None:
    """Give 401 to cookies, and 403 to a password.

    A token gets 401 with the header of RFC 9470, and 403 once the account is locked.
    """
    ann = await world.enrolled()
    other = await world.browser()
    other.secret = ann.secret
    assert (await other.page("/records", headers=FETCH)).status == 401
    assert (await ask(world, BASIC)).status == 403
    told = await ask(world, "Bearer token")
    assert (told.status, "insufficient_user_authentication" in told.header("www-authenticate")) == (401, True)
    await other.lock()
    assert (await other.page("/records", headers=FETCH)).status == 401
    for authorization in (BASIC, "Bearer token"):
        reply = await ask(world, authorization)
        assert (reply.status, reply.reason) == (403, "locked"), authorization
