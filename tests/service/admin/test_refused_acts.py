"""Acts of administrators that are refused: each names its reason and does nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.automation import MAX_TOKENS
from mfa_gate.core.model import SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import Rules, SubjectExemption
from mfa_gate.service import Actor, Service
from mfa_gate.service.admin.damaged_accounts import discard
from mfa_gate.service.admin.many import Chosen
from mfa_gate.service.what_if import Question
from tests.harness import START, Browser, World, make_world, running, with_rules

EVE, ANN = Actor(name="operator:eve"), SubjectKey("alpha", "ann")
Act = Callable[[Service], Awaitable[Any]]


def spared(rules: Rules) -> Rules:
    """Spare robots the second factor."""
    robots = SubjectExemption(name="robots", groups_any=("robot",), reason="no person", expires_at=START + 3600)
    return replace(rules, exempt_subjects=(robots,))


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann has an app."""
    async with running(make_world(policy=with_rules(spared))) as made:
        await made.enrolled()
        yield made


def token(service: Service, **changed: Any) -> Awaitable[Any]:
    """Make a token."""
    given: dict[str, Any] = {"name": "hr", "rights": ("look",), "everywhere": False, "life": 86_400, "reason": "x"}
    return service.automation.create("eve", "alpha", **(given | changed))


DAY = 86_400
ACTS: dict[str, tuple[Act, str, str]] = {
    "no act of this name": (lambda s: s.account_desk.act(EVE, "explode", ANN, reason="x"), "not_found", ""),
    "no such tenant": (
        lambda s: s.account_desk.act(EVE, "ticket", SubjectKey("alhpa", "new"), reason="x"),
        "not_found",
        'Did you mean "alpha"?',
    ),
    "many, no act of this name": (
        lambda s: s.many_desk.run(EVE, "lock", "alpha", Chosen(ids=("ann",))),
        "not_found",
        "",
    ),
    "many, nobody": (lambda s: s.many_desk.run(EVE, "unlock", "alpha", Chosen(), reason="x"), "malformed", "ids"),
    "many, no reason": (lambda s: s.many_desk.run(EVE, "unlock", "alpha", Chosen(ids=("ann",))), "malformed", "reason"),
    "end, not typed": (
        lambda s: s.tenant_desk.end_proofs(EVE, "alpha", reason="x", confirm="Alpha"),
        "malformed",
        "confirm",
    ),
    "end, no reason": (
        lambda s: s.tenant_desk.end_proofs(EVE, "alpha", reason=" ", confirm="alpha"),
        "malformed",
        "reason",
    ),
    "trial, nobody to send it to": (lambda s: s.tenant_messages.send_trial(EVE, "alpha"), "no_contact", ""),
    "remind, nobody": (lambda s: s.tenant_messages.remind(EVE, "alpha", ids=[]), "malformed", "ids"),
    "discard, no reason": (
        lambda s: discard(s.engine, s.engine.moment(), ANN, ticket="T", reason=""),
        "malformed",
        "reason",
    ),
    "discard, no ticket": (
        lambda s: discard(s.engine, s.engine.moment(), ANN, ticket="", reason="x"),
        "malformed",
        "ticket",
    ),
    "discard, well": (
        lambda s: discard(s.engine, s.engine.moment(), ANN, ticket="T", reason="x"),
        "not_allowed",
        "read",
    ),
    "discard, nobody": (
        lambda s: discard(s.engine, s.engine.moment(), SubjectKey("alpha", "none"), ticket="T", reason="x"),
        "not_found",
        "",
    ),
    "token, no name": (lambda s: token(s, name=" "), "malformed", "name"),
    "token, name with an end": (lambda s: token(s, name="hr "), "malformed", "name"),
    "token, name too long": (lambda s: token(s, name="x" * 65), "malformed", "name"),
    "token, no right": (lambda s: token(s, rights=()), "malformed", "rights"),
    "token, no right of this name": (lambda s: token(s, rights=("look", "fly")), "malformed", "rights"),
    "token, ends at once": (lambda s: token(s, life=0), "malformed", "life"),
    "token, never ends": (lambda s: token(s, life=100 * 365 * DAY), "malformed", "life"),
    "token, no reason": (lambda s: token(s, reason="\n"), "malformed", "reason"),
    "revoke, no reason": (lambda s: s.automation.revoke("eve", "alpha", id="hr", reason=""), "malformed", "reason"),
    "revoke, none": (lambda s: s.automation.revoke("eve", "alpha", id="hr", reason="x"), "not_found", ""),
    "approve, no reason": (lambda s: s.policy_desk.approve(EVE, s.engine.policy, " "), "malformed", "reason"),
    "approve, none waits": (lambda s: s.policy_desk.approve_waiting(EVE, "0" * 64, "x"), "not_found", "digest"),
}
"""Each act, its refusal, and a word of the part that is wrong."""


@pytest.mark.parametrize("name", ACTS)
async def test_an_act_that_is_refused(world: World, name: str) -> None:
    """The refusal names the reason, and neither account, settings nor trail have changed."""
    act, reason, part = ACTS[name]
    before, told = (await world.account(), await world.store.settings("alpha")), len(world.events)
    refused = await act(world.gate.service)
    assert isinstance(refused, Refusal)
    assert refused.reason == reason
    assert part in f"{refused.member} {refused.detail}"
    assert (await world.account(), await world.store.settings("alpha")) == before
    assert len(world.events) == told


async def test_so_many_tokens_and_no_more(world: World) -> None:
    """A tenant has a bounded number of tokens; one that is over makes room."""
    service = world.gate.service
    for number in range(MAX_TOKENS):
        assert not isinstance(await token(service, name=f"t{number}", life=DAY + number), Refusal)
    full = await token(service, name="more")
    assert isinstance(full, Refusal)
    assert full.reason == "too_many"
    twice = await token(service, name="t1")
    assert isinstance(twice, Refusal)
    assert twice.reason == "not_allowed"
    world.clock.advance(DAY)
    assert not isinstance(await token(service, name="more"), Refusal)
    assert len(await service.automation.tokens("alpha")) == MAX_TOKENS


@pytest.mark.parametrize("request_", ["", "GET", "GET charts", "/charts", " /charts"])
async def test_a_question_that_is_none(world: World, request_: str) -> None:
    """The question what would happen needs a method and a path."""
    with pytest.raises(ValueError, match="a method and a path"):
        await world.gate.service.what_if.ask(EVE, Question(key=ANN, request=request_))


async def desk(browser: Browser) -> tuple[int, str]:
    """Try to look at the desk."""
    reply = await browser.api("GET", "admin/accounts")
    return reply.status, reply.reason


async def test_a_locked_administrator_has_no_desk(world: World) -> None:
    """A proof that lives on in one browser opens the app after a lock, and not the desk."""
    boss = await world.enrolled("boss", groups=["admin"])
    assert await desk(boss) == (200, "")
    await (await world.browser("boss", groups=["admin"], sid="guesser")).lock()
    assert await boss.is_in()
    assert await desk(boss) == (403, "locked")
    act = await boss.api("POST", "admin/accounts/ann/lock", {"reason": "x"})
    assert (act.status, act.reason, act.json()["attempts_remaining"]) == (403, "locked", 0)
    assert (await world.account()).lock is None


async def test_an_exempt_administrator_has_no_desk(world: World) -> None:
    """An exemption from the second factor opens the app, and not the desk."""
    robot = await world.browser("robot", groups=["admin", "robot"])
    assert await robot.is_in()
    assert await desk(robot) == (403, "proof_required")


async def test_locked_twice(world: World) -> None:
    """A second lock of an administrator leaves the first one's reason and reference."""
    desk = world.gate.service.account_desk
    await desk.act(EVE, "lock", ANN, reason="phone stolen")
    first = await world.account()
    assert first.lock is not None
    await desk.act(EVE, "lock", ANN, reason="again")
    assert (await world.account()).lock == first.lock
    assert [event.reason for event in world.kinds("account.locked")] == ["phone stolen"]
