"""One Chromium for all stories.

Each story has a fresh example app, and people at the addresses that they name.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.chromium import ARGUMENTS

from .example import Example, Starter, starting
from .looks import Looks
from .person import Person, arrive

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext

Arrive = Callable[..., Person]
OFFICE = "198.51.100.10"


def more(*cases: object) -> list[Any]:
    """Return further cases of a story, for ``--long``.

    A case is one value, or a tuple of several.
    """
    return [pytest.param(*(case if isinstance(case, tuple) else (case,)), marks=pytest.mark.long) for case in cases]


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tell a story without JavaScript by default only where it says ``without_script``.

    The others go through the same pages, and are told without it by ``--long``.
    """
    for item in items:
        if item.name.endswith("[noscript]") and not item.get_closest_marker("without_script"):
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="package")
def browser(chromium: str) -> Iterator[Browser]:
    """The browser. It ends with this package: while it lives, its event loop is the thread's."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="package")
def looks(tmp_path_factory: pytest.TempPathFactory) -> Looks:
    """The pages that were looked at already, by the other processes of this run as well."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "looks"
    folder.mkdir(exist_ok=True)
    return Looks(
        folder=folder, every_state=settings.get_current_profile_name() == "long"
    )  # as tests/run.py --long asks


@pytest.fixture(params=[True, False], ids=["script", "noscript"])
def script(request: pytest.FixtureRequest) -> bool:
    """A story that asks for this is told with JavaScript and without."""
    return bool(request.param)


@pytest.fixture(scope="package")
def starter() -> Iterator[Starter]:
    """The process that the apps of all stories are forked from."""
    with starting() as made:
        yield made


@pytest.fixture
def example(starter: Starter, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Example]:
    """A fresh example app; with the mark ``ready``, practice and clinic are turned on."""
    started = starter.start(tmp_path / "data", ready=request.node.get_closest_marker("ready") is not None)
    yield started
    started.stop()


@pytest.fixture
def person(browser: Browser, example: Example, looks: Looks) -> Iterator[Arrive]:
    """A function that makes a person at a browser of their own.

    With ``beside`` it is another tab of somebody's browser.
    """
    people: list[Person] = []
    contexts: list[BrowserContext] = []

    def make(*, script: bool = True, address: str = OFFICE, beside: Person | None = None, **options: Any) -> Person:
        if beside is not None:
            made = arrive(beside.context, example, looks, script=beside.script)
        else:
            context = browser.new_context(
                java_script_enabled=script,
                extra_http_headers={"X-Forwarded-For": address},
                reduced_motion="reduce",
                **options,
            )
            contexts.append(context)
            made = arrive(context, example, looks, script=script)
        people.append(made)
        return made

    yield make
    for context in contexts:
        context.close()
    for somebody in people:
        somebody.clean()
