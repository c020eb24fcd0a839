"""All ways to tell a root path lead to the same addresses.

Servers and proxies tell it in several ways.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlencode

import httpx2
import pytest

from tests.harness import FETCH, FORM, ORIGIN, PAGE, Browser, World, make_world

from .serving import enroll, spawned
from .test_addresses import HTMX

ROOT = "/app"
TOLD = {
    "path with the root": (ROOT, ROOT),
    "path without the root": (ROOT, ""),
    "root with a slash at its end, path without it": (f"{ROOT}/", ""),
}
"""How the root is told: ``root_path``, and what stands before the app's own path."""
SERVERS = {
    "uvicorn": ["uvicorn", "--root-path", ROOT, "--port", "{port}"],
    "hypercorn": ["hypercorn", "--root-path", ROOT, "--bind", "127.0.0.1:{port}"],
    "granian": ["granian", "--interface", "asgi", "--url-path-prefix", ROOT, "--host", "127.0.0.1", "--port", "{port}"],
    "daphne": ["daphne", "--root-path", ROOT, "-b", "127.0.0.1", "-p", "{port}"],
    "gunicorn": ["gunicorn", "-k", "asgi", "--root-path", ROOT, "--bind", "127.0.0.1:{port}", "--no-control-socket"],
    "uvicorn-worker": [
        "gunicorn",
        "-k",
        "uvicorn_worker.UvicornWorker",
        "--bind",
        "127.0.0.1:{port}",
        "--no-control-socket",
    ],
}
"""Each server's own option for the root. Gunicorn's worker with uvicorn has none: there the proxy tells the root."""
COMMON = ("uvicorn", "hypercorn", "granian", "daphne")
LEAVES_IT = ("hypercorn", "granian", "daphne", "gunicorn")
"""Servers that leave the root in the path where a proxy has not taken it off. Uvicorn puts it there itself."""
world = make_world(trusted_proxies=["127.0.0.1"], forwarded_prefix=True)
app = world.app
Ask = Any


def asks(browser: Browser, told: str) -> Ask:
    """Return a request of ``browser``: the app's own path goes to the server as ``told`` says."""
    root, before = TOLD[told]

    async def ask(method: str, path: str, **more: Any) -> Any:
        return await browser.ask(method, before + path, root_path=root, **more)

    return ask


async def stranger(told: str) -> tuple[World, Browser, Ask]:
    """Make a person without a second factor, at a policy that demands one."""
    made = make_world()
    browser = await made.browser()
    return made, browser, asks(browser, told)


@pytest.mark.parametrize("told", TOLD)
async def test_every_answer_leads_below_the_root(told: str) -> None:
    """Page loads, fetches and htmx requests are led to ``/app/mfa``, and so are our links."""
    _, _, ask = await stranger(told)
    assert (await ask("GET", "/records")).location == "/app/mfa/enroll"
    assert (await ask("GET", "/records", headers=FETCH)).json()["challenge_url"] == "/app/mfa/enroll"
    assert (await ask("GET", "/records", headers=HTMX)).header("hx-redirect") == "/app/mfa/enroll"
    page = (await ask("GET", "/mfa/enroll")).text
    places = re.findall(r'(?:href|src|action)="(/[^"]*)"', page)
    assert places
    assert {place for place in places if not place.startswith("/app/")} == set()
    assert 'href="/app/logout"' in page or 'action="/app/logout"' in page


async def test_the_root_itself() -> None:
    """``GET /app`` without a slash is the app's own root, and leads to ``/app/mfa`` as well."""
    made = make_world()
    browser = await made.browser()
    assert (await browser.ask("GET", "/app", root_path="/app")).location == "/app/mfa/enroll"


@pytest.mark.parametrize("told", TOLD)
async def test_the_person_returns_to_the_page_below_the_root(told: str) -> None:
    """After the second factor the browser goes on to the page that it asked for.

    If there was none, it goes home.
    """
    made = make_world()
    browser = await made.enrolled()
    ask = asks(browser, told)
    for asked, wanted in (("/records?page=2", "/app/records?page=2"), ("", "/app/")):
        made.clock.advance(8 * 86_400)
        if asked:
            assert (await ask("GET", asked)).location == "/app/mfa/challenge"
        page = await ask("GET", "/mfa/challenge")
        token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
        place = re.search(r'id="answer" method="post" action="/app(/[^"#]+)', page.text)
        assert token is not None
        assert place is not None
        body = {"csrf_token": token[1], "asked": "1", "code": browser.totp()}
        headers = [*PAGE, FORM, ("origin", ORIGIN)]
        form = urlencode(body).encode()
        reply = await ask("POST", place[1], headers=headers, body=form)
        assert reply.status == 303, reply.text
        assert reply.location.partition("#")[0] == wanted


@pytest.mark.parametrize("told", TOLD)
async def test_sign_out_is_free_below_the_root(told: str) -> None:
    """A person who owes a proof can sign out, in all ways to tell the root.

    ``sign_out`` is the app's own path.
    """
    _, _, ask = await stranger(told)
    assert (await ask("POST", "/logout")).text == "signed out"


@pytest.mark.parametrize("told", TOLD)
async def test_a_stranger_is_led_to_the_sign_in_below_the_root(told: str) -> None:
    """Our own pages lead nobody to a sign-in outside of the app."""
    made = make_world()
    browser = Browser(made)
    assert (await asks(browser, told)("GET", "/mfa/account")).location == "/app/login"


def on_servers() -> list[Any]:
    """Each server with the paths that a proxy may hand over: without the root, or with it."""
    ways = [(name, before) for name in SERVERS for before in ("", ROOT) if not before or name in LEAVES_IT]
    return [
        pytest.param(name, before, id=name + before, marks=[] if name in COMMON and not before else [pytest.mark.long])
        for name, before in ways
    ]


@pytest.mark.waits
@pytest.mark.parametrize(("name", "before"), on_servers())
async def test_servers(name: str, before: str) -> None:
    """Strangers are led below the root, and people enroll to the end, on each server."""
    told = {"x-forwarded-prefix": ROOT} if name == "uvicorn-worker" else {}
    with spawned("tests.web.test_sub_path:app", SERVERS[name]) as port:
        base = f"http://127.0.0.1:{port}{before}"
        async with httpx2.AsyncClient(timeout=20, base_url=base, headers=told) as client:
            headers = dict(PAGE)
            strange = await client.get("/mfa/account", headers=headers)
            assert strange.headers["location"] == "/app/login"
            signed_in = await client.post("/login", json={"user_id": "ann", "org": "alpha"}, headers=headers)
            assert signed_in.status_code < 400, signed_in.text
            client.cookies.update(signed_in.cookies)
            led = await client.get("/records?page=2", headers=headers)
            assert led.headers["location"] == "/app/mfa/enroll"
            page = await client.get("/mfa/enroll", headers=headers)
            assert page.status_code == 200
            assert 'href="/mfa' not in page.text
            assert 'href="/app/mfa/static/' in page.text
            await enroll(client)
            assert (await client.get("/records", headers=headers)).status_code == 200
