"""A form that was stopped, kept and sent on in a real browser (U-69)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from .test_front_ends import ROUTES, staged

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

NOTE = """<!doctype html><html lang="en"><title>Note</title><h1>Note</h1><form method="post" action="/note?id=7">
<input type="hidden" name="csrf" value="t&quot;1"><textarea name="text"></textarea><input name="tag" value="1">
<input name="tag" value=" 2 "><input name="empty"><button name="act" value="save">Save</button></form></html>"""
TEXT = 'one\n\ntwo "quoted" <b> & ä ß 漢 %41+'


@pytest.mark.parametrize("script", [True, False], ids=["script", "noscript"])
def test_a_kept_form_is_sent_on(browser: Browser, free_port: int, script: bool) -> None:
    """The app gets the very bytes that the stopped form had."""
    heard: list[tuple[str, bytes]] = []

    async def note(request: Request) -> Response:
        if request.method == "GET":
            return HTMLResponse(NOTE)
        heard.append((str(request.url.query), await request.body()))
        return HTMLResponse("<h1>Saved</h1>")

    routes = [*ROUTES, Route("/note", note, methods=["GET", "POST"])]
    with staged(browser, free_port, routes, keep_forms=True, java_script_enabled=script) as stage:
        page = stage.tab("/note")
        page.locator("textarea").fill(TEXT)
        page.get_by_role("button", name="Save").click()
        page.get_by_text("Saved").wait_for()
        page.goto(f"{stage.address}/note")
        page.locator("textarea").fill(TEXT)
        stage.world.clock.advance(8 * 86_400)
        page.get_by_role("button", name="Save").click()
        page.wait_for_url("**/mfa/challenge")
        assert "n’t been sent yet" in page.inner_text("main")
        stage.prove(page)
        page.get_by_role("heading", name="Your form hasn’t been sent yet").wait_for()
        assert len(heard) == 1
        page.get_by_role("button", name="Continue and send it").click()
        page.get_by_text("Saved").wait_for()
        first, second = heard
        assert second == first
