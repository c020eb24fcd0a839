"""The start page of the desk names everything that needs somebody."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate import Senders
from mfa_gate.core.changes import two_people
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.roles import Hand
from mfa_gate.core.rules import DAY, Rules
from mfa_gate.service import Actor
from mfa_gate.service.admin.needs import Need
from tests.harness import START, Outbox, World, make_world, running
from tests.service.admin.people import EXEMPT, REVIEWED, fill

EVE = Actor(name="operator:eve")
HOUR = 3600


def ending(rules: Rules) -> Rules:
    """Let exemptions end in 20 days, in a month less a second, in a month, and never."""
    soon = replace(EXEMPT, name="soon", expires_at=START + 30 * DAY - 1)
    later = replace(EXEMPT, name="later", expires_at=START + 30 * DAY)
    never = replace(EXEMPT, name="never", expires_at=None)
    return replace(rules, exempt_subjects=(soon, later, never, EXEMPT))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """An organization with one of everything."""
    policy = replace(REVIEWED, base=ending(REVIEWED.base))
    policy = replace(policy, tenants={name: ending(rules) for name, rules in REVIEWED.tenants.items()})
    async with running(make_world(policy=policy)) as made:
        await fill(made)
        yield made


async def told(world: World, kind: str, ids: list[str], *, ago: int) -> None:
    """Write an event about each person, a second apart, the first one ``ago`` seconds ago."""
    for number, id in enumerate(ids):
        moment = replace(world.engine.moment(), now=START - ago + number)
        event = replace(moment.event(kind, SubjectKey("alpha", id)), id=f"E{kind[:4]}{id}{ago}")
        await world.engine.record((event,))


async def needs(world: World, actor: Actor = EVE) -> dict[str, Need]:
    """Look at the start page."""
    found = await world.gate.service.start_page.look(actor, "alpha")
    assert isinstance(found, dict)
    return found


async def test_everything_that_needs_somebody(world: World) -> None:
    """Each kind has its number, its people, and the time since when or until when."""
    found = await needs(world)
    assert {kind: [(one.id or one.name, one.word, one.at) for one in need.first] for kind, need in found.items()} == {
        "requests": [("lost", "", START - 7200)],
        "locks": [("locked", "", START - 60)],
        "grants": [("grant", "asked", 0), ("opened", "open", START + 3000)],
        "disputes": [("stolen", "", START + 1000)],
        "alarms": [("grant", "break_glass.asked", START), ("opened", "break_glass.granted", START)],
        "exemptions": [("robots", "", START + 20 * DAY), ("soon", "", START + 30 * DAY - 1)],
    }
    assert [need.kind for need in found.values()] == [*found]
    assert all(need.count == len(need.first) for need in found.values())


async def test_alarms_of_the_last_day(world: World) -> None:
    """The newest alarm comes first, whatever its kind; one of two days ago is over."""
    await told(world, "challenge.denied", ["old"], ago=DAY + 1)
    await told(world, "challenge.denied", ["a", "b"], ago=DAY)
    await told(world, "browser.takeover", ["c"], ago=DAY - 1)
    await told(world, "browser.takeover", ["d"], ago=10)
    found = (await needs(world))["alarms"]
    assert found.count == 6
    assert [one.id for one in found.first] == ["grant", "opened", "d", "b", "c"]


async def test_acts_that_wait_for_a_second_administrator(world: World) -> None:
    """Each person is named once, with the act and since when.

    An act of yesterday, or one that is over, is not.
    """
    boss = Hand("boss", "alpha")
    for number, id in enumerate(("app", "both", "key")):
        key, ago = SubjectKey("alpha", id), (0, 0, 2 * HOUR)[number]
        moment = replace(world.engine.moment(actor="boss"), now=START - ago)
        await world.engine.change(
            key,
            lambda account, moment=moment: two_people.ask(  # type: ignore[misc]
                account, moment, act="reset", by=boss, reason="lost", ticket="T", item=""
            ),
        )
    await told(world, "act.asked", ["app", "nobody"], ago=30)
    await told(world, "act.asked", ["both"], ago=DAY + 1)
    found = (await needs(world))["acts"]
    assert {one.id: (one.name, one.word, one.at) for one in found.first} == {
        "app": ("App", "reset", START),
        "both": ("Both", "reset", START),
    }
    assert found.count == 2


async def test_a_policy_with_faults(world: World) -> None:
    """It is named from its refusal on until a good one is loaded."""
    everywhere = SubjectKey("alpha", "")
    refused = replace(world.engine.moment(), now=START - 60).event("policy.refused", everywhere, first="mode: on")
    await world.engine.record((refused,))
    found = (await needs(world))["policy"]
    assert [(one.id, one.name, one.word, one.at) for one in found.first] == [("", "mode: on", "", START - 60)]
    assert found.count == 1
    for at, is_told in ((START - 61, True), (START - 60, False)):
        loaded = replace(world.engine.moment(), now=at).event("policy.loaded", everywhere, name="p")
        await world.engine.record((loaded,))
        assert ("policy" in await needs(world)) == is_told


async def test_five_are_named_and_all_are_counted(world: World) -> None:
    """The page names the first five of a kind."""
    await told(world, "challenge.denied", [f"p{number}" for number in range(4)], ago=60)
    await told(world, "browser.takeover", [f"q{number}" for number in range(4)], ago=50)
    found = (await needs(world))["alarms"]
    assert (len(found.first), found.count) == (5, 10)


async def test_nothing_needs_anybody() -> None:
    """A kind of which there is none has no row."""
    async with running(make_world()) as world:
        assert await needs(world) == {}


@pytest.mark.parametrize(("ago", "looked_at"), [(0, 1), (DAY, 1), (DAY + 1, 0)])
async def test_old_requests_cost_no_look(monkeypatch: pytest.MonkeyPatch, ago: int, looked_at: int) -> None:
    """Requests of the last day are looked at; older ones are over."""
    async with running(make_world()) as world:
        moment = replace(world.engine.moment(), now=START - ago)
        await world.engine.record((moment.event("act.asked", SubjectKey("alpha", "ann")),))
        read, load = list[str](), world.store.load

        async def counting(key: SubjectKey) -> Account:
            read.append(key.id)
            return await load(key)

        monkeypatch.setattr(world.store, "load", counting)
        assert "acts" not in await needs(world)
        assert read == ["ann"] * looked_at


async def test_a_provider_in_trouble_needs_somebody(world: World) -> None:
    """Each channel whose sender pauses is named, by the alphabet."""

    class Pausing(Outbox):
        available = False

    senders = Senders(email=Pausing(), sms=Pausing(), push=Pausing())
    world.engine.wiring = replace(world.engine.wiring, senders=senders)
    found = (await needs(world))["senders"]
    assert (found.count, [one.word for one in found.first]) == (2, ["email", "sms"])
    senders.email.available = True  # type: ignore[union-attr]
    assert [one.word for one in (await needs(world))["senders"].first] == ["sms"]
    senders.sms.available = True  # type: ignore[union-attr]
    assert "senders" not in await needs(world)
