"""htmx from npm in a real browser.

A fragment that is refused leads the whole page to the challenge, and back.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.harness import POLICY, log_in

from .npm import from_npm
from .test_front_ends import staged

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


def routes(htmx: bytes) -> list[Route]:
    """A page that loads a fragment by htmx."""

    async def board(request: Request) -> Response:
        return HTMLResponse(PAGE)

    async def fragment(request: Request) -> Response:
        return HTMLResponse("<b>the fragment</b>")

    async def script(request: Request) -> Response:
        return Response(htmx, media_type="text/javascript")

    return [
        Route("/login", log_in, methods=["POST"]),
        Route("/board", board),
        Route("/fragment", fragment),
        Route("/open/htmx.js", script),
    ]


def test_htmx(browser: Browser, htmx: bytes, free_port: int) -> None:
    """HX-Redirect takes the page to the challenge, and the code leads back to the page.

    It is the page that asked for the fragment.
    """
    with staged(browser, free_port, routes(htmx), policy=POLICY) as stage:
        page = stage.tab("/board")
        page.get_by_role("button", name="Load").click()
        page.get_by_text("the fragment").wait_for()
        stage.world.clock.advance(7 * 86_400)
        page.get_by_role("button", name="Load").click()
        page.wait_for_url("**/mfa/**/challenge**")
        assert "7 days" in page.inner_text("main") or "seven days" in page.inner_text("main").lower()
        stage.prove(page)
        page.wait_for_url("**/board*")
        page.get_by_role("button", name="Load").click()
        page.get_by_text("the fragment").wait_for()
