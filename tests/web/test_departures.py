"""The app's redirects to other origins, right after a form of ours."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Mount, Route

from mfa_gate.web.departures import elsewhere
from tests.harness import FETCH, ORIGIN, PAGE, Browser, Reply, make_world, routes, running

BANK = "https://bank.example/pay?amount=1&x='2'#go"
SITELESS = [item for item in PAGE if item[0] != "sec-fetch-site"]


async def lead(request: Request) -> Response:
    """Answer with the status and the address that the query names."""
    given = request.query_params
    headers = [(b"location", given["to"].encode("latin-1")), (b"set-cookie", b"order=7; Path=/"), (b"x-more", b"1")]
    answer = Response("moved", int(given.get("status", "302")))
    answer.raw_headers += [(name.title() if "upper" in given else name, value) for name, value in headers]
    return answer


@pytest.fixture
async def ann() -> AsyncIterator[Browser]:
    """A browser with a proof."""
    app = Starlette(routes=[Route("/pay", lead, methods=["GET", "POST"]), Route("/open/pay", lead), *routes()])
    async with running(make_world(app=app)) as world:
        yield await world.enrolled()


async def go(ann: Browser, to: str = BANK, *, more: str = "", path: str = "/pay", **asked: Any) -> Reply:
    """Load the page that leads on, as a browser does after a form of ours."""
    headers = asked.pop("headers", [*PAGE, ("referer", asked.pop("referer", f"{ORIGIN}/mfa/challenge"))])
    return await ann.ask(asked.pop("method", "GET"), f"{path}?to={quote(to)}{more}", headers=headers, **asked)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("upper", ["", "&upper=1"])
async def test_a_page_of_ours_leads_to_another_origin(ann: Browser, status: int, upper: str) -> None:
    """By itself and by a link, with the cookies of the app's answer and nothing else of it."""
    reply = await go(ann, more=f"&status={status}{upper}")
    assert reply.status == 200
    assert reply.header("refresh") == f"0;url={BANK}"
    assert 'href="https://bank.example/pay?amount=1&amp;x=&#39;2&#39;#go"' in reply.text
    assert "You’re confirmed" in reply.text
    assert reply.cookies["order"] == "7"
    assert not reply.location
    assert not reply.header("x-more")
    assert "no-store" in reply.header("cache-control")
    assert "form-action 'self'" in reply.header("content-security-policy")
    assert reply.body.endswith(b"</html>")


@pytest.mark.parametrize("referer", ["/mfa", "/mfa?lang=de", "/mfa/~x/challenge/a1", "/mfa/enroll/done"])
async def test_after_each_page_of_ours(ann: Browser, referer: str) -> None:
    """All of them hold their forms to this site."""
    assert (await go(ann, referer=ORIGIN + referer)).status == 200


@pytest.mark.parametrize(
    "headers",
    [
        PAGE,
        [*PAGE, ("referer", f"{ORIGIN}/records")],
        [*PAGE, ("referer", f"{ORIGIN}/mfable")],
        [*SITELESS, ("referer", "https://evil.example/mfa/challenge")],
        [*SITELESS, ("sec-fetch-site", "cross-site"), ("referer", f"{ORIGIN}/mfa/challenge")],
        [*FETCH, ("referer", f"{ORIGIN}/mfa/challenge")],
    ],
    ids=["no page", "the app's page", "another path", "another site", "from another site", "a script"],
)
async def test_all_other_requests_get_the_apps_own_answer(ann: Browser, headers: Any) -> None:
    """No other navigation is held to our pages' rules."""
    reply = await go(ann, headers=headers)
    assert (reply.status, reply.location, reply.body) == (302, BANK, b"moved")


async def test_a_post_keeps_the_apps_answer(ann: Browser) -> None:
    """A link could not send the body on."""
    reply = await go(ann, method="POST")
    assert (reply.status, reply.location) == (302, BANK)


async def test_an_exempt_page_keeps_its_answer(ann: Browser) -> None:
    """The page of a sign-out, for example: nobody is confirmed there."""
    reply = await go(ann, path="/open/pay")
    assert (reply.status, reply.location) == (302, BANK)


@pytest.mark.parametrize("place", ["/records", f"{ORIGIN}/records"])
async def test_a_place_on_this_site_is_led_to_by_the_app(ann: Browser, place: str) -> None:
    """The next step of the same way may lead elsewhere, and is looked at then."""
    reply = await go(ann, place)
    assert (reply.status, reply.location) == (302, place)


async def test_below_a_sub_path(ann: Browser) -> None:
    """Our pages have the app's root before them."""
    path = "/app/pay"
    assert (await go(ann, path=path, root_path="/app", referer=f"{ORIGIN}/app/mfa/challenge")).status == 200
    assert (await go(ann, path=path, root_path="/app", referer=f"{ORIGIN}/mfa/challenge")).status == 302


async def test_the_whole_way_after_a_right_code() -> None:
    """The form leaves by 303 to the wanted page, which then leads on by a page of ours."""
    app = Starlette(routes=[Route("/pay", lambda request: RedirectResponse(BANK)), *routes()])
    async with running(make_world(app=app)) as world:
        ann = await world.enrolled()
        world.clock.advance(8 * 86_400)
        assert (await ann.page("/pay")).location == "/mfa/challenge"
        form = f"/mfa/challenge/{await ann.authenticator('totp')}"
        done = await ann.form(form, {"code": ann.totp()})
        assert (done.status, done.location) == (303, "/pay#")
        assert (await ann.page("/pay", headers=[*PAGE, ("referer", ORIGIN + form)])).header("refresh")


async def test_a_long_answer_of_the_app_is_dropped() -> None:
    """Only the page leaves, whole, and the app runs to its end."""
    ended: list[bool] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 302, "headers": [(b"location", BANK.encode())]})
        for _ in range(3):
            await send({"type": "http.response.body", "body": b"moved", "more_body": True})
        await send({"type": "http.response.body"})
        ended.append(True)

    async with running(make_world(app=Starlette(routes=[Mount("/long", app), *routes()]))) as world:
        reply = await go(await world.enrolled(), path="/long/")
    assert reply.status == 200
    assert b"moved" not in reply.body
    assert ended == [True]


@pytest.mark.parametrize(
    ("location", "to"),
    [
        ("https://bank.example", "https://bank.example"),
        ("http://app.example/x", "http://app.example/x"),
        ("https://app.example:8443/", "https://app.example:8443/"),
        ("https://app.example.evil/", "https://app.example.evil/"),
        ("https://app.example@bank.example/", "https://app.example@bank.example/"),
        ("//bank.example/x", "https://bank.example/x"),
        ("/\\bank.example", "https:/\\bank.example"),
        ("\\\\bank.example", "https:\\\\bank.example"),
        (" \thttps://bank.example/a b\t", "https://bank.example/a%20b"),
        ("ht\ntps://bank.example", "https://bank.example"),
        ("HTTPS://bank.example", "HTTPS://bank.example"),
        ("http:x", "http:x"),
        ("https:/\\bank.example", "https:/\\bank.example"),
        ("https://bank.example/ä".encode(), "https://bank.example/%C3%A4"),
        ("com.example.app:/back?code=1", "com.example.app:/back?code=1"),
        ("mailto:ann@example.org", "mailto:ann@example.org"),
        ("https://app.example/x", ""),
        ("https://app.example", ""),
        ("HTTPS://APP.EXAMPLE:443/x", ""),
        ("https://ann:x@app.example/x", ""),
        ("//app.example/x", ""),
        ("https:x", ""),
        ("https:/x", ""),
        ("/x", ""),
        ("x/y?z=https://bank.example", ""),
        ("?x", ""),
        ("", ""),
        ("javascript:alert(1)", ""),
        (" java\nscript:alert(1)", ""),
        ("DATA:text/html,x", ""),
        ("blob:https://bank.example/1", ""),
        ("https://bank.example/" + "x" * 8192, ""),
    ],
)
def test_another_origin(location: str | bytes, to: str) -> None:
    """An address is read as browsers read it; none that runs a script is led to."""
    given = location.encode() if isinstance(location, str) else location
    assert elsewhere(given, "https://app.example") == to


@pytest.mark.parametrize(
    ("location", "is_same"),
    [
        ("http://localhost:8000/x", True),
        ("http://localhost/x", False),
        ("https://localhost:8000/x", False),
        ("//localhost:8000/x", True),
        ("//127.0.0.1:8000/x", False),
    ],
)
def test_another_port_is_another_origin(location: str, is_same: bool) -> None:
    """An origin is scheme, host and port."""
    assert (elsewhere(location.encode(), "http://localhost:8000") == "") is is_same
