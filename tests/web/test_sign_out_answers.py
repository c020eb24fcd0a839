"""Answers of a host to its sign-out, and what they end.

Any site can lead a browser to any address of the app. So only a request that signs somebody out ends what was proven for
that sign-in, and each host's real sign-out does.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.applications import Starlette
from starlette.middleware.httpsredirect import HTTPSRedirectMiddleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from mfa_gate import MFAGateMiddleware, Subject
from mfa_gate.identity import SessionUser
from tests.harness import PAGE, Browser, Headers, World, log_in, log_out, make_world, secret
from tests.pairs import in_turn

Handler = Callable[[Request], Awaitable[Response]]

HERE = ("host", "localhost:8000")
OWN: Headers = (*PAGE, HERE)
FOREIGN: Headers = (*PAGE[:3], ("sec-fetch-site", "cross-site"), HERE)
"""A browser that follows a link of another site, or is sent on by it."""
UNTOLD: Headers = (PAGE[0], HERE)
"""A browser that says nothing of the site it comes from."""
IDENTITY_PROVIDER = "https://idp.example/logout"


def host(*routes: Any, **more: Any) -> World:
    """Make a host with these routes for its sign-out."""
    own = [Route("/login", log_in, methods=["POST"]), Route("/records", secret), *routes]
    return make_world(app=Starlette(routes=own), **more)


def answering(status: int, location: str = "", *, signs_out: bool = True) -> Handler:
    """Make a handler with this answer. It signs out before, if it does at all."""

    async def answer(request: Request) -> Response:
        if signs_out:
            request.session.clear()
        return PlainTextResponse("", status, {"location": location} if location else None)

    return answer


async def button(request: Request) -> Response:
    """Show the host's own page with a button."""
    return HTMLResponse('<form method="post"><button>Sign out</button></form>')


async def proven(world: World) -> tuple[Browser, Browser]:
    """Prove for one sign-in alone.

    Returns its browser, and one that has a copy of all its cookies.
    """
    first = await world.enrolled()
    browser = await world.browser(sid="shared")
    assert (await browser.prove(first.secret, remember=False)).status == 200
    return browser, Browser(world, cookies=dict(browser.cookies))


async def ends(world: World, method: str, path: str, headers: Headers = OWN, **scope: Any) -> bool:
    """Send the request, and tell if it has ended what was proven for the sign-in."""
    browser, copy = await proven(world)
    await browser.ask(method, path, headers=headers, **scope)
    return not await copy.is_in()


# -- the sign-outs of hosts ---------------------------------------------------------------------------------------------

GET, POST, BOTH = ["GET"], ["POST"], ["GET", "POST"]
WHENCE = [pytest.param(OWN, id="own"), pytest.param(UNTOLD, id="untold"), pytest.param(FOREIGN, id="foreign")]
SIGN_OUTS = [
    pytest.param(GET, answering(200), "GET", id="a link, and a page that says goodbye"),
    pytest.param(GET, answering(307, "/login"), "GET", id="a link, and a redirect as FastAPI makes it"),
    pytest.param(GET, answering(302, "/"), "GET", id="a link, and a redirect to the home page"),
    pytest.param(GET, answering(303, "/login?next=/logout"), "GET", id="a link, and a redirect to the sign-in"),
    pytest.param(GET, answering(302, IDENTITY_PROVIDER), "GET", id="a link, and on to the identity provider"),
    pytest.param(GET, answering(302, "/logout?done=1"), "GET", id="a link, and on to the same page"),
    pytest.param(GET, answering(301, "/login"), "GET", id="a link, and a redirect for good"),
    pytest.param(GET, answering(401), "GET", id="a link, and a new question for the password"),
    pytest.param(BOTH, answering(200), "GET", id="link or form, by link"),
    pytest.param(BOTH, answering(200), "POST", id="link or form, by form"),
    pytest.param(POST, answering(200), "POST", id="a form, and a page that says goodbye"),
    pytest.param(POST, answering(204), "POST", id="a call of a script"),
    pytest.param(POST, answering(303, "/login"), "POST", id="a form, and a redirect"),
    pytest.param(POST, answering(307, "/login"), "POST", id="a form, and a redirect as FastAPI makes it"),
    pytest.param(POST, answering(303, "/logout"), "POST", id="a form, and a page at the same address"),
    pytest.param(["DELETE"], answering(204), "DELETE", id="a call that deletes the session"),
]


@pytest.mark.parametrize(("methods", "answer", "method", "headers"), in_turn(SIGN_OUTS, WHENCE))
async def test_a_sign_out_ends_what_was_bound_to_it(
    methods: list[str], answer: Handler, method: str, headers: Headers
) -> None:
    """A host's own sign-out ends the proofs, whoever has led there: the person is signed out."""
    assert await ends(host(Route("/logout", answer, methods=methods)), method, "/logout", headers)


@pytest.mark.parametrize("root", ["", "/app"])
@pytest.mark.parametrize("headers", [OWN, FOREIGN], ids=["own", "foreign"])
async def test_a_sign_out_with_a_slash(headers: Headers, root: str) -> None:
    """The router leads on to its own spelling, and that one signs out."""
    world = host(Route("/logout/", answering(307, "/login")))
    browser, copy = await proven(world)
    led = await browser.ask("GET", f"{root}/logout", headers=headers, root_path=root)
    assert led.status == 307
    assert led.location.endswith("/logout/")
    assert await copy.is_in()
    await browser.ask("GET", f"{root}/logout/", headers=headers, root_path=root)
    assert not await copy.is_in()


@pytest.mark.parametrize("headers", [OWN, FOREIGN], ids=["own", "foreign"])
async def test_a_button_of_the_hosts_own(headers: Headers) -> None:
    """A page with a button signs nobody out. The button does."""
    world = host(Route("/logout", button), Route("/logout", log_out, methods=POST))
    browser, copy = await proven(world)
    assert (await browser.ask("GET", "/logout", headers=headers)).status == 200
    assert await copy.is_in()
    assert (await browser.ask("POST", "/logout")).text == "signed out"
    assert not await copy.is_in()


@pytest.mark.parametrize("layer", ["session", "cookie"])
async def test_a_session_layer_inside_of_the_gate(layer: str) -> None:
    """The gate does not see such a session end. It sees that the answer drops the cookie."""

    async def drops(request: Request) -> Response:
        response = PlainTextResponse("signed out")
        response.delete_cookie("session")
        return response

    out = Route("/logout", log_out if layer == "session" else drops, methods=BOTH)
    inner = Starlette(routes=[Route("/login", log_in, methods=POST), out, Route("/records", secret)])
    identify = SessionUser("user_id", tenant="org", session="sid", secret_key="a test", max_age=None)
    world = make_world(identify=identify)
    world.app = MFAGateMiddleware(SessionMiddleware(inner, secret_key="a test"), gate=world.gate)
    assert await ends(world, "GET", "/logout", FOREIGN)


@pytest.mark.parametrize("fails", [False, True])
async def test_sessions_that_the_host_keeps_itself(fails: bool, caplog: pytest.LogCaptureFixture) -> None:
    """An ``identify`` that looks into the host's table of sessions is asked again.

    If it can no longer tell, the proofs end, and the log has the reason.
    """
    table = {"ann": "one"}

    async def identify(connection: HTTPConnection) -> Subject | None:
        if fails and not table:
            raise LookupError("no such session")
        name = connection.session.get("user_id")
        return Subject("ann", "alpha", session=table["ann"]) if name and table else None

    async def out(request: Request) -> Response:
        table.clear()
        return PlainTextResponse("signed out")

    world = host(Route("/logout", out, methods=BOTH), identify=identify)
    browser, copy = await proven(world)
    with caplog.at_level(logging.ERROR, "mfa_gate"):
        await browser.ask("GET", "/logout", headers=FOREIGN)
    table["ann"] = "one"
    assert not await copy.is_in()
    assert ("no such session" in caplog.text) is fails


@pytest.mark.parametrize("key", ["user_id", "sid", "org"])
async def test_a_sign_out_that_leaves_somebody_else(key: str) -> None:
    """A host may go on with a guest, or with a new session, after a sign-out."""

    async def swap(request: Request) -> Response:
        request.session[key] = "another"
        return PlainTextResponse("signed out")

    assert await ends(host(Route("/logout", swap)), "GET", "/logout", FOREIGN)


# -- what signs nobody out ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "status"), in_turn(["GET", "POST"], [400, 403, 404, 405, 409, 410, 415, 419, 422, 429])
)
async def test_a_refusal_signs_nobody_out(method: str, status: int) -> None:
    """4xx says that nothing was done, at any spelling."""
    refused = Route("/{name}", answering(status, signs_out=False), methods=BOTH)
    for path in ("/logout", "/LOGOUT"):
        assert not await ends(host(refused), method, path)


@pytest.mark.parametrize(("path", "headers"), in_turn(["/logout/", "/LOGOUT", "/Logout/", "/logout//"], WHENCE))
async def test_a_spelling_that_the_host_does_not_serve(path: str, headers: Headers) -> None:
    """A redirect to the right spelling, and a page that is not there, sign nobody out."""
    assert not await ends(host(Route("/logout", log_out, methods=BOTH)), "GET", path, headers)


@pytest.mark.parametrize("path", ["/logout/", "/LOGOUT"])
@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("status", [301, 307, 308])
async def test_a_move_from_another_spelling(path: str, method: str, status: int) -> None:
    """A move signs out at the page itself, and nowhere else.

    An app may lead each unknown path to its home.
    """
    moved = Route("/{name:path}", answering(status, "/", signs_out=False), methods=BOTH)
    assert not await ends(host(moved), method, path)


@pytest.mark.parametrize(
    ("status", "location"),
    in_turn(
        [301, 302, 303, 307, 308],
        [
            *("/logout/", "/LOGOUT", "logout/", "/logout?lang=de", "?lang=de", "//localhost/logout", "/%6cogout"),
            *("http://localhost:8000/logout/", "https://localhost/logout", "https://LOCALHOST/logout#top"),
        ],
    ),
)
async def test_a_redirect_to_the_same_page(status: int, location: str) -> None:
    """Nobody is signed out before the page itself answers."""
    led = Route("/logout", answering(status, location, signs_out=False))
    assert not await ends(host(led), "GET", "/logout")


@pytest.mark.parametrize(
    "location",
    ["", "/", "/bye", "/logout/bye", "/logouts", IDENTITY_PROVIDER, "http://[", "\xff", "/login?next=/logout"],
)
async def test_any_other_redirect_is_a_sign_out(location: str) -> None:
    """In doubt the proofs end: the host may keep its session where nobody sees it."""
    led = Route("/logout", answering(302, location, signs_out=False))
    assert await ends(host(led), "GET", "/logout")


@pytest.mark.parametrize("headers", [OWN, FOREIGN], ids=["own", "foreign"])
@pytest.mark.parametrize("status", [200, 204, 303, 307])
async def test_a_form_that_the_host_takes_is_a_sign_out(status: int, headers: Headers) -> None:
    """In doubt the proofs end.

    A host that takes a form of another site has signed out as well.
    """
    taken = answering(status, "/login" if status > 300 else "", signs_out=False)
    assert await ends(host(Route("/logout", taken, methods=POST)), "POST", "/logout", headers)


@pytest.mark.parametrize("root", ["/app", "/a/b"])
async def test_below_a_root(root: str) -> None:
    """The router's own redirect is known below a root as well."""
    world = host(Route("/logout/", log_out))
    assert not await ends(world, "GET", f"{root}/logout", FOREIGN, root_path=root)


async def test_https_asked_for_inside_of_the_gate() -> None:
    """A layer that leads to https has signed nobody out."""
    app = Starlette(routes=[Route("/logout", log_out)])
    inner = HTTPSRedirectMiddleware(app)
    records = Starlette(routes=[Route("/login", log_in, methods=POST), Route("/records", secret)])

    async def either(scope: Any, receive: Any, send: Any) -> None:
        await (inner if scope.get("path") == "/logout" else records)(scope, receive, send)

    world = host()
    world.app = SessionMiddleware(MFAGateMiddleware(either, gate=world.gate), secret_key="a test")
    assert not await ends(world, "GET", "/logout")


@pytest.mark.parametrize("path", ["/logout", "/LOGOUT", "/logout/"])
async def test_an_app_that_shows_its_first_page_everywhere(path: str) -> None:
    """A single-page app answers each address with 200.

    So another site's link to any of them signs nobody out.
    """
    index = Route("/{name:path}", button)
    call_of_the_script = Route("/logout", log_out, methods=POST)
    world = host(call_of_the_script, index)
    browser, copy = await proven(world)
    assert (await browser.ask("GET", path, headers=FOREIGN)).status == 200
    assert await copy.is_in()
    assert (await browser.ask("POST", "/logout")).text == "signed out"
    assert not await copy.is_in()


async def test_a_page_whose_button_leads_elsewhere() -> None:
    """Another site's link to the host's page with a button signs nobody out.

    A person's own click ends the proofs. The gate does not see the button's target: in doubt the proofs end.
    """
    world = host(Route("/logout", button))
    assert not await ends(world, "GET", "/logout", FOREIGN)
    assert await ends(host(Route("/logout", button)), "GET", "/logout", OWN)


@pytest.mark.parametrize("status", [200, 302, 303, 401])
async def test_an_app_that_knows_each_address(status: int) -> None:
    """Another site's link to a spelling signs nobody out, whatever the app answers there."""
    answer = Route("/{name}", answering(status, "/" if status in (302, 303) else "", signs_out=False))
    assert not await ends(host(answer), "GET", "/LOGOUT", FOREIGN)


@pytest.mark.parametrize("path", ["/logout", "/LOGOUT"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_fault_of_the_app_on_a_link_of_another_site(path: str, method: str) -> None:
    """Another site's request that only breaks something ends nothing."""

    async def breaks(request: Request) -> Response:
        raise OSError("gone")

    world = host(Route("/{name}", breaks, methods=BOTH))
    browser, copy = await proven(world)
    with pytest.raises(OSError, match="gone"):
        await browser.ask(method, path, headers=FOREIGN)
    assert await copy.is_in()


async def test_a_fault_of_the_app_on_its_own_button() -> None:
    """In doubt the proofs end: the host may have signed out before it broke."""

    async def breaks(scope: Any, receive: Any, send: Any) -> None:
        raise OSError("gone")

    records = Starlette(routes=[Route("/login", log_in, methods=POST), Route("/records", secret)])

    async def either(scope: Any, receive: Any, send: Any) -> None:
        await (breaks if scope.get("path") == "/logout" else records)(scope, receive, send)

    world = host()
    world.app = SessionMiddleware(MFAGateMiddleware(either, gate=world.gate), secret_key="a test")
    browser, copy = await proven(world)
    with pytest.raises(OSError, match="gone"):
        await browser.ask("POST", "/logout")
    assert not await copy.is_in()


@pytest.mark.parametrize(("method", "path"), [("GET", "/LOGOUT"), ("HEAD", "/logout")])
async def test_another_request_makes_no_button(method: str, path: str) -> None:
    """A 405 of another page says nothing of the sign-out, whose link works.

    Nor does HEAD, which FastAPI refuses.
    """
    app = FastAPI()
    app.get("/logout")(lambda: "signed out")
    app.add_route("/LOGOUT", log_out, methods=POST)
    app.add_route("/login", log_in, methods=POST)
    app.add_route("/records", secret)
    world = make_world(app=app)
    browser, copy = await proven(world)
    assert (await browser.ask(method, path, headers=FOREIGN)).status == 405
    assert await copy.is_in()
    assert not world.gate.web.site.sign_out_form.posts


async def test_headers_that_can_be_read_once_reach_the_client() -> None:
    """An app may give its headers as an iterator."""

    records = Starlette(routes=[Route("/login", log_in, methods=POST), Route("/records", secret)])

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope.get("path") != "/logout":
            await records(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 204, "headers": iter([(b"x-app", b"yes")])})
        await send({"type": "http.response.body", "body": b""})

    world = host()
    world.app = SessionMiddleware(MFAGateMiddleware(app, gate=world.gate), secret_key="a test")
    browser, copy = await proven(world)
    assert (await browser.ask("POST", "/logout")).header("x-app") == "yes"
    assert not await copy.is_in()
