"""Every page in Chromium under the policy that the gate sends.

Checked are axe, reflow, sizes, and the additions of the script.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mfa_gate.core.rules import BrandRules
from tests.browser.looks import violations, violations_in_both
from tests.chromium import launch

from .gallery import served, write
from .test_render import EVERY, Node, tree_of

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

PRESS_TWICE = """() => [1, 2].map(() => {
  const event = new SubmitEvent("submit", { cancelable: true });
  document.querySelector("form[data-once]").dispatchEvent(event);
  return event.defaultPrevented;
})"""
TOO_SMALL = """() => [...document.querySelectorAll("button, .button," +
  " input:not([type=hidden]), select, textarea, summary, .row, .menu a, footer a," +
  " .desk-page :is(p, li, td, th, dd, .who) > a:only-of-type")]
  .filter((element) => element.checkVisibility())
  .map((element) => [element, (element.type === "checkbox" ? element.labels[0] : element).getBoundingClientRect()])
  .filter(([, box]) => box.width < 44 || box.height < 44)
  .map(([element, box]) => `${element.outerHTML.slice(0, 80)} ${box.width}x${box.height}`)"""

TOO_NARROW = """() => [...document.querySelectorAll("nav li")]
  .filter((element) => element.checkVisibility() && element.scrollWidth > element.clientWidth + 1)
  .map((element) => element.textContent.trim())"""
"""The places of a menu whose words run into the next one."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(**launch())
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, list[str]]]:
    folder = tmp_path_factory.mktemp("gallery")
    names = write(folder)
    with served(folder) as address:
        yield address, names


def show(page: Page, url: str) -> None:
    """Go to the address.

    The page before may have been about to move on by itself, which cuts a slow browser short once.
    """
    from playwright.sync_api import Error

    try:
        page.goto(url)
    except Error as error:
        if "ERR_ABORTED" not in str(error):
            raise
        page.goto(url)


Shape = tuple[tuple[str, ...], tuple[str, ...]]
"""An element in the two around it, each by tag and classes, and the names of its attributes."""


@cache
def shapes(name: str) -> frozenset[Shape]:
    """List the shapes of a page. Words do not matter to the checks here."""
    found: set[Shape] = set()

    def walk(node: Node, way: tuple[str, ...]) -> None:
        for child in node.children:
            here = (*way[-2:], f"{child.tag}.{child.attrs.get('class', '')}")
            found.add((here, tuple(sorted(child.attrs))))
            walk(child, here)

    walk(tree_of(name), ())
    return frozenset(found)


def colored(name: str) -> frozenset[tuple[str, ...]]:
    """List what may have a color of its own on a page: elements in another one."""
    return frozenset(way[-2:] for way, _ in shapes(name))


def few_with_all(names: Iterable[str], parts: Callable[[str], Collection[Hashable]] = shapes) -> list[str]:
    """Choose few pages that together hold every part there is: a browser takes its time.

    The page with most new parts comes first. At the end those go whose parts the others hold.
    """
    names = sorted(names)
    left = set[Hashable]().union(*map(parts, names))
    chosen: list[str] = []
    while left:
        chosen.append(max(names, key=lambda name: len(left.intersection(parts(name)))))
        left.difference_update(parts(chosen[-1]))
    times = Counter(part for name in chosen for part in parts(name))
    for name in chosen[::-1]:
        if all(times[part] > 1 for part in parts(name)):
            chosen.remove(name)
            times.subtract(parts(name))
    return chosen


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["each part", "every page"])
def test_axe(browser: Browser, gallery: tuple[str, list[str]], every: bool) -> None:
    """axe finds nothing on any page in any state, nor in the colors of the dark scheme.

    Target sizes are included. The pages together hold every part that exists, each of its kind once, and those in the dark
    every one that may have a color of its own; with ``--long`` every page is checked. Requirements U-59, U-60.
    """
    address, names = gallery
    chosen = names if every else few_with_all(names)
    dark = set(names if every else few_with_all(chosen, colored))
    context = browser.new_context(reduced_motion="reduce")
    page, found = context.new_page(), []
    for name in chosen:
        show(page, f"{address}/{name}.html")
        found += [f"{name}: {fault}" for fault in (violations_in_both if name in dark else violations)(page)]
    context.close()
    assert found == []


@pytest.mark.parametrize(
    "brand",
    [
        BrandRules(
            accent="#8a2c0d", text="#2b1d14", surface="#fffaf2", text_dark="#f6eadf", surface_dark="#241a14", radius=0
        ),
        BrandRules(text="#f4f4f4", surface="#101418", text_dark="#f4f4f4", surface_dark="#101418", show_name=False),
    ],
    ids=["warm", "always dark"],
)
def test_axe_with_a_theme_of_the_host(browser: Browser, tmp_path: Path, brand: BrandRules) -> None:
    """axe finds no color of a host's theme that cannot be read, in either scheme.

    Requirement U-61.
    """
    chosen = ("challenge-totp-wrong", "settings", "enroll-totp-start", "fault-403")
    names, found = write(tmp_path, {"brand": brand}, chosen), []
    assert set(chosen) == set(names)
    with served(tmp_path) as address:
        context = browser.new_context(reduced_motion="reduce")
        page = context.new_page()
        for name in chosen:
            show(page, f"{address}/{name}.html")
            found += [f"{name}: {fault}" for fault in violations_in_both(page)]
        context.close()
    assert found == []


@pytest.mark.parametrize(
    ("lang", "every"),
    [("en-XA", False), ("ar", False), *(pytest.param(lang, True, marks=pytest.mark.long) for lang in ("en", "en-XA"))],
)
def test_reflow_and_sizes(browser: Browser, tmp_path: Path, lang: str, every: bool) -> None:
    """At 320 px nothing scrolls sideways, and targets are 44 px.

    This holds for long words and right to left, too. Requirements U-58, U-60, U-63.
    """
    names = write(tmp_path, {"lang": lang}, () if every else tuple(few_with_all(EVERY)))
    context = browser.new_context(viewport={"width": 320, "height": 640})
    page = context.new_page()
    refused = _refused(page)
    wide, small, cut = [], [], []
    with served(tmp_path) as address:
        for name in names:
            show(page, f"{address}/{name}.html")
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wide.append(name)
            small += [f"{name}: {found}" for found in page.evaluate(TOO_SMALL)]
            cut += [f"{name}: {found}" for found in page.evaluate(TOO_NARROW)]
    context.close()
    assert cut == []
    assert wide == []
    assert small == []
    assert refused == []


def _refused(page: Page) -> list[str]:
    """Collect the errors of the page's policy and of its script, as they happen."""
    seen: list[str] = []
    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("console", lambda message: seen.append(message.text) if message.type == "error" else None)
    return seen


def test_the_picker_of_the_organization_is_one_line(browser: Browser, gallery: tuple[str, list[str]]) -> None:
    """The button stands beside the list where there is room."""
    address, _ = gallery
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    show(page, f"{address}/admin-tenant-first-day.html")
    parts = page.evaluate("[...document.querySelectorAll('.picker > *')].map((part) => part.getBoundingClientRect())")
    assert len(parts) == 3
    assert max(part["top"] for part in parts) < min(part["bottom"] for part in parts)


def test_copy(browser: Browser, gallery: tuple[str, list[str]]) -> None:
    """Copy puts the codes one a line, and the key without spaces, on the clipboard.

    It says so. Requirements U-34, U-30.
    """
    address, _ = gallery
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(f"{address.replace('127.0.0.1', 'localhost')}/codes-shown.html")
    page.get_by_role("button", name="Copy").click()
    page.get_by_role("button", name="Copied").wait_for()
    codes: Any = page.evaluate("navigator.clipboard.readText()")
    assert codes.split("\n")[0] == "7KX2M-D3H8V"
    assert len(codes.split("\n")) == 10
    assert page.locator("#live").inner_text() == "Copied"
    page.goto(f"{address.replace('127.0.0.1', 'localhost')}/enroll-totp-confirm.html")
    page.get_by_text("Can't scan image?").click()
    page.get_by_role("button", name="Copy the key").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    context.close()


def test_script(browser: Browser, gallery: tuple[str, list[str]]) -> None:
    """Times turn local, a refused form starts at its summary, and a second press is stopped.

    Requirements U-14, U-50, U-5.
    """
    address, _ = gallery
    context = browser.new_context(timezone_id="America/New_York", locale="en-US")
    page = context.new_page()
    page.goto(f"{address}/challenge-sms-sent.html")
    assert page.locator("time").first.inner_text().replace("\u202f", " ") == "5:03 AM"
    page.get_by_label("Security code").fill("123456")
    assert page.url.endswith("/challenge-sms-sent.html")
    stopped = page.evaluate(PRESS_TWICE)
    assert stopped == [False, True]
    page.goto(f"{address}/challenge-totp-wrong.html")
    assert page.evaluate("document.activeElement.id") == "errors"
    context.close()


def test_time_left_is_told_in_phases(browser: Browser, gallery: tuple[str, list[str]]) -> None:
    """U-15: the live regions speak at the phases only, and the end is told at once."""
    address, _ = gallery
    context = browser.new_context()
    page = context.new_page()
    page.clock.install()
    page.goto(f"{address}/challenge-sms-sent.html")
    page.clock.fast_forward(60_000)
    assert page.locator("#live").inner_text() == ""
    page.clock.fast_forward(221_000)
    assert page.locator("#live").inner_text() == "The code expires in 5 minutes."
    page.clock.fast_forward(300_000)
    assert "Send a new one" in page.locator("#live-now").inner_text()
    context.close()


def test_print_holds_the_codes_alone(browser: Browser, gallery: tuple[str, list[str]]) -> None:
    """U-65: on paper there are the codes with service, person and date, and nothing else."""
    address, _ = gallery
    context = browser.new_context()
    page = context.new_page()
    page.goto(f"{address}/codes-shown.html")
    page.emulate_media(media="print")
    text = page.evaluate("document.body.innerText")
    assert "7KX2M-D3H8V" in text
    for part in ("Backup codes for Northwind Finance", "user@finance.example", "October 9, 2025"):
        assert part in text
    for part in ("Copy", "Continue", "Sign out", "Save your backup codes", "Help"):
        assert part not in text
    context.close()


@pytest.mark.parametrize("fallback", [False, True])
def test_passkey_button(browser: Browser, gallery: tuple[str, list[str]], fallback: bool) -> None:
    """The passkey button asks nothing before the press, and a success fills in the JSON.

    Cancelling sends nothing. Requirements U-39, U-41, U-43, U-48.
    """
    address, _ = gallery
    context = browser.new_context()
    page = context.new_page()
    if fallback:
        page.add_init_script(
            "delete PublicKeyCredential.parseCreationOptionsFromJSON; delete PublicKeyCredential.prototype.toJSON;"
        )
    page.add_init_script(
        "window.sent = []; HTMLFormElement.prototype.requestSubmit = function () { sent.push(this.elements.code.value); };"
    )
    devtools = context.new_cdp_session(page)
    devtools.send("WebAuthn.enable")
    options = {"protocol": "ctap2", "transport": "internal", "hasUserVerification": True, "hasResidentKey": True}
    added = devtools.send(
        "WebAuthn.addVirtualAuthenticator", {"options": {**options, "automaticPresenceSimulation": True}}
    )
    page.goto(f"{address.replace('127.0.0.1', 'localhost')}/enroll-passkey-confirm.html")
    who = {"authenticatorId": added["authenticatorId"]}
    assert devtools.send("WebAuthn.getCredentials", who)["credentials"] == []
    devtools.send("WebAuthn.setUserVerified", {**who, "isUserVerified": True})
    page.get_by_role("button", name="Make a passkey").click()
    page.wait_for_function("sent.length > 0")
    made: Any = page.evaluate("JSON.parse(sent[0])")
    assert made["type"] == "public-key"
    assert made["id"] == made["rawId"]
    assert {"clientDataJSON", "attestationObject"} <= set(made["response"])
    page.evaluate(
        "() => { navigator.credentials.create = () => Promise.reject(new DOMException('', 'NotAllowedError')) }"
    )
    page.get_by_role("button", name="Make a passkey").click()
    page.locator("[data-passkey-says]").get_by_text("Nothing happened").wait_for()
    assert page.evaluate("sent.length") == 1
    context.close()


BROKEN_WORDS = """() => [...document.querySelectorAll(
  "h1, h2, .brand-name, .row-name, .thing-name, .codes code, .button")].flatMap((place) => {
  const texts = document.createTreeWalker(place, NodeFilter.SHOW_TEXT), broken = [];
  while (texts.nextNode()) {
    for (const word of texts.currentNode.data.matchAll(/[^\\s-]+/g)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, word.index);
      range.setEnd(texts.currentNode, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) broken.push(word[0]);
    }
  }
  return place.checkVisibility() ? broken : [];
})"""
OUTSIDE = """() => [...document.querySelectorAll(".codes code, .number, .key")].filter((code) =>
  code.getBoundingClientRect().right > code.closest(".card").getBoundingClientRect().right).map((code) => code.textContent)"""


def test_twice_as_large_text(browser: Browser, gallery: tuple[str, list[str]]) -> None:
    """At 200 % text on a phone no word breaks, and no code leaves its box.

    Nothing scrolls sideways.
    Requirements U-4, U-58.
    """
    address, _ = gallery
    page = browser.new_context(viewport={"width": 390, "height": 800}).new_page()
    found: list[object] = []
    for name in (
        "enroll-required",
        "challenge-all-ways",
        "settings-good",
        "codes-shown",
        "recovery",
        "challenge-push-waiting",
    ):
        show(page, f"{address}/{name}.html")
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        found += [(name, fault) for fault in (*page.evaluate(BROKEN_WORDS), *page.evaluate(OUTSIDE), *["wide"] * wide)]
    assert found == []


TORN = r"""() => {
  const phone = /\+?\d[\d\u00a0 ().\u2011-]{5,}\d/, masked = /[(\u2022][\u2022()\u00a0 -]{4,}\d+/, version = /\d{4}-\d\d\b/;
  const clock = /\d{1,2}:\d\d(?::\d\d)?(?:[\s\u202f][AP]M)?/;
  const pieces = RegExp([phone, masked, clock, version].map((one) => one.source).join("|"), "g");
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), torn = [];
  while (texts.nextNode()) {
    if (!texts.currentNode.parentElement.checkVisibility()) continue;
    for (const piece of texts.currentNode.data.matchAll(pieces)) {
      const range = document.createRange();
      range.setStart(texts.currentNode, piece.index);
      range.setEnd(texts.currentNode, piece.index + piece[0].length);
      if (new Set([...range.getClientRects()].map((box) => Math.round(box.top))).size > 1) torn.push(piece[0]);
    }
  }
  return torn;
}"""
"""The numbers, times and versions that stand on two lines."""
CALL = "Lost your e-mail address? Call the help desk on +1 202-555-0190."


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.long)], ids=["some", "every page"])
def test_numbers_and_times_stay_whole(browser: Browser, tmp_path: Path, every: bool) -> None:
    """A telephone number, a time or a version never breaks on a narrow page."""
    some = ("challenge-asked", "enroll-nobody", "enroll-sms-confirm", "agreement-new-version")
    names = write(tmp_path, {"contact": CALL}, () if every else some)
    page, found = browser.new_context(reduced_motion="reduce").new_page(), []
    with served(tmp_path) as address:
        for name in names:
            show(page, f"{address}/{name}.html")
            for width in (320, 390):
                page.set_viewport_size({"width": width, "height": 800})
                found += [(name, width, piece) for piece in page.evaluate(TORN)]
    assert found == []


@pytest.mark.parametrize("coarse", [True, False], ids=["phone", "desk"])
def test_the_app_on_this_phone(browser: Browser, gallery: tuple[str, list[str]], coarse: bool) -> None:
    """On a phone the link to the app comes first and the picture is folded.

    Elsewhere the picture is there.
    """
    address, _ = gallery
    page = browser.new_context(viewport={"width": 390, "height": 800}, has_touch=coarse, is_mobile=coarse).new_page()
    for name in ("enroll-totp-confirm", "enroll-push-confirm"):
        show(page, f"{address}/{name}.html")
        link = page.get_by_role("link", name="Set it up on this phone")
        assert link.is_visible() is coarse
        assert page.get_by_role("img", name="QR code").is_visible() is not coarse
        if coarse:
            assert (link.get_attribute("href") or "").startswith(("otpauth:", "https://"))
            page.get_by_text("Scan with another device").click()
            assert page.get_by_role("img", name="QR code").is_visible()
