"""The links "this was not me": how long each works, for whom, and how often."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.model import Account, Caller, Subject, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import DAY
from mfa_gate.service.disputes import Disputed
from tests.harness import HOME, START, World, make_world, running
from tests.service.admin.people import administrator, way

ANN = SubjectKey("alpha", "ann")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann has an app, and a store without lines about her."""
    async with running(make_world()) as made:
        assert await made.store.swap(Account(key=ANN, authenticators=(way("totp", used=START - 9 * DAY),)))
        yield made


def happened(world: World, **more: object) -> Event:
    """Make an event that a notice tells of."""
    return replace(world.engine.moment(network="192.0.2.1").event("factor.enrolled", ANN), **more)  # type: ignore[arg-type]


async def link(world: World, event: Event, *, kind: str = "factor.enrolled", short: bool = False) -> str:
    """Make the last part of a link."""
    make = world.gate.service.disputing.short_url if short else world.gate.service.disputing.url
    return (await make(kind, event)).rpartition("/")[2]


async def read(world: World, token: str) -> Disputed | None:
    """Read a link."""
    return await world.gate.service.disputing.read(token)


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize(
    ("kind", "life"), [("factor.enrolled", 7 * DAY), ("recovery.waiting", 100 * DAY), ("an older kind", 7 * DAY)]
)
async def test_the_life_of_a_link(world: World, kind: str, life: int, short: bool) -> None:
    """A week, and longer than the longest wait where it stops something that waits."""
    event = happened(world)
    token = await link(world, event, kind=kind, short=short)
    assert (len(token) == 16) is short
    world.clock.advance(life - 1)
    await world.store.prune_meta(before=world.engine.now(), limit=9)
    assert await read(world, token) == Disputed(key=ANN, ref=event.id, kind=kind, at=START, network="192.0.2.1")
    world.clock.advance(1)
    assert await read(world, token) is None


async def test_a_link_that_is_none(world: World) -> None:
    """Whatever stands there, nobody learns anything."""
    good = await link(world, happened(world))
    for token in ("", "x", "é", "é" * 16, "x" * 16, "x" * 2048, "x" * 2049, good[:-1], good + "x"):
        assert await read(world, token) is None, token


async def test_the_longest_link(world: World) -> None:
    """One of 2048 characters is read, and no longer one."""
    for size in range(1000, 1600):
        event = happened(world, network="n" * size)
        token = await link(world, event)
        if len(token) < 2048:
            continue
        assert len(token) == 2048
        assert await read(world, token) is not None
        assert await read(world, await link(world, happened(world, network="n" * (size + 2)))) is None
        return
    raise AssertionError("no link was so long")


@pytest.mark.parametrize(("forgotten", "works"), [(0, True), (START, True), (START + 1, False)])
async def test_a_link_of_a_forgotten_person(world: World, forgotten: int, works: bool) -> None:
    """The id may be a new person's, who is not told of the old one."""
    token = await link(world, happened(world))
    account = await world.store.load(ANN)
    assert await world.store.swap(replace(account, forgotten_at=forgotten))
    assert (await read(world, token) is not None) is works


async def test_a_link_of_nobody(world: World) -> None:
    """An account that the store does not know disputes nothing."""
    assert await read(world, await link(world, happened(world, account="bob"))) is None


@pytest.mark.parametrize(("others", "used"), [(199, True), (200, False)])
async def test_an_event_is_disputed_once(world: World, others: int, used: bool) -> None:
    """The trail tells, as far as the last two hundred disputes of the person."""
    event = happened(world)
    token = await link(world, event)
    found = await read(world, token)
    assert found is not None
    assert not found.used
    for number, about in enumerate([event.id, *["other"] * others]):
        told = world.engine.moment().event("account.disputed", ANN, about=about)
        await world.engine.record([replace(told, id=f"D{number:09}", at=START + number)])
    found = await read(world, token)
    assert found is not None
    assert found.used is used


async def test_a_dispute_that_can_be_taken_back(world: World) -> None:
    """Its answer says so: an app of before the event had no part in it."""
    event = happened(world)
    token = await link(world, event)
    done = await world.gate.service.disputing.dispute(token, network=HOME)
    assert done == Disputed(key=ANN, ref=event.id, kind="factor.enrolled", at=START, network="192.0.2.1")
    again = await world.gate.service.disputing.dispute(token, network=HOME)
    assert again == replace(done, used=True, undoable=True)
    assert len(world.kinds("account.disputed")) == 1


@pytest.mark.parametrize(("age", "refused"), [(299, None), (300, "proof_required")])
async def test_taking_back_needs_a_fresh_proof(world: World, age: int, refused: str | None) -> None:
    """A proof of the last five minutes, by an app that had no part in it."""
    who = await administrator(world, at=START - age)
    account = await world.account("boss")
    assert await world.store.swap(replace(account, frozen_until=START + DAY, undo_by=(("totp-1", START - DAY),)))
    assert who.caller is not None
    done = await world.gate.service.disputing.undo(who.caller)
    assert (done.reason if done else None) == refused
    assert ((await world.account("boss")).frozen_until == 0) is (refused is None)


async def test_a_dispute_without_a_proof(world: World) -> None:
    """A stolen password disputes, stops and takes back nothing from the person's own list."""
    caller, disputing = Caller(subject=Subject("ann", "alpha"), handle="h", network=HOME), world.gate.service.disputing
    for refused in (
        await disputing.report(caller),
        await disputing.undo(caller),
        await disputing.stop_recovery(caller),
    ):
        assert isinstance(refused, Refusal)
        assert refused.reason == "proof_required"
    assert world.kinds("account.disputed") == []


async def test_an_event_of_the_own_list(world: World) -> None:
    """It is disputed with its kind. Another reference stands for no certain event."""
    who = await administrator(world)
    assert who.caller is not None
    told = replace(
        world.engine.moment(network="192.0.2.9").event("factor.enrolled", SubjectKey("alpha", "boss")), at=START - 60
    )
    await world.engine.record([told])
    for about, kind in ((told.id, "factor.enrolled"), ("another", "")):
        assert await world.gate.service.disputing.report(who.caller, about=about) is None
        event = world.kinds("account.disputed")[-1]
        assert (event.detail["about"], event.detail["what"]) == (told.id if kind else "", kind)
        who = await administrator(world)
        assert who.caller is not None
