"""Every page in every language, theme and size: axe, and nothing wider than the screen.

The whole matrix is ``--long``. A sample stands for it, another one in each of its rows: the languages with the longest words,
the other direction, the other script.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import pytest

from mfa_gate.web.resources import folder
from tests.browser.looks import AXE, AXE_COLORS, TOO_WIDE, WIDE, violations
from tests.chromium import launch

from .gallery import LANGUAGES, served, write

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

Theme = Literal["light", "dark", "forced"]
THEMES: tuple[Theme, ...] = ("light", "dark", "forced")
WIDTHS = (320, 1280)
SAMPLE: dict[tuple[str, Theme, int], tuple[str, ...]] = {
    ("de", "light", 320): ("settings-good",),
    ("ar", "dark", 1280): ("enroll-totp-confirm",),
    ("zh-Hans", "forced", 320): ("challenge-all-ways",),
}
QUIET = "window.fetch = () => new Promise(() => {});"
"""No page moves on by itself while it is looked at."""
UNFOLD = "document.querySelectorAll('details').forEach(fold => { fold.open = true; })"
MENU_OUTSIDE = """() => [...document.querySelectorAll(".menu-body")].map(menu => menu.getBoundingClientRect())
    .some(box => box.left < 0 || box.right > innerWidth)"""
BIGGER = "size => { document.documentElement.style.fontSize = size; }"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(**launch())
        yield launched
        launched.close()


def faults(browser: Browser, folder: Path, lang: str, theme: Theme, width: int, only: tuple[str, ...]) -> list[str]:
    """List the faults of the pages named, or of all, in one language, theme and width."""
    names = write(folder, {"lang": lang}, only)
    context = browser.new_context(
        viewport={"width": width, "height": 720},
        color_scheme="dark" if theme == "dark" else "light",
        forced_colors="active" if theme == "forced" else "none",
        reduced_motion="reduce",
    )
    context.add_init_script(QUIET)
    page, found = context.new_page(), []
    with served(folder) as address:
        for name in names:
            page.goto(f"{address}/{name}.html")
            if only:  # the open menu lies over other targets, so the matrix leaves it closed
                page.locator(".menu > summary").click()
            found += [f"{name}: {it}" for it in violations(page, AXE if theme == "light" else AXE_COLORS)]
            if page.evaluate(WIDE):
                found.append(f"{name}: wider than {width}: {page.evaluate(TOO_WIDE)}")
    context.close()
    return found


@pytest.mark.parametrize(("lang", "theme", "width"), SAMPLE)
def test_a_sample(browser: Browser, tmp_path: Path, lang: str, theme: Theme, width: int) -> None:
    """One page or two of each language with its own trouble, with the menu open."""
    assert faults(browser, tmp_path, lang, theme, width, SAMPLE[lang, theme, width]) == []


@pytest.mark.long
@pytest.mark.parametrize(("lang", "theme", "width"), list(product(LANGUAGES, THEMES, WIDTHS)))
def test_every_page(browser: Browser, tmp_path: Path, lang: str, theme: Theme, width: int) -> None:
    """All pages in all states, in each language, theme and size."""
    assert faults(browser, tmp_path, lang, theme, width, ()) == []


FEW = ("challenge-sms-sent", "admin-tenant-first-day", "admin-what-if-wrong")


@pytest.mark.parametrize("only", [FEW, pytest.param((), marks=pytest.mark.long)])
@pytest.mark.parametrize("lang", ["en-XA", pytest.param("de", marks=pytest.mark.long)])
@pytest.mark.parametrize("size", ["200%", "400%"])
def test_large_text(browser: Browser, tmp_path: Path, lang: str, size: str, only: tuple[str, ...]) -> None:
    """With text of two and four times its size nothing is wider than a phone's screen.

    That is a phone with doubled text, and one turned on its side with text four times as large. Requirement U-58.
    """
    names = write(tmp_path, {"lang": lang}, only)
    context = browser.new_context(viewport={"width": 390 if size == "200%" else 780, "height": 900})
    context.add_init_script(QUIET)
    page, wide = context.new_page(), []
    with served(tmp_path) as address:
        for name in names:
            page.goto(f"{address}/{name}.html")
            page.evaluate(BIGGER, size)
            for state in ("closed", "open"):
                if page.evaluate(WIDE):
                    wide.append(f"{name}, {state}: {page.evaluate(TOO_WIDE)}")
                page.evaluate(UNFOLD)
            if page.evaluate(MENU_OUTSIDE):
                wide.append(f"{name}: the menu is not on the screen")
    context.close()
    assert wide == []


def test_every_line_of_the_style_is_understood(browser: Browser) -> None:
    """The browser drops a declaration that it does not understand, without a word."""
    style = re.sub(r"/\*.*?\*/", "", folder("static").joinpath("mfa.css").read_text("utf-8"), flags=re.DOTALL)
    lines = [
        list(line) for line in re.findall(r"[{;]\s*([a-z-]+)\s*:\s*([^;{}]+?)\s*(?:!important\s*)?(?=[;}])", style)
    ]
    assert len(lines) > 1_000
    page = browser.new_page()
    dropped = page.evaluate("lines => lines.filter(([name, value]) => !CSS.supports(name, value))", lines)
    page.close()
    assert dropped == []


STEPS = """() => {
    const tops = (selector) => [...document.querySelectorAll(selector)].map(one => Math.round(one.getBoundingClientRect().top));
    const labels = tops("form.filter label"), fields = tops("form.filter :is(input:not([type=hidden]), select)");
    return labels.flatMap((top, i) => labels.slice(i + 1).map((other, j) => [top === other, fields[i] === fields[i + 1 + j]]))
        .filter(([label, field]) => label !== field).length;
}"""


def test_fields_of_a_row_stand_on_one_line(browser: Browser, tmp_path: Path) -> None:
    """Labels of a row begin on one line, and its fields stand on one."""
    names = write(tmp_path, {"lang": "de"}, ("admin-what-if-asked", "admin-what-if-wrong"))
    page = browser.new_page(viewport={"width": 1280, "height": 720})
    with served(tmp_path) as address:
        for name in names:
            page.goto(f"{address}/{name}.html")
            assert page.evaluate(STEPS) == 0, name
    page.close()
