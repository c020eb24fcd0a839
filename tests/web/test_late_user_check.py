"""The answer is replaced if the app sees a user that the gate did not see (S-14).

This holds for every adapter.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import SimpleUser, UnauthenticatedUser
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from mfa_gate import Subject
from mfa_gate.identity import BearerJWT, FastAPIUsers, FirstOf, RequestUser, SessionUser, TrustedHeader
from mfa_gate.testing import Kit
from tests.harness import FETCH, PAGE, SECRET, Browser, World, call, make_world, running, socket_scope
from tests.identity import test_fastapi_users as users
from tests.testing.hosts import gated


async def nobody(connection: Any) -> Subject | None:
    """An ``identify`` of the host's own that looks in the wrong place."""
    await asyncio.sleep(0)
    return None


ADAPTERS: dict[str, Callable[[], Any]] = {
    "BearerJWT": lambda: BearerJWT(lambda text: None),
    "SessionUser": lambda: SessionUser("user_id"),
    "SessionUser with a key": lambda: SessionUser("user_id", secret_key="k" * 20, max_age=None),
    "TrustedHeader": lambda: TrustedHeader("X-User", from_=["10.0.0.5/32"]),
    "FastAPIUsers": lambda: FastAPIUsers([users.BEARER], asynccontextmanager(users.get_user_manager)),
    "FirstOf": lambda: FirstOf(SessionUser("user_id"), BearerJWT(lambda text: None)),
    "a function": lambda: nobody,
}


class Staff:
    """A user of a framework that has no ``is_authenticated``."""


async def inside(scope: Any, receive: Any, send: Any) -> None:
    """An app that finds its user by itself."""
    scope["user"] = {"/ann": SimpleUser("ann"), "/staff": Staff(), "/text": "ann", "/none": UnauthenticatedUser()}.get(
        scope["path"]
    )
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "text": SECRET.decode()})
        return
    await PlainTextResponse(SECRET)(scope, receive, send)


@pytest.mark.parametrize("name", ADAPTERS)
async def test_a_user_inside(name: str) -> None:
    """Nothing of the answer leaves, on http and websocket, and the event is told.

    A request passes if gate and app both see a stranger.
    """
    world = make_world(app=Starlette(routes=[Mount("/", inside)]), identify=ADAPTERS[name]())
    async with running(world):
        for path in ("/ann", "/staff", "/text"):
            reply = await Browser(world).ask("GET", path, headers=FETCH)
            assert (reply.status, SECRET in reply.body) == (503, False)
            reply = await call(world.app, socket_scope(path))
            assert SECRET not in reply.body
            assert all(message["type"] not in ("websocket.accept", "websocket.send") for message in reply.messages)
        assert len(world.kinds("gate.tripwire")) == 6
        page = await Browser(world).ask("GET", "/ann", headers=[*PAGE, ("accept-language", "de")])
        assert (page.status, page.header("content-type")) == (503, "text/html; charset=utf-8")
        assert world.kinds("gate.tripwire")[-1].id in page.text
        assert 'lang="de"' in page.text
        assert SECRET not in page.body
        for path in ("/none", "/else"):
            assert SECRET in (await Browser(world).ask("GET", path, headers=FETCH)).body
            assert SECRET in (await call(world.app, socket_scope(path))).body
        assert len(world.kinds("gate.tripwire")) == 7


def mounted(identify: Any) -> World:
    """A host whose session lives inside the gate, under a key that the gate does not know."""

    async def enter(request: Request) -> PlainTextResponse:
        request.session["user_id"] = "ann"
        return PlainTextResponse("signed in")

    async def home(request: Request) -> PlainTextResponse:
        return PlainTextResponse(SECRET if request.session.get("user_id") else b"stranger")

    inner = Starlette(routes=[Route("/enter", enter, methods=["POST"]), Route("/home", home)])
    inner.add_middleware(SessionMiddleware, secret_key="the host's own")
    return make_world(app=Starlette(routes=[Mount("/in", inner)]), identify=identify, session=False)


@pytest.mark.parametrize("several", [False, True], ids=["SessionUser", "FirstOf"])
async def test_a_session_inside_that_the_gate_cannot_open(several: bool) -> None:
    """A session that the gate cannot open lets nothing out from behind the sign-in.

    Signing in goes on to work.

    The gate's secret is another than the app's.
    """
    one = SessionUser("user_id", secret_key="of something else", max_age=None)
    async with running(mounted(FirstOf(one) if several else one)) as world:
        ann = Browser(world)
        assert (await ann.ask("GET", "/in/home", headers=FETCH)).body == b"stranger"
        assert (await ann.ask("POST", "/in/enter", headers=FETCH)).status == 200
        reply = await ann.ask("GET", "/in/home", headers=FETCH)
        assert (reply.status, SECRET in reply.body) == (503, False)
        assert len(world.kinds("gate.tripwire")) == 1


async def test_signing_in_trips_nothing() -> None:
    """The request that signs somebody in is answered, exempt or not."""
    world = make_world(app=Starlette(routes=[Route("/enter", _enter, methods=["POST"])]))
    async with running(world):
        assert (await Browser(world).ask("POST", "/enter", headers=FETCH)).body == b"signed in"
        assert world.kinds("gate.tripwire") == []


async def _enter(request: Request) -> PlainTextResponse:
    request.session["user_id"] = "ann"
    return PlainTextResponse("signed in")


# -- nobody has been seen ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("several", [False, True], ids=["SessionUser", "FirstOf"])
async def test_a_wrong_key_is_told(several: bool, caplog: pytest.LogCaptureFixture) -> None:
    """A key that sessions never have is told once, with the keys that they do have.

    None of their values is told.
    """
    one = SessionUser("uid", tenant="org")
    world = make_world(identify=FirstOf(one) if several else one)
    async with running(world):
        ann = await world.browser("very-secret-ann")
        for _ in range(3):
            await ann.ask("GET", "/records", headers=FETCH)
    told = [record.getMessage() for record in caplog.records if "'uid'" in record.getMessage()]
    assert len(told) == 1
    assert "'user_id'" in told[0]
    assert "very-secret" not in caplog.text
    with pytest.raises(AssertionError, match=r"nobody has been seen signed in.*'user_id'"):
        Kit(world.gate).assert_somebody_seen()


async def test_a_right_key_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    """Tell nothing once somebody was found; the kit is content."""
    world = make_world()
    async with running(world):
        ann = await world.browser("ann")
        await ann.ask("GET", "/records", headers=FETCH)
        await Browser(world).ask("GET", "/records", headers=FETCH)
    Kit(world.gate).assert_somebody_seen()
    assert "nobody" not in caplog.text


@pytest.mark.parametrize("identify", [SessionUser("uid"), nobody], ids=["SessionUser", "a function"])
def test_the_inventory_tells_it(identify: Any) -> None:
    """``assert_all_covered`` fails where the gate has met sessions and nobody in them."""
    from starlette.testclient import TestClient

    app, gate = gated(identify=identify)
    opened = ["/login", "/healthz"]
    Kit(gate).assert_all_covered(app, open=opened)
    client = TestClient(app)
    client.post("/login", json={"name": "ann"})
    client.get("/v1/me")
    with pytest.raises(AssertionError, match=r"nobody has been seen signed in.*'user_id'"):
        Kit(gate).assert_all_covered(app, open=opened)


async def test_many_strangers_are_told(caplog: pytest.LogCaptureFixture) -> None:
    """Any adapter that has found nobody in a hundred requests is named once."""
    world = make_world(identify=nobody)
    async with running(world):
        for _ in range(250):
            await Browser(world).ask("GET", "/records", headers=FETCH)
    assert len([r for r in caplog.records if "nobody has been seen signed in yet" in r.getMessage()]) == 1


def test_a_user_that_does_not_say_whether_it_is_signed_in() -> None:
    """``RequestUser`` refuses a user object that does not say if it is signed in.

    It does not take it for nobody.
    """
    with pytest.raises(Exception, match="is_authenticated"):
        RequestUser("id").subject_of({"user": Staff()})
    assert RequestUser("id").subject_of({"user": None}) is None
