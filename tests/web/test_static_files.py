"""Our static files are given to everybody, by reading methods only."""

from __future__ import annotations

import pytest

from mfa_gate.web.assets import asset_name
from tests.harness import FETCH, Browser, World


@pytest.mark.parametrize("plain", ["mfa.css", "mfa.js"])
async def test_a_file_of_the_pages(world: World, plain: str) -> None:
    """A stranger gets style and script, for a year.

    Under the name of another version nobody keeps them.
    """
    stranger, name = Browser(world), asset_name(plain)
    other = name.replace(name.split(".")[1], "0" * len(name.split(".")[1]))
    for asked, kept in ((name, "public, max-age=31536000, immutable"), (other, "no-store")):
        reply = await stranger.ask("GET", f"/mfa/static/{asked}", headers=FETCH)
        assert (reply.status, reply.header("cache-control")) == (200, kept)
        assert len(reply.body) > 1000
        assert reply.header("x-content-type-options") == "nosniff"
        assert (await stranger.ask("HEAD", f"/mfa/static/{asked}", headers=FETCH)).status == 200


async def test_what_is_no_file(world: World) -> None:
    """Another name is no file, and no file takes a writing method."""
    stranger = Browser(world)
    assert (await stranger.ask("GET", "/mfa/static/none.css", headers=FETCH)).status == 404
    for method in ("POST", "PUT", "DELETE"):
        reply = await stranger.ask(method, f"/mfa/static/{asset_name('mfa.css')}", headers=FETCH)
        assert (reply.status, reply.header("allow"), reply.body) == (405, "GET, HEAD", b"")
