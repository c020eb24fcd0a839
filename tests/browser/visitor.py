"""A person at another browser than Chromium.

It does the same as ``Person``, by WebDriver.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from .example import Example
from .person import CONFIRM, HOME, PASSWORD, App

T = TypeVar("T")

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver
    from selenium.webdriver.remote.webelement import WebElement

PATIENCE = 120
SUMMARY = "details:not([open]) > summary"


@dataclass(slots=True, kw_only=True)
class Visitor:
    """One browser with one window."""

    example: Example
    driver: WebDriver

    # -- moving --------------------------------------------------------------------------------------------------

    def go(self, path: str) -> None:
        """Type an address of the app."""
        self.driver.get(f"{self.example.origin}{path}")

    def sign_in(self, email: str) -> None:
        """Type address and password at the host's own sign-in."""
        self.go("/login")
        self.fill("[name=username]", email)
        self.fill("[name=password]", PASSWORD)
        self.press("Sign in")

    def fill(self, field: str, text: str) -> None:
        """Type into the field of that selector, in place of what it has."""
        found = self.one(field)
        found.clear()
        found.send_keys(text)

    def press(self, name: str) -> None:
        """Press the first visible button or link of exactly that name."""
        self.click(lambda: next((found for found in self.all("button, a, summary") if plain(found.text) == name), None))

    def choose(self, start: str) -> None:
        """Press the row whose words begin with ``start``."""
        for fold in self.all(f".exits {SUMMARY}, main .more:not([open]) > summary")[:1]:
            fold.click()
        self.click(lambda: next((row for row in self.all(".row") if plain(row.text).startswith(start)), None))

    def click(self, find: Callable[[], WebElement | None]) -> None:
        """Press the thing, once it is there, and wait for the page where it leads to one."""
        found = self.waited(find)
        before = self.one("html")
        found.click()
        deadline = time.monotonic() + 1
        while time.monotonic() < deadline and self.still(before):
            time.sleep(0.02)

    def still(self, page: WebElement) -> bool:
        """Tell if the window has the same page as before, and all of the page that it has."""
        from selenium.common.exceptions import WebDriverException

        try:
            return bool(page.tag_name)
        except WebDriverException:
            return False

    def type_code(self, code: str, *, button: str = CONFIRM) -> None:
        """Type a code and confirm."""
        self.fill("[name=code]", code)
        self.press(button)

    # -- reading -------------------------------------------------------------------------------------------------

    def all(self, selector: str) -> list[WebElement]:
        """All things of that selector."""
        return list(self.driver.find_elements("css selector", selector))

    def one(self, selector: str) -> WebElement:
        """The first thing of that selector, once it is there."""
        return self.waited(lambda: next(iter(self.all(selector)), None))

    def waited(self, find: Callable[[], T | None]) -> T:
        """The first true answer of ``find``."""
        from selenium.common.exceptions import WebDriverException

        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                if found := find():
                    return found
            except WebDriverException:
                if time.monotonic() > deadline:
                    raise
            assert time.monotonic() < deadline, f"{self.path}: {self.text[:600]}"
            time.sleep(0.05)

    @property
    def heading(self) -> str:
        """The page's heading."""
        return plain(self.one("h1").text)

    @property
    def text(self) -> str:
        """All words of the page's main part, with plain spaces."""
        return plain(self.one("main").text)

    @property
    def path(self) -> str:
        """The address of the page, without the origin and the fragment."""
        return str(self.driver.current_url).removeprefix(self.example.origin).split("#")[0]

    def at(self, heading: str) -> None:
        """The page gets this heading."""
        self.waited(lambda: self.heading == heading)

    def says(self, *parts: str) -> None:
        """The page gets all of these words."""
        for part in parts:
            self.waited(partial(self._has, part))

    def _has(self, part: str) -> bool:
        return part in self.text

    def is_in(self) -> None:
        """The app itself answers: its home page."""
        self.waited(lambda: self.path == "/" and self.heading.startswith(HOME))

    def script(self, source: str, *arguments: object) -> Any:
        """Run the body of a function in the page."""
        return self.driver.execute_script(source, *arguments)

    def size(self, width: int, height: int = 800) -> None:
        """Give the page that width. A window is wider than its page."""
        more = 0
        for _ in range(5):
            self.driver.set_window_rect(width=max(width + more, 50), height=height)
            time.sleep(0.2)
            if (now := self.script("return innerWidth")) == width:
                return
            more += width - now

    def picture(self, path: Path) -> None:
        """Take a picture of the window."""
        self.driver.save_screenshot(str(path))

    # -- parts of several stories --------------------------------------------------------------------------------

    def set_up_app(self) -> App:
        """Enroll an authenticator app by the address that the page shows."""
        self.choose("Authenticator app")
        app = self.scan()
        self.type_code(app.code())
        return app

    def scan(self) -> App:
        """Add the account to an app, by the address that the page shows."""
        return App.scanned(str(self.one("a[href^='otpauth:']").get_dom_attribute("href")), self.example)

    def keep_codes(self) -> list[str]:
        """Read the backup codes, say that they are safe, go on."""
        self.at("Save your backup codes")
        codes = [plain(code.text) for code in self.all("#codes li")]
        self.one("[name=saved]").click()
        self.press("Continue")
        return codes


def plain(text: str) -> str:
    """Words with plain spaces between them."""
    return re.sub(r"\s+", " ", text).strip()
