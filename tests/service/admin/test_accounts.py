"""The administrators' day: turning on, factors, unlock, lock, reset, tickets, help."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Event, Subject
from mfa_gate.core.model import Seconds
from mfa_gate.core.rules import Policy, Rules
from tests.harness import Browser, World, make_world, running, with_rules

CLINIC = ("email", "sms", "backup-code")


def desk_rules(rules: Rules) -> Rules:
    """Off until the administrator turns it on; the administrator picks."""
    return replace(
        rules,
        factors=replace(rules.factors, choice="tenant", allowed=CLINIC, order=("sms", "email")),
        enrollment=replace(rules.enrollment, stage="admin", checklist="advice"),
    )


DESK = with_rules(desk_rules)
TICKETS = with_rules(lambda rules: replace(rules, enrollment=replace(rules.enrollment, first="ticket")))


async def boss_of(world: World, id: str = "boss", **more: Any) -> Browser:
    """An administrator whose second factor was proven just now."""
    return await world.enrolled(id, groups=["admin"], **more)


async def mailed(id: str, world: World) -> Browser:
    """Somebody with the e-mail address as their factor."""
    browser = await world.browser(id, groups=["admin"] if id == "boss" else [])
    await browser.enroll_email()
    return browser


async def turned_on(world: World, factors: list[str]) -> Browser:
    """The clinic's administrator has turned it on with these factors."""
    boss = await mailed("boss", world)
    body = {"enabled": True, "factors": factors, "confirm": "alpha"}
    assert (await boss.api("PATCH", "admin/tenant", body)).status == 200
    return boss


# -- turning on --------------------------------------------------------------------------------------------------------


async def test_turning_on_is_for_good() -> None:
    """A typed confirmation turns the second factor on for the whole tenant, for good.

    Decision 19. No page, no call and no command turns it off.
    """
    async with running(make_world(policy=DESK)) as world:
        user = await world.browser("ann")
        assert (await user.state())["state"] == "off"
        assert await user.is_in()
        boss = await mailed("boss", world)
        desk = (await boss.api("GET", "admin/tenant")).json()
        assert desk["enabled"] is False
        assert {check["id"] for check in desk["checklist"]} >= {"administrators", "senders", "message", "announced"}

        for confirm in ("", "ALPHA", "beta", "alpha\n"):
            refused = await boss.api("PATCH", "admin/tenant", {"enabled": True, "confirm": confirm})
            assert (refused.status, refused.reason) == (422, "malformed")
        assert await user.is_in()
        page = await boss.form("/mfa/admin/tenant", {"action": "enable", "confirm": "alphabet", "factors": "email"})
        assert (page.status, "alpha" in page.text) == (422, True)

        done = await boss.form("/mfa/admin/tenant", {"action": "enable", "confirm": "alpha", "factors": "email sms"})
        assert (done.status, done.location) == (303, "/mfa/admin/tenant#")
        assert (await user.state())["state"] == "enroll"
        assert not await user.is_in()
        assert (await (await world.browser("zoe", "beta")).state())["state"] == "off"
        assert [event.actor for event in world.kinds("tenant.enabled")] == ["boss"]

        off = await boss.api("PATCH", "admin/tenant", {"enabled": False, "confirm": "alpha"})
        assert (off.status, off.reason) == (403, "not_allowed")
        for action in ("disable", "off", "turn-off", ""):
            assert (await boss.form("/mfa/admin/tenant", {"action": action, "confirm": "alpha"})).status == 404
        assert (await boss.api("GET", "admin/tenant")).json()["enabled"] is True
        world.clock.advance(100)
        again = await boss.api("PATCH", "admin/tenant", {"enabled": True, "confirm": "alpha"})
        assert again.status == 200
        assert len(world.kinds("tenant.enabled")) == 1


async def test_the_checklist_is_ticked_by_hand_and_by_facts() -> None:
    """The date and the message are ticked by an administrator, and the others by facts."""
    async with running(make_world(policy=DESK)) as world:
        boss = await mailed("boss", world)

        async def ticks() -> dict[str, bool]:
            found = (await boss.api("GET", "admin/tenant")).json()["checklist"]
            return {line["id"]: line["ok"] for line in found}

        assert (await ticks())["announced"] is False
        assert (await ticks())["administrators"] is False
        assert (await boss.form("/mfa/admin/tenant", {"action": "announced"})).status == 303
        await mailed("other", world)
        found = await ticks()
        assert (found["announced"], found["administrators"], found["senders"]) == (True, True, True)


@pytest.mark.parametrize(
    ("picked", "enrollable"), [(["email"], ["email"]), (["sms"], ["sms"]), (["sms", "email"], ["sms", "email"])]
)
async def test_the_clinics_choice_is_what_people_may_enroll(picked: list[str], enrollable: list[str]) -> None:
    """People may enroll only the factors that the administrator chose.

    The choice is e-mail only, text only, or both. Other factors are neither shown nor taken. If one factor is
    left, there is no page for the choice.
    """
    async with running(make_world(policy=DESK)) as world:
        await turned_on(world, picked)
        user = await world.browser("ann")
        assert (await user.state())["enrollable"] == enrollable
        for kind in {"email", "sms", "totp"} - set(enrollable):
            refused = await user.api("POST", "enroll", {"factor": kind, "phone": "+1 202-555-0101"})
            assert refused.reason == "not_enrollable"
        page = await user.page("/mfa/enroll")
        assert (page.status, page.location) == (
            (200, "") if len(enrollable) > 1 else (303, f"/mfa/enroll/{enrollable[0]}")
        )


async def test_only_what_the_policy_allows_can_be_picked() -> None:
    """An administrator cannot pick a factor that the policy does not allow.

    The choice cannot be empty, and cannot have a factor twice.
    """
    async with running(make_world(policy=DESK)) as world:
        boss = await mailed("boss", world)
        for factors in ([], ["totp"], ["backup-code"], ["email", "email"], ["email", "nonsense"]):
            refused = await boss.api("PATCH", "admin/tenant", {"factors": factors, "confirm": "alpha"})
            assert (refused.status, refused.reason) == (422, "not_enrollable"), factors
    async with running(make_world(policy=DESK)) as world:
        boss = await mailed("boss", world)
        assert (await boss.api("PATCH", "admin/tenant", {"factors": [1], "confirm": "alpha"})).reason == "malformed"
    async with running(make_world()) as world:
        boss = await boss_of(world)
        for body in ({"factors": ["totp"]}, {"enabled": True}):
            refused = await boss.api("PATCH", "admin/tenant", {**body, "confirm": "alpha"})
            assert (refused.status, refused.reason) == (403, "not_allowed")


async def test_who_has_what_is_no_longer_offered_proves_it_then_enrolls_another() -> None:
    """A factor that the administrator took away is still asked for first.

    S-83. Then an allowed one is enrolled.
    """
    async with running(make_world(policy=DESK)) as world:
        boss = await turned_on(world, ["email", "sms"])
        await mailed("ann", world)
        world.clock.advance(60)
        changed = await boss.api("PATCH", "admin/tenant", {"factors": ["sms"], "confirm": "alpha"})
        assert changed.status == 200
        elsewhere = await world.browser("ann")
        state = await elsewhere.state()
        assert state["state"] == "challenge"
        assert (await elsewhere.api("POST", "enroll", {"factor": "sms", "phone": "+1 202-555-0101"})).status == 403
        id = state["authenticators"][0]["id"]
        issued = (await elsewhere.api("POST", "challenge", {"authenticator": id})).json()
        verified = await elsewhere.api(
            "POST", "verify", {"challenge": issued["challenge"], "response": world.email.codes[-1]}
        )
        assert (verified.json()["state"], verified.json()["enrollable"]) == ("enroll", ["sms"])
        assert not await elsewhere.is_in()
        begun = (await elsewhere.api("POST", "enroll", {"factor": "sms", "phone": "+1 202-555-0101"})).json()
        confirm = {"enrollment": begun["enrollment"], "response": world.sms.codes[-1]}
        assert (await elsewhere.api("POST", "enroll/confirm", confirm)).status == 201
        assert await elsewhere.is_in()


# -- unlock and lock ---------------------------------------------------------------------------------------------------


async def test_unlock_gives_seven_attempts_back(world: World) -> None:
    """An administrator's unlock, with a reason, gives all seven attempts back.

    Decision 8. The user is notified, and gets in.
    """
    ann = await world.enrolled()
    elsewhere = await world.browser()
    elsewhere.secret = ann.secret
    await elsewhere.lock()
    boss = await boss_of(world)
    for reason in ("", "   ", "x" * 201, "two\x00lines"):
        refused = await boss.api("POST", "admin/accounts/ann/unlock", {"reason": reason})
        assert (refused.status, refused.reason) == (422, "malformed")
    shown = (await boss.api("GET", "admin/accounts/ann")).json()
    assert (shown["status"], shown["attempts_remaining"], shown["lock"]["cause"]) == ("locked", 0, "attempts")
    done = (await boss.api("POST", "admin/accounts/ann/unlock", {"reason": "asked\nin person"})).json()
    assert (done["status"], done["attempts_remaining"], done["lock"]) == ("verified", 7, None)
    assert (await elsewhere.state())["attempts_remaining"] == 7
    event = world.kinds("account.unlocked")[-1]
    assert (event.actor, event.account, event.reason) == ("boss", "ann", "asked in person")
    await world.engine.effects.idle()
    assert "unlocked" in world.email.messages[-1].subject
    assert (await elsewhere.prove()).status == 200


async def test_a_lock_by_an_administrator_ends_every_proof(world: World) -> None:
    """A lock by an administrator puts every browser out at once.

    Decision 8. No answer is compared and nothing is sent. Unlocking revives no proof.
    """
    here = await world.enrolled()
    there = await world.browser(address="203.0.113.50")
    await there.prove(here.secret)
    assert await here.is_in()
    assert await there.is_in()
    boss = await boss_of(world)
    locked = await boss.form("/mfa/admin/accounts/ann", {"action": "lock", "reason": "phone stolen"})
    assert locked.status == 303
    for browser in (here, there):
        assert (await browser.state())["state"] == "locked"
        assert not await browser.is_in()
    assert (await there.guess()).reason == "locked"
    await boss.api("POST", "admin/accounts/ann/unlock", {"reason": "found again"})
    for browser in (here, there):
        assert (await browser.state())["state"] == "challenge"
    assert (await here.state())["reason"] == "revoked"


# -- who can be meant ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("id", ["\x1b[31mRED", "ﬁ", "a\u202eb", "a\nb", "e\u0301", "x" * 300])
async def test_nobody_is_made_of_an_odd_id(world: World, id: str) -> None:
    """An id that no host could give is no person, for every call and page.

    No account and no line of the trail is written for it.
    """
    boss = await boss_of(world)
    before, lines = await world.store.keys(), len((await world.store.events("alpha")).items)
    why = {"reason": "x"}
    ticket = {"ticket": "T", **why}
    for method, place, body in (
        ("POST", "ticket", why),
        ("POST", "unlock", why),
        ("POST", "lock", why),
        ("POST", "reset", ticket),
        ("POST", "refuse", why),
        ("POST", "break-glass", {**ticket, "hours": 1}),
        ("POST", "break-glass/confirm", {}),
        ("POST", "break-glass/revoke", why),
        ("GET", "", {}),
    ):
        path = f"admin/accounts/{id}" + (f"/{place}" if place else "")
        reply = await boss.api(method, path, body if method == "POST" else None)
        assert reply.status in (404, 422), (place, reply.text)
    reply = await boss.form(f"/mfa/admin/accounts/{id}", {"action": "ticket", "reason": "x"})
    assert reply.status in (404, 422), reply.text
    assert await world.store.keys() == before
    assert len((await world.store.events("alpha")).items) == lines


# -- reset -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["sync", "async", "raising", "async-raising", "none"])
async def test_reset_under_a_ticket(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """A reset under a ticket removes every factor and ends every proof.

    S-94. The host and the user are notified. A hook that fails harms nothing.
    """
    called: list[Subject] = []

    def sync(subject: Subject, event: Event) -> None:
        assert (event.kind, event.account, event.actor) == ("account.reset", "ann", "boss")
        called.append(subject)
        if kind == "raising":
            raise RuntimeError("the host's directory is down")

    async def later(subject: Subject, event: Event) -> None:
        await asyncio.sleep(0)
        sync(subject, event)
        if kind == "async-raising":
            raise RuntimeError("the host's directory is down")

    hook: Callable[[Subject, Event], object] | None = {"none": None, "sync": sync, "raising": sync}.get(kind, later)
    async with running(make_world(on_reset=hook)) as world:
        ann = await world.enrolled()
        old = ann.secret
        boss = await boss_of(world)
        for body in ({"ticket": "", "reason": "new phone"}, {"ticket": "T-1", "reason": " "}):
            assert (await boss.api("POST", "admin/accounts/ann/reset", body)).reason == "malformed"
        assert (await boss.api("POST", "admin/accounts/ann/reset", {"reason": "new phone"})).reason == "malformed"
        assert called == []
        with caplog.at_level(logging.CRITICAL + 1 if "raising" not in kind else logging.ERROR):
            done = await boss.api("POST", "admin/accounts/ann/reset", {"ticket": "T-4711", "reason": "new phone"})
        assert done.status == 200
        assert done.json()["authenticators"] == done.json()["browsers"] == []
        assert called == ([Subject(id="ann", tenant="alpha")] if kind != "none" else [])
        assert ("on_reset" in caplog.text) == ("raising" in kind)
        account = await world.account()
        assert (account.authenticators, account.browsers, account.challenges) == ((), (), ())
        assert not await ann.is_in()
        assert (await ann.state())["state"] == "enroll"
        assert ann.backup
        event = world.kinds("account.reset")[-1]
        assert (event.actor, event.ticket, event.reason) == ("boss", "T-4711", "new phone")
        await world.engine.effects.idle()
        assert "were removed" in world.email.messages[-1].subject
        await ann.enroll()
        assert ann.secret != old
        assert await ann.is_in()


# -- enrollment tickets ------------------------------------------------------------------------------------------------


async def ticket_for(boss: Browser, id: str = "ann") -> str:
    made = await boss.api("POST", f"admin/accounts/{id}/ticket", {"reason": "new colleague"})
    assert made.status == 201
    ticket: str = made.json()["ticket"]
    return ticket


async def with_boss(policy: Policy) -> tuple[World, Browser]:
    """Make a world in which the first enrollment needs a ticket.

    The administrator was enrolled before that.
    """
    world = make_world()
    boss = await boss_of(world)
    world.engine.use_policy(policy)
    return world, boss


async def redeem(browser: Browser, ticket: str) -> bool:
    """Type a ticket on the enrollment page, and return True if it was taken."""
    reply = await browser.form("/mfa/enroll", {"action": "ticket", "ticket": ticket})
    assert reply.status in (303, 422, 403)
    return reply.status == 303


async def test_a_ticket_works_once() -> None:
    """A ticket is shown once and works once, for one person.

    Decision 9. A newer ticket replaces it. Neither the trail nor the store contains it.
    """
    world, boss = await with_boss(TICKETS)
    async with running(world):
        ann, bob = await world.browser("ann"), await world.browser("bob")
        assert (await ann.api("POST", "enroll", {"factor": "totp"})).reason == "ticket_required"
        first = await ticket_for(boss)
        second = await ticket_for(boss)
        assert first != second
        assert not await redeem(ann, first)
        assert not await redeem(bob, second)
        assert not await redeem(ann, "AAAAA-AAAAA-AAAAA-AAAAA-AAAAA-A")
        assert await redeem(ann, f" {second.lower()} ")
        assert await ann.enroll()
        assert await ann.is_in()
        elsewhere = await world.browser("ann", address="203.0.113.99")
        assert (await elsewhere.state())["state"] == "challenge"
        told = f"{world.events}{await world.account()}"
        assert first not in told
        assert second.replace("-", "") not in told.replace("-", "")
        assert (await boss.api("POST", "admin/accounts/ann/ticket", {"reason": "again"})).reason == "already_enrolled"


async def test_a_ticket_ends_after_a_day() -> None:
    """S-94: it is good until its last second, and at exactly one day it is dead."""
    world, boss = await with_boss(TICKETS)
    async with running(world):
        ann, bob = await world.browser("ann"), await world.browser("bob")
        hers, his = await ticket_for(boss, "ann"), await ticket_for(boss, "bob")
        world.clock.advance(86_399)
        assert await redeem(ann, hers)
        world.clock.advance(1)
        assert not await redeem(bob, his)


async def test_the_page_shows_a_ticket_once() -> None:
    """The ticket is in the answer to the press of the button, and on no page after it."""
    world, boss = await with_boss(TICKETS)
    async with running(world):
        await world.browser("ann")
        await ticket_for(boss)
        shown = await boss.form("/mfa/admin/accounts/ann", {"action": "ticket", "reason": "new colleague"})
        ticket = shown.text.split('id="ticket-text"')[1].split("<code>")[1].split("</code>")[0]
        assert shown.status == 200
        assert ticket not in (await boss.page("/mfa/admin/accounts/ann")).text
        assert await redeem(await world.browser("ann"), ticket)


# -- recovery ----------------------------------------------------------------------------------------------------------


async def test_a_call_for_help_waits_in_the_queue(world: World) -> None:
    """A call for help waits in the administrators' queue, with its sender and its reason.

    It changes nothing else. One waits at a time. Refusing it answers it.
    """
    ann = await world.enrolled()
    lost = await world.browser()
    asked = await lost.api("POST", "recovery", {"about": "my phone fell into the lake"})
    assert asked.status == 202
    assert (await lost.api("POST", "recovery", {"about": "again"})).json()["ref"] == asked.json()["ref"]
    assert await ann.is_in()
    assert not await lost.is_in()

    boss = await boss_of(world)
    queue = (await boss.api("GET", "admin/accounts?status=recovery")).json()["accounts"]
    assert [person["id"] for person in queue] == ["ann"]
    shown = (await boss.api("GET", "admin/accounts/ann")).json()["recovery"]
    assert (shown["about"], shown["ref"]) == ("my phone fell into the lake", asked.json()["ref"])
    assert "my phone fell into the lake" in (await boss.page("/mfa/admin/accounts/ann")).text

    assert (await boss.api("POST", "admin/accounts/ann/refuse", {"reason": ""})).reason == "malformed"
    assert (await boss.api("POST", "admin/accounts/ann/refuse", {"reason": "not her voice"})).status == 200
    assert (await boss.api("GET", "admin/accounts?status=recovery")).json()["accounts"] == []
    assert (await boss.api("POST", "admin/accounts/ann/refuse", {"reason": "twice"})).reason == "not_found"
    await world.engine.effects.idle()
    assert [m.subject for m in world.email.messages if "help" in m.subject] == [
        "Example: Somebody asked for help with your account",
        "Example: The request for help was refused",
    ]


async def test_approving_is_a_reset(world: World) -> None:
    """Approved: the reset ends the request with the factors, and the person starts anew."""
    await world.enrolled()
    lost = await world.browser()
    await lost.api("POST", "recovery", {"about": "stolen"})
    boss = await boss_of(world)
    await boss.api("POST", "admin/accounts/ann/reset", {"ticket": "T-1", "reason": "seen the passport"})
    account = await world.account()
    assert (account.recovery, account.authenticators) == (None, ())
    assert (await lost.state())["state"] == "enroll"


async def test_a_request_is_held_so_that_it_can_be_stopped() -> None:
    """A call for help must wait as long as the policy says before a reset or a ticket.

    The person is notified at once. A person who never asked is not held. An unlock takes nothing away, so it
    is never held.
    """
    policy = with_rules(lambda rules: replace(rules, recovery=replace(rules.recovery, hold=Seconds(86_400))))
    async with running(make_world(policy=policy)) as world:
        ann = await world.enrolled()
        await world.enrolled("bob")
        lost = await world.browser(address="203.0.113.99")
        assert (await lost.api("POST", "recovery", {"about": "stolen"})).status == 202
        await world.engine.effects.idle()
        assert "asked for help" in world.email.messages[-1].subject
        boss = await boss_of(world)
        body = {"ticket": "T-1", "reason": "seen the passport"}
        refused = await boss.api("POST", "admin/accounts/ann/reset", body)
        assert (refused.status, refused.reason) == (429, "too_soon")
        assert 86_000 < refused.json()["retry_after"] <= 86_400
        page = await boss.form("/mfa/admin/accounts/ann", {"action": "reset", **body})
        assert (page.status, "Held" in page.text) == (422, True)
        assert (await boss.api("GET", "admin/accounts/ann")).json()["recovery"]["held_until"]
        assert (await boss.api("POST", "admin/accounts/bob/reset", body)).status == 200
        assert await ann.is_in()
        world.clock.advance(86_400)
        assert (await boss.prove()).status == 200
        assert (await boss.api("POST", "admin/accounts/ann/reset", body)).status == 200


async def test_a_held_request_that_was_stopped_is_gone() -> None:
    """A held request that the owner stops is gone: nothing is left to approve."""
    policy = with_rules(lambda rules: replace(rules, recovery=replace(rules.recovery, hold=Seconds(86_400))))
    async with running(make_world(policy=policy)) as world:
        ann = await world.enrolled()
        lost = await world.browser(address="203.0.113.99")
        await lost.api("POST", "recovery", {"about": "stolen"})
        assert (await ann.form("/mfa", {"action": "stop"})).status == 303
        assert (await world.account()).recovery is None
        assert [event.kind for event in world.events][-1] == "recovery.stopped"


async def test_nothing_to_ask_for_where_the_policy_offers_no_request() -> None:
    """The way by request is the policy's to offer."""
    policy = with_rules(lambda rules: replace(rules, recovery=replace(rules.recovery, ways=("backup-code",))))
    async with running(make_world(policy=policy)) as world:
        await world.enrolled()
        lost = await world.browser()
        assert (await lost.api("POST", "recovery", {"about": "stolen"})).reason == "not_allowed"


async def test_a_query_that_no_page_of_ours_makes(world: World) -> None:
    """A query with more members than any page has shows the first page of the list.

    It is no fault.
    """
    boss = await boss_of(world)
    many = "&".join(f"q{number}=x" for number in range(50))
    for place in ("accounts", "audit", "tenant"):
        assert (await boss.page(f"/mfa/admin/{place}?{many}")).status == 200


async def test_what_others_did_is_not_said_to_the_administrator(world: World) -> None:
    """The activity on another person's page does not say "you" to the administrator.

    It says what that person did.
    """
    ann, boss = await world.enrolled(), await boss_of(world)
    assert "You confirmed" in (await ann.page("/mfa")).text
    told = (await boss.page("/mfa/admin/accounts/ann")).text
    assert "Confirmed with" in told
    assert "You confirmed" not in told
