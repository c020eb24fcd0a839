"""decisions 14: an outage refuses, unless the policy gives sessions that were proven before it a little time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mfa_gate.core.model import Seconds
from tests.harness import World, make_world, with_rules

GRACE = Seconds(600)


def make(grace: Seconds) -> World:
    """A world whose policy gives this much."""
    return make_world(policy=with_rules(lambda r: replace(r, freshness=replace(r.freshness, outage_grace=grace))))


@pytest.mark.parametrize(
    ("grace", "after", "status"),
    [(Seconds(0), 0, 503), (GRACE, 0, 200), (GRACE, 599, 200), (GRACE, 600, 503)],
)
async def test_grace(grace: Seconds, after: int, status: int) -> None:
    """A proven session passes for as long as the policy says, counted from when the outage was noticed, and not longer."""
    world = make(grace)
    browser = await world.enrolled()
    assert (await browser.ask("GET", "/records")).status == 200
    await world.store.aclose()
    await browser.ask("GET", "/records")
    world.clock.advance(after)
    assert (await browser.ask("GET", "/records")).status == status


async def test_nothing_new() -> None:
    """Grace is for browsers that had passed: another of the same person, another address, an ended proof are refused."""
    world = make(GRACE)
    browser = await world.enrolled()
    stranger = await world.browser()
    await browser.ask("GET", "/records")
    world.clock.advance(7 * 86_400 - 300)
    assert (await browser.ask("GET", "/records")).status == 200
    await world.store.aclose()
    assert (await browser.ask("GET", "/records")).status == 200
    assert (await stranger.ask("GET", "/records")).status == 503
    home, browser.address = browser.address, "203.0.113.99"
    assert (await browser.ask("GET", "/records")).status == 503
    browser.address = home
    world.clock.advance(300)
    assert (await browser.ask("GET", "/records")).status == 503


async def test_back_again() -> None:
    """When the store is back everything is judged anew at once."""
    world = make(GRACE)
    browser = await world.enrolled()
    await browser.ask("GET", "/records")
    await world.store.aclose()
    assert (await browser.ask("GET", "/records")).status == 200
    await world.store.open()
    account = await world.account()
    assert await world.store.swap(replace(account, browsers=()))
    assert (await browser.ask("GET", "/records")).status in (303, 403)
