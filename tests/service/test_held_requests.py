"""A call for help is held before anything answers it, by whichever way that comes.

The person was told of the call, and stops it in that time if somebody else made it.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Person, Refused, Subject
from mfa_gate.core.model import Account, Recovery, Seconds
from mfa_gate.core.reasons import Refusal
from mfa_gate.service import Actor
from tests.harness import START, World, make_world, running, with_rules
from tests.service.admin.people import way

ANN = Subject("ann", "alpha")
HOLD = 86_400
CALL = Recovery(ref="C", at=START - 60, about="stolen", network="203.0.113.0/24")
OPERATOR = Actor(name="operator:x")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world whose policy holds calls for help for a day."""
    held = with_rules(lambda rules: replace(rules, recovery=replace(rules.recovery, hold=Seconds(HOLD))))
    async with running(make_world(policy=held)) as made:
        yield made


def desk(act: str, **given: Any) -> Callable[[World], Awaitable[object]]:
    """Make the call of an act at the desk."""
    return lambda world: world.gate.service.account_desk.act(
        OPERATOR, act, ANN.key, reason="seen the passport", **given
    )


def host(act: Callable[[Person], Awaitable[object]]) -> Callable[[World], Awaitable[object]]:
    """Make the call of an act of the host. Its refusal is returned, as that of the desk is."""

    async def called(world: World) -> object:
        try:
            return await act(await world.gate.person(ANN))
        except Refused as refused:
            return Refusal(reason=refused.reason, retry_after=refused.retry_after)

    return called


APP = (way("totp"),)
WAYS = [
    pytest.param(APP, desk("reset", ticket="T-1"), id="reset at the desk"),
    pytest.param((), desk("ticket"), id="ticket at the desk"),
    pytest.param(APP, desk("remove", authenticator=APP[0].id), id="removal of the last factor at the desk"),
    pytest.param(APP, desk("forget"), id="erasure at the desk"),
    pytest.param(APP, host(lambda person: person.reset("T-1", "seen")), id="reset by the host"),
    pytest.param((), host(lambda person: person.ticket()), id="ticket of the host"),
]


@pytest.mark.parametrize(("has", "act"), WAYS)
async def test_a_call_is_held(world: World, has: tuple[object, ...], act: Callable[[World], Awaitable[object]]) -> None:
    """Too soon, with the time that is left; at its end the same act is done."""
    before = Account(key=ANN.key, authenticators=has, recovery=CALL)  # type: ignore[arg-type]
    assert await world.store.swap(before)
    written = await world.account()
    refused = await act(world)
    assert isinstance(refused, Refusal), refused
    assert (refused.reason, refused.retry_after) == ("too_soon", HOLD - 60)
    assert await world.account() == written
    world.clock.advance(HOLD - 60)
    assert not isinstance(await act(world), Refusal)
    assert await world.account() != written


@pytest.mark.parametrize(("has", "act"), WAYS)
async def test_nobody_is_held_who_never_called(
    world: World, has: tuple[object, ...], act: Callable[[World], Awaitable[object]]
) -> None:
    """Without a call the act is done at once."""
    assert await world.store.swap(Account(key=ANN.key, authenticators=has, skip_count=1))  # type: ignore[arg-type]
    assert not isinstance(await act(world), Refusal)
