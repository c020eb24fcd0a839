"""An enrollment under way: codes for its draft go out only while it is allowed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.model import Lock
from mfa_gate.core.reasons import Refusal
from mfa_gate.service import Issued
from tests.attacks.test_blame import caller_of
from tests.harness import POLICY, RULES, START, Browser, World, make_world, running

MAIL = {"ann": "ann@alpha.example"}


async def contacts(subject: Subject) -> Contacts:
    """Tell the address on file."""
    return Contacts(email=MAIL.get(subject.id, ""), phone="+1 202-555-0123")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann has an app."""
    MAIL["ann"] = "ann@alpha.example"
    async with running(make_world(contacts=contacts)) as made:
        yield made


async def begun(world: World, factor: str = "sms") -> tuple[Browser, str]:
    """Begin to enroll, with a first code on its way since a minute."""
    ann = await world.enrolled()
    more = {"phone": "+12025550142"} if factor == "sms" else {}
    draft = (await ann.api("POST", "enroll", {"factor": factor, **more})).json()["enrollment"]
    world.clock.advance(60)
    return ann, draft


async def sent(world: World, browser: Browser, draft: str) -> Any:
    """Ask for another code."""
    return await world.gate.service.enrollments.send(caller_of(browser), draft)


async def test_another_code_for_a_draft(world: World) -> None:
    """While the enrollment is allowed, the number that was typed gets another code."""
    ann, draft = await begun(world)
    assert isinstance(await sent(world, ann, draft), Issued)
    assert len(world.sms.codes) == 2
    assert len({message.to for message in world.sms.messages}) == 1


@pytest.mark.parametrize(
    ("happened", "reason"),
    [
        ("nothing of this name", "not_found"),
        ("too late", "not_found"),
        ("old proof", "proof_required"),
        ("frozen", "frozen"),
        ("locked", "locked"),
        ("not allowed any more", "not_enrollable"),
    ],
)
async def test_no_code_for_a_draft_that_is_over(world: World, happened: str, reason: str) -> None:
    """No code goes out, and nothing is written."""
    ann, draft = await begun(world)
    account = await world.account()
    if happened == "nothing of this name":
        draft = "none"
    elif happened in ("too late", "old proof"):
        world.clock.advance(1800 if happened == "too late" else 240)
    elif happened == "not allowed any more":
        without = replace(RULES, factors=replace(RULES.factors, allowed=("totp", "backup-code"), order=("totp",)))
        world.engine.policy = replace(world.engine.policy, tenants={"alpha": without})
    else:
        lock = Lock(at=START, cause="administrator", ref="LOCK000001", actor="mary")
        changed = replace(account, frozen_until=START + DAY) if happened == "frozen" else replace(account, lock=lock)
        assert await world.store.swap(changed)
    before = await world.account()
    refused = await sent(world, ann, draft)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason
    assert len(world.sms.codes) == 1
    assert await world.account() == before


DAY = 86_400


async def test_no_code_to_an_address_that_has_moved(world: World) -> None:
    """A draft for the address of before gets no code once the host has another."""
    ann, draft = await begun(world, "email")
    MAIL["ann"] = "new@alpha.example"
    refused = await sent(world, ann, draft)
    assert isinstance(refused, Refusal)
    assert refused.reason == "contact_changed"
    assert [message.to for message in world.email.messages if message.code] == ["ann@alpha.example"]


@pytest.mark.parametrize("again", [False, True])
async def test_a_draft_goes_on(world: World, again: bool) -> None:
    """The same wish goes on with the draft and its secret; ``anew`` makes another."""
    new = await world.browser("new")
    first = (await new.api("POST", "enroll", {"factor": "totp"})).json()
    service, caller = world.gate.service.enrollments, caller_of(new)
    found: Any = await service.begin(caller, factor="totp", anew=again)
    assert (found.enrollment.id == first["enrollment"]) != again
    assert (found.shown["secret"] == first["secret"]) != again
    assert len((await world.account("new")).enrollments) == 1


@pytest.mark.parametrize(
    ("kind", "mail", "reason"),
    [("email", "", "no_contact"), ("fax", "x@y.example", "no_contact"), ("sms", "x@y.example", "phone_invalid")],
)
async def test_a_contact_that_cannot_be_proven(kind: str, mail: str, reason: str) -> None:
    """No contact on file, no such kind, or a number that is none: nothing is sent."""

    async def odd(subject: Subject) -> Contacts:
        return Contacts(email=mail, phone="twelve")

    contact = replace(RULES, enrollment=replace(RULES.enrollment, first="contact"))
    policy = replace(POLICY, tenants={"alpha": contact})
    async with running(make_world(contacts=odd, policy=policy)) as world:
        new = await world.browser("new")
        await new.page("/mfa/enroll")
        refused: Any = await world.gate.service.leave.send_contact(caller_of(new), kind)
        assert (type(refused), refused.reason) == (Refusal, reason)
        assert world.email.messages == world.sms.messages == []
