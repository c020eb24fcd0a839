"""The tests' own world works: what they attack is alive."""

from __future__ import annotations

from tests.harness import FETCH, SECRET, World


async def test_alive(world: World) -> None:
    """A person who has proven the second factor reaches the app.

    A person who has not proven it does not reach it. A stranger does.
    """
    ann = await world.enrolled()
    assert SECRET in (await ann.ask("GET", "/records")).body
    pending = await world.browser()
    reply = await pending.ask("GET", "/records", headers=FETCH)
    assert (reply.status, reply.reason) == (403, "proof_required")
    assert (await pending.prove(ann.secret)).status == 200
    assert await pending.is_in()
    await pending.lock()
    assert (await (await world.browser()).state())["state"] == "locked"
