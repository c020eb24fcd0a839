"""Accounts that change between the look and the write: the stored one counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.service import Actor, Done
from mfa_gate.stores.memory import MemoryStore
from tests.attacks.test_break_glass import POLICY as GRANTS
from tests.attacks.test_break_glass import let_in
from tests.harness import FETCH, Browser, World, make_world, running
from tests.service.meanwhile import after, before

ANN = SubjectKey("alpha", "ann")
OPERATOR = Actor(name="operator:eve")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann is enrolled, and owes the factor in another browser."""
    async with running(make_world(policy=GRANTS)) as made:
        await made.enrolled("ann")
        yield made


async def pending(world: World) -> tuple[Browser, dict[str, str]]:
    """A browser of hers without a proof, and the right answer that it is about to send."""
    browser = await world.browser("ann", sid="other")
    world.clock.advance(30)
    browser.secret = world.secrets[-1]
    return browser, {"authenticator": await browser.authenticator("totp"), "response": browser.totp()}


async def act(world: World, action: str, **more: Any) -> None:
    """Do an operator's act on Ann's account."""
    assert isinstance(await world.gate.service.account_desk.act(OPERATOR, action, ANN, reason="r", **more), Done)


async def test_an_authenticator_that_was_removed_before_the_attempt(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its right answer opens nothing, and it costs no attempt."""
    browser, answer = await pending(world)
    done = before(monkeypatch, world, "swap", lambda: act(world, "reset", ticket="T-1"))
    reply = await browser.api("POST", "verify", answer)
    assert done
    assert (reply.status, reply.reason) == (404, "not_found")
    account = await world.account()
    assert (account.attempts.used, account.browsers) == (0, ())
    assert not world.kinds("attempt.failed")


@pytest.mark.parametrize("action", ["lock", "end-sessions"])
async def test_a_lock_or_an_end_between_look_and_attempt(
    world: World, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """A lock refuses the right answer; an end of all sessions lets it be the next proof."""
    browser, answer = await pending(world)
    done = before(monkeypatch, world, "swap", lambda: act(world, action))
    reply = await browser.api("POST", "verify", answer)
    assert done
    if action == "lock":
        assert (reply.status, reply.reason) == (403, "locked")
    else:
        assert reply.json()["state"] == "verified"
    assert await browser.is_in() == (action != "lock")


async def test_a_grant_that_is_taken_back_before_its_first_use(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first request under a break-glass grant is judged by the stored grant."""
    ann, _, _ = await let_in(world)
    world.reached.clear()
    done = before(monkeypatch, world, "swap", lambda: act(world, "revoke"))
    assert not await ann.is_in()
    assert done
    assert world.reached == []
    assert not world.kinds("break_glass.used")


async def test_an_account_that_changes_while_it_is_read(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A look that began before a lock is not kept: the next request meets the lock."""
    browser, answer = await pending(world)
    assert (await browser.api("POST", "verify", answer)).status == 200
    world.engine.forget_all()

    async def lock_and_hear() -> None:
        await act(world, "lock")
        world.engine.notice()

    done = after(monkeypatch, world, "load", lock_and_hear)
    await browser.ask("GET", "/records", headers=FETCH)
    assert done
    assert not await browser.is_in()


async def test_a_race_that_never_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A right answer whose writing is always overtaken is a fault of ours: 503, try again."""
    browser, answer = await pending(world)

    async def overtaken(*_: object) -> bool:
        return False

    async def at_once(_: float) -> None:
        pass

    with monkeypatch.context() as patch:
        patch.setattr(MemoryStore, "swap", overtaken)
        patch.setattr(asyncio, "sleep", at_once)
        reply = await browser.api("POST", "verify", answer)
    assert (reply.status, reply.header("retry-after")) == (503, "1")
    assert not await browser.is_in()
    assert (await world.account()).attempts.used == 0
    assert (await browser.api("POST", "verify", answer)).status == 200


async def test_one_confirmation_sent_twice(world: World) -> None:
    """A double press binds one authenticator, and the browser is in with either answer."""
    new = await world.browser("new")
    begun = (await new.api("POST", "enroll", {"factor": "totp"})).json()
    new.secret = begun["secret"]
    twin = Browser(world, cookies=dict(new.cookies))
    twin.id, twin.tenant = new.id, new.tenant
    confirm = {"enrollment": begun["enrollment"], "response": new.totp()}
    replies = await asyncio.gather(*(b.api("POST", "enroll/confirm", confirm) for b in (new, twin)))
    assert [reply.status for reply in replies] == [201, 201]
    account = await world.account("new")
    assert [a.factor for a in account.authenticators] == ["totp", "backup-code"]
    assert account.attempts.used == 0
    codes, copied = (reply.json()["backup_codes"] for reply in replies)
    assert codes
    assert copied == codes
    assert await new.is_in()
    assert await twin.is_in()
    assert new.cookies == twin.cookies
    assert len(world.kinds("factor.enrolled")) == 2


async def test_a_copy_from_the_second_of_two_browsers(world: World) -> None:
    """A confirmation sent once more is known in each browser, however many the person has."""
    browser, answer = await pending(world)
    assert (await browser.api("POST", "verify", answer)).status == 200
    begun = (await browser.api("POST", "enroll", {"factor": "sms", "phone": "+12025550142"})).json()
    confirm = {"enrollment": begun["enrollment"], "response": world.sms.codes[-1]}
    first = await browser.api("POST", "enroll/confirm", confirm)
    copy = await browser.api("POST", "enroll/confirm", confirm)
    assert (first.status, copy.status) == (201, 201)
    assert first.json()["authenticator"]["id"] == copy.json()["authenticator"]["id"]
    assert (await world.account()).attempts.used == 0
    world.clock.advance(60)
    late = await browser.api("POST", "enroll/confirm", confirm)
    assert (late.status, late.reason) == (404, "not_found")
