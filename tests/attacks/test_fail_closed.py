"""Failing closed: the app is not called if anything raises, hangs or returns rubbish.

Exceptions and data of the host stay the host's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.authentication import AuthCredentials, AuthenticationBackend, SimpleUser
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route

from mfa_gate import Subject
from mfa_gate.errors import StoreContention, StoreUnavailable
from mfa_gate.identity import RequestUser, SessionUser
from mfa_gate.stores.memory import MemoryStore
from mfa_gate.web import callers as guarding
from tests.harness import (
    FETCH,
    PAGE,
    SECRET,
    Browser,
    FixedClock,
    World,
    call,
    http_scope,
    key,
    make_world,
    running,
    socket_scope,
)

Identify = Callable[[HTTPConnection], Any]


async def refused(world: World, browser: Browser | None = None, *, told: bool = True) -> None:
    """Assert that a page load, a call and a websocket are refused as a fault is.

    The app is not called.
    """
    browser = browser or Browser(world)
    world.reached.clear()
    for headers in (PAGE, FETCH):
        reply = await browser.ask("GET", "/records", headers=headers)
        assert reply.status == 503
        assert int(reply.header("retry-after")) > 0
        assert reply.header("cache-control") == "no-store"
        assert SECRET not in reply.body
    assert reply.header("content-type") == "application/problem+json"
    assert reply.json()["status"] == 503
    assert bool(reply.json().get("ref")) is told
    assert reply.reason in ("fault", "store_unavailable")
    for denial in (True, False):
        scope = socket_scope("/chat", headers=[("cookie", browser.cookie_header())], denial=denial)
        answer = await call(world.app, scope)
        assert answer.status == (503 if denial else 0)
        assert all(message["type"] != "websocket.accept" for message in answer.messages)
    assert world.reached == []


# -- whose fault it may be ---------------------------------------------------------------------------------------------


async def _raises(connection: HTTPConnection) -> Subject | None:
    raise LookupError("the directory is down")


async def _hangs(connection: HTTPConnection) -> Subject | None:
    await asyncio.sleep(60)
    return None


def _returns(value: Any) -> Identify:
    async def identify(connection: HTTPConnection) -> Any:
        return value

    return identify


async def _bad_subject(connection: HTTPConnection) -> Subject | None:
    return Subject(id="")


NO_SUBJECTS: tuple[Any, ...] = ("ann", "", 0, 1, False, True, {}, {"id": "ann"}, [], object)
RUBBISH: dict[str, Any] = {
    "raises": _raises,
    "hangs": _hangs,
    "no such subject": _bad_subject,
    "no coroutine": lambda connection: Subject(id="ann"),
    **{repr(value): _returns(value) for value in NO_SUBJECTS},
}


@pytest.mark.parametrize("identify", RUBBISH.values(), ids=RUBBISH)
async def test_identify(identify: Identify) -> None:
    """A resolver that raises, hangs or returns no subject refuses.

    It is never taken for "nobody". Requirement S-11.
    """
    async with running(make_world(identify=identify)) as world:
        world.gate.web.callers.identify_within = 0.05
        await refused(world)


async def test_identify_may_not_hang_for_long() -> None:
    """S-11: the limit of that test is real: by default a resolver has seconds, not minutes."""
    assert guarding.IDENTIFY_TIMEOUT <= 5


def _breaks(target: object, name: str) -> Callable[[pytest.MonkeyPatch], None]:
    def raises(*_: object, **__: object) -> Any:
        raise RuntimeError("broken")

    return lambda patch: patch.setattr(target, name, raises)


@pytest.mark.parametrize("error", [StoreUnavailable("gone"), StoreContention("busy"), RuntimeError("?"), OSError(5)])
@pytest.mark.parametrize("method", ["changed", "load", "settings"])
async def test_store(method: str, error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that raises at any read refuses all signed-in people, proven or not.

    Requirements S-11, F-1.
    """
    async with running(make_world()) as world:
        proven, owing = await world.enrolled(), await world.browser("new")
        assert await proven.is_in()

        def raises(*_: object) -> Any:
            raise error

        world.engine.forget_all()
        monkeypatch.setattr(world.store, method, raises)
        await refused(world, owing)
        await refused(world, proven)
        monkeypatch.undo()
        assert await proven.is_in()


@pytest.mark.parametrize(
    "where",
    [
        "mfa_gate.service.access.requirement_for",
        "mfa_gate.service.access.decide",
        "mfa_gate.service.access.standing_for",
        "mfa_gate.web.path_rules.exemption_for",
        "mfa_gate.web.gate.deny",
        "mfa_gate.web.callers.address_of",
        "mfa_gate.web.gate.only_cookies",
        "mfa_gate.web.path_rules.is_clean",
        "mfa_gate.web.cookies.Cookies.jar",
        "mfa_gate.core.policy.Policy.rules_for",
        "mfa_gate.identity.SessionUser.subject_of",
        "mfa_gate.service.accounts.Engine.notice",
        "mfa_gate.service.accounts.Engine.settings",
    ],
)
async def test_own_code(where: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-11: policy and every part of our own code may fail; the answer is a refusal."""
    async with running(make_world()) as world:
        owing = await world.browser("new")
        world.engine.forget_all()

        def raises(*_: object, **__: object) -> Any:
            raise ZeroDivisionError(where)

        monkeypatch.setattr(where, raises)
        if where.endswith("subject_of"):
            monkeypatch.setattr(world.gate.web.callers, "subject_now", raises)
        await refused(world, owing)


async def test_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """S-11: a clock that fails refuses, and the refusal itself does not need the time."""
    async with running(make_world()) as world:
        proven, owing = await world.enrolled(), await world.browser("new")

        def raises(_: FixedClock) -> float:
            raise OSError("no clock")

        monkeypatch.setattr(FixedClock, "now", raises)
        await refused(world, proven, told=False)
        await refused(world, owing, told=False)


async def test_entropy(monkeypatch: pytest.MonkeyPatch) -> None:
    """S-11: without entropy nobody passes and no page is shown."""

    def dry(size: int) -> bytes:
        if broken:
            raise OSError("no entropy")
        return bytes(range(size))

    broken = False
    async with running(make_world(entropy=dry)) as world:
        owing = await world.browser("new")
        broken = True
        world.reached.clear()
        for path in ("/records", "/mfa/enroll"):
            reply = await owing.page(path)
            assert reply.status == 503
        assert world.reached == []


async def test_faults_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal by fault is an event, and the person is shown its reference.

    Requirement S-124.
    """
    async with running(make_world(identify=_raises)) as world:
        reply = await Browser(world).ask("GET", "/records", headers=FETCH)
        (event,) = world.kinds("gate.fault")
        assert event.id == reply.json()["ref"]
        assert "directory" not in reply.text


@pytest.mark.parametrize("path", ["/records", "/mfa/challenge", "/mfa/api/state"])
async def test_an_event_hook_that_fails_changes_nothing(path: str) -> None:
    """S-11: the host's own hook may raise: the decision stays what it was."""

    def hook(event: object) -> None:
        raise ValueError("hook")

    world = make_world()
    world.gate.service.engine.effects.on_event = hook
    async with running(world):
        ann = await world.enrolled()
        assert await ann.is_in()
        pending = await world.browser()
        assert (await pending.guess()).reason == "wrong_code"
        assert (await pending.ask("GET", path, headers=FETCH)).status in (200, 403)
        assert world.reached == []


async def test_cancelled() -> None:
    """S-11: a request that is cancelled while it is judged does not reach the app."""

    async def slow(connection: HTTPConnection) -> Subject | None:
        judging.set()
        await asyncio.sleep(60)
        return None

    judging = asyncio.Event()
    async with running(make_world(identify=slow)) as world:
        task = asyncio.create_task(Browser(world).ask("GET", "/records"))
        await judging.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert world.reached == []


# -- who passes all the same -------------------------------------------------------------------------------------------


async def test_strangers_and_exempt_paths_need_no_store(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the store gone, strangers are served, and exempt paths are served to everybody.

    Requirement F-1.
    """
    async with running(make_world()) as world:
        owing = await world.browser("new")
        for name in ("changed", "load", "settings"):
            _breaks(world.store, name)(monkeypatch)
        assert (await Browser(world).ask("GET", "/records")).body.startswith(SECRET)
        assert (await owing.ask("GET", "/public")).body.startswith(SECRET)
        await refused(world, owing)


async def test_exempt_paths_need_nobody() -> None:
    """An exempt path is served even if the resolver fails.

    A probe must not depend on the directory.
    """
    async with running(make_world(identify=_raises)) as world:
        assert (await Browser(world).ask("GET", "/public")).body.startswith(SECRET)


# -- what is the host's ------------------------------------------------------------------------------------------------


class Sour(Exception):
    """An exception that only the host knows."""


async def _sour(request: Request) -> Response:
    raise Sour("of the host")


class _Header(AuthenticationBackend):
    """A backend that signs in the person in a header."""

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, SimpleUser] | None:
        name = conn.headers.get("x-user")
        return (AuthCredentials(["staff"]), SimpleUser(name)) if name else None


def _host(*, authentication: bool) -> World:
    app = Starlette(routes=[Route("/sour", _sour), Route("/sweet", lambda request: PlainTextResponse("sweet"))])
    if not authentication:
        return make_world(app=app)
    world = make_world(app=app, identify=RequestUser("username"), session=False)
    app.add_middleware(AuthenticationMiddleware, backend=_Header())
    return world


@pytest.mark.parametrize("authentication", [False, True], ids=["SessionUser", "RequestUser"])
async def test_host_exceptions_travel(authentication: bool) -> None:
    """An exception of the host is neither swallowed nor told as a fault of the gate.

    Contract 1.
    """
    async with running(_host(authentication=authentication)) as world:
        with pytest.raises(Sour):
            await Browser(world).ask("GET", "/sour")
        assert world.kinds("gate.fault") == []


async def test_a_user_inside_trips_the_wire() -> None:
    """The host's answer is held back if the host finds a user that the gate did not see.

    The gate saw the request as anonymous. Requirement S-14.
    """

    async def sneaky(scope: Any, receive: Any, send: Any) -> None:
        scope["user"] = SimpleUser("ann")
        await PlainTextResponse(SECRET)(scope, receive, send)

    world = make_world(app=Starlette(routes=[Mount("/", sneaky)]), identify=RequestUser("username"), session=False)
    world.app.add_middleware(AuthenticationMiddleware, backend=_Header())  # type: ignore[attr-defined]
    async with running(world):
        reply = await Browser(world).ask("GET", "/", headers=FETCH)
        assert reply.status == 503
        assert SECRET not in reply.body
        assert len(world.kinds("gate.tripwire")) == 1


async def test_what_the_server_gave_reaches_the_host_whole() -> None:
    """``state``, ``extensions`` and subprotocols reach the host as the server gave them.

    What the resolver writes does not reach it. Contract 1.
    """
    seen: list[dict[str, Any]] = []

    async def look(scope: Any, receive: Any, send: Any) -> None:
        seen.append(scope)
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept", "subprotocol": "chat"})

    async def writing(connection: HTTPConnection) -> Subject | None:
        connection.scope["written"] = True
        connection.scope["path"] = "/elsewhere"
        connection.state.written = True
        return None

    world = make_world(app=Starlette(routes=[Mount("/", look)]), identify=writing)
    async with running(world):
        pool = object()
        scope = {**socket_scope("/x"), "state": {"pool": pool}}
        reply = await call(world.app, scope)
        assert reply.messages[0] == {"type": "websocket.accept", "subprotocol": "chat"}
        (got,) = seen
        assert got["subprotocols"] == ["chat"]
        assert got["extensions"] == {"websocket.http.response": {}}
        assert got["state"]["pool"] is pool
        assert got["path"] == "/x"
        assert "written" not in got
        assert "written" not in got["state"]


# -- starting ----------------------------------------------------------------------------------------------------------


async def lifespan(app: Any, *, until_end: bool = True) -> list[dict[str, Any]]:
    """Run an app's lifespan as a server does, and return its messages."""
    incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    incoming.put_nowait({"type": "lifespan.startup"})
    said: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        said.append(message)
        if until_end and message["type"] == "lifespan.startup.complete":
            incoming.put_nowait({"type": "lifespan.shutdown"})

    await app({"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}, incoming.get, send)
    return said


async def test_lifespan() -> None:
    """With a lifespan the gate opens before the app starts and closes after it has ended.

    Requests open it again.
    """
    order: list[str] = []

    class Told(MemoryStore):
        async def open(self, *, make: bool = True) -> None:
            order.append("open")
            await super().open(make=make)

        async def aclose(self) -> None:
            order.append("close")
            await super().aclose()

    @asynccontextmanager
    async def own(_: Starlette) -> AsyncIterator[None]:
        order.append("app starts")
        yield
        order.append("app ends")

    world = make_world(app=Starlette(routes=[], lifespan=own), store=Told())
    said = await lifespan(world.app)
    assert [message["type"] for message in said] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
    assert order == ["open", "app starts", "app ends", "close"]


async def test_lazy_start() -> None:
    """Without a lifespan, and mounted, the first request that needs the store opens it.

    It is opened once for all requests that wait.
    """
    opened = 0

    class Slow(MemoryStore):
        async def open(self, *, make: bool = True) -> None:
            nonlocal opened
            opened += 1
            await asyncio.sleep(0.02)
            await super().open(make=make)

    world = make_world(store=Slow())
    browser = await world.browser("new")
    replies = await asyncio.gather(*(browser.ask("GET", "/records", headers=FETCH) for _ in range(20)))
    assert {reply.status for reply in replies} == {403}
    assert opened == 1
    await world.gate.web.aclose()


async def test_a_failed_start_is_tried_again() -> None:
    """A store that was away at the first request is opened at a later one.

    Until then nobody passes. Requirement F-1.
    """

    class Away(MemoryStore):
        away = True

        async def open(self, *, make: bool = True) -> None:
            if self.away:
                raise StoreUnavailable("away")
            await super().open(make=make)

    store = Away()
    world = make_world(store=store)
    browser = await world.browser("new")
    await refused(world, browser)
    store.away = False
    assert (await browser.ask("GET", "/records", headers=FETCH)).status == 403
    await world.gate.web.aclose()


async def test_a_wrong_key_is_never_nobody_enrolled() -> None:
    """A store of another key refuses everybody, also without a lifespan.

    Nobody is led to enrollment. Requirement F-19.
    """
    store = MemoryStore()
    async with running(make_world(store=store)) as world:
        await world.enrolled()
    other = make_world(store=store, keys=[key(2)])
    browser = await other.browser()
    await refused(other, browser)
    for path in ("/mfa/enroll", "/mfa/challenge", "/mfa/api/state"):
        assert (await browser.page(path)).status == 503


async def test_a_host_without_lifespan_does_no_harm() -> None:
    """Contract 1: a host that raises on ``lifespan`` leaves the gate at work."""
    inner = make_world()

    async def old(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            raise AssertionError("only http here")
        await inner.app(scope, receive, send)

    from mfa_gate import MFAGateMiddleware

    outer = MFAGateMiddleware(old, gate=inner.gate)
    with pytest.raises(AssertionError, match="only http"):
        await lifespan(outer)
    browser = await replace(inner, app=inner.app).browser("new")
    assert (await browser.ask("GET", "/records", headers=FETCH)).status == 403
    await inner.gate.web.aclose()


async def test_a_missing_session_refuses() -> None:
    """Everybody is refused if SessionMiddleware is missing.

    People cannot be told apart without it. Requirement S-10.
    """
    world = make_world(session=False)
    reply = await Browser(world).ask("GET", "/records", headers=FETCH)
    assert reply.status == 503
    assert world.reached == []


async def test_refusing_is_quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """F-1: with the store gone a refusal takes far less than the second that it may take."""
    async with running(make_world()) as world:
        browser = await world.browser("new")
        for name in ("changed", "load", "settings"):
            _breaks(world.store, name)(monkeypatch)
        began = time.monotonic()
        for _ in range(20):
            await browser.ask("GET", "/records", headers=FETCH)
        assert time.monotonic() - began < 3


def test_session_user_shares_the_hosts_view() -> None:
    """S-12: the adapter reads the session that the host itself sees, and no cookie of its own."""
    scope = {**http_scope("GET", "/", headers=[("cookie", "session=x; user_id=bob")]), "session": {"user_id": "ann"}}
    subject = SessionUser("user_id").subject_of(scope)
    assert subject is not None
    assert subject.id == "ann"
