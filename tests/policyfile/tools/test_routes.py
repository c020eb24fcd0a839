"""Real routes of real apps under a policy."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import APIRouter, FastAPI
from starlette.applications import Starlette
from starlette.endpoints import HTTPEndpoint
from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import PlainTextResponse
from starlette.routing import Host, Mount, Route, Router, WebSocketRoute

from mfa_gate.policyfile.tools.routes import idle_rules, leaf_for, leaves_of, owner_of_routes, rows_for

from ..kinds import policy


async def page(_request: Any) -> PlainTextResponse:
    return PlainTextResponse("")


class Endpoint(HTTPEndpoint):
    """Answers every method itself."""


async def raw(_scope: Any, _receive: Any, _send: Any) -> None: ...


STARLETTE = Starlette(
    routes=[
        Route("/", page),
        Route("/healthz", page),
        Route("/charts/{id:int}", page, methods=["GET", "POST"]),
        Route("/class", Endpoint),
        WebSocketRoute("/ws", raw),
        Mount("/portal", routes=[Route("/", page), Route("/files/{path:path}", page)]),
        Mount("/static", app=raw),
        Host("api.example", app=Router([Route("/v/{when:float}", page)])),
    ]
)


class Around:
    """A plain ASGI middleware, as the gate itself is."""

    def __init__(self, app: Any) -> None:
        self.app = app


def exempt(name: str, path: str) -> str:
    return f"[[exempt]]\nname = '{name}'\npaths = ['{path}']\nreason = 'x'\npermanent = true\n"


def step_up(name: str, path: str, more: str = "") -> str:
    return f"[[step_up]]\nname = '{name}'\npaths = ['{path}']\nmax_age = '5m'\n{more}\n"


def outcomes(app: Any, text: str, groups: frozenset[str] = frozenset()) -> dict[str, tuple[str, ...]]:
    rows = rows_for(policy(text), leaves_of(app), tenant="t", groups=groups, now=0)
    return {
        f"{row.method} {row.template}": (row.outcome, *row.rules, *(f"~{name}" for name in row.partly)) for row in rows
    }


def test_every_route_of_a_starlette_app() -> None:
    """Routes, mounts, websockets, hosts and mounted apps are listed with the demand on each."""
    text = (
        exempt("health", "=/healthz")
        + exempt("portal", "/portal/**")
        + step_up("edit", "/charts/**", "methods = ['POST']")
    )
    found = outcomes(STARLETTE, text)
    assert found["GET /"] == ("guarded", "freshness")
    assert found["GET /healthz"] == ("exempt", "health")
    assert found["GET /charts/{id:int}"] == ("guarded", "freshness")
    assert found["POST /charts/{id:int}"] == ("guarded", "freshness", "edit")
    assert found["DELETE /class"] == ("guarded", "freshness")
    assert found["WEBSOCKET /ws"] == ("guarded", "freshness")
    assert found["GET /portal/"] == ("exempt", "portal")
    assert found["GET /portal/files/{path:path}"] == ("exempt", "portal")
    assert found["POST /static/{anything}"] == ("guarded", "freshness")
    assert found["GET /v/{when:float}"] == ("guarded", "freshness")


def test_a_fastapi_app_has_its_prefixes() -> None:
    """Routers inside of routers are listed with the whole path that they answer."""
    inner, outer, app = APIRouter(prefix="/api"), APIRouter(), FastAPI()
    inner.add_api_route("/things/{thing}", page, methods=["PUT"])
    outer.include_router(inner)
    app.include_router(outer, prefix="/v1")
    found = outcomes(Around(app), exempt("docs", "=/docs") + step_up("things", "/v1/api/**"))
    assert found["PUT /v1/api/things/{thing}"] == ("guarded", "freshness", "things")
    assert found["GET /docs"] == ("exempt", "docs")


def test_a_mounted_app_behind_middleware_is_listed() -> None:
    """Each address of a mounted app behind middleware is listed, with the mount's prefix.

    The mount as a whole is not listed.
    """
    inner = Starlette(routes=[Route("/files/{path:path}", page), Route("/", page)])
    app = Starlette(
        routes=[
            Mount("/in", GZipMiddleware(GZipMiddleware(inner))),
            Mount("/static", GZipMiddleware(raw)),
            Mount("/no", Starlette()),
        ]
    )
    found = outcomes(app, exempt("files", "/in/files/**"))
    assert found["GET /in/files/{path:path}"] == ("exempt", "files")
    assert found["GET /in/"] == ("guarded", "freshness")
    assert sorted(name for name in found if "{anything}" in name) == [
        "GET /no/{anything}",
        "GET /static/{anything}",
        "POST /no/{anything}",
        "POST /static/{anything}",
    ]


class Endpoints:
    """An app that is the endpoint of a route, and has routes of the whole path."""

    def __init__(self, routes: list[Any]) -> None:
        self.routes = routes

    async def __call__(self, _scope: Any, _receive: Any, _send: Any) -> None: ...


def test_an_app_that_is_an_endpoint() -> None:
    """Of its routes, those are listed that lie below the route's own path, or hold it."""
    inner = Endpoints([Route("/in/{n:int}", page), Route("/in/x/y", page), Route("/out", page), Mount("/in/m", raw)])
    found = {leaf.template for leaf in leaves_of(Starlette(routes=[Route("/in/{rest}", inner)]))}
    assert found == {"/in/{n:int}", "/in/{rest}"}
    found = {leaf.template for leaf in leaves_of(Starlette(routes=[Route("/in/{rest:path}", inner)]))}
    assert found == {"/in/{n:int}", "/in/x/y", "/in/m/{anything}", "/in/{rest:path}"}


def around(app: Any, times: int) -> Any:
    """The app below so many layers of middleware."""
    for _ in range(times):
        app = Around(app)
    return app


def test_the_part_that_has_the_routes() -> None:
    """The first part with routes; of parts with an empty list, the last one."""

    class Listed(Around):
        routes: tuple[Any, ...] = ()

    inner = Starlette(routes=[Route("/x", page)])
    outer = Starlette(routes=[Route("/y", page)])
    outer.app = inner  # type: ignore[attr-defined]
    assert owner_of_routes(around(inner, 3)) is inner
    assert owner_of_routes(Listed(around(inner, 2))) is inner
    assert owner_of_routes(Around(outer)) is outer
    empty = Listed(around(raw, 2))
    assert owner_of_routes(Listed(empty)) is empty
    assert owner_of_routes(around(raw, 3)) is None


@pytest.mark.parametrize(("layers", "found"), [(19, True), (20, False)])
def test_a_chain_of_middleware_has_an_end(layers: int, found: bool) -> None:
    """Twenty parts are looked at: a part that names itself as its app is no trap."""
    assert (owner_of_routes(around(STARLETTE, layers)) is STARLETTE) is found
    endless = Around(None)
    endless.app = endless
    assert owner_of_routes(endless) is None


@pytest.mark.parametrize(("mounts", "found"), [(20, True), (21, False)])
def test_mounts_in_mounts_have_an_end(mounts: int, found: bool) -> None:
    """Twenty are opened, and the last one stands for all below it."""
    routes: list[Any] = [Route("/x", page)]
    for _ in range(mounts):
        routes = [Mount("/m", routes=routes)]
    (leaf,) = leaves_of(Starlette(routes=routes))
    assert leaf.template == ("/m" * 20 + "/x" if found else "/m" * 21 + "/{anything}")


def test_an_app_without_any_route_yet_is_an_empty_list() -> None:
    """It can be listed: there is nothing in it."""
    assert leaves_of(Around(Starlette())) == ()


def test_a_rule_that_covers_a_part_is_told() -> None:
    """An exemption of one path of a route with parameters does not exempt the route.

    It is shown.
    """
    found = outcomes(STARLETTE, exempt("one", "=/portal/files/public.txt") + step_up("two", "=/charts/7"))
    assert found["GET /portal/files/{path:path}"] == ("guarded", "freshness", "~one")
    assert found["POST /charts/{id:int}"] == ("guarded", "freshness", "~two")


def test_groups_count() -> None:
    """The demand on a person in a group is shown for that group."""
    text = step_up("edit", "/charts/**", "groups_any = ['editor']")
    assert outcomes(STARLETTE, text, frozenset({"editor"}))["GET /charts/{id:int}"][-1] == "edit"
    assert outcomes(STARLETTE, text)["GET /charts/{id:int}"] == ("guarded", "freshness", "~edit")


@pytest.mark.parametrize(
    ("text", "idle"),
    [
        (exempt("a", "=/healthz"), ()),
        (exempt("a", "=/health"), ("exempt.a",)),
        (exempt("a", "=/healthz/"), ("exempt.a",)),
        (exempt("a", "/static/**"), ()),
        (exempt("a", "=/static/logo.png"), ()),
        (exempt("a", "/statics/**"), ("exempt.a",)),
        (exempt("a", "=/charts/seven"), ("exempt.a",)),
        (step_up("a", "/portal/files/secret/**"), ()),
        (step_up("a", "/charts/**", "methods = ['DELETE']"), ("step_up.a",)),
        (step_up("a", "=/ws"), ()),
        ("[tenants.t]\n" + exempt("a", "=/nowhere").replace("[[exempt", "[[tenants.t.exempt"), ("tenants.t.exempt.a",)),
        (exempt("a", "=/nowhere") + "[tenants.t]\n", ("exempt.a",)),
    ],
)
def test_a_rule_that_matches_nothing_is_flagged(text: str, idle: tuple[str, ...]) -> None:
    """P-5: a rule without a route is most often a slip of the pen."""
    assert idle_rules(policy(text), leaves_of(STARLETTE)) == idle


def test_an_app_without_routes_is_refused() -> None:
    """An app that cannot be listed is refused, not guessed."""
    with pytest.raises(ValueError, match="no routes"):
        leaves_of(raw)


def test_the_hosts_sign_out_is_shown() -> None:
    """The gate lets the sign-out pass, so it does not read as guarded."""
    app = Starlette(routes=[Route("/logout", page, methods=["GET", "POST", "DELETE"]), Route("/x", page)])
    rows = rows_for(policy(""), leaves_of(app), tenant="t", groups=frozenset(), now=0, sign_out="/logout")
    found = {f"{row.method} {row.template}": row.outcome for row in rows}
    assert found["POST /logout"] == found["GET /logout"] == "sign-out"
    assert found["DELETE /logout"] == found["GET /x"] == "guarded"


def test_demands_of_file_and_code_that_nobody_meets() -> None:
    """A rule by app and an endpoint by mail exclude each other.

    The host's own sign-out is shown as what it is.
    """
    from mfa_gate import require_proof

    app = Starlette(
        routes=[
            Route("/pay/x", require_proof(factors=["email"])(page)),
            Route("/mail", require_proof(factors=["email"])(page)),
            Route("/pay/bye", page, methods=["GET", "DELETE"]),
        ]
    )
    file = policy("[factors]\nallowed = ['totp', 'email']\n" + step_up("pay", "/pay/**", "factors_any = ['totp']"))
    found = rows_for(file, leaves_of(app), tenant="default", groups=frozenset(), now=0, sign_out="/pay/bye")
    ends = {f"{row.method} {row.template}": (row.outcome, row.dead_end) for row in found}
    assert ends["GET /pay/x"] == ("guarded", "freshness + pay + require_proof")
    assert ends["GET /mail"] == ("guarded", "")
    assert ends["GET /pay/bye"] == ("sign-out", "")
    assert ends["DELETE /pay/bye"] == ("guarded", "")


def test_the_leaf_that_answers() -> None:
    """The first route that takes the method at the path.

    HEAD is answered as GET, and a write only where it is taken.
    """
    leaves = [*leaves_of(STARLETTE)]

    def answering(method: str, path: str) -> str | None:
        leaf = leaf_for(leaves, method, path)
        return None if leaf is None else leaf.template

    assert answering("GET", "/healthz") == answering("HEAD", "/healthz") == "/healthz"
    assert answering("POST", "/healthz") is None
    assert answering("POST", "/charts/7") == "/charts/{id:int}"
    assert answering("GET", "/charts/seven") is None
    assert answering("GET", "/portal/files/a/b") == "/portal/files/{path:path}"
    assert answering("WEBSOCKET", "/ws") == "/ws"
    assert answering("GET", "/ws") is None


def test_a_route_of_an_unknown_kind_covers_what_lies_below_it() -> None:
    """It may answer anything there, so it counts as a mounted app."""

    class Odd:
        path = "/odd"

    class App:
        routes = (Odd(),)

    assert [leaf.methods for leaf in leaves_of(App())] == [("GET", "POST")]


def test_rows_are_those_of_a_tenant_that_is_turned_on() -> None:
    """The list shows the demands after administrators have turned it on."""
    assert outcomes(STARLETTE, "[enrollment]\nstage = 'admin'\n")["GET /"] == ("guarded", "freshness")
