"""Break-glass grants under attack.

A grant must be answered for by two people. No way gives it to one person alone, or to anybody for long.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Seconds, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import PathRule, StepUpRule
from mfa_gate.service import Actor
from tests.harness import Browser, World, make_world, running, with_rules
from tests.service.test_outbox import catch_up

HOURS = 4
ASK = {"reason": "phone in the lake", "ticket": "T-9", "hours": HOURS}
EXPORT = StepUpRule(name="export", paths=(PathRule(text="=/records/export"),), max_age=Seconds(300))
STRONG = StepUpRule(name="strong", paths=(PathRule(text="=/records/keys"),), phishing_resistant=True)
OWNER = "security@example.org"
POLICY = with_rules(
    lambda rules: replace(
        rules,
        factors=replace(rules.factors, allowed=(*rules.factors.allowed, "webauthn")),
        step_up=(EXPORT, STRONG),
        owner=OWNER,
    )
)
ANN = "admin/accounts/ann/break-glass"


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """Ann has lost her phone; two administrators are there."""
    async with running(make_world(policy=POLICY)) as made:
        await made.enrolled("ann")
        yield made


async def boss(world: World, id: str = "boss", tenant: str = "alpha", group: str = "admin") -> Browser:
    """An administrator whose second factor was proven just now."""
    return await world.enrolled(id, tenant, groups=[group])


async def waiting(world: World, id: str = "ann") -> dict[str, str]:
    """Return the body that confirms somebody's waiting request: its reference."""
    grant = (await world.account(id)).grant
    return {"ref": grant.ref if grant else "none"}


async def let_in(world: World) -> tuple[Browser, Browser, Browser]:
    """Ann, let in by two administrators: her browser and theirs."""
    first, second = await boss(world), await boss(world, "other")
    assert (await first.api("POST", ANN, ASK)).status == 200
    assert (await second.api("POST", f"{ANN}/confirm", await waiting(world))).status == 200
    return await world.browser("ann", sid="lost"), first, second


async def test_two_administrators_let_somebody_in_for_hours(world: World) -> None:
    """A grant opens the app only after the second confirmation, and until its very end.

    This is the whole story. Everybody concerned is told.
    """
    first, second = await boss(world), await boss(world, "other")
    ann = await world.browser("ann", sid="lost")
    asked = await first.api("POST", ANN, ASK)
    assert asked.status == 200
    assert asked.json()["break_glass"]["status"] == "asked"
    assert not await ann.is_in()
    done = await second.api("POST", f"{ANN}/confirm", {"ref": asked.json()["break_glass"]["ref"]})
    grant = done.json()["break_glass"]
    assert (grant["status"], grant["asked_by"], grant["confirmed_by"]) == ("granted", "boss", "other")
    assert await ann.is_in()
    assert await ann.is_in()
    assert (await ann.state())["state"] == "verified"
    assert (await ann.state())["proof"] is None
    page = (await second.page("/mfa/admin/accounts/ann")).text
    assert "confirmed by <bdi>other</bdi>" in page
    world.clock.advance(HOURS * 3600 - 1)
    assert await ann.is_in()
    world.clock.advance(1)
    assert not await ann.is_in()
    assert await world.gate.service.break_glass.expire() == 1
    assert await world.gate.service.break_glass.expire() == 0
    kinds = ["break_glass.asked", "break_glass.granted", "break_glass.used", "break_glass.ended"]
    assert [event.kind for event in world.events if event.kind.startswith("break_glass")] == kinds
    assert (await world.account()).grant is None
    await world.engine.effects.idle()
    hers = [m.subject for m in world.email.messages if m.to == "ann@alpha.example"]
    assert sum("Emergency access" in subject for subject in hers) == 4
    assert sum(m.to == OWNER and "Emergency access" in m.subject for m in world.email.messages) == 4
    told = len(world.email.messages)
    assert await catch_up(world) == 0
    await world.engine.effects.idle()
    assert len(world.email.messages) == told, "an alarm that was heard does not come again from the trail"


async def test_by_page(world: World) -> None:
    """The pages do the same: the form shows who asks, and why.

    A page's confirmation is of the request that it shows only.
    """
    first, second = await boss(world), await boss(world, "other")
    fields = {"action": "break-glass", "reason": "phone lost", "ticket": "T-9", "hours": "4"}
    for wrong in ({"hours": "12"}, {"hours": "x"}, {"hours": ""}, {"hours": "-1"}, {"reason": ""}, {"ticket": ""}):
        assert (await first.form("/mfa/admin/accounts/ann", {**fields, **wrong})).status == 422
    assert (await first.form("/mfa/admin/accounts/ann", fields)).status == 303
    assert 'value="confirm"' not in (await first.page("/mfa/admin/accounts/ann")).text
    seen = await second.page("/mfa/admin/accounts/ann")
    assert "phone lost" in seen.text
    assert 'value="confirm"' in seen.text
    assert (await second.form("/mfa/admin/accounts/ann", {"action": "confirm"})).status == 422
    ref = seen.text.split('name="ref" value="')[1].split('"')[0]
    assert (await second.form("/mfa/admin/accounts/ann", {"action": "confirm", "ref": ref})).status == 303
    assert await (await world.browser("ann", sid="lost")).is_in()
    ended = await first.form("/mfa/admin/accounts/ann", {"action": "revoke", "reason": "found it"})
    assert ended.status == 303
    assert not await (await world.browser("ann", sid="lost")).is_in()


async def reasons(*tries: Any) -> list[str]:
    """List the reason of each refusal."""
    return [(await one).reason for one in tries]


async def test_a_confirmation_names_the_request(world: World) -> None:
    """A confirmation without the right reference confirms nothing, by page, call or use case.

    The reference is that of the request that was read.
    """
    first, second = await boss(world), await boss(world, "other")
    assert (await first.api("POST", ANN, ASK)).status == 200
    for body in ({}, {"ref": ""}, {"ref": None}, {"ref": "another"}):
        assert (await second.api("POST", f"{ANN}/confirm", body)).status in (404, 422)
        fields = {"action": "confirm", **{name: text for name, text in body.items() if text is not None}}
        assert (await second.form("/mfa/admin/accounts/ann", fields)).status == 422
    desk = world.gate.service.account_desk
    refusal = await desk.act(Actor(name="operator:eve"), "confirm", SubjectKey("alpha", "ann"), ref="")
    assert isinstance(refusal, Refusal)
    assert not await (await world.browser("ann", sid="lost")).is_in()


async def test_one_administrator_is_not_two(world: World) -> None:
    """One administrator who asks and confirms is refused, and nothing is open.

    This holds for a second try by the same person, a second browser, and the operator of the same name.
    """
    first = await boss(world)
    again = await world.browser("boss", groups=["admin"], address="203.0.113.44")
    world.clock.advance(31)
    await again.prove(first.secret)
    assert (await first.api("POST", ANN, ASK)).status == 200
    ref = await waiting(world)
    assert await reasons(first.api("POST", f"{ANN}/confirm", ref), again.api("POST", f"{ANN}/confirm", ref)) == [
        "not_allowed",
        "not_allowed",
    ]
    desk = world.gate.service.account_desk
    refusal = await desk.act(Actor(name="operator:BOSS"), "confirm", SubjectKey("alpha", "ann"), ref=ref["ref"])
    assert isinstance(refusal, Refusal)
    assert refusal.reason == "not_allowed"
    assert not await (await world.browser("ann", sid="lost")).is_in()


async def test_nobody_asks_or_confirms_for_themselves(world: World) -> None:
    """An administrator in need is let in by two others; S-36: the subject is neither hand."""
    first, second = await boss(world), await boss(world, "other", group="security")
    own = "admin/accounts/boss/break-glass"
    assert (await first.api("POST", own, ASK)).reason == "not_allowed"
    assert (await second.api("POST", own, ASK)).status == 200
    assert (await first.api("POST", f"{own}/confirm", await waiting(world, "boss"))).reason == "not_allowed"
    assert (await first.api("POST", f"{own}/revoke", {"reason": "x"})).reason == "not_allowed"
    grant = (await world.account("boss")).grant
    assert grant is not None
    assert not grant.ends_at


@pytest.mark.parametrize(
    ("id", "tenant", "group", "want"),
    [
        ("sue", "alpha", "support", "not_allowed"),
        ("eve", "alpha", "staff", "not_allowed"),
        ("far", "beta", "admin", "not_found"),
        ("boss", "beta", "admin", "not_found"),
    ],
)
async def test_who_may_not(world: World, id: str, tenant: str, group: str, want: str) -> None:
    """S-121: support looks only, others not even that, and of another tenant nothing is known."""
    first = await boss(world)
    stranger = await boss(world, id, tenant, group)
    assert (await stranger.api("POST", f"{ANN}?tenant=alpha", ASK)).reason == want
    assert (await first.api("POST", ANN, ASK)).status == 200
    assert (await stranger.api("POST", f"{ANN}/confirm?tenant=alpha", await waiting(world))).reason == want
    assert (await stranger.api("POST", f"{ANN}/revoke?tenant=alpha", {"reason": "x"})).reason == want
    assert not await (await world.browser("ann", sid="lost")).is_in()


async def test_the_security_team_confirms_everywhere(world: World) -> None:
    """A person with rights in every tenant may be the second hand.

    This holds also if that person has the same id as the first one.
    """
    first, far = await boss(world), await boss(world, "boss", "beta", "security")
    assert (await first.api("POST", ANN, ASK)).status == 200
    assert (await far.api("POST", f"{ANN}/confirm?tenant=alpha", await waiting(world))).status == 200
    assert await (await world.browser("ann", sid="lost")).is_in()


async def test_a_stale_proof_and_an_old_request(world: World) -> None:
    """Both hands need a proof younger than ``actor_max_age``.

    A request is good for an hour.
    """
    first, second = await boss(world), await boss(world, "other")
    world.clock.advance(301)
    assert (await first.api("POST", ANN, ASK)).reason == "proof_required"
    assert (await first.prove()).status == 200
    assert (await first.api("POST", ANN, ASK)).status == 200
    assert (await second.api("POST", f"{ANN}/confirm", await waiting(world))).reason == "proof_required"
    world.clock.advance(3600)
    assert (await second.prove()).status == 200
    assert (await second.api("POST", f"{ANN}/confirm", await waiting(world))).reason == "not_found"


@pytest.mark.parametrize("hours", [0, -4, 12, 24, 10**12, 4.0, "4", True])
async def test_no_other_length(world: World, hours: object) -> None:
    """Whole hours under twelve, and of no other type (S-105)."""
    first = await boss(world)
    assert (await first.api("POST", ANN, {**ASK, "hours": hours})).reason == "malformed"
    assert (await world.account()).grant is None


async def test_confirmations_at_once(world: World) -> None:
    """Twelve confirmations at the same moment count once and write one event.

    Three administrators send them.
    """
    first, second, third = await boss(world), await boss(world, "other"), await boss(world, "third")
    assert (await first.api("POST", ANN, ASK)).status == 200
    ref = await waiting(world)
    tries = [(second, third, first)[n % 3].api("POST", f"{ANN}/confirm", ref) for n in range(12)]
    found = [reply.status for reply in await asyncio.gather(*tries)]
    assert found.count(200) == 1
    assert len(world.kinds("break_glass.granted")) == 1


async def test_it_is_not_good_for_more(world: World) -> None:
    """A grant passes no step-up, no phishing-resistant path, and no administration.

    Nor does it change factors.
    """
    ann, _, _ = await let_in(world)
    assert await ann.is_in()
    for path in ("/records/export", "/records/keys"):
        reply = await ann.page(path)
        assert (reply.status, reply.location) == (303, "/mfa/challenge")
    assert world.reached.count(("http", "GET", "/records/export")) == 0
    account = await world.account()
    id = account.authenticators[0].id
    assert (
        await reasons(
            ann.api("POST", "enroll", {"factor": "totp"}),
            ann.api("PATCH", f"authenticators/{id}", {"label": "mine"}),
            ann.api("DELETE", f"authenticators/{id}"),
            ann.api("POST", "backup-codes", {}),
            ann.api("GET", "authenticators"),
            ann.api("GET", "browsers"),
            ann.api("DELETE", f"browsers/{account.browsers[0].id}"),
        )
        == ["proof_required"] * 7
    )
    for path in ("/mfa", "/mfa/enroll/totp", "/mfa/backup-codes"):
        assert (await ann.page(path)).status == 303
    assert (await world.account()).authenticators == account.authenticators


async def test_an_administrator_let_in_administers_nothing(world: World) -> None:
    """A grant for somebody with rights opens the app to them and no desk."""
    first, second = await boss(world, group="security"), await boss(world, "other", group="security")
    await boss(world, "chief")
    own = "admin/accounts/chief/break-glass"
    await first.api("POST", own, ASK)
    assert (await second.api("POST", f"{own}/confirm", await waiting(world, "chief"))).status == 200
    chief = await world.browser("chief", groups=["admin"], sid="lost")
    assert await chief.is_in()
    assert (
        await reasons(
            chief.api("GET", "admin/accounts"),
            chief.api("POST", "admin/accounts/ann/lock", {"reason": "x"}),
            chief.api("POST", ANN, ASK),
        )
        == ["proof_required"] * 3
    )


@pytest.mark.parametrize("end", ["revoke", "lock", "reset", "attempts"])
async def test_it_ends_at_once(world: World, end: str) -> None:
    """Every end of a grant counts for the next request of every browser.

    Unlocking does not bring the grant back.
    """
    ann, first, _ = await let_in(world)
    assert await ann.is_in()
    if end == "attempts":
        await ann.lock()
    elif end == "revoke":
        assert (await first.api("POST", f"{ANN}/revoke", {"reason": "phone found"})).status == 200
    else:
        body = {"reason": "stolen"} | ({"ticket": "T-1"} if end == "reset" else {})
        assert (await first.api("POST", f"admin/accounts/ann/{end}", body)).status == 200
    assert not await ann.is_in()
    await first.api("POST", "admin/accounts/ann/unlock", {"reason": "again"})
    assert not await ann.is_in()
    assert not await (await world.browser("ann", sid="more")).is_in()


async def test_few_browsers_come_in_by_it(world: World) -> None:
    """Each is told of at its first use; a sixth is asked as ever."""
    ann, _, _ = await let_in(world)
    assert await ann.is_in()
    for number in range(4):
        assert await (await world.browser("ann", sid=f"s{number}", address=f"198.51.100.{number}")).is_in()
    assert not await (await world.browser("ann", sid="sixth")).is_in()
    assert await ann.is_in()
    assert len(world.kinds("break_glass.used")) == 5


async def test_nothing_passes_unwritten(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-125: where the first use cannot be written down, the browser does not come in."""
    from mfa_gate.errors import StoreUnavailable

    ann, _, _ = await let_in(world)

    async def full(*_: object, **__: object) -> bool:
        raise StoreUnavailable("full")

    with monkeypatch.context() as patch:
        patch.setattr(world.store, "swap", full)
        assert (await ann.page("/records")).status == 503
    assert ("http", "GET", "/records") not in world.reached
    assert await ann.is_in()
