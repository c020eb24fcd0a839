"""Coverage: a session that owes its second factor reaches 0 bytes of the app.

This holds for all paths, methods and spellings.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import socketio
from a2wsgi import WSGIMiddleware
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import OriginValidator
from django.core.handlers.asgi import ASGIHandler
from django.http import HttpResponse
from django.test.utils import override_settings
from django.urls import path as django_path
from django.urls import re_path
from fastapi import APIRouter, FastAPI
from hypercorn.middleware import DispatcherMiddleware
from hypothesis import given, settings
from hypothesis import strategies as st
from litestar import Litestar, asgi, get
from quart import Quart
from starlette._utils import get_route_path
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router

from mfa_gate import Subject
from mfa_gate.core.model import Seconds
from mfa_gate.core.policy import Facts, exemption_for
from mfa_gate.core.rules import Exemption, PathRule, StepUpRule
from mfa_gate.web.middleware import MFAGateMiddleware
from mfa_gate.web.root_path import settler_for
from mfa_gate.web.scope import app_path, is_clean
from tests.harness import (
    FETCH,
    PAGE,
    SECRET,
    SESSION_KEY,
    Browser,
    Headers,
    World,
    call,
    http_scope,
    log_in,
    make_world,
    routes,
    running,
    secret,
    socket_scope,
    with_rules,
)
from tests.recipes.place import loaded

METHODS = (
    "GET",
    "HEAD",
    "POST",
    "PUT",
    "PATCH",
    "DELETE",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "get",
    "Post",
    "",
)
PLACES = (
    "/",
    "/records",
    "/records/7",
    "/files/a/b",
    "/echo",
    "/slash",
    "/slash/",
    "/feed",
    "/inner",
    "/inner/",
    "/inner/deep",
    "/bare/x",
    "/assets/note.txt",
    "/nothing",
    "/chat",
    "/docs",
    "/redoc",
    "/openapi.json",
)
SPELLINGS = (
    "//records",
    "/records/",
    "/records//",
    "/./records",
    "/x/../records",
    "/../records",
    "/records/.",
    "/records/..",
    "/records;a=b",
    "/;/records",
    "/records\n",
    "/records\r\n",
    "/records\t",
    "/records\x00",
    "/records ",
    "/RECORDS",
    "/r%65cords",
    "/%2e/records",
    "/%2f/records",
    "/records%0a",
    "/records%",
    "/rec\u00f6rds",
    "/\uff52ecords",
    "/records\u2028",
    "/\\records",
    "\\records",
    "records",
    "",
    "*",
    "http://localhost:8000/records",
    # around what is exempt, and around our own prefix
    "/public/",
    "/public//",
    "//public",
    "/public\n",
    "/public;x",
    "/public%0a",
    "/public/..",
    "/public/../records",
    "/PUBLIC",
    "/publicX",
    "/open/../records",
    "/open/door/../../records",
    "/open//door",
    "/open/door;x",
    "/open/door\n",
    "/open/%2e%2e/records",
    "/openX/door",
    "/login/records",
    "/mfaX",
    "/mfa.txt",
    "/MFA",
    "//mfa",
    "/mfa/../records",
    "/mfa/static/../../records",
    "/mfa//records",
    "/mfa\n",
    "/mfa;x",
)
INNOCENT = (
    ("x-original-url", "/public"),
    ("x-rewrite-url", "/public"),
    ("x-forwarded-uri", "/public"),
    ("x-forwarded-prefix", "/public"),
    ("x-forwarded-host", "localhost"),
    ("x-forwarded-path", "/public"),
    ("x-http-method-override", "OPTIONS"),
    ("x-method-override", "HEAD"),
    ("x-middleware-subrequest", "middleware"),
    ("x-mfa-gate", "1"),
    ("mfa-proof", "1"),
    ("user-agent", "kube-probe/1.30"),
    ("user-agent", "GoogleHC/1.0"),
    ("x-forwarded-for", "127.0.0.1"),
    ("x-real-ip", "127.0.0.1"),
    ("purpose", "prefetch"),
    ("sec-purpose", "prefetch"),
    ("upgrade", "websocket"),
    ("accept", "*/*"),
    ("hx-request", "true"),
    ("content-type", "application/grpc"),
    ("host", "admin.localhost"),
    ("host", "localhost/public?"),
    ("sec-fetch-dest", "image"),
    ("sec-fetch-dest", "iframe"),
    ("sec-fetch-mode", "no-cors"),
    ("authorization", "Bearer x"),
    ("authorization", "Basic YTpi"),
    ("connection", "close, cookie"),
)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """A host that has one of everything, static files too."""
    (tmp_path / "note.txt").write_bytes(SECRET)
    async with running(make_world(static=tmp_path)) as made:
        yield made


@pytest.fixture(params=["challenge", "enroll", "locked"])
async def owing(request: pytest.FixtureRequest, world: World) -> AsyncIterator[Browser]:
    """A person who has the password and owes the second factor.

    One has a factor enrolled elsewhere, one has none, and one has a locked account. At the end the gate still judges: an
    exempt path is open to this person, and our own page tells the state. A gate that refuses everything fails here.
    """
    if request.param != "enroll":
        await world.enrolled()
    pending = await world.browser("new" if request.param == "enroll" else "ann")
    if request.param == "locked":
        await pending.lock()
    assert (await pending.state())["state"] == request.param
    world.reached.clear()
    yield pending
    assert (await pending.ask("GET", "/public", keep=False)).body.startswith(SECRET)
    assert (await pending.state())["state"] == request.param


async def shut(browser: Browser, method: str, path: str, extra: Headers = (), **scope: Any) -> None:
    """One request reaches nothing and shows nothing, neither as a page load nor otherwise."""
    for headers in (PAGE, FETCH, ()):
        reply = await browser.ask(method, path, headers=(*headers, *extra), keep=False, **scope)
        assert reply.status in (303, 401, 403, 404, 405), (method, path, reply.status)
        assert SECRET not in reply.body
    assert browser.world.reached == []


async def test_every_method_of_every_place(owing: Browser) -> None:
    """No route, mount, static file, documentation page or 404 answers, by any method.

    Requirements S-1, S-2, S-8, S-9.
    """
    for path in PLACES:
        for method in METHODS:
            await shut(owing, method, path)


async def test_every_spelling(owing: Browser) -> None:
    """No spelling of a path leads past the gate, also near an exempt path or the gate's own.

    Requirements S-2, S-3, S-5.
    """
    for path in SPELLINGS:
        for method in ("GET", "POST", "HEAD", "OPTIONS"):
            await shut(owing, method, path)


@pytest.mark.parametrize("root", ["", "/app", "/public", "/open", "/app/", "app", "/mfa", "//app", "/open/door"])
async def test_every_root_path(owing: Browser, root: str) -> None:
    """No ``root_path`` of a server or a proxy opens any of the app or widens an exemption.

    Requirement S-7.
    """
    for path in ("/records", "/inner/deep", "/chat", "/nothing", "/open/../records", "/publicX", "/openX"):
        for spelled in {path, root + path, root.rstrip("/") + path}:
            await shut(owing, "GET", spelled, root_path=root)


async def test_no_header_exempts(owing: Browser) -> None:
    """S-6: no header of a request, and no query, makes the gate look away."""
    for name, value in INNOCENT:
        for base in (PAGE, FETCH):
            headers = [*(item for item in base if item[0] != name), (name, value)]
            for path in ("/records", "/records?path=/public&next=/public", "/console"):
                reply = await owing.ask("GET", path, headers=headers, keep=False)
                assert reply.status in (303, 401, 403), (name, value, path)
                assert SECRET not in reply.body, (name, value, path)
        assert owing.world.reached == [], (name, value)


@pytest.mark.parametrize("denial", [True, False], ids=["denial", "close"])
async def test_websockets(owing: Browser, denial: bool) -> None:
    """A websocket that owes a factor is refused before it is accepted.

    The refusal has an answer if the server can send it. Requirement S-1.
    """
    for path in ("/chat", "/inner/chat", "/nothing", "/records", "//chat", "/chat\n", "/mfa", "/mfa/challenge"):
        scope = socket_scope(path, headers=[("cookie", owing.cookie_header())], denial=denial)
        reply = await call(owing.world.app, scope, messages=[{"type": "websocket.receive", "text": "hello"}])
        kinds = [message["type"] for message in reply.messages]
        if denial:
            assert kinds == ["websocket.http.response.start", "websocket.http.response.body"]
            assert reply.status in (403, 404)
        else:
            assert kinds == ["websocket.close"]
        assert SECRET not in reply.body
    assert owing.world.reached == []


async def test_a_preflight_is_no_pass(owing: Browser) -> None:
    """An OPTIONS request with every mark of a preflight does not reach the app.

    Requirement S-9.
    """
    asked = (("origin", "https://evil.example"), ("access-control-request-method", "POST"))
    for path in ("/records", "/nothing"):
        await shut(owing, "OPTIONS", path, extra=asked)


@pytest.mark.parametrize("kind", ["websocket.http", "http3", "https", "webtransport", "email", "", "HTTP"])
async def test_other_scopes_are_refused(world: World, kind: str) -> None:
    """S-1: a connection of a kind that the gate cannot judge never reaches the app."""
    watched = MFAGateMiddleware(_tell, gate=world.gate)
    with pytest.raises(RuntimeError, match="refuses a scope"):
        await call(watched, {**http_scope("GET", "/public"), "type": kind})


async def _tell(scope: Any, receive: Any, send: Any) -> None:
    raise AssertionError("the app was reached")


async def test_the_body_stays_unread(owing: Browser) -> None:
    """A refused request is refused before a byte of its body was asked for.

    Its body is sent on nowhere. Requirement S-16.
    """
    scope = http_scope("POST", "/echo", headers=[("cookie", owing.cookie_header()), ("content-length", "9")])

    async def receive() -> dict[str, Any]:
        raise AssertionError("the body was read")

    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await owing.world.app(scope, receive, send)
    assert sent[0]["status"] == 403
    scope["headers"].append((b"accept", b"text/html"))
    sent.clear()
    await owing.world.app(scope, receive, send)
    assert sent[0]["status"] == 303


async def test_answers_are_not_cached(owing: Browser) -> None:
    """S-18: every refusal says ``no-store`` and ``Vary: Cookie``."""
    for headers in (
        PAGE,
        FETCH,
        (("sec-fetch-dest", "image"),),
        (("sec-fetch-dest", "iframe"), ("accept", "text/html")),
    ):
        reply = await owing.ask("GET", "/records", headers=headers)
        assert reply.header("cache-control") == "no-store"
        assert "Cookie" in reply.header("vary")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/public", SECRET),
        ("HEAD", "/public", b""),
        ("GET", "/open/door", SECRET),
        ("GET", "/open/gone", b"Not"),
    ],
)
async def test_what_is_exempt_answers(owing: Browser, method: str, path: str, body: bytes) -> None:
    """An exempt path does reach the app.

    This is the other side of the tests above: the gate is what shuts the paths there.
    """
    reply = await owing.ask(method, path)
    assert reply.body.startswith(body)
    assert owing.world.reached == [("http", method, path)]


async def test_signing_out_is_always_possible(owing: Browser) -> None:
    """Contract 1: the host's own sign-out is exempt by itself, and nothing near it is."""
    for method in ("GET", "HEAD", "POST"):
        owing.world.reached.clear()
        await owing.ask(method, "/logout?next=/", keep=False)
        assert owing.world.reached == [("http", method, "/logout")]
    owing.world.reached.clear()
    for path in ("/logout/", "//logout", "/logout/x", "/logout;x", "/logout\n", "/LOGOUT", "/logoutX", "/x/../logout"):
        await shut(owing, "POST", path)
    await shut(owing, "DELETE", "/logout")
    reply = await call(owing.world.app, socket_scope("/logout", headers=[("cookie", owing.cookie_header())]))
    assert reply.status == 403


async def test_mounted_gate(tmp_path: Path) -> None:
    """A gate that is mounted under a path of another app judges by the app's own paths.

    This holds for paths that it shuts and for paths that it exempts. Requirement S-7.
    """
    world = make_world()
    outer = Starlette(
        routes=[Mount("/team/site", world.app), Route("/public", lambda request: PlainTextResponse("outer"))]
    )
    mounted = replace(world, app=outer)
    async with running(world):
        browser = Browser(mounted)
        await browser.ask("POST", "/team/site/login", body=b'{"user_id": "ann", "org": "alpha", "sid": "1"}')
        world.reached.clear()
        for path in ("/team/site/records", "/team/site//public", "/team/site/team/site/public", "/team/site"):
            reply = await browser.ask("GET", path, headers=FETCH)
            assert reply.status in (307, 403), path
            assert world.reached == []
        reply = await browser.ask("GET", "/team/site/records", headers=PAGE)
        assert reply.location == "/team/site/mfa/enroll"
        assert (await browser.page(reply.location)).status == 200
        assert (await browser.ask("GET", "/team/site/public")).body.startswith(SECRET)


@pytest.mark.parametrize("way", ["installed", "around", "in socket.io"])
async def test_a_root_path_that_the_app_sets(way: str) -> None:
    """S-7: ``FastAPI(root_path=...)`` gives no path a second spelling that a rule misses.

    Its router takes that root off, so a gate around the app judges the path without it. Addresses that leave begin with it.
    """
    inner = FastAPI()
    inner.root_path = "/api"  # as the argument does, which newer versions call deprecated
    inner.post("/login")(log_in)
    inner.get("/records")(secret)
    inner.get("/public")(secret)
    rule = StepUpRule(name="records", paths=(PathRule(text="=/records"),), max_age=Seconds(300))
    world = make_world(
        policy=with_rules(lambda rules: replace(rules, step_up=(rule,))), app=inner if way == "installed" else None
    )
    if way != "installed":
        server = socketio.AsyncServer(async_mode="asgi")
        around = MFAGateMiddleware(
            CORSMiddleware(inner) if way == "around" else socketio.ASGIApp(server, inner), gate=world.gate
        )
        world = replace(world, app=SessionMiddleware(around, secret_key=SESSION_KEY))
    async with running(world):
        browser = await world.browser()
        for before in ("", "/api"):
            led = await browser.page(f"{before}/records")
            assert (led.status, led.location.partition("?")[0]) == (303, "/api/mfa/enroll"), before
            assert (await browser.page(f"{before}/public")).status == 200, before
        await browser.enroll()
        assert [(await browser.page(f"{before}/records")).status for before in ("", "/api")] == [200, 200]
        world.clock.advance(3600)
        for path in ("/records", "/api/records", "/api/records/", "/api/Records"):
            assert (await browser.ask("GET", path, headers=FETCH)).reason == "proof_required", path


@pytest.mark.parametrize("route", [Mount, Host], ids=["mount", "host"])
async def test_a_root_path_that_a_mounted_app_sets(route: Any) -> None:
    """S-7: a mounted ``FastAPI(root_path=...)`` gives no path a second spelling.

    Nor does it give a third one, with two roots.
    """
    inner = FastAPI()
    inner.root_path = "/api"
    inner.get("/records")(secret)
    place = "/" if route is Mount else "{host:path}"
    app = Starlette(routes=[Route("/login", log_in, methods=["POST"]), route(place, app=inner)])
    rule = StepUpRule(name="records", paths=(PathRule(text="=/records"),), max_age=Seconds(300))
    world = make_world(policy=with_rules(lambda rules: replace(rules, step_up=(rule,))), app=app)
    headers = [*FETCH, ("host", "localhost")]
    async with running(world):
        browser = await world.enrolled()
        assert [(await browser.ask("GET", f"{before}/records", headers=headers)).status for before in ("", "/api")] == [
            200,
            200,
        ]
        world.clock.advance(3600)
        for path in ("/records", "/api/records", "/api/records/", "/api/Records"):
            assert (await browser.ask("GET", path, headers=headers)).reason == "proof_required", path
        for path, root in (("/api/api/records", ""), ("/records", "/records"), ("/x/records", "/x")):
            reply = await browser.ask("GET", path, headers=headers, root_path=root)
            assert SECRET not in reply.body, (path, root)


def _litestar() -> Any:
    @get("/export", sync_to_thread=False)
    def export() -> str:
        return SECRET.decode()

    return Litestar([export], openapi_config=None)


def _quart() -> Any:
    app = Quart("host")

    @app.get("/export")
    async def export() -> str:
        return SECRET.decode()

    return app


def _method_of_quart() -> Any:
    return _quart().asgi_app


def _function_around_litestar() -> Any:
    inner = _litestar()

    async def host(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    return host


def _functions_around_litestar() -> Any:
    inner = _function_around_litestar()

    async def host(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    return host


def _function_around_a_layer() -> Any:
    inner = CORSMiddleware(_litestar())

    async def host(scope: Any, receive: Any, send: Any) -> None:
        await inner(scope, receive, send)

    return host


class _Host:
    """A layer of the host, with a name of its own for the app in it."""

    def __init__(self, app: Any) -> None:
        self._next = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Call the app."""
        await self._next(scope, receive, send)


def _object_around_litestar() -> Any:
    return _Host(_litestar())


async def _passes_on(app: Any, scope: Any, receive: Any, send: Any) -> None:
    await app(scope, receive, send)


def _partial_around_quart() -> Any:
    return functools.partial(_passes_on, _quart())


def _wsgi() -> Any:
    def host(environ: Any, start: Any) -> list[bytes]:
        found = "/" + environ["PATH_INFO"].lstrip("/") == "/export"  # as werkzeug reads it
        start("200 OK" if found else "404 Not Found", [])
        return [SECRET if found else b""]

    return WSGIMiddleware(host)


@asynccontextmanager
async def _ann_at(app: Any, *, rule: str, free: str = "") -> AsyncIterator[tuple[World, Browser]]:
    """Stand the gate around ``app``, where Ann is signed in.

    ``rule`` asks for a proof of the last minute; paths of ``free`` are exempt.
    """
    asks = StepUpRule(name="rule", paths=(PathRule(text=rule),), max_age=Seconds(60))
    exempt = (Exemption(name="free", paths=(PathRule(text=free),), reason="tests"),) if free else ()

    async def identify(connection: Any) -> Subject:
        return Subject("ann", "alpha", session="s")

    policy = with_rules(lambda rules: replace(rules, step_up=(asks,), exempt=exempt or rules.exempt))
    world = make_world(policy=policy, identify=identify)
    world.app = MFAGateMiddleware(app, gate=world.gate)
    async with running(world):
        ann = Browser(world)
        ann.id, ann.tenant = "ann", "alpha"
        yield world, ann


async def _reaches(ann: Browser, path: str, root: str) -> bool:
    """Tell if Ann gets what the app guards."""
    reply = await ann.ask("GET", path, headers=[*FETCH, ("host", "localhost")], root_path=root)
    assert reply.status in (200, 403, 404), (path, reply.status)
    return SECRET in reply.body


@pytest.mark.parametrize(
    "host",
    [
        *(_litestar, _quart, _wsgi, _method_of_quart),
        *(_function_around_litestar, _functions_around_litestar, _function_around_a_layer),
        *(_object_around_litestar, _partial_around_quart),
    ],
)
@pytest.mark.parametrize("root", ["", "/app", "/app/", "app"])
async def test_a_root_path_that_the_app_cuts_elsewhere(host: Any, root: str) -> None:
    """S-7, S-12: an app that finds the root anywhere in a path is given it in front.

    So no path below an exempt tree, and none beside a rule, is the guarded page.
    """
    async with _ann_at(host(), rule="=/export", free="/static/**") as (world, ann):
        told = f"/{root.strip('/')}".rstrip("/")
        # Hypercorn and daphne hand over a path without a slash in front, as a client may write it.
        beside = ("export", "appexport", "/export?", "app/export?")
        below = ("/static/app/export", "/static/app//export", "/x/app/export")
        paths = ("/export", "/app/export", "/appexport", *beside, *below)
        for path in paths:
            assert not await _reaches(ann, path, root), path
        await ann.enroll()
        assert await _reaches(ann, f"{told}/export", root)
        assert await _reaches(ann, "/export", root)
        world.clock.advance(3600)
        for path in paths:
            assert not await _reaches(ann, path, root), path


def _mounted_by_starlette(path: str, app: Any) -> Any:
    return Starlette(routes=[Mount(path, app=app)])


def _mounted_by_host(path: str, app: Any) -> Any:
    return Starlette(routes=[Host("{host:path}", app=Router(routes=[Mount(path, app=app)]))])


def _mounted_by_included(path: str, app: Any) -> Any:
    router, outer = APIRouter(), FastAPI(openapi_url=None)
    router.mount(path[2:], app)
    outer.include_router(router, prefix=path[:2])
    return outer


def _mounted_by_litestar(path: str, app: Any) -> Any:
    @asgi(path, is_mount=True, copy_scope=True)
    async def mounted(scope: Any, receive: Any, send: Any) -> None:
        await app(scope, receive, send)

    return Litestar([mounted], openapi_config=None)


STARLETTE, LITESTAR = _mounted_by_starlette, _mounted_by_litestar


@pytest.mark.parametrize(
    ("base", "host"),
    [
        ("/a", lambda: STARLETTE("/a", _litestar())),
        ("/a", lambda: STARLETTE("/a", _quart())),
        ("/a", lambda: LITESTAR("/a", _litestar())),
        ("/a/b", lambda: LITESTAR("/a", LITESTAR("/b", _litestar()))),
        ("/a/b", lambda: STARLETTE("/a", LITESTAR("/b", _litestar()))),
        ("/a/b", lambda: LITESTAR("/a", STARLETTE("/b", _litestar()))),
        ("/a", lambda: _mounted_by_host("/a", _litestar())),
        ("/a", lambda: _mounted_by_host("/a", _quart())),
        ("/a/b", lambda: _mounted_by_included("/a/b", _litestar())),
    ],
    ids=["s(l)", "s(q)", "l(l)", "l(l(l))", "s(l(l))", "l(s(l))", "h(l)", "h(q)", "i(l)"],
)
async def test_an_app_below_the_mount_of_another(base: str, host: Any) -> None:
    """S-7, S-12: gate and app read one path where two frameworks take roots off in turn."""
    app = host()
    async with _ann_at(app, rule=f"={base}/export", free=f"{base}/static/**") as (world, ann):
        first, last = base[:2], base[-2:]
        odd = ("export", "/export", f"{first}/export", f"/static{last}/export", f"/static{first}/export")
        paths = [
            (before + base + path, root)
            for root in ("", "/app", first, "/static")
            for path in (*odd, f"{root}/export", f"/static{root}/export", f"{root}{base}/export")
            for before in ("", root)
        ]
        for path, root in paths:
            assert not await _reaches(ann, path, root), (path, root)
        await ann.enroll()
        assert await _reaches(ann, f"{base}/export", "")
        if not isinstance(app, Litestar):  # which gives a mounted app the root of a path that begins with none
            assert await _reaches(ann, f"/app{base}/export", "/app")
        world.clock.advance(3600)
        for path, root in paths:
            assert not await _reaches(ann, path, root), (path, root)


async def test_a_mount_that_comes_after_the_gate() -> None:
    """S-12: an app that is mounted between the gate and the start is read as it reads."""

    async def nobody(connection: Any) -> None: ...

    host, world = Starlette(), make_world(identify=nobody)
    gate = MFAGateMiddleware(host, gate=world.gate)
    host.mount("/a", _litestar())
    messages = iter([{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}])

    async def receive() -> Any:
        return next(messages)

    async def send(message: Any) -> None: ...

    await gate({"type": "lifespan", "state": {}}, receive, send)
    scope = http_scope("GET", "/a/x/app/a/export", root_path="/app")
    await call(gate, scope)
    assert scope["path"] == "/app/a/x/app/a/export"


async def test_a_mount_at_the_top_keeps_what_is_exempt() -> None:
    """A path of an app that Litestar mounts at "/" has no trick in it: rules hold."""
    async with _ann_at(LITESTAR("/", _litestar()), rule="/records/**", free="=/export") as (_, ann):
        assert await _reaches(ann, "/export", "")
        assert await _reaches(ann, "/app/export", "/app")
        assert not await _reaches(ann, "/x/export", "")


class _Counted(Route):
    asked = 0

    def matches(self, scope: Any) -> Any:
        """Count the question."""
        _Counted.asked += 1
        return super().matches(scope)


async def test_a_mounted_app_costs_no_look_at_the_other_routes() -> None:
    """The gate asks no other route unless a mounted app reads another path."""
    inner = FastAPI(openapi_url=None)
    inner.get("/export")(secret)
    host = Starlette(routes=[*(_Counted(f"/{n}", secret) for n in range(9)), Mount("/a", app=inner)])
    async with _ann_at(host, rule="=/x") as (_, ann):
        await ann.enroll()
        for path in ("/8", "/a/export"):
            _Counted.asked = 0
            assert await _reaches(ann, path, "")
            assert _Counted.asked == 9, path


@pytest.mark.parametrize("host", [_litestar, _quart])
async def test_a_mount_that_a_dispatcher_finds_in_a_longer_name(host: Any) -> None:
    """S-12: the gate finds ``/admin`` in ``/adminexport``, as hypercorn's dispatcher does."""
    app = DispatcherMiddleware({"/admin": host(), "/": _quart()})
    async with _ann_at(app, rule="/admin/**") as (world, ann):
        await ann.enroll()
        assert SECRET in (await ann.ask("GET", "/admin/export", headers=[*FETCH, ("host", "localhost")])).body
        world.clock.advance(3600)
        for path in ("/admin/export", "/adminexport", "/adminexport/"):
            reply = await ann.ask("GET", path, headers=[*FETCH, ("host", "localhost")])
            assert reply.reason == "proof_required", path
        assert SECRET in (await ann.ask("GET", "/export", headers=[*FETCH, ("host", "localhost")])).body


@pytest.mark.parametrize("mount", ["", "/", "/a"])
@pytest.mark.parametrize("host", [_litestar, _quart])
async def test_a_dispatcher_below_a_root(host: Any, mount: str) -> None:
    """S-7, S-12: a dispatcher's mount and a root of the server give no path two readings."""
    base = mount.rstrip("/")
    async with _ann_at(DispatcherMiddleware({mount: host()}), rule=f"={base}/export", free="/static/**") as (
        world,
        ann,
    ):
        paths = [
            (before + base + path, root)
            for root in ("/app", "/app/", "/a", "/a/", "/static", "app")
            for path in ("/export", f"/static{root}/export", f"{root}/export")
            for before in ("", root.rstrip("/"), f"/static{root}")
        ]
        for path, root in paths:
            assert not await _reaches(ann, path, root), (path, root)
        await ann.enroll()
        assert await _reaches(ann, f"{base}/export", "")
        if mount != "/a":
            assert await _reaches(ann, "/app/export", "/app")
        world.clock.advance(3600)
        for path, root in paths:
            assert not await _reaches(ann, path, root), (path, root)


@pytest.mark.parametrize("mount", ["", "/", "/a"])
def test_the_start_of_an_app_has_no_path(mount: str) -> None:
    """A dispatcher that has an app for all paths starts behind the gate."""
    for host in (DispatcherMiddleware({mount: _quart()}), STARLETTE(mount, _quart()), LITESTAR(mount or "/", _quart())):
        settle = settler_for(host)
        assert settle is not None
        scope: dict[str, Any] = {"type": "lifespan", "state": {}}
        settle(scope)
        assert scope == {"type": "lifespan", "state": {}}


@pytest.mark.parametrize("around", [True, False], ids=["around", "bare"])
@pytest.mark.usefixtures("configured_django")
async def test_a_root_path_that_channels_cuts_elsewhere(around: bool) -> None:
    """S-7, S-12: a websocket of Channels is judged by the path that its router reads.

    Every client may choose the root where the server is daphne.
    """

    async def export(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        await send({"type": "websocket.send", "bytes": SECRET})

    sockets: Any = URLRouter([django_path("export", export)])
    host = ProtocolTypeRouter({"websocket": OriginValidator(sockets, ["*"]) if around else sockets})
    async with _ann_at(host, rule="=/export", free="/static/**") as (world, ann):

        async def reached(path: str, root: str) -> bool:
            headers = [("cookie", ann.cookie_header()), ("origin", "http://localhost:8000")]
            try:
                reply = await call(world.app, {**socket_scope(path, headers=headers), "root_path": root})
            except ValueError:
                return False  # Channels found no route
            return SECRET in reply.body

        paths = (
            ("/export", ""),
            ("/static/export", "/static"),
            ("/static/export", "/static/"),
            ("/xexport", "/x"),
            ("/x/export", "/x/"),
            ("export", "/x"),
        )
        for path, root in paths:
            assert not await reached(path, root), (path, root)
        await ann.enroll()
        assert await reached("/export", "")
        assert await reached("/x/export", "/x")
        world.clock.advance(3600)
        for path, root in paths:
            assert not await reached(path, root), (path, root)


async def test_a_mount_that_the_app_finds_in_a_longer_name() -> None:
    """S-12: the gate finds the mount ``/admin`` in ``/adminusers`` too, as Litestar does."""

    @get("/users", sync_to_thread=False)
    def users() -> str:
        return SECRET.decode()

    @get("/adminplain", sync_to_thread=False)
    def plain() -> str:
        return "plain"

    child = Litestar([users], openapi_config=None)

    @asgi("/admin", is_mount=True, copy_scope=True)
    async def admin(scope: Any, receive: Any, send: Any) -> None:
        await child(scope, receive, send)

    async with _ann_at(Litestar([admin, plain], openapi_config=None), rule="/admin/**") as (world, ann):
        await ann.enroll()
        for root in ("", "/app"):
            for path, status in (("/admin/users", 200), ("/adminusers", 200), ("/adminplain", 200), ("/other", 404)):
                reply = await ann.ask("GET", root + path, headers=[*FETCH, ("host", "localhost")], root_path=root)
                assert reply.status == status, path
        world.clock.advance(3600)
        for root in ("", "/app"):
            for path in ("/admin/users", "/adminusers", "/adminusers/", "/admin"):
                reply = await ann.ask("GET", root + path, headers=[*FETCH, ("host", "localhost")], root_path=root)
                assert reply.reason == "proof_required", path
            reply = await ann.ask("GET", root + "/adminplain", headers=[*FETCH, ("host", "localhost")], root_path=root)
            assert reply.status == 200


@pytest.fixture
def configured_django() -> None:
    """Let the recipe configure Django: a process does that once, and outside of a loop."""
    loaded("example_app.recipes.django_asgi")


@pytest.mark.usefixtures("configured_django")
@pytest.mark.parametrize("way", ["bare", "channels", "routed", "dispatched", "litestar", "fastapi"])
async def test_a_root_path_that_django_sets(way: str) -> None:
    """S-7: ``FORCE_SCRIPT_NAME`` gives no path a second spelling that a rule misses."""

    class Urls:
        urlpatterns = (re_path("^export/?$", lambda request: HttpResponse(SECRET)),)

    with override_settings(MIDDLEWARE=[], ROOT_URLCONF=Urls, FORCE_SCRIPT_NAME="/app"):
        host: Any = ASGIHandler()
        if way == "fastapi":  # which sets a root as Django does
            host = FastAPI()
            host.root_path = "/app"
            host.get("/export")(secret)
        if way in ("routed", "fastapi"):
            host = URLRouter([re_path("", host)])
        if way in ("channels", "routed", "fastapi"):
            host = ProtocolTypeRouter({"http": host})
        if way == "dispatched":
            host = DispatcherMiddleware({"/": host})
        if way == "litestar":
            host = LITESTAR("/a", host)
        roots = ("",) if way in ("dispatched", "litestar") else ("", "/app", "/app/", "/other")
        base = "/a" if way == "litestar" else ""
        async with _ann_at(_Patient(host), rule=f"={base}/export") as (world, ann):
            await ann.enroll()
            for root in roots:
                for path in ("/export", "/app/export"):
                    reply = await ann.ask("GET", base + path, headers=[*FETCH, ("host", "localhost")], root_path=root)
                    assert SECRET in reply.body, (root, path)
            world.clock.advance(3600)
            for root in roots:
                for path in ("/export", "/app/export"):
                    reply = await ann.ask("GET", base + path, headers=[*FETCH, ("host", "localhost")], root_path=root)
                    assert reply.reason == "proof_required", (root, path)


class _Patient:
    """A layer around Django, whose client stays until the answer is there."""

    def __init__(self, app: Any) -> None:
        self.app = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Hand the body over, and then wait."""

        async def waits() -> Any:
            message = await receive()
            if message["type"] == "http.disconnect":
                await asyncio.Event().wait()
            return message

        await self.app(scope, waits, send)


async def test_fastapi_documentation() -> None:
    """S-8: the pages that FastAPI makes by itself are behind the gate like all others."""
    app = FastAPI()
    app.router.routes.extend(routes())
    async with running(make_world(app=app)) as world:
        pending = await world.browser()
        for path in ("/docs", "/redoc", "/openapi.json", "/docs/oauth2-redirect", "/records", "/nothing"):
            reply = await pending.ask("GET", path, headers=FETCH)
            assert reply.status == 403, path
        assert world.reached == []


# -- the matcher -------------------------------------------------------------------------------------------------------

RULED = ("=/public", "=/a/b", "/open/**", "/a/tree/**")
EXEMPT = (Exemption(name="free", paths=tuple(PathRule(text=text) for text in RULED), reason="tests"),)
ROUTER: dict[str, Any] = {
    "=/public": Route("/public", lambda request: None),
    "=/a/b": Route("/a/b", lambda request: None),
    "/open/**": Mount("/open", routes=[]),
    "/a/tree/**": Mount("/a/tree", routes=[]),
}
PIECES = st.sampled_from(
    [
        "",
        "/",
        "public",
        "open",
        "a",
        "b",
        "tree",
        ".",
        "..",
        ";",
        "%2e",
        "%2f",
        "\n",
        " ",
        "\\",
        "é",
        "door",
        "x",
        "/open",
    ]
)


@settings(max_examples=1500, deadline=None)
@given(st.lists(PIECES, max_size=8), st.sampled_from(["", "/app", "/open", "/public", "/a"]), st.booleans())
def test_exemptions_agree_with_the_router(pieces: list[str], root: str, prefixed: bool) -> None:
    """An exempt path is one that Starlette's own router serves at the exempt place.

    This holds for every path and ``root_path``. Requirements S-4, S-5, S-7.
    """
    path = (root if prefixed else "") + "".join(pieces)
    scope = http_scope("GET", path, root_path=root)
    mine = app_path(scope)
    facts = Facts(tenant="", groups=frozenset(), method="GET", path=mine, clean=is_clean(mine))
    if not exemption_for(EXEMPT, facts, 0):
        return
    served = get_route_path(scope)
    assert "//" not in served
    matching = [text for text, route in ROUTER.items() if route.path_regex.match(served) or served == route.path]
    assert matching, (path, root, served)


@settings(max_examples=500, deadline=None)
@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=12), st.sampled_from(["/open/", "/public", "/a/tree/"]))
def test_no_trick_is_exempt(tail: str, head: str) -> None:
    """S-5: a path that is not plain is never exempt, under an exempt tree either."""
    path = head + tail
    facts = Facts(tenant="", groups=frozenset(), method="GET", path=path, clean=is_clean(path))
    plain = path.isascii() and path.isprintable() and not any(mark in path for mark in ("//", "\\", ";", "%", " "))
    if exemption_for(EXEMPT, facts, 0):
        assert plain
        assert not {".", ".."} & set(path.split("/"))
