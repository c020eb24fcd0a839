"""Checks that a page can be used as it looks: axe, reflow, and the browser's complaints."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.sync_api import ConsoleMessage, Page

AXE: dict[str, Any] = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    "rules": {"target-size": {"enabled": True}},
    "resultTypes": ["violations"],
    "preload": False,  # no rule of these asks for the text of the style sheets
}
AXE_COLORS: dict[str, Any] = {**AXE, "runOnly": ["color-contrast", "link-in-text-block"], "rules": {}}
WIDE = "document.scrollingElement.scrollWidth > innerWidth"
TOO_WIDE = """() => [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1)
    .slice(0, 3).map(e => `${e.tagName}.${e.className} ${e.getBoundingClientRect().right}`).join(", ")"""
SIZES = ({"width": 320, "height": 640}, {"width": 1280, "height": 800})
OPAQUE = re.compile(r"/(challenge)/(?!help$)[^/?#]+")


@dataclass(slots=True, kw_only=True)
class Looks:
    """The pages that were looked at already, over all stories and all their processes.

    The same page in the same state is laid out once. Each address is given to axe once: the states of our pages are judged
    by ``web/test_accessibility.py``. With ``every_state`` the same page made of other parts is given to it again. ``folder``
    is shared by the processes.
    """

    folder: Path
    every_state: bool = False

    def _is_first(self, *state: str) -> bool:
        """Return true if nobody has looked at this before, and mark it as seen."""
        try:
            (self.folder / hashlib.sha256("\0".join(state).encode()).hexdigest()).touch(exist_ok=False)
        except FileExistsError:
            return False
        return True

    def judge(self, page: Page, *, script: bool) -> list[str]:
        """The faults of the page as it is now."""
        state = page.evaluate("""() => [
            document.title, location.pathname, document.querySelector("h1")?.innerText ?? "",
            document.querySelector("#errors")?.innerText ?? "", document.querySelector(".notice")?.innerText ?? "",
            document.body.innerText.length > 0 ? "" : "empty", String(document.querySelectorAll("main *").length),
            [...new Set([...document.querySelectorAll("main *")].map(e => e.tagName + "." + e.getAttribute("class")))]
                .sort().join(" ")]""")
        *words, count, parts = (OPAQUE.sub(r"/\1/one", str(part)) for part in state)
        if not self._is_first(*words, count, str(script)):
            return []
        name = f"{state[1]} “{state[0]}”"
        faults = [] if state[2] else [f"{name}: no heading"]
        before = page.viewport_size
        for size in SIZES:
            page.set_viewport_size({"width": size["width"], "height": size["height"]})
            if page.evaluate(WIDE):
                faults.append(f"{name}: scrolls sideways at {size['width']}: {page.evaluate(TOO_WIDE)}")
        if before:
            page.set_viewport_size(before)
        made_of = (*words, parts) if self.every_state else (words[1],)
        if script and self._is_first("axe", *made_of):
            faults += [f"{name}: {fault}" for fault in violations_in_both(page)]
        return faults


def violations_in_both(page: Page) -> list[str]:
    """List the faults that axe finds on the page.

    Those of the colors of its dark scheme are among them.
    """
    found = []
    for scheme, options in (("dark", AXE_COLORS), ("light", AXE)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        found += [f"{scheme}: {fault}" for fault in violations(page, options)]
    page.emulate_media(color_scheme=None)
    return found


def violations(page: Page, options: dict[str, Any] = AXE) -> list[str]:
    """List the faults that axe finds on the page as it is now.

    The rest of axe's report is longer, and stays in the browser.
    """
    from axe_playwright_python.sync_playwright import Axe

    if not page.evaluate("'axe' in window"):
        page.evaluate(Axe().axe_script)
    return [
        f"{result['id']}: {node['html'][:120]} {node['failureSummary'][:300]}"
        for result in page.evaluate("async options => (await axe.run(document, options)).violations", options)
        for node in result["nodes"]
    ]


def complaints(page: Page) -> list[str]:
    """Collect the browser's complaints while the page lives.

    They are faults of scripts, and requests that the page's policy refused.
    """
    seen: list[str] = []

    def note(message: ConsoleMessage) -> None:
        # A refused form is a 422, which the browser notes as well.
        if message.type == "error" and "the server responded with a status of" not in message.text:
            seen.append(message.text)

    page.on("pageerror", lambda error: seen.append(str(error)))
    page.on("console", note)
    return seen
