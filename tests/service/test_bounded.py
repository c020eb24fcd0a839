"""Memory that other people can fill: each has a bound, and the oldest makes room."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import replace
from importlib import import_module

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.model import Caller, SubjectKey
from mfa_gate.factors.base import Rejected
from mfa_gate.service.places import Places
from tests.harness import World, make_world, running

Fill = Callable[[World, int], Awaitable[Collection[object]]]


async def directory(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
    """List one administrator of each tenant."""
    yield Subject("boss", tenant, groups=frozenset({"admin"})), Contacts()


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host with a directory."""
    async with running(make_world(directory=directory)) as made:
        yield made


async def accounts(world: World, number: int) -> Collection[object]:
    """Read the accounts of many people."""
    await world.engine.entry(SubjectKey("alpha", f"p{number}"))
    return world.engine._accounts


async def unreadable(world: World, number: int) -> Collection[object]:
    """Send answers of the wrong shape as many people."""
    caller = Caller(subject=Subject(f"p{number}", "alpha"), handle="", network="192.0.2.1")
    world.gate.service.verification.malformed(caller)
    return world.gate.service.verification._malformed


async def strangers(world: World, number: int) -> Collection[object]:
    """Be refused without a sign-in in many networks."""
    assert world.engine.strangers.admits(f"192.0.2.{number}", world.engine.now())
    return world.engine.strangers._networks


async def clocks(world: World, number: int) -> Collection[object]:
    """Give codes of another time as many people."""
    watch = world.gate.service.attempts.clock_watch
    await watch.look(SubjectKey("alpha", f"p{number}"), Rejected(reason="wrong_code", drift=1000 * (number + 1)))
    return watch._drifts


async def tenants(world: World, number: int) -> Collection[object]:
    """Ask in many tenants if somebody holds rights."""
    hierarchy = world.gate.service.account_desk.hierarchy
    assert await hierarchy.lists(SubjectKey(f"t{number}", "boss"))
    assert not await hierarchy.lists(SubjectKey(f"t{number}", "ann"))
    return hierarchy._listed


async def counted(world: World, number: int) -> Collection[object]:
    """Count the people of many tenants."""
    people = world.gate.service.people
    assert (await people.counts(f"t{number}")).known == 1
    return people._counted


BOUNDS: list[tuple[Fill, str, str]] = [
    (accounts, "service.accounts", "MAX_CACHED"),
    (unreadable, "service.verification", "MALFORMED_CACHE"),
    (strangers, "service.strangers", "MAX_NETWORKS"),
    (clocks, "service.clock_watch", "MAX_SEEN"),
    (tenants, "service.admin.hierarchy", "MAX_TENANTS"),
    (counted, "service.admin.people", "MAX_KEPT"),
]


@pytest.mark.parametrize(("fill", "module", "name"), BOUNDS, ids=lambda one: getattr(one, "__name__", ""))
async def test_a_bound(world: World, monkeypatch: pytest.MonkeyPatch, fill: Fill, module: str, name: str) -> None:
    """However many come, no more than the bound are kept, and the newest is among them."""
    monkeypatch.setattr("mfa_gate.service.admin.people.COUNTED_AT_ONCE", 0)
    monkeypatch.setattr(import_module(f"mfa_gate.{module}"), name, 3)
    sizes = list[int]()
    for number in range(8):
        kept = await fill(world, number)
        sizes.append(len(kept))
        assert f"{number}" in str([*kept][-1])
    assert sizes[:3] == [1, 2, 3]
    assert max(sizes) == 3


async def test_an_account_that_made_room_is_read_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A decision that rests on an account out of memory is no longer used."""
    monkeypatch.setattr("mfa_gate.service.accounts.MAX_CACHED", 2)
    first = await world.engine.entry(SubjectKey("alpha", "a"))
    second = await world.engine.entry(SubjectKey("alpha", "b"))
    assert await world.engine.entry(SubjectKey("alpha", "a")) is first
    await world.engine.entry(SubjectKey("alpha", "c"))
    assert (first.stale, second.stale) == (False, True)


async def test_places_are_bounded_and_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The host is asked once for each network, and again for one that made room."""
    monkeypatch.setattr("mfa_gate.service.places.MAX_KEPT", 2)
    asked: list[str] = []

    async def describe(network: str) -> str:
        asked.append(network)
        return f" near {network} "

    places = Places(describe)
    for network in ("a", "b", "a", "c", "b", "a"):
        assert await places.of(network) == f"near {network}"
    assert asked == ["a", "b", "c", "a"]
    assert await places.all_of(["", "=office", "a", "a"]) == {"a": "near a"}
    places.close()


async def test_attempts_whose_answers_were_lost(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While seven attempts are under way elsewhere, an eighth is refused without a lock.

    Seven that were never answered lock the account: the process that took them is gone.
    """

    async def at_once(_: float) -> None:
        pass

    ann = await world.enrolled()
    await ann.guess()
    account = await world.account()
    used = account.attempts
    assert await world.store.swap(replace(account, attempts=replace(used, used=7, charged_at=world.engine.now())))
    monkeypatch.setattr("mfa_gate.service.attempt.asyncio.sleep", at_once)
    waiting = await ann.guess(1)
    assert (waiting.reason, (await world.account()).lock) == ("locked", None)
    assert waiting.json()["attempts_remaining"] == 0
    world.clock.advance(3600)
    assert (await ann.guess(2)).reason == "locked"
    lock = (await world.account()).lock
    assert lock is not None
    assert lock.cause == "attempts"
