"""A server that believes every client's word for its address is noticed (S-109).

The way in which it was told to does not matter.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from granian.utils.proxies import wrap_asgi_with_proxy_headers
from starlette.applications import Starlette
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from mfa_gate import SettingsError
from mfa_gate.web import forwarders
from tests.harness import FETCH, HOME, Browser, World, make_world, running

from .serving import served

EVERYBODY: tuple[Any, ...] = (
    "*",
    ["*"],
    "0.0.0.0/0",
    ["127.0.0.1", "::/0"],
    "10.0.0.1, 0.0.0.0/0",
    "0.0.0.0/1,128.0.0.0/1",
)
SOMEBODY: tuple[Any, ...] = ("127.0.0.1", "10.0.0.0/8,::1", ["203.0.113.7"], "127.0.0.1,::1")


@pytest.fixture(autouse=True, scope="module")
def _no_layer_outlives_these_tests() -> Iterator[None]:
    """Clear the layers away that believe everybody.

    The gate of a later test would find them in this process.
    """
    yield
    gc.collect()


async def signed_in(world: World, app: Any, *more: tuple[str, str]) -> int:
    """The status of a signed-in request through ``app``, which has not been looked at before."""
    ann = await world.browser()
    world.gate.web.lifespan.looked.clear()
    through = Browser(
        World(app=app, gate=world.gate, clock=world.clock, email=world.email, sms=world.sms), cookies=ann.cookies
    )
    return (await through.ask("GET", "/records", headers=(*FETCH, *more))).status


@pytest.mark.parametrize("hosts", EVERYBODY, ids=str)
def test_the_start(hosts: Any) -> None:
    """Fail the start that goes through the server's layer, and say how to mend it."""
    world = make_world()
    with pytest.raises(SettingsError, match="no-proxy-headers"), TestClient(ProxyHeadersMiddleware(world.app, hosts)):  # type: ignore[arg-type]
        raise AssertionError("it has started")


@pytest.mark.parametrize("hosts", EVERYBODY, ids=str)
async def test_the_first_request(hosts: Any) -> None:
    """Everybody who is signed in is refused again and again if the start was not seen.

    The forwarded port does not matter.
    """
    world = make_world()
    async with running(world):
        layer: Any = ProxyHeadersMiddleware(world.app, hosts)
        for forwarded in ("198.51.100.9", "198.51.100.9:4711", ""):
            for _ in range(2):
                assert await signed_in(world, layer, ("x-forwarded-for", forwarded)) == 503
        assert await signed_in(world, layer) == 503


@pytest.mark.parametrize("hosts", SOMEBODY, ids=str)
async def test_named_proxies(hosts: Any) -> None:
    """A server that is told its proxies works, at the start and afterwards."""
    world = make_world()
    with TestClient(ProxyHeadersMiddleware(world.app, hosts)):  # type: ignore[arg-type]
        pass
    async with running(world):
        layer: Any = ProxyHeadersMiddleware(world.app, hosts)
        assert await signed_in(world, layer, ("x-forwarded-for", "198.51.100.9")) == 403


async def test_the_override() -> None:
    """A developer who says so in the code may trust every forwarder."""
    world = make_world(accept_any_forwarder=True)
    with TestClient(ProxyHeadersMiddleware(world.app, "*")):  # type: ignore[arg-type]
        pass
    async with running(world):
        assert await signed_in(world, ProxyHeadersMiddleware(world.app, "*")) == 403


def _added(world: World) -> Any:
    app: Any = world.app
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts="*")
    return app


def _tasks(world: World) -> Any:
    app: Any = world.app

    async def on(request: Any, call_next: Any) -> Any:
        return await call_next(request)

    app.add_middleware(BaseHTTPMiddleware, dispatch=on)
    return ProxyHeadersMiddleware(app, "*")


def _granian(world: World) -> Any:
    return wrap_asgi_with_proxy_headers(world.app, "*")


@pytest.mark.parametrize("build", [_added, _tasks, _granian], ids=lambda build: build.__name__)
async def test_other_layers(build: Callable[[World], Any]) -> None:
    """Added by hand, behind a layer that runs the app in a task of its own, and granian's."""
    world = make_world()
    app = build(world)
    async with running(world):
        for forwarded in ("198.51.100.9", "198.51.100.9:4711"):
            assert await signed_in(world, app, ("x-forwarded-for", forwarded)) == 503


@pytest.mark.parametrize("name", ["FORWARDED_ALLOW_IPS", "UVICORN_FORWARDED_ALLOW_IPS"])
@pytest.mark.parametrize("value", ["*", " * ", "*,10.0.0.1", "0.0.0.0/0", "10.0.0.1, ::/0", "0.0.0.0/1,128.0.0.0/1"])
def test_the_environment(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """Both variables that servers read, and every way to say everybody."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=name):
        make_world()
    assert make_world(accept_any_forwarder=True)
    monkeypatch.setenv(name, "10.0.0.1, 10.0.0.0/8")
    assert make_world()


@pytest.mark.parametrize("peer", [None, ""])
async def test_a_proxy_on_a_socket(peer: str | None) -> None:
    """A peer without an address is a proxy if ``"unix"`` is listed, and only then.

    Decision 69.
    """
    for trusted, status in ((["unix"], 200), (["127.0.0.1/32", "unix"], 200), (["127.0.0.1/32"], 403), ([], 403)):
        async with running(make_world(trusted_proxies=trusted)) as world:
            ann = await world.enrolled()
            ann.address = peer
            headers = (*FETCH, ("x-forwarded-for", f"198.51.100.9, {HOME}"))
            assert (await ann.ask("GET", "/records", headers=headers)).status == status
            if status == 200:
                headers = (*FETCH, ("x-forwarded-for", f"{HOME}, 198.51.100.9"))
                assert (await ann.ask("GET", "/records", headers=headers)).status == 403


@pytest.mark.parametrize("lifespan", ["on", "auto", "off"])
def test_the_option_of_a_server(lifespan: Any) -> None:
    """uvicorn with its own option does not start, or lets nobody in who is signed in.

    The second holds for a server without a lifespan.
    """
    world = make_world()
    server = served(world.app, log_level="critical", lifespan=lifespan, proxy_headers=True, forwarded_allow_ips="*")
    if lifespan != "off":
        with pytest.raises(RuntimeError, match="did not start"), server:
            pytest.fail("it started")
        return
    with server as address, httpx2.Client(base_url=address) as client:
        client.post("/login", json={"user_id": "ann", "org": "alpha"})
        assert client.get("/records").status_code == 503


def test_the_look_alone() -> None:
    """Nothing is found without a layer and without a replaced peer.

    Other apps in this process do not matter.
    """
    kept = ProxyHeadersMiddleware(Starlette(), "*")  # type: ignore[arg-type]
    assert forwarders.server_believes_everybody(replaced=False) is False
    assert forwarders.server_believes_everybody(replaced=True) is True
    assert kept.trusted_hosts.always_trust
