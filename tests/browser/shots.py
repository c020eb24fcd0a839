"""Pictures of every step of the stories.

Run ``python -m tests.browser.shots FOLDER [--only finance clinic]``.
"""

from __future__ import annotations

import argparse
import importlib
import inspect
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from playwright.sync_api import sync_playwright

from tests.chromium import ARGUMENTS, found

from .conftest import OFFICE
from .example import Starter, starting
from .looks import Looks
from .person import Person, arrive

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

STORIES = ("finance", "assessments", "practice", "clinic", "screening", "browsers", "settings")


@dataclass(slots=True, kw_only=True)
class Shots(Looks):
    """A stand-in for ``Looks`` that takes a picture at each place where a test would look.

    It takes one for each page in each state, in all widths and color schemes.
    """

    widths: tuple[int, ...]
    schemes: tuple[str, ...]
    story: str = ""
    seen: set[tuple[str, ...]] = field(default_factory=set)
    taken: list[str] = field(default_factory=list)

    def judge(self, page: Page, *, script: bool) -> list[str]:
        """Take the pictures of a page that was not seen yet; nothing is judged."""
        state = page.evaluate("""() => [document.title, location.pathname.split("/").slice(0, 3).join("/"),
            document.querySelector("#errors")?.innerText ?? "", document.querySelector(".notice")?.innerText ?? "",
            String(document.querySelectorAll("main *").length)]""")
        if tuple(state) in self.seen:
            return []
        self.seen.add(tuple(state))
        name = f"{self.story}-{len(self.taken):03}-{re.sub('[^a-z0-9]+', '-', state[0].lower()).strip('-')[:60]}"
        self.taken.append(name)
        before = page.viewport_size
        for width, scheme in product(self.widths, self.schemes):
            page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
            page.set_viewport_size({"width": width, "height": 720})
            page.screenshot(path=self.folder / f"{name}-{width}-{scheme}.png", full_page=True)
        page.emulate_media(color_scheme=None)
        if before:
            page.set_viewport_size(before)
        return []


def main() -> None:
    """Tell every story once, with a picture of each step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", nargs="*", default=STORIES)
    parser.add_argument("--widths", nargs="*", type=int, default=[320, 1280])
    parser.add_argument("--schemes", nargs="*", default=["light", "dark"])
    parser.add_argument("--chromium", default=found())
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    shots = Shots(folder=given.folder, widths=tuple(given.widths), schemes=tuple(given.schemes))
    with starting() as starter, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=given.chromium, args=ARGUMENTS)
        for name in given.only:
            module = importlib.import_module(f".test_{name}", __package__)
            ready = any(mark.name == "ready" for mark in module.pytestmark)
            for title, story in inspect.getmembers(module, inspect.isfunction):
                if title.startswith("test_"):
                    shots.story = name
                    fault = tell(story, browser, starter, shots, ready=ready)
                    print(f"{name} {title.removeprefix('test_')}: {len(shots.taken)} steps so far{fault}", flush=True)
        browser.close()


def tell(story: Callable[..., None], browser: Browser, starter: Starter, shots: Shots, *, ready: bool) -> str:
    """Tell one story over an example app of its own.

    Returns the faults in words, or "".
    """
    wants = inspect.signature(story).parameters
    contexts: list[BrowserContext] = []
    with tempfile.TemporaryDirectory() as folder:
        example = starter.start(Path(folder) / "data", ready=ready)

        def person(
            *, script: bool = True, address: str = OFFICE, beside: Person | None = None, **options: Any
        ) -> Person:
            if beside is None:
                options |= {"reduced_motion": "reduce", "extra_http_headers": {"X-Forwarded-For": address}}
                contexts.append(browser.new_context(java_script_enabled=script, **options))
            context = beside.context if beside else contexts[-1]
            return arrive(context, example, shots, script=script)

        given = {"person": person, "example": example, "script": True}
        try:
            story(**{name: value for name, value in given.items() if name in wants})
        except Exception as error:  # noqa: BLE001 - a picture is taken of how far it came
            return f", then: {str(error) or type(error).__name__}"
        finally:
            for context in contexts:
                context.close()
            example.stop()
    return ""


if __name__ == "__main__":
    main()
