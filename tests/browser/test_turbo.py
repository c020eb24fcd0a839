"""Turbo in a real browser: refused frames, forms and visits lead to the challenge."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import PathRule, Rules, StepUpRule
from tests.harness import with_rules

from .conftest import more
from .npm import from_npm
from .test_front_ends import ROUTES, staged

if TYPE_CHECKING:
    from playwright.sync_api import Browser

pytestmark = [pytest.mark.browser, pytest.mark.filterwarnings("ignore::ResourceWarning")]

VERSION = "8.0.23"
BOARD = """<!doctype html><html lang="en"><head><title>Board</title><script src="/open/turbo.js"></script></head><body>
<h1>Board</h1><turbo-frame id="edit"><a href="/strict/frame">Edit</a>
<form method="post" action="/strict/save"><button>Save in the frame</button></form></turbo-frame>
<form method="post" action="/strict/save"><button>Save</button></form><a href="/strict/other">Visit</a></body></html>"""


@pytest.fixture(scope="module")
def turbo(root: Path) -> bytes:
    """The script."""
    return from_npm(root, "@hotwired/turbo", VERSION, "dist/turbo.es2017-umd.js")


def routes(turbo: bytes) -> list[Any]:
    """A page with a frame, forms and a link."""

    async def board(request: Request) -> Response:
        return HTMLResponse(BOARD)

    async def frame(request: Request) -> Response:
        return HTMLResponse('<turbo-frame id="edit"><b>the frame</b></turbo-frame>')

    async def other(request: Request) -> Response:
        return HTMLResponse('<html lang="en"><title>Other</title><h1>Other</h1>')

    async def save(request: Request) -> Response:
        return RedirectResponse("/open/saved", 303)

    async def saved(request: Request) -> Response:
        return HTMLResponse(
            '<html lang="en"><title>Saved</title><h1>Saved</h1><turbo-frame id="edit">saved here</turbo-frame>'
        )

    async def script(request: Request) -> Response:
        return Response(turbo, media_type="text/javascript")

    return [
        *ROUTES,
        Route("/board", board),
        Route("/strict/frame", frame),
        Route("/strict/other", other),
        Route("/strict/save", save, methods=["POST"]),
        Route("/open/saved", saved),
        Route("/open/turbo.js", script),
    ]


def stricter(rules: Rules) -> Rules:
    """All but the board wants a young proof."""
    rule = StepUpRule(name="strict", paths=(PathRule(text="/strict/**"),), max_age=Seconds(300))
    return replace(rules, step_up=(rule,))


@pytest.mark.parametrize("age", [8 * 86_400, *more(400)], ids=["no proof any more", "a step-up"])
@pytest.mark.parametrize(
    ("pressed", "back", "seen"),
    [
        ("Save in the frame", "**/board*", "saved here"),
        ("Save", "**/board*", "Saved"),
        *more(("Edit", "**/board*", "the frame"), ("Visit", "**/strict/other*", "Other")),
    ],
)
def test_turbo(browser: Browser, turbo: bytes, free_port: int, pressed: str, back: str, seen: str, age: int) -> None:
    """V-20: the whole page goes to the challenge and comes back to itself."""
    with staged(browser, free_port, routes(turbo), policy=with_rules(stricter)) as stage:
        page = stage.tab("/board")
        stage.world.clock.advance(age)
        page.get_by_text(pressed, exact=True).click()
        page.wait_for_url("**/challenge")
        stage.prove(page)
        if pressed.startswith("Save"):
            page.get_by_role("link", name="Go back to the form").click()
        page.wait_for_url(back)
        if pressed != "Visit":
            page.get_by_text(pressed, exact=True).click()
        page.get_by_text(seen, exact=True).wait_for()
