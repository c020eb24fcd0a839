"""A person at a browser.

It signs in, reads headings, presses buttons and types codes by the names that the pages show.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .example import Example
from .looks import Looks, complaints

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Locator, Page

PASSWORD = "demo-password"
HOME = "Hello, "
CONFIRM = "Confirm"
OWN_FRAGMENT = re.compile("/mfa.*#(errors)?$")


@dataclass(slots=True, kw_only=True)
class Person:
    """One browser in one place.

    Every page that is reached is looked at, and ``faults`` has the faults that were found.
    """

    example: Example
    context: BrowserContext
    page: Page
    looks: Looks
    script: bool
    faults: list[str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    # -- moving --------------------------------------------------------------------------------------------------

    def sign_in(self, email: str, *, to: str = "") -> None:
        """Type address and password at the host's own sign-in.

        ``to`` names the page that leads there, if there is one.
        """
        self.page.goto(f"{self.example.origin}{to or '/login'}")
        self.look()
        self.page.get_by_label("E-mail address").fill(email)
        self.page.get_by_label("Password", exact=True).fill(PASSWORD)
        self.press("Sign in")

    def sign_out(self) -> None:
        """Leave by the host's own button, or by the menu of the gate's pages."""
        self.open_menu()
        self.press("Sign out")
        self.at("Sign in")

    def open_menu(self) -> None:
        """Open the menu at the top of our pages, where there is one."""
        open_menu(self.page)

    def go(self, path: str) -> None:
        """Type an address of the app."""
        self.page.goto(f"{self.example.origin}{path}")
        self.look()

    def press(self, name: str, *, within: str = "") -> None:
        """Press the button or follow the link of that name, and wait for where it leads."""
        self.find(name, within=within).click()
        self.look()

    def find(self, name: str, *, within: str = "") -> Locator:
        """The button or link of that name; where several are, the first.

        What is in the closed menu of the page is found by opening it, as a person does.
        """
        root = self.page.locator(within) if within else self.page
        exact = re.compile(rf"^\s*{re.escape(name)}\s*$")
        found = root.get_by_role("button", name=exact).or_(root.get_by_role("link", name=exact)).first
        if not found.count():
            self.unfold("details.menu:not([open])")
        return found

    def choose(self, start: str) -> None:
        """Follow or press the row (of factors, of other ways) whose words begin with ``start``."""
        self.unfold(":is(.exits details, main .more):not([open])")
        self.page.locator(".row", has_text=re.compile(rf"^\s*{re.escape(start)}")).first.click()
        self.look()

    def unfold(self, fold: str) -> None:
        """Open the fold of that selector, where the page has one."""
        for summary in self.page.locator(f"{fold} > summary").all()[:1]:
            summary.click()

    def offered(self) -> list[str]:
        """The rows of factors or other ways on this page, by their first line."""
        self.unfold(".exits details:not([open])")
        return [
            text.split("\n")[0].strip().removesuffix(" Recommended")
            for text in self.page.locator(".row .row-name").all_inner_texts()
        ]

    def type_code(self, code: str, *, button: str = CONFIRM, remember: bool | None = None) -> None:
        """Type a code, decide about remembering where told, and confirm."""
        self.page.get_by_role("textbox", name=re.compile("code", re.IGNORECASE)).fill(code)
        if remember is not None:
            self.page.get_by_role("checkbox").set_checked(remember)
        self.press(button)

    def from_address(self, address: str) -> None:
        """Come from another network from now on."""
        self.context.set_extra_http_headers({"X-Forwarded-For": address})

    # -- reading -------------------------------------------------------------------------------------------------

    def look(self) -> None:
        """Judge the page as it is now."""
        self.page.wait_for_load_state("load")
        self.faults += self.looks.judge(self.page, script=self.script)
        if self.script and OWN_FRAGMENT.search(self.page.url):
            self.faults.append(f"{self.page.url}: the address keeps the fragment of a form")

    @property
    def heading(self) -> str:
        """The page's heading."""
        return self.page.get_by_role("heading", level=1).inner_text()

    @property
    def text(self) -> str:
        """All words of the page's main part, with plain spaces."""
        words: str = self.page.locator("main").inner_text()
        return " ".join(words.split())

    @property
    def path(self) -> str:
        """The address that the browser is at, without the origin and the fragment."""
        path: str = self.page.url.removeprefix(self.example.origin)
        return path.split("#")[0]

    def at(self, heading: str) -> None:
        """The page has exactly this heading."""
        assert self.heading == heading, f"{self.page.url}: {self.text[:400]}"

    def is_in(self) -> None:
        """The app itself answers: its home page."""
        assert self.path == "/", f"{self.page.url}: {self.text[:400]}"
        assert self.heading.startswith(HOME), self.text[:400]

    def says(self, *parts: str) -> None:
        """The page has all of these words."""
        text = self.text
        for part in parts:
            assert part in text, f"{part!r} is not in: {text}"

    def silent(self, *parts: str) -> None:
        """The page has none of these words."""
        text = self.text
        for part in parts:
            assert part not in text, f"{part!r} is in: {text}"

    def refused(self, text: str, *, field: str = "code") -> None:
        """Assert that the form came back with a summary in words and the field marked.

        The summary has the reader's attention (U-49 to U-52).
        """
        summary = self.page.locator("#errors")
        assert text in summary.inner_text(), self.text
        assert self.page.title().startswith("Error: ")
        if self.script:
            assert self.page.evaluate("document.activeElement.id") == "errors"
        else:
            assert self.page.url.endswith("#errors")
        if field:
            marked = self.page.locator(f"[name={field}]:visible")
            assert marked.get_attribute("aria-invalid") == "true"
            described = (marked.get_attribute("aria-describedby") or "").split()
            assert any(text in self.page.locator(f"#{id}").inner_text() for id in described)
            assert summary.get_by_role("link").get_attribute("href") == f"#{marked.get_attribute('id')}"

    def clean(self) -> None:
        """Nothing was wrong with any page on the way."""
        assert not [*self.faults, *self.seen], "\n".join([*self.faults, *self.seen])

    # -- parts of several stories --------------------------------------------------------------------------------

    def read_qr(self) -> str:
        """The QR code on the page, read from a picture of it by a decoder that is not ours."""
        import cv2
        import numpy

        shot = self.page.get_by_role("img", name=re.compile("QR code")).screenshot()
        picture = cv2.imdecode(numpy.frombuffer(shot, numpy.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        # Like a phone, it looks from several distances: from one of them this decoder misses about one code in a hundred.
        for scale in (1.0, 2.0, 1.5, 3.0, 0.8):
            seen = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)
            for decoder in (cv2.QRCodeDetector(), cv2.QRCodeDetectorAruco()):
                text = decoder.detectAndDecode(seen)[0]
                if text:
                    return str(text)
        raise AssertionError("no decoder reads this QR code")

    def set_up_app(self) -> App:
        """Enroll an authenticator app, from the choice to the page that follows the right code."""
        self.choose("Authenticator app")
        app = App.scanned(self.read_qr(), self.example)
        self.type_code(app.code())
        return app

    def keep_codes(self) -> list[str]:
        """Read the backup codes, say that they are safe, go on."""
        self.at("Save your backup codes")
        codes = self.page.locator("#codes li").all_inner_texts()
        self.page.get_by_label("I have put these somewhere safe").check()
        self.press("Continue")
        return [code.strip() for code in codes]

    def enroll_app(self, email: str) -> tuple[App, list[str]]:
        """The whole way in of somebody new with an authenticator app."""
        self.sign_in(email)
        app = self.set_up_app()
        return app, self.keep_codes()


@dataclass(slots=True, kw_only=True)
class App:
    """An authenticator app that scanned a QR code; it lives in the example's time."""

    uri: str
    example: Example
    used: int = -1

    @classmethod
    def scanned(cls, uri: str, example: Example) -> App:
        """Return an app that knows the address from the scan."""
        return cls(uri=uri, example=example)

    def code(self) -> str:
        """Return the code that is shown now, a fresh one each time.

        The time moves on if it must.
        """
        import pyotp

        totp = pyotp.parse_uri(self.uri)
        assert isinstance(totp, pyotp.TOTP)
        now = self.example.now
        if now // totp.interval <= self.used:
            self.example.advance(totp.interval)
            now = self.example.now
        self.used = int(now // totp.interval)
        return str(totp.at(int(now)))

    def wrong(self) -> str:
        """Six digits that are not right now, nor near now."""
        import pyotp

        totp = pyotp.parse_uri(self.uri)
        assert isinstance(totp, pyotp.TOTP)
        near = {totp.at(int(self.example.now), counter_offset=offset) for offset in range(-12, 13)}
        return next(code for code in (f"{n:06d}" for n in range(111_111, 999_999)) if code not in near)


def arrive(context: BrowserContext, example: Example, looks: Looks, *, script: bool) -> Person:
    """Open a page in ``context``."""
    page = context.new_page()
    page.set_default_timeout(20_000)
    seen = complaints(page) if script else []
    return Person(example=example, context=context, page=page, looks=looks, script=script, seen=seen)


def open_menu(page: Page) -> None:
    """Open the menu with the way out and the languages, where the page has one."""
    closed = page.locator("details.menu:not([open]) > summary")
    if closed.count():
        closed.click()
