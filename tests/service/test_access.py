"""The results that are kept of judged requests: few of each account, and none for long."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mfa_gate.service import access as module
from tests.harness import FETCH, Browser, World, make_world, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host with people of one organization."""
    async with running(make_world()) as made:
        yield made


def kept(world: World, browser: Browser) -> list[bytes]:
    """List the cookie headers under which a person's results are kept, the oldest first."""
    found = world.gate.service.access._passes.items()
    return [cookies for cookies, result in found if result.subject.id == browser.id]


async def vary(browser: Browser, number: int) -> None:
    """Ask once with one more cookie, as a header of its own each time."""
    header = f"{browser.cookie_header()}; other={number}"
    reply = await browser.ask("GET", "/records", headers=[*FETCH, ("cookie", header)])
    assert reply.status == 200


async def test_one_person_pushes_out_nobody_elses_result(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Endless variants of the cookies cost the own results alone."""
    monkeypatch.setattr(module, "MAX_PASSES", 100)
    ann, bob = await world.enrolled(), await world.enrolled("bob")
    assert await ann.is_in()
    mine = kept(world, ann)
    assert mine
    for number in range(200):
        await vary(bob, number)
    assert kept(world, ann) == mine
    theirs = kept(world, bob)
    assert len(theirs) == module.MAX_OWN_PASSES
    assert theirs[-1].endswith(b"; other=199")


async def test_the_oldest_of_all_goes_first(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number of all results has a bound of its own."""
    monkeypatch.setattr(module, "MAX_PASSES", 3)
    ann, bob = await world.enrolled(), await world.enrolled("bob")
    await ann.is_in()
    for number in range(3):
        await vary(bob, number)
    assert kept(world, ann) == []
    assert len(kept(world, bob)) == 3
    access = world.gate.service.access
    assert sum(map(len, access._kept_for.values())) == len(access._passes) == 3


async def test_nothing_is_left_of_a_result_that_has_ended(world: World) -> None:
    """A request that is judged again has one result, as the newest of its account."""
    ann = await world.enrolled()
    access = world.gate.service.access
    for number in (1, 2, 1):
        await vary(ann, number)
        world.clock.advance(module.PASS_LIFE)
    assert [cookies.rpartition(b"=")[2] for cookies in kept(world, ann)] == [b"2", b"1"]
    assert [*access._kept_for.values()] == [dict.fromkeys(access._passes)]
