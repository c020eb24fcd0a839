"""The rules of acts on one account, at the use case itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.service import Actor, Done
from mfa_gate.service.admin.accounts import NO_PERSON
from mfa_gate.service.admin.hierarchy import ABOVE
from mfa_gate.storage import Take
from tests.harness import START, World, make_world, running
from tests.service.admin.people import administrator, way

OPERATOR = Actor(name="operator:eve")
ANN, CHIEF = SubjectKey("alpha", "ann"), SubjectKey("alpha", "chief")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann has an app, and the chief holds rights."""
    async with running(make_world()) as made:
        for key in (ANN, CHIEF):
            account = Account(key=key, authenticators=(way("totp"),), holds_rights=key == CHIEF)
            assert await made.store.swap(
                account, made.engine.chained([made.engine.moment().event("factor.enrolled", key)])
            )
        yield made


async def act(world: World, actor: Actor, name: str, key: SubjectKey, **more: object) -> Done | Refusal:
    """Do an act."""
    return await world.gate.service.account_desk.act(actor, name, key, reason="x", **more)  # type: ignore[arg-type]


async def test_a_tenant_that_nobody_knows(world: World) -> None:
    """An act that may begin an account asks if the tenant is mistyped."""
    nowhere = SubjectKey("alhpa", "new")
    refused = await act(world, OPERATOR, "lock", nowhere)
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.detail) == ("not_found", "")
    refused = await act(world, OPERATOR, "ticket", nowhere)
    assert isinstance(refused, Refusal)
    assert "Did you mean" in refused.detail
    done = await act(world, OPERATOR, "ticket", nowhere, new_tenant=True)
    assert isinstance(done, Done)
    assert (done.is_new, len(done.ticket.replace("-", "")), done.ticket_ends_at > START) == (True, 26, True)


async def test_a_person_who_is_known_is_not_new(world: World) -> None:
    """The answer of an act on somebody who was here says so."""
    assert await world.store.swap(Account(key=SubjectKey("alpha", "bob"), skip_count=1))
    done = await act(world, OPERATOR, "ticket", SubjectKey("alpha", "bob"))
    assert isinstance(done, Done)
    assert done.is_new is False


async def test_a_name_that_is_no_persons(world: World) -> None:
    """The operator alone erases an operator or a program of the trail."""
    boss, key = await administrator(world, "admin", "security"), SubjectKey("alpha", "operator:eve")
    refused = await act(world, boss, "forget", key)
    assert isinstance(refused, Refusal)
    assert (refused.reason, refused.detail, bool(refused.ref)) == ("not_allowed", NO_PERSON, True)
    assert len(world.kinds("admin.denied")) == 1
    assert not isinstance(await act(world, OPERATOR, "forget", key), Refusal)
    assert not isinstance(await act(world, boss, "forget", ANN), Refusal)


@pytest.mark.parametrize(("is_dry", "lines"), [(True, 0), (False, 1)])
async def test_a_try_leaves_no_trace(world: World, is_dry: bool, lines: int) -> None:
    """An act on somebody who holds rights is refused either way."""
    boss = await administrator(world, "admin")
    refused = await act(world, boss, "lock", CHIEF, is_dry=is_dry)
    assert isinstance(refused, Refusal)
    assert refused.detail == ABOVE.detail
    assert len(world.kinds("admin.denied")) == lines


async def test_the_newest_lines_of_an_account(world: World) -> None:
    """Twenty are shown to an actor who may read the trail, none to others."""
    for number in range(21):
        event = replace(world.engine.moment().event("attempt.failed", ANN), id=f"E{number:09}")
        await world.engine.record([event])
    desk = world.gate.service.account_desk
    shown = await desk.account(await administrator(world, "admin"), ANN, recent=True)
    assert not isinstance(shown, Refusal)
    assert shown.activity is not None
    assert [event.id for event in shown.activity] == [f"E{number:09}" for number in range(20, 0, -1)]
    for who, recent in (("admin", False), ("support", True)):
        less = await desk.account(await administrator(world, who), ANN, recent=recent)
        assert not isinstance(less, Refusal)
        assert less.activity is None


@pytest.mark.parametrize(("groups", "a_day"), [(("admin",), 1000), (("security",), 0)])
async def test_as_many_are_signed_out_in_a_day(world: World, groups: tuple[str, ...], a_day: int) -> None:
    """The thousand and first is refused to one who is not privileged."""
    boss = await administrator(world, *groups)
    assert boss.caller is not None
    if a_day:
        bucket = world.engine.bucket("end-sessions", boss.caller.subject.key)
        take = Take(bucket=bucket, limit=10_000, window=86_400, at=START, count=a_day - 1)
        assert not (await world.store.take_all([take])).wait
    assert isinstance(await act(world, boss, "end-sessions", ANN), Done)
    again = await act(world, boss, "end-sessions", ANN)
    assert isinstance(again, Refusal) is bool(a_day)
