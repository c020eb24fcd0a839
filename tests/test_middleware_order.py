"""Second gates and missing or hidden layers are faults at the start, with their fix.

V-29, V-16.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import fastapi.routing
import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.middleware.cors import CORSMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route
from starlette.testclient import TestClient

from mfa_gate import MFAGate, MFAGateMiddleware, SettingsError
from mfa_gate.identity import BearerJWT, FirstOf, RequestUser, SessionUser
from mfa_gate.middleware_order import faults_of_order
from tests.good_start import GOOD
from tests.harness import FETCH, Browser, make_world, running

Build = Callable[[], Any]


class Plain:
    """A layer of the host's own, which the gate cannot look into."""

    def __init__(self, app: Any, **named: Any) -> None:
        self._inner = app

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Go on."""
        await self._inner(scope, receive, send)


class Signs(Plain):
    """A layer of the host's own, which opens the session under another name."""

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Open it."""
        if scope["type"] == "http":
            scope["session"] = {"user_id": "ann"}
        await self._inner(scope, receive, send)


def gate(identify: Any = None, **more: Any) -> MFAGate:
    """Make a good gate."""
    return MFAGate(**{**GOOD, "store": "memory://", "identify": identify or SessionUser("user_id"), **more})


def bare(*routes: Any, kind: type = Starlette) -> Any:
    """Make an app with one route."""
    app = kind()
    app.router.routes.extend([Route("/", lambda request: PlainTextResponse("in")), *routes])
    return app


def gated(*routes: Any, identify: Any = None, session: bool = True, kind: type = Starlette) -> Any:
    """Make it with a gate and a session, in the right order."""
    app = bare(*routes, kind=kind)
    gate(identify).install(app)
    if session:
        app.add_middleware(SessionMiddleware, secret_key="x")
    return app


def fault_of(app: Any) -> str:
    """Start the app, and return the fault that stops it; "" for none."""
    faults: tuple[str, ...] = ()
    try:
        with TestClient(app):
            pass
    except SettingsError as error:
        faults = error.faults
    assert len(faults) <= 1
    return "".join(faults)


# -- two gates ---------------------------------------------------------------------------------------------------------


def _twice() -> Any:
    app, one = bare(), gate()
    one.install(app)
    one.install(app)
    app.add_middleware(SessionMiddleware, secret_key="x")
    return app


def _two() -> Any:
    app = bare()
    gate().install(app)
    app.add_middleware(GZipMiddleware)
    gate().install(app)
    app.add_middleware(SessionMiddleware, secret_key="x")
    return app


TWICE: dict[str, Build] = {
    "the same one": _twice,
    "two of them, with a layer between": _two,
    "one around, one installed": lambda: SessionMiddleware(
        MFAGateMiddleware(gated(session=False), gate=gate()), secret_key="x"
    ),
    "one around another, with a layer between": lambda: SessionMiddleware(
        MFAGateMiddleware(GZipMiddleware(MFAGateMiddleware(bare(), gate=gate())), gate=gate()), secret_key="x"
    ),
    "one in FastAPI": lambda: SessionMiddleware(
        MFAGateMiddleware(gated(session=False, kind=FastAPI), gate=gate()), secret_key="x"
    ),
}
MOUNTED: dict[str, tuple[str, Build]] = {
    "installed in the mounted app": ("/sub", lambda: gated(Mount("/sub", gated()))),
    "around the mounted app": ("/sub", lambda: gated(Mount("/sub", MFAGateMiddleware(bare(), gate=gate())))),
    "through another layer": (
        "/sub",
        lambda: gated(Mount("/sub", GZipMiddleware(MFAGateMiddleware(bare(), gate=gate())))),
    ),
    "a layer of the mount": (
        "/sub",
        lambda: gated(Mount("/sub", bare(), middleware=[Middleware(MFAGateMiddleware, gate=gate())])),
    ),
    "two mounts deep": ("/sub/deep", lambda: gated(Mount("/sub", bare(Mount("/deep", gated()))))),
    "below a host": ("admin.example", lambda: gated(Host("admin.example", gated()))),
    "below a gate around": (
        "/sub",
        lambda: SessionMiddleware(MFAGateMiddleware(bare(Mount("/sub", gated())), gate=gate()), secret_key="x"),
    ),
}


@pytest.mark.parametrize("name", TWICE)
def test_two_gates_around_one_app(name: str) -> None:
    """The start is refused, with the reason and the fix."""
    fault = fault_of(TWICE[name]())
    assert fault.startswith("middleware order: two gates are around one app")
    assert "keep the outermost one, and take the other out" in fault


@pytest.mark.parametrize("name", MOUNTED)
def test_a_gate_below_a_mount(name: str) -> None:
    """A gate inside of the gated app is found as well, and its mount is named."""
    path, build = MOUNTED[name]
    fault = fault_of(build())
    assert fault.startswith(f"middleware order: one below the mount {path!r}, two gates are around one app")


def _included(*routes: Any, **named: Any) -> Any:
    app, router = gated(kind=FastAPI), APIRouter()
    router.routes.extend(routes)
    app.include_router(router, **named)
    return app


def test_a_gate_below_a_mount_of_a_router() -> None:
    """A gate behind ``include_router`` is found as well.

    Older versions of FastAPI drop the mounts of a router, so there is no second gate.
    """
    keeps = hasattr(fastapi.routing, "iter_route_contexts")
    start = "middleware order: one below the mount '/team/sub', two gates are around one app" if keeps else ""
    fault = fault_of(_included(Mount("/sub", gated()), prefix="/team"))
    assert fault.startswith(start)
    assert bool(fault) == keeps


@pytest.mark.parametrize("prefix", ["", "/mfa"])
def test_a_route_below_the_prefix_in_a_router(prefix: str) -> None:
    """A route that our own pages would hide is found behind ``include_router`` as well."""
    path = "/mfa/own".removeprefix(prefix)
    fault = fault_of(_included(Route(path, lambda request: PlainTextResponse("in")), prefix=prefix))
    assert fault.startswith("prefix='/mfa': the app has a route '/mfa/own' below it, which the gate would hide")


def test_gates_side_by_side() -> None:
    """Each of two mounted apps may have its own gate, where the app around them has none."""
    assert fault_of(bare(Mount("/a", gated()), Mount("/b", gated()))) == ""


async def test_two_gates_that_no_start_sees(caplog: pytest.LogCaptureFixture) -> None:
    """A request shows the fault behind a layer that hides its app.

    Nobody passes, and the log names the fix.
    """
    world = make_world()
    async with running(world), running(make_world()) as inner:
        ann = await world.enrolled()
        hidden = Plain(inner.app)
        host: Any = world.app
        host.router.routes.insert(0, Mount("/hidden", hidden))
        assert (await ann.ask("GET", "/hidden/records", headers=FETCH)).status == 503
        assert "two gates are around one app" in caplog.text
        assert (await Browser(world).ask("GET", "/records", headers=FETCH)).status == 200


# -- a layer that is missing, or inside --------------------------------------------------------------------------------

HIDDEN = "SessionMiddleware is inside the gate, so the gate cannot see who is signed in."
NONE = "needs SessionMiddleware outside of the gate, and there is none, so nobody could be told apart."
AFTER = "The last one added runs first: call app.add_middleware(SessionMiddleware, ...) after gate.install(app)"
AROUND = "Put it around the gate: SessionMiddleware(MFAGateMiddleware(app, gate=gate), ...)"


def _inside() -> Any:
    app = bare()
    app.add_middleware(SessionMiddleware, secret_key="x")
    return app


def _with(layer: type, **named: Any) -> Any:
    app = gated(session=False)
    app.add_middleware(layer, **named)
    return app


def _installed_over(app: Any) -> Any:
    gate().install(app)
    return app


WITHOUT: dict[str, tuple[Build, str, str]] = {
    "none at all": (lambda: gated(session=False), NONE, AFTER),
    "none in FastAPI": (lambda: gated(session=False, kind=FastAPI), NONE, AFTER),
    "other layers only": (lambda: _with(CORSMiddleware), NONE, AFTER),
    "other layers around": (lambda: GZipMiddleware(gated(session=False)), NONE, AFTER),
    "one of several adapters": (
        lambda: gated(session=False, identify=FirstOf(BearerJWT(lambda text: None), SessionUser("user_id"))),
        NONE,
        AFTER,
    ),
    "inside": (lambda: _installed_over(_inside()), HIDDEN, AFTER),
    "inside, the gate around": (lambda: MFAGateMiddleware(_inside(), gate=gate()), HIDDEN, AROUND),
    "none, the gate around": (lambda: MFAGateMiddleware(bare(), gate=gate()), NONE, AROUND),
    "none, the gate around a layer": (
        lambda: MFAGateMiddleware(GZipMiddleware(bare()), gate=gate()),
        NONE,
        AROUND,
    ),
    "no authentication": (
        lambda: gated(session=False, identify=RequestUser()),
        "identify=RequestUser('identity') needs AuthenticationMiddleware outside of the gate",
        "call app.add_middleware(AuthenticationMiddleware, ...) after gate.install(app)",
    ),
    "a session where authentication is needed": (
        lambda: gated(identify=RequestUser()),
        "needs AuthenticationMiddleware outside of the gate",
        "app.add_middleware(AuthenticationMiddleware, ...)",
    ),
}


@pytest.mark.parametrize("name", WITHOUT)
def test_the_layer_that_knows_the_user(name: str) -> None:
    """An app without the layer, or with it inside of the gate, does not start.

    The fault fits how the gate was put there.
    """
    build, reason, fix = WITHOUT[name]
    fault = fault_of(build())
    assert reason in fault
    assert fix in fault


def test_a_layer_between_two_gates() -> None:
    """For the outer gate it is inside, though the inner gate stands behind it."""
    between = SessionMiddleware(gated(session=False), secret_key="x")
    faults = faults_of_order(between, SessionUser("user_id"), "/mfa", inside=True)
    assert ["two gates are around one app" in fault for fault in faults] == [True, False]
    assert HIDDEN in faults[1]
    assert faults_of_order(between, SessionUser("user_id"), "/mfa", inside=False) == []


def _authenticated() -> Any:
    app = gated(session=False, identify=RequestUser())
    app.add_middleware(AuthenticationMiddleware, backend=None)
    return app


RIGHT: dict[str, Build] = {
    "after the gate": gated,
    "around the app": lambda: SessionMiddleware(gated(session=False), secret_key="x"),
    "around the app and another layer": lambda: SessionMiddleware(GZipMiddleware(gated(session=False)), secret_key="x"),
    "around the gate": lambda: SessionMiddleware(MFAGateMiddleware(bare(), gate=gate()), secret_key="x"),
    "around the gate and a layer": lambda: SessionMiddleware(
        GZipMiddleware(MFAGateMiddleware(bare(), gate=gate())), secret_key="x"
    ),
    "inside as well": lambda: SessionMiddleware(MFAGateMiddleware(_inside(), gate=gate()), secret_key="x"),
    "of the host's own, under another name": lambda: _with(Signs),
    "of the host's own, around the app": lambda: Signs(gated(session=False)),
    "authentication": _authenticated,
    "no need of one": lambda: gated(session=False, identify=BearerJWT(lambda text: None)),
    "the gate opens the cookie itself": lambda: gated(
        session=False, identify=SessionUser("user_id", secret_key="x" * 20, max_age=None)
    ),
}


@pytest.mark.parametrize("name", RIGHT)
def test_what_starts(name: str) -> None:
    """The other side: these start."""
    assert fault_of(RIGHT[name]()) == ""
