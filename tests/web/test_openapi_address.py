"""The document of the JSON calls, which everybody may read."""

from __future__ import annotations

import pytest

from mfa_gate.web.api import table
from tests.harness import FETCH, Browser, make_world, running


@pytest.mark.parametrize(("path", "root"), [("/mfa", ""), ("/app/mfa", "/app")])
async def test_a_stranger_reads_it(path: str, root: str) -> None:
    """It needs neither a sign-in nor the store, and names the address of the calls."""
    world = make_world()
    reply = await Browser(world).ask("GET", f"{path}/api/openapi.json", headers=FETCH, root_path=root)
    assert reply.status == 200
    document = reply.json()
    assert document["servers"] == [{"url": f"{path}/api"}]
    assert "/verify" in document["paths"]
    assert len(document["paths"]) >= len(table.CALLS)


async def test_no_other_method_does() -> None:
    """HEAD is answered as GET; a POST is a call that does not exist."""
    async with running(make_world()) as world:
        stranger = Browser(world)
        assert (await stranger.ask("HEAD", "/mfa/api/openapi.json", headers=FETCH)).status == 200
        assert (await stranger.api("POST", "openapi.json", {})).reason == "signed_out"
        ann = await world.enrolled()
        assert (await ann.api("POST", "openapi.json", {})).status in (404, 405)
