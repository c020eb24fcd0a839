"""Pages on narrow screens: nothing is cut without a sign that there is more."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mfa_gate.core.rules import BrandRules
from tests.browser.looks import TOO_WIDE, WIDE
from tests.chromium import launch

from .gallery import LANGUAGES, served, write

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

WIDTHS = (320, 390, 1280)
QUIET = "window.fetch = () => new Promise(() => {});"
UNFOLD = "document.querySelectorAll('details:not(.menu)').forEach(one => { one.open = true; })"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(**launch())
        yield launched
        launched.close()


def shown(
    browser: Browser, folder: Path, names: tuple[str, ...], widths: tuple[int, ...] = WIDTHS, **frame: Any
) -> Iterator[tuple[str, Page]]:
    """Show pages of the gallery at each width, with what they fold opened."""
    write(folder, frame, names)
    page = browser.new_page(reduced_motion="reduce")
    page.add_init_script(QUIET)
    with served(folder) as address:
        for name in names:
            for width in widths:
                page.set_viewport_size({"width": width, "height": 720})
                page.goto(f"{address}/{name}.html")
                page.evaluate(UNFOLD)
                yield f"{name} at {width}", page
    page.close()


LOGO = """data:image/svg+xml,<svg xmlns="http://www.w3.org/2000/svg" width="{}" height="36"><rect width="999" height="36"/></svg>"""
CUT = """() => { const name = document.querySelector(".menu > summary bdi"), room = document.querySelector("header.brand");
    return name.scrollWidth > name.clientWidth && name.scrollWidth + 60 < room.clientWidth; }"""


@pytest.mark.parametrize("logo", [36, 200])
@pytest.mark.parametrize("show_name", [False, True])
def test_the_person_reads_who_is_signed_in(browser: Browser, tmp_path: Path, logo: int, show_name: bool) -> None:
    """A name that fits in a line of the head is whole, whatever stands beside it."""
    brand = BrandRules(name="Northwind Finance", show_name=show_name)
    for person in ("user@finance.example", "maximiliane.von.hohenberg@finance.example"):
        frame: dict[str, Any] = {"brand": brand, "logo": LOGO.format(logo), "person": person}
        for where, page in shown(browser, tmp_path, ("challenge-totp",), **frame):
            assert not page.evaluate(CUT), f"{where}, {person}"
            assert not page.evaluate(WIDE), f"{where}: {page.evaluate(TOO_WIDE)}"


SCROLLING = """() => [...document.querySelectorAll("main *")].filter(one => one.scrollWidth > one.clientWidth + 1
    && ["auto", "scroll"].includes(getComputedStyle(one).overflowX)).map(one => {
        const style = getComputedStyle(one);
        return [one.className || one.parentElement.className,
            style.backgroundImage.split("linear-gradient(").length - 1, style.backgroundAttachment]; })"""
DESK = (
    "admin-tenant", "admin-impact", "admin-account-asked", "admin-policy-own", "admin-many", "admin-report-sends",
    "admin-report-adoption", "admin-what-if-asked",
)  # fmt: skip


@pytest.mark.parametrize("lang", ["fr", "ar"])
def test_what_scrolls_sideways_shows_that_there_is_more(browser: Browser, tmp_path: Path, lang: str) -> None:
    """An edge with more behind it lies in a shadow; the menu of the desk does not scroll."""
    found = set()
    for where, page in shown(browser, tmp_path, DESK, WIDTHS[:2], lang=lang):
        assert not page.evaluate(WIDE), f"{where}: {page.evaluate(TOO_WIDE)}"
        for name, shadows, fixed in page.evaluate(SCROLLING):
            assert (shadows, fixed) == (4, "local, local, scroll, scroll"), f"{where}: {name}"
            found.add(name)
    assert {"scroller", "fold-body scroller", "file"} <= found


@pytest.mark.parametrize("lang", ["fr", "de", "ar"])
def test_a_plot_has_most_of_a_narrow_screen(browser: Browser, tmp_path: Path, lang: str) -> None:
    """Its words stand below the lines, and each is whole."""
    for where, page in shown(browser, tmp_path, ("admin-tenant", "admin-impact", "admin-report-sends"), lang=lang):
        wide = "main => main.querySelector('.chart-plot').clientWidth / main.querySelector('.chart').clientWidth"
        assert page.locator("main").evaluate(wide) > 0.7, where
        lines = page.locator(".chart text, .chart-key").filter(visible=True)
        edge = page.locator(".chart").first.bounding_box()
        assert edge
        for box in lines.evaluate_all("all => all.map(one => one.getBoundingClientRect().toJSON())"):
            assert edge["x"] - 24 <= box["left"] <= box["right"] <= edge["x"] + edge["width"] + 24, where


DIVIDED = """() => {
    const texts = (node) => node.nodeType === 3 ? [node] : [...node.childNodes].flatMap(texts);
    return [...document.querySelectorAll("main :is(h1, h2, h3, .row-name, .thing-name)")].flatMap(title => {
        const room = (title.closest(".row-text, .thing-body") || title).clientWidth;
        return texts(title).flatMap(text => [...text.data.matchAll(/\\S*\\w-\\w\\S*/gu)].filter(word => {
            const range = document.createRange();
            range.setStart(text, word.index);
            range.setEnd(text, word.index + word[0].length);
            const boxes = [...range.getClientRects()].filter(box => box.width);
            const width = boxes.reduce((sum, box) => sum + box.width, 0);
            return new Set(boxes.map(box => Math.round(box.top))).size > 1 && width <= room;
        }).map(word => word[0]));
    });
}"""
TITLED = (
    "enroll-required",
    "challenge-all-ways",
    "settings-good",
    "enroll-nothing",
    "challenge-push-waiting",
    "enroll-done",
)


@pytest.mark.parametrize("lang", ["en", "de"])
def test_a_word_of_a_title_is_divided_only_where_it_does_not_fit(browser: Browser, tmp_path: Path, lang: str) -> None:
    """A heading, or the name of a row, does not end a line with "Authenticator-"."""
    for where, page in shown(browser, tmp_path, TITLED, (320, 390), lang=lang):
        assert page.evaluate(DIVIDED) == [], where
        if lang == "de" and where.startswith("enroll-required"):
            name = page.locator(".row-name", has_text="Authenticator-App")
            assert name.evaluate("name => name.offsetHeight") < 1.5 * 17 * 1.55, f"{where}: it fits the smallest phone"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_an_open_fold_offers_to_close(browser: Browser, tmp_path: Path, lang: str) -> None:
    """Its words change with its state, for eyes and for screen readers."""
    for where, page in shown(browser, tmp_path, ("settings-devices", "admin-tenant"), (390,), lang=lang):
        for fold in page.locator("details:has(> summary > .when-open)").all():
            summary, said = fold.locator("> summary"), []
            for state in ("open", "closed"):
                fold.evaluate(f"fold => {{ fold.open = {str(state == 'open').lower()}; }}")
                said.append((summary.inner_text(), summary.aria_snapshot()))
            (open_seen, open_heard), (closed_seen, closed_heard) = said
            assert open_seen != closed_seen, where
            assert open_heard != closed_heard, where
            assert (summary.locator(".when-open").text_content() or "?") in open_seen, where


LETTERS = """() => [...document.querySelectorAll(".scroller :is(th, td)")].filter(cell => cell.textContent.trim()).filter(cell => {
    const texts = (node) => node.nodeType === 3 ? [node] : [...node.childNodes].flatMap(texts);
    return texts(cell).some(text => [...text.data.matchAll(/[\\p{L}\\d]+/gu)].some(word => {
        const range = document.createRange();
        range.setStart(text, word.index);
        range.setEnd(text, word.index + word[0].length);
        return new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1;
    }));
}).map(cell => cell.textContent)"""


def test_words_and_numbers_of_a_table_stay_whole_in_large_text(browser: Browser, tmp_path: Path) -> None:
    """A table scrolls before it divides a word: 439 is not read as 43 and 9."""
    names = ("admin-tenant", "admin-impact", "admin-report-sends", "admin-report-adoption")
    for where, page in shown(browser, tmp_path, names, (390,), lang="de"):
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert page.evaluate(LETTERS) == [], where
