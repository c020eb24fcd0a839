"""htmx from npm in a real browser.

A fragment that is refused leads the whole page to the challenge, and back.
"""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from mfa_gate import RelyingParty
from tests.harness import ORIGIN, World, log_in, make_world
from tests.web.serving import served

from .npm import from_npm

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

VERSION = "2.0.11"
PAGE = """<!doctype html><html lang="en"><title>Board</title><script src="/open/htmx.js"></script>
<h1>Board</h1><button hx-get="/fragment" hx-target="#out">Load</button><p id="out">empty</p></html>"""


@pytest.fixture(scope="module")
def htmx(root: Path) -> bytes:
    """The script, as npm has it."""
    return from_npm(root, "htmx.org", VERSION, "dist/htmx.min.js")


def make(htmx: bytes, port: int) -> World:
    """A host whose page loads a fragment by htmx."""

    async def board(request: Request) -> Response:
        return HTMLResponse(PAGE)

    async def fragment(request: Request) -> Response:
        return HTMLResponse("<b>the fragment</b>")

    async def script(request: Request) -> Response:
        return Response(htmx, media_type="text/javascript")

    app = Starlette(
        routes=[
            Route("/login", log_in, methods=["POST"]),
            Route("/board", board),
            Route("/fragment", fragment),
            Route("/open/htmx.js", script),
        ]
    )
    party = RelyingParty(id="localhost", name="Board", origins=[f"http://localhost:{port}", ORIGIN])
    return make_world(app=app, relying_party=party)


def test_htmx(browser: Browser, htmx: bytes, free_port: int) -> None:
    """HX-Redirect takes the page to the challenge, and the code leads back to the page.

    It is the page that asked for the fragment.
    """
    world = make(htmx, free_port)
    with ThreadPoolExecutor() as elsewhere:
        # Playwright's loop is this thread's.
        proven = elsewhere.submit(lambda: asyncio.run(world.enrolled(address="127.0.0.1"))).result()
    with served(world.app, port=free_port) as address:
        context = browser.new_context()
        context.add_cookies([{"name": n, "value": v, "url": address} for n, v in proven.cookies.items()])
        page = context.new_page()
        page.goto(f"{address}/board")
        page.get_by_role("button", name="Load").click()
        page.get_by_text("the fragment").wait_for()
        world.clock.advance(7 * 86_400)
        page.get_by_role("button", name="Load").click()
        page.wait_for_url("**/mfa/**/challenge**")
        assert "7 days" in page.inner_text("main") or "seven days" in page.inner_text("main").lower()
        page.get_by_role("textbox").fill(proven.totp())
        page.get_by_role("button", name="Confirm").click()
        page.wait_for_url("**/board*")
        page.get_by_role("button", name="Load").click()
        page.get_by_text("the fragment").wait_for()
        context.close()
