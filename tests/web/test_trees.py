"""The ten main pages as a screen reader hears them, in text files that people have read.

``python -m tests.web.test_trees`` writes the files in ``tests/web/trees`` anew: read what changed before it is committed.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import pytest

from tests.chromium import launch

from .gallery import served, write

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

TREES = Path(__file__).with_name("trees")
MAIN = (
    "enroll-required",
    "enroll-totp-confirm",
    "enroll-sms-start",
    "codes-shown",
    "enroll-done",
    "challenge-sms-sent",
    "challenge-totp-wrong",
    "challenge-push-waiting",
    "recovery",
    "settings-good",
)


def trees(browser: Browser, folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the accessibility tree of each main page, with its title as the first line."""
    write(folder, {}, MAIN)
    context = browser.new_context(timezone_id="UTC", locale="en-US", reduced_motion="reduce")
    page = context.new_page()
    with served(folder) as address:
        for name in MAIN:
            page.goto(f"{address}/{name}.html")
            tree = page.locator("body").aria_snapshot().replace("\u202f", " ")
            yield name, f"title: {page.title()}\n{tree}\n"
    context.close()


def test_what_is_heard(tmp_path: Path) -> None:
    """Every main page is heard as its file says: names, roles and order."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**launch())
        found = dict(trees(browser, tmp_path))
        browser.close()
    kept = {path.stem: path.read_text(encoding="utf-8") for path in TREES.glob("*.txt")}
    assert set(kept) == set(MAIN)
    for name, tree in found.items():
        assert tree == kept[name], f"{name}: read the new tree, then write it with python -m tests.web.test_trees"


def main() -> None:
    """Write the files anew."""
    from playwright.sync_api import sync_playwright

    TREES.mkdir(exist_ok=True)
    with sync_playwright() as playwright, TemporaryDirectory() as folder:
        browser = playwright.chromium.launch(**launch())
        for name, tree in trees(browser, Path(folder)):
            (TREES / f"{name}.txt").write_text(tree, encoding="utf-8")
        browser.close()


if __name__ == "__main__":
    main()
