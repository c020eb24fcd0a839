"""Limits in time: so many of a thing in a window, the next one not, and again after it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.model import Account, Caller, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.factors.tokens import Named
from mfa_gate.service import Actor
from mfa_gate.service.refusals import tell_refused
from tests.harness import START, World, make_world, running, with_rules

ANN = SubjectKey("alpha", "ann")
EVE = Actor(name="operator:eve")
HOUR, DAY = 3600, 86_400
Deed = Callable[[World, int], Awaitable[bool]]


async def directory(tenant: str) -> AsyncIterator[tuple[Subject, Contacts]]:
    """List one person who has nothing set up."""
    yield Subject("never", tenant), Contacts(email="never@alpha.example")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A store that knows Ann, and an owner of the policy who reads alarms."""
    policy = with_rules(lambda rules: replace(rules, owner="owner@example.org"))
    async with running(make_world(policy=policy, directory=directory)) as made:
        moment = made.engine.moment()
        assert await made.store.swap(Account(key=ANN), made.engine.chained([moment.event("factor.enrolled", ANN)]))
        yield made


async def mailed(world: World, before: int) -> bool:
    """Tell if one more mail has gone out since there were ``before``."""
    await world.engine.effects.idle()
    return len(world.email.messages) > before


async def unreadable(world: World, number: int) -> bool:
    """Send an answer of the wrong shape."""
    caller = Caller(subject=Subject("ann", "alpha"), handle="", network="192.0.2.1")
    return world.gate.service.verification.malformed(caller).reason == "malformed"


async def one_network(world: World, number: int) -> bool:
    """Be refused without a sign-in, always from one network."""
    return world.engine.strangers.admits("192.0.2.1", world.engine.now())


async def many_networks(world: World, number: int) -> bool:
    """Be refused without a sign-in, each time from another network."""
    return world.engine.strangers.admits(f"192.0.2.{number}", world.engine.now())


async def refused(world: World, number: int) -> bool:
    """Be refused at an address without a sign-in, for a known account."""
    before = len((await world.store.events("alpha", kind="attempt.refused", limit=100)).items)
    await tell_refused(world.engine, Named(key=ANN, secret="x"), "push", "not_allowed", address="192.0.2.1")
    return len((await world.store.events("alpha", kind="attempt.refused", limit=100)).items) > before


async def alarm(world: World, number: int) -> bool:
    """Raise an alarm about one kind of event."""
    before = len(world.email.messages)
    event = world.engine.moment().event("challenge.denied", ANN, alarm="request denied")
    await world.gate.service.alarms.raise_for(event)
    return await mailed(world, before)


async def owners_alarm(world: World, number: int) -> bool:
    """Raise an alarm that belongs to no tenant."""
    before = len(world.email.messages)
    event = world.engine.moment().event("policy.loosened", SubjectKey("", ""))
    await world.gate.service.alarms.tell_owners(event, ("owner@example.org",))
    return await mailed(world, before)


async def remind_all(world: World, number: int) -> bool:
    """Remind everybody who has nothing set up."""
    return not isinstance(await world.gate.service.tenant_messages.remind(EVE, "alpha"), Refusal)


async def remind_one(world: World, number: int) -> bool:
    """Remind one person."""
    return not isinstance(await world.gate.service.tenant_messages.remind(EVE, "alpha", ids=["never"]), Refusal)


async def mail_ticket(world: World, number: int) -> bool:
    """Mail a ticket to one person."""
    done = await world.gate.service.account_desk.ticket_mails.address(ANN)
    return not (isinstance(done, Refusal) and done.reason == "too_soon")


@dataclass(frozen=True)
class Limit:
    """So many of a deed in ``window`` seconds."""

    deed: Deed
    most: int
    window: int

    def __str__(self) -> str:
        return self.deed.__name__


LIMITS = [
    Limit(unreadable, 60, 60),
    Limit(one_network, 20, HOUR),
    Limit(many_networks, 500, HOUR),
    Limit(refused, 20, HOUR),
    Limit(alarm, 10, HOUR),
    Limit(owners_alarm, 10, HOUR),
    Limit(remind_all, 1, DAY),
    Limit(remind_one, 1, DAY),
    Limit(mail_ticket, 5, DAY),
]


@pytest.mark.parametrize("limit", LIMITS, ids=str)
async def test_a_limit(world: World, limit: Limit) -> None:
    """As many as the limit says, not one more before the window is over, and then again."""
    world.clock.at = START - START % DAY
    done = [await limit.deed(world, number) for number in range(limit.most + 2)]
    assert done == [True] * limit.most + [False] * 2
    world.clock.advance(limit.window - 1)
    assert not await limit.deed(world, 1)
    world.clock.advance(1)
    assert await limit.deed(world, 2)
