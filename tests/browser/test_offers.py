"""Offers after a sign-in, in a real browser: they lead on to the wanted page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pyotp
import pytest

from mfa_gate import Contacts, RelyingParty, Subject
from mfa_gate.core.rules import DAY, Rules
from tests.harness import World, make_world, with_rules
from tests.web.serving import free_port, served

from .authenticator import Authenticator

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

CONTINUE = "Continue to Example"


@contextmanager
def signed_in(
    browser: Browser, contacts: dict[str, str], *, to: str = "", script: bool = True
) -> Iterator[tuple[World, Page]]:
    """Give a host, and the page of a person with codes by mail whose proof is over."""

    def rules(given: Rules) -> Rules:
        factors = replace(given.factors, allowed=("email", "totp", "webauthn"), order=())
        return replace(
            given, factors=factors, enrollment=replace(given.enrollment, nudge=replace(given.enrollment.nudge, to=to))
        )

    async def contacts_of(subject: Subject) -> Contacts:
        return Contacts(name="Ann", **contacts)

    port = free_port()
    party = RelyingParty(id="localhost", name="Example", origins=[f"http://localhost:{port}"])
    world = make_world(policy=with_rules(rules), relying_party=party, contacts=contacts_of)
    with served(world.app, port=port) as address:
        context = browser.new_context(base_url=address, java_script_enabled=script, reduced_motion="reduce")
        page = context.new_page()
        page.set_default_timeout(8000)
        context.request.post("/login", data={"user_id": "ann", "org": "alpha", "groups": [], "sid": "s"})
        page.goto("/mfa/enroll/email")
        page.get_by_role("button", name="Send the code").click()
        confirm(world, page)
        at(page, "You’re all set")
        world.clock.advance(8 * DAY)
        yield world, page
        context.close()


def confirm(world: World, page: Page) -> None:
    """Type the code of the last mail."""
    page.locator("#code").fill(world.email.codes[-1])
    page.locator("form#answer button.primary").click()


def sign_in(world: World, page: Page) -> None:
    """Ask for a page, and answer the challenge by mail."""
    page.goto("/records/7")
    if not page.locator("#code").is_visible():
        page.get_by_role("button", name="Send the code").click()
    confirm(world, page)


def at(page: Page, heading: str) -> None:
    """The page that is open now has this heading."""
    page.get_by_role("heading", level=1, name=heading).wait_for()


@pytest.mark.parametrize("script", [True, False], ids=["script", "noscript"])
def test_an_app(browser: Browser, script: bool) -> None:
    """Set up from the offer, it leads on, and so does Back. It works without a script."""
    with signed_in(browser, {"email": "ann@alpha.example"}, to="totp", script=script) as (world, page):
        sign_in(world, page)
        page.get_by_role("link", name="Set it up").click()
        page.get_by_role("link", name="Choose another method").click()
        page.get_by_role("link", name="Back", exact=True).click()
        page.get_by_role("link", name="Set it up").click()
        page.get_by_role("button", name="Set it up").click()
        if not script:
            page.locator("details.cant-scan summary").click()
        key = page.locator("#key").text_content() or ""
        page.locator("#code").fill(pyotp.TOTP(key.replace(" ", "")).at(int(world.clock.at)))
        page.locator("form#answer button.primary").click()
        at(page, "You’re all set")
        page.get_by_role("link", name=CONTINUE).click()
        assert page.url.endswith("/records/7")
        page.goto("/mfa/enroll/offer")
        assert "/mfa" not in page.url, "there is nothing left to offer"


def test_a_passkey(browser: Browser) -> None:
    """One press makes it, and one more leads on to the page."""
    with signed_in(browser, {"email": "ann@alpha.example"}) as (world, page):
        Authenticator.plug(page)
        sign_in(world, page)
        at(page, "Use your face or fingerprint next time?")
        with page.expect_navigation():
            page.locator("button[data-passkey]").click()
        at(page, "You’re all set")
        page.get_by_role("link", name=CONTINUE).click()
        assert page.url.endswith("/records/7")


def test_not_now(browser: Browser) -> None:
    """The other link of the offer leads to the page at once."""
    with signed_in(browser, {"email": "ann@alpha.example"}, to="totp") as (world, page):
        sign_in(world, page)
        page.get_by_role("link", name="Not now").click()
        assert page.url.endswith("/records/7")


def test_a_changed_contact(browser: Browser) -> None:
    """It is proven on its own page, takes the place of the old one, and leads on."""
    contacts = {"email": "ann@alpha.example"}
    with signed_in(browser, contacts) as (world, page):
        contacts["email"] = "new@alpha.example"
        sign_in(world, page)
        at(page, "Use your new contact?")
        page.get_by_role("link", name="Use the new contact").click()
        world.clock.advance(60)
        page.locator("form button.primary").first.click()
        confirm(world, page)
        at(page, "You’re all set")
        page.get_by_role("link", name=CONTINUE).click()
        assert page.url.endswith("/records/7")
