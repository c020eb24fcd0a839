"""The table of callers: the caller decides the form of the answer, never the decision.

It is tried in process and over a real server.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.middleware.cors import CORSMiddleware
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from mfa_gate.web.scope import caller_kind, kept_query
from tests.harness import World, call, http_scope, make_world, routes, socket_scope
from tests.web.serving import served

NAVIGATE = {"accept": "text/html", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
JSON = {"accept": "application/json"}
SCRIPT = {"sec-fetch-mode": "cors", "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin"}
HTML = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
TURBO = "text/html, application/xhtml+xml"

CALLERS: tuple[tuple[str, dict[str, str], int], ...] = (
    ("a page load", NAVIGATE, 303),
    ("an old browser's page load", {"accept": "text/html,*/*;q=0.8"}, 303),
    ("fetch with cookies", {**JSON, "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, 403),
    ("something that says nothing", {}, 403),
    ("bearer", {"authorization": "Bearer abc"}, 401),
    ("basic", {"authorization": "Basic dTpw"}, 403),
    ("htmx", {"hx-request": "true", "sec-fetch-mode": "cors", "sec-fetch-dest": "empty"}, 403),
    ("a frame", {**NAVIGATE, "sec-fetch-dest": "iframe"}, 403),
    ("a page load through a service worker", {**NAVIGATE, "sec-fetch-dest": "empty"}, 303),
    ("a Turbo frame", {**SCRIPT, "accept": TURBO, "turbo-frame": "edit"}, 403),
    ("a Turbo visit", {**SCRIPT, "accept": TURBO, "x-turbo-request-id": "1"}, 403),
    ("an image", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}, 403),
    ("a script", {"sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"}, 403),
    ("a prefetch", {**NAVIGATE, "sec-purpose": "prefetch;prerender"}, 403),
)


OLD_BROWSER = {"accept": "text/html,*/*;q=0.8", "upgrade-insecure-requests": "1"}


@pytest.mark.parametrize(
    ("headers", "kind"),
    [
        ({**NAVIGATE, "authorization": "Bearer abc"}, "page"),
        (
            {**NAVIGATE, "authorization": "Bearer abc", "hx-request": "true", "x-requested-with": "XMLHttpRequest"},
            "page",
        ),
        ({**NAVIGATE, "accept": "*/*", "authorization": "Basic dTpw"}, "page"),
        ({**OLD_BROWSER, "authorization": "Bearer abc"}, "page"),
        ({"accept": "text/html", "authorization": "Bearer abc"}, "bearer"),
        ({"sec-fetch-mode": "cors", "authorization": "Bearer abc"}, "bearer"),
        ({**NAVIGATE, "sec-fetch-dest": "iframe", "authorization": "Bearer abc"}, "bearer"),
        ({**NAVIGATE, "sec-fetch-dest": "embed"}, "frame"),
        ({**NAVIGATE, "sec-fetch-dest": "object"}, "frame"),
        ({**NAVIGATE, "sec-purpose": "prefetch", "authorization": "Bearer abc"}, "prefetch"),
        ({"authorization": "Bearer\tabc"}, "bearer"),
        ({"authorization": "bearer"}, "bearer"),
        ({"authorization": "Basic dTpw, Bearer abc"}, "bearer"),
        ({"authorization": "Basic dTpw"}, "fetch"),
        # Through a service worker: fetch(event.request), fetch(new Request(event.request, …)), and one with its headers.
        ({**NAVIGATE, "sec-fetch-dest": "empty", "sec-fetch-site": "same-origin"}, "page"),
        ({**NAVIGATE, "sec-fetch-dest": "empty", "authorization": "Bearer abc"}, "page"),
        ({**SCRIPT, "accept": HTML, "sec-fetch-mode": "same-origin"}, "page"),
        ({**SCRIPT, "accept": HTML}, "page"),
        ({**SCRIPT, "accept": HTML, "sec-fetch-site": "same-site"}, "fetch"),
        ({**SCRIPT, "accept": "application/json, text/html"}, "fetch"),
        ({**SCRIPT, "accept": "*/*"}, "fetch"),
        ({**SCRIPT, "accept": "text/html, */*; q=0.01", "x-requested-with": "XMLHttpRequest"}, "fetch"),
        ({**SCRIPT, "accept": HTML, "x-up-version": "3.9.0"}, "fetch"),
        ({**SCRIPT, "accept": HTML, "authorization": "Bearer abc"}, "bearer"),
        ({**SCRIPT, "accept": HTML, "sec-fetch-dest": "image"}, "subresource"),
        ({**SCRIPT, "accept": TURBO, "turbo-frame": "edit"}, "turbo"),
        ({**SCRIPT, "accept": TURBO, "x-turbo-request-id": "1"}, "turbo"),
        ({**SCRIPT, "accept": f"text/vnd.turbo-stream.html, {TURBO}"}, "turbo"),
        ({**SCRIPT, "accept": TURBO, "x-turbo-request-id": "1", "x-sec-purpose": "prefetch"}, "prefetch"),
        ({**SCRIPT, "accept": TURBO, "turbo-frame": "edit", "authorization": "Bearer abc"}, "turbo"),
        ({**NAVIGATE, "turbo-frame": "edit"}, "page"),
        # Without fetch metadata the preferred form decides, in any case of its letters; HTML where both are liked alike.
        ({"accept": "application/json, text/html;q=0.5"}, "fetch"),
        ({"accept": "text/html; charset=utf-8; Q=0.5, application/problem+json;q=0.9"}, "fetch"),
        ({"accept": "text/html;q=0, */*"}, "fetch"),
        ({"accept": "application/json;q=0.5, text/html"}, "page"),
        ({"accept": "application/json, text/html"}, "page"),
        ({"accept": "text/xml, image/png, text/html;q=0.9, */*;q=0.5"}, "page"),
        ({"accept": "Text/HTML"}, "page"),
        ({"accept": "text/html;q=much"}, "page"),
        ({"accept": "text/html;q=0.5, application/json", "upgrade-insecure-requests": "1"}, "fetch"),
    ],
    ids=str,
)
def test_who_is_calling(headers: dict[str, str], kind: str) -> None:
    """A navigation to a document is a page load, and a token in any form is a token.

    Other headers of the navigation do not matter. Decision 59.
    """
    assert caller_kind(http_scope("GET", "/", headers=headers.items())) == kind


@pytest.mark.parametrize("order", [1, -1])
def test_two_headers_are_one_list(order: int) -> None:
    """``Accept`` may come in several lines (RFC 9110, 5.2), whatever their order."""
    both = [("accept", "text/html"), ("accept", "application/json;q=0.5")][::order]
    assert caller_kind(http_scope("GET", "/", headers=both)) == "page"


def check(name: str, status: int, headers: dict[str, str], body: bytes) -> None:
    """Assert that the answer has the parts that this caller needs."""
    assert "no-store" in headers["cache-control"], name
    match name:
        case "a page load" | "an old browser's page load" | "a page load through a service worker":
            assert headers["location"] == "/mfa/challenge"
            assert not body
        case "bearer":
            told = headers["www-authenticate"]
            assert told.startswith('Bearer error="insufficient_user_authentication"')
            assert 'max_age="604800"' in told
            assert "acr_values=" in told
            assert json.loads(body)["max_age"] == 604_800
        case "htmx":
            assert headers["hx-redirect"] == "/mfa/challenge"
        case "a frame":
            # Decision 57: browsers show it, since nothing forbids to frame it; it has a link and nothing else.
            assert b'target="_top"' in body
            assert "frame-ancestors" not in headers["content-security-policy"]
            assert "default-src 'none'" in headers["content-security-policy"]
            assert "x-frame-options" not in headers
            assert body.count(b"<a ") == 1
            assert b"<form" not in body
            assert b"<script" not in body
            # Starlette before 1.0 sends the host's own session with every answer.
            assert headers.get("set-cookie", "session=").startswith("session=")
        case "a Turbo frame" | "a Turbo visit":
            assert b'<meta name="turbo-visit-control" content="reload">' in body
            assert headers["content-type"].startswith("text/html")
        case "an image" | "a script" | "a prefetch":
            assert not body
        case _:
            problem = json.loads(body)
            assert headers["content-type"] == "application/problem+json"
            assert (problem["reason"], problem["challenge_url"]) == ("proof_required", "/mfa/challenge")
            assert (problem["status"], problem["type"]) == (status, "urn:mfa-gate:proof_required")
            assert "www-authenticate" not in headers


async def owing() -> tuple[World, dict[str, str]]:
    """Make a world in which Ann has a factor.

    Returns it, and the cookies of another browser of hers, which owes a proof.
    """
    world = make_world()
    await world.enrolled()
    browser = await world.browser()
    world.email.messages.clear()
    return world, dict(browser.cookies)


def cookie_of(jar: dict[str, str]) -> str:
    """The jar as a header."""
    return "; ".join(f"{name}={value}" for name, value in jar.items())


@pytest.mark.parametrize(("name", "headers", "status"), CALLERS, ids=[row[0] for row in CALLERS])
async def test_in_process(name: str, headers: dict[str, str], status: int) -> None:
    """Each caller gets the answer of its row.

    The app is not reached, and nothing is sent or counted. Requirement S-17.
    """
    world, jar = await owing()
    before = await world.account()
    scope = http_scope("GET", "/records", headers=[*headers.items(), ("cookie", cookie_of(jar))])
    reply = await call(world.app, scope)
    assert reply.status == status
    check(name, reply.status, {k.decode().lower(): v.decode() for k, v in reply.headers}, reply.body)
    assert world.reached == []
    assert world.email.messages == world.sms.messages == []
    assert await world.account() == before


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[str, str, World]]:
    """The same world behind uvicorn."""
    world, jar = asyncio.run(owing())
    with served(world.app) as address:
        yield address, cookie_of(jar), world


@pytest.mark.parametrize(("name", "headers", "status"), CALLERS, ids=[row[0] for row in CALLERS])
def test_over_a_server(server: tuple[str, str, World], name: str, headers: dict[str, str], status: int) -> None:
    """The rows hold over uvicorn as well."""
    address, cookie, _ = server
    with httpx2.Client(headers={"accept": "*/*"}) as client:
        answer = client.get(f"{address}/records", headers={**headers, "cookie": cookie}, follow_redirects=False)
    assert answer.status_code == status
    check(name, answer.status_code, dict(answer.headers), answer.content)


@pytest.mark.parametrize(("denial", "expected"), [(True, "websocket.http.response.start"), (False, "websocket.close")])
async def test_websocket(denial: bool, expected: str) -> None:
    """A websocket that owes a factor is refused before it is accepted.

    It gets a problem document if the server can send one.
    """
    world, jar = await owing()
    reply = await call(world.app, socket_scope("/chat", headers=[("cookie", cookie_of(jar))], denial=denial))
    assert reply.messages[0]["type"] == expected
    assert all(message["type"] != "websocket.accept" for message in reply.messages)
    assert world.reached == []


async def test_websocket_over_a_server(server: tuple[str, str, World]) -> None:
    """uvicorn tells a websocket client the problem."""
    address, cookie, _ = server
    with pytest.raises(InvalidStatus) as refused:
        async with connect(address.replace("http", "ws") + "/chat", additional_headers={"Cookie": cookie}):
            pass
    assert refused.value.response.status_code == 403
    assert json.loads(refused.value.response.body or b"")["reason"] == "proof_required"


async def test_json_status() -> None:
    """A front end that takes 401 for "confirm again" can have it."""
    world = make_world(json_status=401)
    await world.enrolled()
    browser = await world.browser()
    scope = http_scope(
        "GET", "/", headers=[("accept", "application/json"), ("cookie", cookie_of(dict(browser.cookies)))]
    )
    assert (await call(world.app, scope)).status == 401


async def test_cors_outside() -> None:
    """With CORS outside the gate a refusal keeps its CORS headers.

    A preflight is answered by CORS and never by the app.
    """
    host = Starlette(routes=routes())
    world = make_world(app=host)
    host.add_middleware(
        CORSMiddleware, allow_origins=["https://front.example"], allow_credentials=True, allow_methods=["PUT"]
    )
    await world.enrolled()
    browser = await world.browser()
    cookie = ("cookie", cookie_of(dict(browser.cookies)))
    origin = ("origin", "https://front.example")
    refused = await call(world.app, http_scope("GET", "/records", headers=[origin, cookie]))
    assert (refused.status, refused.header("access-control-allow-origin")) == (403, "https://front.example")
    asks = [origin, ("access-control-request-method", "PUT"), cookie]
    preflight = await call(world.app, http_scope("OPTIONS", "/records", headers=asks))
    assert preflight.status == 200
    assert world.reached == []


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_a_form_is_not_replayed(method: str) -> None:
    """A refused form leaves by 303, and leads back to its page, never to its target.

    S-16. Its body is read to its end once and dropped: a browser that is still sending gets the answer (V-43).
    """
    world, jar = await owing()
    headers = [
        *NAVIGATE.items(),
        ("cookie", cookie_of(jar)),
        ("sec-fetch-site", "same-origin"),
        ("referer", "http://localhost:8000/records/7?tab=2"),
    ]
    reads: list[int] = []
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        reads.append(1)
        return {"type": "http.request", "body": b"x", "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    await world.app(http_scope(method, "/records", headers=headers), receive, send)
    assert (sent[0]["status"], reads, world.reached) == (303, [1], [])


@pytest.mark.parametrize(
    ("method", "query", "kept"),
    [
        ("GET", b"", ""),
        ("GET", b"lang=de", ""),
        ("GET", b"lang=de&a=1&b=&c=x%26y&lang=fr", "&a=1&b=&c=x%26y"),
        ("HEAD", b"a=1", "&a=1"),
        ("POST", b"a=1", ""),
        ("GET", b"&".join([b"a=1"] * 20), "&a=1" * 20),
        ("GET", b"&".join([b"a=1"] * 21), ""),
    ],
)
def test_the_query_beside_the_choice_of_a_language(method: str, query: bytes, kept: str) -> None:
    """The links to other languages lead to the same page, with all that it was asked by."""
    assert kept_query({"method": method, "query_string": query}) == kept
