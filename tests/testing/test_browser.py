"""A host's end-to-end test with a real browser, as the kit's README writes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from mfa_gate import MFAGate, RelyingParty, Subject
from mfa_gate.testing.plugin import MakesKit
from tests.chromium import launch

from .hosts import ANN, POLICY, gate_for

KIT = "src/mfa_gate/testing/README.md"


@pytest.fixture
def page(chromium: str) -> Iterator[Any]:
    """The page of a browser of its own, as pytest-playwright gives it."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, playwright.chromium.launch(**launch()) as browser:
        yield browser.new_page()


async def login(request: Request) -> Response:
    """The app's own sign-in, a form."""
    if request.method == "GET":
        return HTMLResponse('<form method="post"><input name="user"><button>Sign in</button></form>')
    request.session["user_id"] = (await request.body()).decode().partition("=")[2]
    return RedirectResponse("/", 303)


async def shown(request: Request) -> Response:
    """A page of the app."""
    return HTMLResponse(f"<h1>{request.url.path.strip('/').title() or 'Home'}</h1>")


def app_and_gate(folder: Path, port: int) -> tuple[Any, MFAGate]:
    """An app on this machine, with a store that lasts."""
    from starlette.middleware.sessions import SessionMiddleware

    gate = gate_for(
        POLICY,
        store=f"sqlite:///{folder / 'developer.db'}",
        clock=None,
        relying_party=RelyingParty(id="localhost", name="App", origins=[f"http://localhost:{port}"]),
    )
    app = FastAPI(routes=[Route("/login", login, methods=["GET", "POST"]), Route("/", shown), Route("/export", shown)])
    gate.install(app)
    app.add_middleware(SessionMiddleware, secret_key="a long secret of the host's own")
    return app, gate


@pytest.mark.browser
def test_the_readmes_example(root: Path, tmp_path: Path, free_port: int, page: Any, mfa_gate_kit: MakesKit) -> None:
    """The example of the README passes in a real browser.

    It leaves the app's own store alone. Requirement V-41.
    """
    app, gate = app_and_gate(tmp_path, free_port)
    found = re.search(r"```python browser\n(.*?)```", (root / KIT).read_text(), re.S)
    assert found is not None
    names: dict[str, Any] = {"app": app, "gate": gate, "Subject": Subject}
    exec(found[1], names)
    names["test_export_in_a_browser"](mfa_gate_kit, page)
    assert not (tmp_path / "developer.db").exists()


def test_a_gate_without_a_local_origin_cannot_be_served(mfa_gate_kit: MakesKit) -> None:
    """The error names the setting and gives one that works."""
    gate = gate_for(relying_party=RelyingParty(id="app.example", name="App", origins=["https://app.example"]))
    kit = mfa_gate_kit(gate)
    with pytest.raises(ValueError, match=r"no origin on this machine .https://app.example.*RelyingParty.id=.localhost"):
        kit.serving(None).__enter__()


def test_the_cookie_fits_the_origin(mfa_gate_kit: MakesKit) -> None:
    """On https the cookie is Secure and ``__Host-``, and its address is the gate's origin."""
    gate = gate_for(relying_party=RelyingParty(id="app.example", name="App", origins=["https://app.example"]))
    cookie = mfa_gate_kit(gate).proof_cookie(ANN)
    assert (cookie["secure"], cookie["url"], cookie["httpOnly"]) == (True, "https://app.example", True)
    assert cookie["name"].startswith("__Host-")
