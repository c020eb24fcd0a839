"""A whole story without a mouse.

Every step is reached by Tab, seen by its focus, and done by Enter or Space.
"""

from __future__ import annotations

import re

import pytest

from .conftest import Arrive
from .example import Example
from .person import PASSWORD, App, Person

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

FOCUSED = """() => {
  const it = document.activeElement, style = getComputedStyle(it), box = it.getBoundingClientRect();
  const label = it.labels?.length ? it.labels[0].innerText : "";
  return {
    name: (it.getAttribute("aria-label") || label || it.innerText || "").replace(/\\s+/g, " ").trim(),
    seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 || style.boxShadow !== "none",
    inside: box.width > 0 && box.right > 0 && box.left < innerWidth,
  };
}"""


def tab_to(somebody: Person, name: str) -> None:
    """Press Tab until the element of that name has the focus.

    Each stop on the way can be seen.
    """
    for _ in range(40):
        at = somebody.page.evaluate(FOCUSED)
        if re.match(name, at["name"]):
            return
        somebody.page.keyboard.press("Tab")
        at = somebody.page.evaluate(FOCUSED)
        if at["name"] and somebody.page.evaluate("document.activeElement !== document.body"):
            assert at["seen"], f"{somebody.path}: the focus of {at['name']!r} cannot be seen"
            assert at["inside"], f"{somebody.path}: {at['name']!r} has the focus outside of the page"
    raise AssertionError(f"{somebody.path}: no Tab leads to {name!r}")


def press(somebody: Person, name: str) -> None:
    """Tab to a button or link, and press Enter."""
    tab_to(somebody, name)
    with somebody.page.expect_navigation():
        somebody.page.keyboard.press("Enter")


def test_finance_without_a_mouse(person: Arrive, example: Example) -> None:
    """A person signs in, sets up the app and reaches the host by keyboard alone.

    The person slips once, and keeps the codes. The challenge from elsewhere needs Enter alone.
    """
    somebody = person()
    page = somebody.page
    page.goto(f"{example.origin}/login")
    tab_to(somebody, "E-mail address")
    page.keyboard.type("user@finance.example")
    tab_to(somebody, "Password")
    page.keyboard.type(PASSWORD)
    with page.expect_navigation():
        page.keyboard.press("Enter")
    somebody.at("Protect your account")
    press(somebody, "Authenticator app")
    tab_to(somebody, "Can't scan image")
    page.keyboard.press("Enter")
    tab_to(somebody, "Copy the key")
    app = App.scanned(somebody.read_qr(), example)
    tab_to(somebody, "Security code")
    page.keyboard.type(app.wrong())
    with page.expect_navigation():
        page.keyboard.press("Enter")
    somebody.refused("That code isn’t right.")
    tab_to(somebody, "That code isn’t right.")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "code"
    page.keyboard.type(app.code())
    press(somebody, "Confirm")
    somebody.at("Save your backup codes")
    tab_to(somebody, "I have put these somewhere safe")
    page.keyboard.press("Space")
    press(somebody, "Continue")
    somebody.is_in()

    somebody.from_address("203.0.113.25")
    page.goto(f"{example.origin}/records")
    assert page.evaluate("document.activeElement.id") == "code"
    page.keyboard.type(app.code())
    with page.expect_navigation():
        page.keyboard.press("Enter")
    somebody.at("Payments")
