"""The front end of the recipe for single-page apps, in a browser, on a port of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pyotp
import pytest
from starlette.staticfiles import StaticFiles

from mfa_gate import MFAGate, Subject
from mfa_gate.testing import Kit
from tests.recipes.place import at, front_port, loaded
from tests.web.serving import ROOT, served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]


def test_a_front_end_on_another_port(browser: Browser, mfa_gate_kit: Callable[[MFAGate], Kit]) -> None:
    """The front end leads to the challenge, and greets the person who is back from it."""
    recipe = loaded("example_app.recipes.spa_api")
    kit = mfa_gate_kit(recipe.gate)
    ann = kit.enroll(Subject("ann"), "totp")
    files = StaticFiles(directory=ROOT / "example_app" / "recipes")
    with at(recipe.app) as api, served(files, port=front_port()) as front, browser.new_context() as context:
        page = context.new_page()
        page.goto(f"{front}/spa.html?api={api}#records")
        page.fill("[name=username]", "ann")
        page.fill("[name=password]", "demo-password")
        page.click("button")
        page.wait_for_url(f"{api}/mfa/**/challenge**")
        page.fill("[name=code]", pyotp.TOTP(ann.secret).at(int(kit.clock.now())))
        page.press("[name=code]", "Enter")
        page.wait_for_url(f"{front}/spa.html**")
        page.get_by_text("Hello, ann").wait_for()
        assert page.url.endswith("#records")
