"""Ways on in a real browser: fragments, redirects to another origin, a sign-out by POST."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from mfa_gate.web import responses
from tests.harness import POLICY, log_in

from .conftest import more
from .person import open_menu
from .test_front_ends import Stage, staged

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

ROUTER = """<!doctype html><html lang="en"><title>Board</title><h1>Board</h1><p id="at"></p>
<script>document.querySelector("#at").textContent = "at " + location.hash</script></html>"""


async def board(request: Request) -> Response:
    """A page that routes by its fragment."""
    return HTMLResponse(ROUTER)


async def leave(request: Request) -> Response:
    """The host's sign-out, which takes POST alone."""
    request.session.clear()
    return HTMLResponse("<!doctype html><title>Out</title><h1>You are out</h1>")


async def pay(request: Request) -> Response:
    """A page that leads to a payment at another origin, by one more step of its own."""
    if request.url.path == "/shop":
        return RedirectResponse("/pay", 307)
    there = request.url.replace(hostname="127.0.0.1", path="/paid")
    answer = RedirectResponse(str(there), int(request.query_params.get("status", "302")))
    answer.set_cookie("order", "7")
    return answer


ROUTES = [
    Route("/login", log_in, methods=["POST"]),
    Route("/logout", leave, methods=["POST"]),
    Route("/board", board),
    Route("/other", board),
    Route("/shop", pay),
    Route("/pay", pay),
    Route("/paid", lambda request: HTMLResponse("<!doctype html><title>Paid</title><h1>Paid</h1>")),
]


def opened(stage: Stage, path: str) -> Page:
    """Open a page after the proof has ended."""
    stage.world.clock.advance(8 * 86_400)
    return stage.tab(path)


@pytest.mark.parametrize("path", ["/board#/inbox/7?x=1", *more("/board?a=1#top", "/board#!/a%20b")])
def test_the_fragment_of_the_wanted_page_is_kept(browser: Browser, free_port: int, path: str) -> None:
    """With a script it comes along: after a wrong code, by the help page, and to the end."""
    with staged(browser, free_port, ROUTES, policy=POLICY) as stage:
        page = opened(stage, path)
        page.get_by_role("textbox").fill(stage.ann.wrong())
        page.get_by_role("button", name="Confirm").click()
        page.get_by_text("There is a problem").wait_for()
        page.get_by_role("link", name="I need help with this").click()
        page.wait_for_url("**/challenge/help*")
        page.locator(".back a").first.click()
        page.wait_for_url("**/challenge/*")
        stage.prove(page)
        page.wait_for_url(f"**{path}")
        assert page.inner_text("#at") == f"at #{path.partition('#')[2]}"


@pytest.mark.long
def test_without_a_script_the_page_opens_at_its_beginning(browser: Browser, free_port: int) -> None:
    """No server sees a fragment: the page itself is reached all the same."""
    with staged(browser, free_port, ROUTES, policy=POLICY, java_script_enabled=False) as stage:
        page = opened(stage, "/board#/inbox/7")
        stage.prove(page)
        page.wait_for_url("**/board#")


@pytest.mark.long
def test_a_fragment_is_of_one_way_only(browser: Browser, free_port: int) -> None:
    """The next page that is wanted in the same tab has its own, or none."""
    with staged(browser, free_port, ROUTES, policy=POLICY) as stage:
        page = opened(stage, "/board#/old")
        page.goto(stage.address + "/other")
        stage.prove(page)
        page.wait_for_url("**/other#")


@pytest.mark.long
def test_the_link_after_enrollment_has_the_fragment(browser: Browser, free_port: int) -> None:
    """A first factor is set up on the way: the last form leads to the wanted place."""
    with staged(browser, free_port, ROUTES, policy=POLICY) as stage:
        context = browser.new_context()
        session = {"user_id": "bob", "org": "alpha", "groups": [], "sid": "s"}
        signed_in = context.request.post(f"{stage.address}/login", data=session)
        assert signed_in.ok
        page = context.new_page()
        page.goto(f"{stage.address}/board#/inbox/7")
        page.get_by_role("button", name="Authenticator app").click()
        secret = page.locator("[data-copy]").first.get_attribute("data-copy")
        assert secret is not None
        stage.ann.secret = (page.text_content(secret) or "").replace(" ", "").strip()
        page.get_by_label("Security code").fill(stage.ann.totp())
        page.get_by_role("button", name="Confirm").click()
        page.get_by_label("I have put these somewhere safe").check()
        page.get_by_role("button", name="Continue").click()
        page.wait_for_url("**/board#/inbox/7")
        context.close()


@pytest.mark.parametrize("script", [True, False])
@pytest.mark.parametrize("path", ["/pay", *more("/pay?status=308", "/shop")])
def test_a_wanted_page_that_leads_to_another_origin(browser: Browser, free_port: int, path: str, script: bool) -> None:
    """The browser follows there after the form, and has the cookies of the app's answer."""
    with staged(browser, free_port, ROUTES, policy=POLICY, java_script_enabled=script) as stage:
        page = opened(stage, path)
        stage.prove(page)
        page.wait_for_url("http://127.0.0.1:*/paid**")
        assert page.inner_text("h1") == "Paid"
        assert "order" in [cookie["name"] for cookie in stage.context.cookies(stage.address)]


HIDDEN = """() => {
  Object.defineProperty(document, "hidden", { get: () => true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.mark.parametrize("script", [True, *more(False)])
@pytest.mark.parametrize("first", [0, *more(1)])
def test_two_tabs(browser: Browser, free_port: int, first: int, script: bool) -> None:
    """Each goes back to its own page, whichever confirms first."""
    with staged(browser, free_port, ROUTES, policy=POLICY, java_script_enabled=script) as stage:
        tabs = [opened(stage, "/board"), stage.tab("/other")]
        paths = ["**/board#", "**/other#"]
        stage.prove(tabs[first])
        tabs[first].wait_for_url(paths[first])
        stage.world.clock.advance(60)
        stage.prove(tabs[1 - first])
        tabs[1 - first].wait_for_url(paths[1 - first])


@pytest.mark.long
def test_a_tab_that_nobody_looks_at_keeps_its_way(browser: Browser, free_port: int) -> None:
    """Reload, links and languages lead to its own page, not to that of another tab."""
    with staged(browser, free_port, ROUTES, policy=POLICY) as stage:
        page = opened(stage, "/board#/inbox/7")
        page.evaluate(HIDDEN)
        stage.tab("/other")
        page.wait_for_url("**/mfa/~*/challenge**")
        page.reload()
        open_menu(page)
        page.get_by_role("link", name="Deutsch").click()
        open_menu(page)
        page.get_by_role("link", name="English").click()
        page.get_by_role("link", name="I need help with this").click()
        page.wait_for_url("**/mfa/~*/challenge/help*")
        page.go_back()
        stage.prove(page)
        page.wait_for_url("**/board#/inbox/7")


@pytest.mark.parametrize("script", [True, *more(False)])
def test_tabs_that_are_restored_together(browser: Browser, free_port: int, script: bool) -> None:
    """Page loads at the same moment do not lose their ways to each other."""
    with staged(browser, free_port, ROUTES, policy=POLICY, java_script_enabled=script) as stage:
        stage.world.clock.advance(8 * 86_400)
        paths = ["/board", "/other", "/board?a=1", "/other?a=1"]
        opener = stage.context.new_page()
        opener.set_content("".join(f'<a href="{stage.address}{path}" target="_blank">x</a>' for path in paths))
        tabs = []
        for link in opener.locator("a").all():
            with stage.context.expect_page() as found:
                link.click(no_wait_after=True)
            tabs.append(found.value)
        reached = []
        for page in tabs:
            stage.world.clock.advance(60)
            stage.prove(page)
            page.get_by_role("heading", name="Board").wait_for()
            reached.append(page.url.removeprefix(stage.address).rstrip("#"))
        assert reached == paths


@pytest.mark.long
def test_a_layer_that_hides_addresses(browser: Browser, free_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The way leads on even if a layer around the gate changes our `Referrer-Policy`."""
    shown = [(n, b"no-referrer" if n == b"referrer-policy" else value) for n, value in responses.PAGE_HEADERS]
    monkeypatch.setattr(responses, "PAGE_HEADERS", shown)
    with staged(browser, free_port, ROUTES, policy=POLICY) as stage:
        page = opened(stage, "/pay")
        stage.prove(page)
        page.wait_for_url("http://127.0.0.1:*/paid**")


@pytest.mark.parametrize("script", [True, *more(False)])
def test_a_sign_out_by_post(browser: Browser, free_port: int, script: bool) -> None:
    """The button signs out at the host, and the page's security policy lets it."""
    with staged(browser, free_port, ROUTES, policy=POLICY, java_script_enabled=script) as stage:
        page = opened(stage, "/board")
        open_menu(page)
        page.get_by_role("button", name="Sign out").click()
        page.get_by_text("You are out").wait_for()
