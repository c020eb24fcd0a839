"""Demands of endpoints are found in the routes of an app, before anybody has asked there."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route, Router

from mfa_gate import require_proof
from mfa_gate.core.policy import POLICY_AGE, Demand
from mfa_gate.web.endpoint_demands import EndpointDemands, demands_in

STRONG = require_proof(phishing_resistant=True)
BY_APP = require_proof("5m", factors=["totp"])
FRESH = require_proof(60)


@STRONG
async def strong(request: Request) -> Response:
    return PlainTextResponse("strong")


class Vault(HTTPEndpoint):
    """A class whose one method is guarded."""

    @BY_APP
    def get(self, request: Request) -> Response:
        return PlainTextResponse("vault")


async def open_to_all(request: Request) -> Response:
    return PlainTextResponse("open")


def found(app: Any) -> set[Demand]:
    return set(demands_in(app))


def test_no_age_is_the_policys() -> None:
    """Decision 68: without an age the demand says that the policy's freshness is meant."""
    assert STRONG.demand.max_age == POLICY_AGE
    assert BY_APP.demand.max_age == 300


def test_starlette_through_mounts_and_middleware() -> None:
    """Functions and classes, in mounted apps and routers, behind middleware."""
    inner = Starlette(routes=[Route("/vault", Vault)], middleware=[Middleware(GZipMiddleware)])
    routes = [Route("/open", open_to_all), Mount("/in", inner), Mount("/r", Router([Route("/s", strong)]))]
    assert found(Starlette(routes=routes)) == {STRONG.demand, BY_APP.demand}
    assert found(GZipMiddleware(Starlette(routes=routes))) == {STRONG.demand, BY_APP.demand}
    assert found(Starlette(routes=[Route("/open", open_to_all)])) == set()


def test_an_app_that_is_mounted_behind_middleware() -> None:
    """Middleware around a mounted app, or around the endpoint of a route, hides nothing."""
    inner = Starlette(routes=[Route("/vault", Vault), Mount("/r", GZipMiddleware(Router([Route("/s", strong)])))])
    assert found(Starlette(routes=[Mount("/in", GZipMiddleware(inner))])) == {STRONG.demand, BY_APP.demand}
    assert found(Starlette(routes=[Route("/vault", GZipMiddleware(inner))])) == {BY_APP.demand}
    assert found(Starlette(routes=[Route("/{path:path}", GZipMiddleware(inner))])) == {STRONG.demand, BY_APP.demand}
    any_path = GZipMiddleware(Starlette(routes=[Route("/{path:path}", strong)]))
    assert found(Starlette(routes=[Route("/vault", any_path)])) == {STRONG.demand}
    outer = FastAPI()
    outer.mount("/in", GZipMiddleware(inner))
    assert found(outer) == {STRONG.demand, BY_APP.demand}


def test_an_app_that_is_mounted_in_itself() -> None:
    """The search ends in an app that is mounted in itself."""
    app = Starlette(routes=[Route("/s", strong)])
    app.mount("/again", GZipMiddleware(app))
    assert found(app) == {STRONG.demand}


def test_fastapi_by_dependency_at_each_place() -> None:
    """On the path operation, in a dependency of a dependency, on a router."""

    def nested(checked: None = Depends(FRESH)) -> None:
        """A dependency with one of its own."""

    app, router = FastAPI(), APIRouter(dependencies=[Depends(STRONG)])

    @app.get("/a", dependencies=[Depends(BY_APP)])
    async def a() -> str:
        return "a"

    @app.get("/b")
    async def b(checked: None = Depends(nested)) -> str:
        return "b"

    @router.get("/c")
    async def c() -> str:
        return "c"

    app.include_router(router)
    assert found(app) == {STRONG.demand, BY_APP.demand, FRESH.demand}


def test_an_app_without_routes_tells_when_it_is_asked() -> None:
    """A demand of an app without routes is known from the first request on.

    There is nothing to read before. Routes that come later are read.
    """

    async def bare(scope: Any, receive: Any, send: Any) -> None:
        """Serve nothing, as any ASGI app may."""

    demands, later = EndpointDemands(), Starlette()
    demands.add_app(bare)
    demands.add_app(later)
    assert demands() == ()
    demands.note(FRESH.demand)
    assert demands() == (FRESH.demand,)
    later.add_route("/s", strong)
    assert set(demands()) == {FRESH.demand, STRONG.demand}
