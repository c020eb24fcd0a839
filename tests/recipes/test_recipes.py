"""Every recipe works as it stands, at the root and below a path."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mfa_gate.testing.plugin import MakesKit
from tests.web.serving import ROOT

from .browser import Person, person
from .hosts import HOSTS, Host
from .place import at, loaded


def refused(one: Person, host: Host, page: str) -> None:
    """The app's page is closed, and leads the person or the program to ``page``."""
    reply = one.get(host.page)
    if one.token:
        assert reply.status_code == 401
        assert "insufficient_user_authentication" in reply.headers["www-authenticate"]
        assert reply.json()["challenge_url"].startswith(f"{one.root}/mfa/{page}")
    else:
        assert (reply.status_code, reply.headers["location"]) == (303, f"{one.root}/mfa/{page}")
    for path in filter(None, (host.stream,)):
        assert host.lines not in one.get(path).text
    if host.websocket:
        assert one.echoed(host.websocket, "hello") in ("401", "403")


def reached(one: Person, host: Host) -> None:
    """The person sees the app's page, its stream and its websocket."""
    assert host.text in one.get(host.page).text
    if host.stream:
        assert host.lines in one.get(host.stream).text
    if host.websocket:
        assert one.echoed(host.websocket, "hello") == "hello"


def test_the_table_names_every_recipe() -> None:
    """Each recipe stands in the table of the folder's README, with its policy and a test."""
    folder = ROOT / "example_app" / "recipes"
    rows = re.findall(
        r"^\| \[(\w+)\.py\]\(\1\.py\) \|.*\[toml\]\(\1\.toml\) \|$", (folder / "README.md").read_text(), re.M
    )
    assert set(rows) == {path.stem for path in folder.glob("*.toml")}
    gated = {path.stem for path in folder.glob("*.py") if "MFAGate(" in path.read_text()}
    assert set(rows) == gated
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("*.py"))
    assert [name for name in rows if name not in tests] == []


@pytest.mark.parametrize("root", ["", "/app"], ids=["", "below"])
@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.module)
def test_recipe(host: Host, root: str, mfa_gate_kit: MakesKit) -> None:
    """A person enrolls, is challenged in another browser, signs out, and is challenged anew.

    Page, stream and websocket are closed until then. The app goes on to refuse strangers itself.
    """
    recipe = loaded(f"example_app.recipes.{host.module}")
    clock = mfa_gate_kit(recipe.gate).clock
    with at(recipe.app, root) as origin:
        with person(origin, root, clock.now) as first:
            assert first.get(host.page).status_code == host.stranger
            host.signs_in(first)
            refused(first, host, "enroll")
            secret = first.enroll()
            reached(first, host)
        clock.advance(60)
        with person(origin, root, clock.now) as second:
            host.signs_in(second)
            refused(second, host, "challenge")
            second.verify(secret)
            reached(second, host)
            host.signs_out(second)
            assert second.get(host.page).status_code == host.stranger
            host.signs_in(second)
            refused(second, host, "challenge")
