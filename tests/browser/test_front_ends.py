"""Front ends in a real browser: refused scripts, two tabs, a service worker, frames."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from mfa_gate import RelyingParty
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import PathRule, Rules, StepUpRule
from tests.harness import ORIGIN, World, log_in, make_world, with_rules
from tests.harness import Browser as Wire
from tests.web.serving import served

from .conftest import more

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

PAYING = """<!doctype html><html lang="en"><title>Cart</title><h1>Cart {name}</h1><button>Pay</button><p id="out">open</p>
<script src="/open/pay.js"></script></html>"""
PAY_JS = """document.querySelector("button").onclick = async () => {
  const answer = await fetch("/pay/" + location.search.slice(1), { method: "POST" });
  if (answer.ok) { document.querySelector("#out").textContent = "paid"; return; }
  const problem = await answer.json();
  if (problem.reason === "proof_required") location.href = problem.challenge_url;
};"""


def stricter(rules: Rules) -> Rules:
    """To pay wants a young proof; the large sum wants one by e-mail."""
    young = StepUpRule(name="pay", paths=(PathRule(text="/pay/**"),), max_age=Seconds(300))
    large = StepUpRule(
        name="large", paths=(PathRule(text="=/pay/large"),), factors_any=("email",), max_age=Seconds(300)
    )
    return replace(rules, step_up=(young, large))


async def cart(request: Request) -> Response:
    """A page with a script that pays."""
    return HTMLResponse(PAYING.format(name=request.url.query))


async def pay(request: Request) -> Response:
    """Answer the script."""
    return JSONResponse({"paid": True})


def text(content: str, media: str) -> Callable[[Request], Any]:
    """An endpoint with a fixed text."""

    async def told(request: Request) -> Response:
        return Response(content, media_type=media)

    return told


ROUTES = [
    Route("/login", log_in, methods=["POST"]),
    Route("/cart", cart),
    Route("/pay/{sum}", pay, methods=["POST"]),
    Route("/open/pay.js", text(PAY_JS, "text/javascript")),
]


@dataclass
class Stage:
    """A host behind a real server, and a browser in which ann is signed in and proven."""

    world: World
    address: str
    context: BrowserContext
    ann: Wire

    def tab(self, path: str) -> Page:
        """Open a page in another tab."""
        page = self.context.new_page()
        page.goto(self.address + path)
        return page

    def prove(self, page: Page) -> None:
        """Type the code of the authenticator app."""
        page.get_by_role("textbox").fill(self.ann.totp())
        page.get_by_role("button", name="Confirm").click()


@contextmanager
def staged(
    browser: Browser,
    port: int,
    routes: list[Any],
    *,
    email: bool = False,
    java_script_enabled: bool = True,
    **more: Any,
) -> Iterator[Stage]:
    """Serve the routes, and prove ann's second factor in the browser."""
    party = RelyingParty(id="localhost", name="Shop", origins=[f"http://localhost:{port}", ORIGIN])
    more.setdefault("policy", with_rules(stricter))
    world = make_world(app=Starlette(routes=routes), relying_party=party, **more)

    async def prepared() -> Wire:
        ann = await world.enrolled(address="127.0.0.1")
        if email:
            await ann.enroll_email()
            await ann.prove()
        return ann

    with ThreadPoolExecutor() as elsewhere:
        # Playwright's loop is this thread's.
        ann = elsewhere.submit(lambda: asyncio.run(prepared())).result()
    with served(world.app, port=port) as address:
        context = browser.new_context(java_script_enabled=java_script_enabled)
        context.set_default_timeout(10_000)
        context.add_cookies([{"name": n, "value": v, "url": address} for n, v in ann.cookies.items()])
        yield Stage(world, address, context, ann)
        context.close()


WORKER = {
    "the request itself": "fetch(event.request)",
    "a copy": "fetch(new Request(event.request, {cache: 'no-store'}))",
    "its headers": "fetch(event.request.url, {headers: event.request.headers, redirect: 'manual'})",
}
WORKER_JS = "self.oninstall = () => self.skipWaiting(); self.onactivate = event => event.waitUntil(clients.claim());"
WITH_WORKER = """<!doctype html><html lang="en"><title>Offline</title><h1>Offline</h1><p id="out">none</p><script>
navigator.serviceWorker.register("/worker.js");
navigator.serviceWorker.ready.then(() => document.querySelector("#out").textContent = "ready");</script></html>"""


@pytest.mark.parametrize("way", ["the request itself", *more("a copy", "its headers")], ids=str)
def test_a_page_load_through_a_service_worker(browser: Browser, free_port: int, way: str) -> None:
    """V-18: the person is led to the challenge and back through a service worker."""
    loads = "event.request.mode === 'navigate' && event.request.method === 'GET'"
    script = WORKER_JS + f"self.onfetch = event => {{ if ({loads}) event.respondWith({WORKER[way]}); }};"

    async def shown(request: Request) -> Response:
        return HTMLResponse(WITH_WORKER)

    routes = [*ROUTES, Route("/worker.js", text(script, "text/javascript")), Route("/offline", shown)]
    with staged(browser, free_port, routes) as stage:
        page = stage.tab("/offline")
        page.get_by_text("ready").wait_for()
        page.wait_for_function("navigator.serviceWorker.controller !== null")
        stage.world.clock.advance(8 * 86_400)
        page.goto(f"{stage.address}/offline?again")
        page.wait_for_url("**/mfa/challenge")
        stage.prove(page)
        page.wait_for_url("**/offline?again*")


FRAMING = '<!doctype html><html lang="en"><title>Board</title><h1>Board</h1><iframe src="/inner" title="Inner"></iframe></html>'


@pytest.mark.parametrize("isolated", [False, *more(True)], ids=["", "isolated"])
def test_a_frame_shows_the_link(browser: Browser, free_port: int, isolated: bool) -> None:
    """V-19: the frame shows the small page; its link leads to the challenge and back."""
    more = (
        {"cross-origin-embedder-policy": "require-corp", "cross-origin-opener-policy": "same-origin"}
        if isolated
        else {}
    )

    async def board(request: Request) -> Response:
        return HTMLResponse(FRAMING, headers=more)

    async def inner(request: Request) -> Response:
        return HTMLResponse("<p>inside</p>", headers=more)

    rule = StepUpRule(name="inner", paths=(PathRule(text="=/inner"),), max_age=Seconds(300))
    routes = [*ROUTES, Route("/board", board), Route("/inner", inner)]
    with staged(browser, free_port, routes, policy=with_rules(lambda rules: replace(rules, step_up=(rule,)))) as stage:
        stage.world.clock.advance(400)
        page = stage.tab("/board")
        link = page.frame_locator("iframe").get_by_role("link")
        link.wait_for()
        link.click()
        page.wait_for_url("**/challenge")
        stage.prove(page)
        page.wait_for_url("**/board*")
        page.frame_locator("iframe").get_by_text("inside").wait_for()


def test_two_tabs_with_a_step_up_each(browser: Browser, free_port: int) -> None:
    """V-7: each tab is asked for its own demand, and goes back to its own page."""
    with staged(browser, free_port, ROUTES, email=True) as stage:
        stage.world.clock.advance(400)
        small, large = stage.tab("/cart?small"), stage.tab("/cart?large")
        for tab in (small, large):
            tab.get_by_role("button", name="Pay").click()
            tab.wait_for_url("**/challenge**")
        assert "Check your email" in large.inner_text("h1")
        assert "code from your app" in small.inner_text("h1")
        stage.prove(small)
        small.wait_for_url("**/cart?small*")
        small.get_by_role("button", name="Pay").click()
        small.get_by_text("paid").wait_for()
        # The code of before has ended with that proof, and so has the form; the demand and the way back have not.
        stage.world.clock.advance(60)
        large.get_by_role("button", name="Send a new code").click()
        large.get_by_text("There is a problem").wait_for()
        large.get_by_role("button", name="Send").first.click()
        large.get_by_role("textbox").fill(stage.world.email.codes[-1])
        large.get_by_role("button", name="Confirm").click()
        large.wait_for_url("**/cart?large*")
        large.get_by_role("button", name="Pay").click()
        large.get_by_text("paid").wait_for()
