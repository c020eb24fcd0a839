"""The answer "This was not me": each notice has a link of its own.

A press ends every proof, stops changes and tells the administrators.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from mfa_gate import RelyingParty, Subject
from mfa_gate.core.events import Event
from mfa_gate.core.messages.notices import NOTICES, sms_notice
from mfa_gate.core.text_safety import SMS_LENGTH, gsm7
from mfa_gate.errors import SendFailed
from tests.harness import FORM, ORIGIN, PAGE, Browser, Reply, World, key, make_world, running, with_rules

OWNER = "security@example.org"
OWNED = with_rules(lambda rules: replace(rules, owner=OWNER))
PRESS = b"action=dispute&sure=yes"
DAY = 86_400


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A policy whose owner has an address."""
    async with running(make_world(policy=OWNED)) as made:
        yield made


async def link(world: World, subject: str = "") -> str:
    """The path in the newest notice, or in the newest about ``subject``."""
    await world.engine.effects.idle()
    found = [m for m in world.email.messages if "/dispute/" in m.text and subject in m.subject]
    (url,) = re.findall(rf"{re.escape(ORIGIN)}(/mfa/dispute/[\w-]+)", found[-1].text)
    assert url in found[-1].html
    return str(url)


async def press(browser: Browser, path: str, body: bytes = PRESS) -> Reply:
    """The button on the page, and the page after it."""
    reply = await browser.ask("POST", path, headers=[*PAGE, FORM], body=body)
    assert reply.status != 200, "a reload would press the button again"
    if reply.status == 303:
        assert reply.location == f"{path}#"
        return await browser.page(path)
    return reply


async def test_a_get_never_acts(world: World) -> None:
    """The link shows a button and changes nothing; no sign-in is needed.

    A mail scanner may follow it, too. Requirement U-37.
    """
    ann = await world.enrolled()
    path = await link(world)
    before = await world.account()
    stranger = Browser(world, address="198.51.100.99")
    for method in ("GET", "HEAD", "GET"):
        reply = await stranger.ask(method, path)
        assert reply.status == 200
        assert "no-store" in reply.header("cache-control")
    assert "Wasn’t this you?" in reply.text
    assert "This was not me" in reply.text
    assert f'action="{path}#errors"' in reply.text
    assert "<script>" not in reply.text
    other = await stranger.ask("PUT", path)
    assert (other.status, other.header("allow")) == (405, "GET, HEAD, POST")
    assert await world.account() == before
    assert await ann.is_in()


async def test_the_press(world: World) -> None:
    """The press ends every proof and stops changes for a day.

    The trail says so, and the owner and the user are told. Requirements U-37, S-87.
    """
    ann = await world.enrolled()
    there = await world.browser(address="203.0.113.50")
    await there.prove(ann.secret)
    path = await link(world, "method was added")
    world.email.messages.clear()
    done = await press(Browser(world, address="198.51.100.99"), path)
    assert (done.status, "Thank you" in done.text) == (200, True)
    for browser in (ann, there):
        assert not await browser.is_in()
        assert (await browser.state())["state"] == "challenge"
    (event,) = world.kinds("account.disputed")
    assert (event.account, event.detail["what"]) == ("ann", "factor.enrolled")
    assert event.network.startswith("198.51.100.99")
    await world.engine.effects.idle()
    told = {message.to: message for message in world.email.messages}
    assert set(told) == {OWNER, "ann@alpha.example"}
    assert "this wasn’t me" in told[OWNER].subject
    assert all(word in told[OWNER].text for word in ("Account: ann", "alpha", "A sign-in method was added"))
    assert "signed out everywhere" in told["ann@alpha.example"].subject
    assert "/dispute/" not in told["ann@alpha.example"].text

    await ann.prove()
    assert await ann.is_in()
    refused = await ann.api("POST", "enroll", {"factor": "email"})
    assert (refused.status, refused.reason) == (403, "frozen")
    mine = (await ann.api("GET", "authenticators")).json()["authenticators"]
    for authenticator in mine:
        assert (await ann.api("DELETE", f"authenticators/{authenticator['id']}")).reason == "frozen"
    assert (await ann.api("POST", "backup-codes", {})).reason == "frozen"
    world.clock.advance(DAY)
    await ann.prove()
    assert (await ann.api("POST", "enroll", {"factor": "email"})).status == 201


async def test_a_scanner_that_presses_the_button(world: World) -> None:
    """A form that is sent as it stands changes nothing: the tick is a person's choice."""
    ann = await world.enrolled()
    path = await link(world)
    shown = (await ann.ask("GET", path)).text
    assert 'name="sure"' in shown
    assert "checked" not in shown
    before = await world.account()
    scanned = await press(Browser(world, address="198.51.100.99"), path, b"action=dispute")
    assert scanned.status == 422
    assert "Tick the box if it wasn’t you." in scanned.text
    assert await world.account() == before
    assert await ann.is_in()


async def test_one_use_of_each_event(world: World) -> None:
    """A link works once: pressed again, later or twice, it changes nothing.

    The link of another event works.
    """
    ann = await world.enrolled()
    path = await link(world)
    stranger = Browser(world)
    await press(stranger, path)
    await ann.prove()
    assert await ann.is_in()
    epoch = (await world.account()).epoch
    again = await press(stranger, path)
    assert (again.status, (await stranger.page(path)).status) == (200, 200)
    assert (await world.account()).epoch == epoch
    assert await ann.is_in()
    assert "This was not me" not in (await stranger.page(path)).text


async def test_seven_days(world: World) -> None:
    """At exactly seven days the link is dead, and says no more than that there is nothing."""
    await world.enrolled()
    path = await link(world)
    world.clock.advance(7 * DAY - 1)
    assert (await Browser(world).page(path)).status == 200
    world.clock.advance(1)
    assert (await Browser(world).page(path)).status == 404
    assert (await press(Browser(world), path)).status == 404
    assert world.kinds("account.disputed") == []


async def test_a_link_of_a_forgotten_person_is_dead(world: World) -> None:
    """It brings no record and no line back, and ends nothing of a new person with the same id."""
    await world.enrolled("ann.smith")
    path = await link(world)
    world.clock.advance(60)
    assert (await world.gate.forget(Subject("ann.smith", "alpha"))).ref
    assert (await Browser(world).page(path)).status == 404
    assert (await press(Browser(world), path)).status == 404
    assert (await world.account("ann.smith")).is_forgotten
    assert world.kinds("account.disputed") == []
    again = await world.enrolled("ann.smith")
    assert (await press(Browser(world), path)).status == 404
    assert await again.is_in()
    assert (await press(Browser(world), await link(world))).status == 200
    assert not await again.is_in()


async def test_only_our_own_links(world: World) -> None:
    """Altered, cut, doubled, foreign and odd tokens are one and the same 404.

    They cost no more than a look. Requirement S-105.
    """
    await world.enrolled()
    path = await link(world)
    token = path.rpartition("/")[2]
    other = await link_of_another_key()
    for bad in ("", "x", token[:-1], token + "A", token.swapcase(), "A" * 5000, "%00", "\u2028", f"{token}/x", other):
        for reply in (
            await Browser(world).page(f"/mfa/dispute/{bad}"),
            await press(Browser(world), f"/mfa/dispute/{bad}"),
        ):
            assert reply.status in (303, 404), bad
    assert world.kinds("account.disputed") == []
    assert (await world.account()).epoch == 0


async def link_of_another_key() -> str:
    """A token that another installation made."""
    async with running(make_world(keys=[key(2)])) as other:
        await other.enrolled()
        return (await link(other)).rpartition("/")[2]


@pytest.mark.parametrize("body", [b"", b"action=other", b"action=dispute&action=dispute", b"\xff", b"{}"])
async def test_only_the_button(world: World, body: bytes) -> None:
    """S-105: a body that is not the button's changes nothing."""
    await world.enrolled()
    path = await link(world)
    assert (await press(Browser(world), path, body)).status == 422
    wrong = await Browser(world).ask("POST", path, headers=[*PAGE, ("content-type", "text/plain")], body=PRESS)
    assert wrong.status == 415
    assert world.kinds("account.disputed") == []


async def test_a_bound_an_hour(world: World) -> None:
    """Ten presses an hour count, for any number of links."""
    ann = await world.enrolled()
    paths = []
    for number in range(12):
        id = await ann.authenticator("totp")
        assert (await ann.api("PATCH", f"authenticators/{id}", {"label": f"App {number}"})).status == 200
        paths.append(await link(world))
    replies = [await press(Browser(world), path) for path in paths]
    assert [reply.status for reply in replies] == [200] * 10 + [429] * 2
    assert {reply.header("retry-after") for reply in replies[:10]} == {""}
    assert {0 < int(reply.header("retry-after")) <= 3_600 for reply in replies[10:]} == {True}


async def test_a_call_for_help_is_taken_back(world: World) -> None:
    """A person who did not ask for help stops the request by the link.

    The queue is empty then.
    """
    await world.enrolled()
    thief = await world.browser(address="198.51.100.99")
    await thief.api("POST", "recovery", {"about": "please let me in"})
    path = await link(world, "asked for help")
    assert (await press(Browser(world), path)).status == 200
    assert (await world.account()).recovery is None
    assert len(world.kinds("recovery.stopped")) == 1


async def test_from_ones_own_settings(world: World) -> None:
    """The settings have the same button, and a waiting request can be taken back.

    Both need a proof. The button stands at the recent activity. Requirement S-126.
    """
    ann = await world.enrolled()
    lost = await world.browser(address="198.51.100.99")
    await lost.api("POST", "recovery", {"about": "my phone"})
    for action in ("stop", "dispute"):
        refused = await lost.form("/mfa", {"action": action}, token=await lost.token("/mfa/challenge"))
        assert refused.location == "/mfa/challenge"
    assert (await world.account()).recovery is not None
    assert "Withdraw the request" in (await ann.page("/mfa")).text
    assert (await ann.form("/mfa", {"action": "stop"})).location == "/mfa#"
    assert (await world.account()).recovery is None
    assert "was withdrawn" in (await ann.page("/mfa")).text
    assert (await ann.form("/mfa", {"action": "dispute"})).location == "/mfa#"
    assert not await ann.is_in()
    await world.engine.effects.idle()
    assert world.email.messages[-2].to == OWNER or world.email.messages[-1].to == OWNER


async def test_an_administrators_reset_ends_the_stop(world: World) -> None:
    """The person is helped within the day: after a reset they enroll anew."""
    ann = await world.enrolled()
    await press(Browser(world), await link(world))
    boss = await world.enrolled("boss", groups=["admin"])
    await boss.api("POST", "admin/accounts/ann/reset", {"ticket": "T-1", "reason": "spoke to her"})
    await ann.enroll()
    assert await ann.is_in()


@pytest.mark.parametrize("owner", ["", "The service desk", "ext. 4400"])
async def test_an_owner_without_an_address(owner: str) -> None:
    """The trail alone tells if the policy names no address; nothing else fails."""
    policy = with_rules(lambda rules: replace(rules, owner=owner))
    async with running(make_world(policy=policy)) as world:
        await world.enrolled()
        path = await link(world)
        world.email.messages.clear()
        assert (await press(Browser(world), path)).status == 200
        await world.engine.effects.idle()
        assert {message.to for message in world.email.messages} == {"ann@alpha.example"}


async def test_what_cannot_be_sent_undoes_nothing(world: World) -> None:
    """F-21: with the mail server gone, the press still ends every proof."""
    ann = await world.enrolled()
    path = await link(world)
    world.email.failure = SendFailed("unreachable", transient=True)
    assert (await press(Browser(world), path)).status == 200
    assert not await ann.is_in()


async def test_links_are_built_from_the_settings_alone() -> None:
    """The link's origin is the first of the relying party's, also if a request names another.

    Requirement S-4.
    """
    party = RelyingParty(id="app.example", name="App", origins=["https://app.example", "https://www.app.example"])
    async with running(make_world(relying_party=party, prefix="/sec")) as world:
        service = world.gate.service.disputing
        event = Event(id="R", kind="account.locked", at=int(world.clock.at), tenant="alpha", account="ann")
        assert (await service.url("account.locked", event)).startswith("https://app.example/sec/dispute/")


# -- by text -----------------------------------------------------------------------------------------------------------


async def test_a_text_where_a_number_is_enrolled(world: World) -> None:
    """Changes are told by text as well, to the enrolled number.

    Without one, and without a sender, they are told by e-mail alone. Requirement S-87.
    """
    ann = await world.enrolled()
    await world.engine.effects.idle()
    assert world.sms.messages == []
    begun = (await ann.api("POST", "enroll", {"factor": "sms", "phone": "+1 202-555-0142"})).json()
    await ann.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": world.sms.codes[-1]})
    await world.engine.effects.idle()
    text = world.sms.messages[-1]
    assert text.to == "+12025550142"
    assert "A sign-in method was added" in text.text
    assert "http" not in text.text


async def test_recovery_and_reset_go_to_all_contacts(world: World) -> None:
    """A call for help, its refusal and a reset are told by e-mail and to the number on file.

    The number may be enrolled or not. Requirement S-87.
    """
    await world.enrolled()
    lost = await world.browser()
    boss = await world.enrolled("boss", groups=["admin"])
    await lost.api("POST", "recovery", {"about": "my phone"})
    await boss.api("POST", "admin/accounts/ann/refuse", {"reason": "not her voice"})
    await boss.api("POST", "admin/accounts/ann/reset", {"ticket": "T-1", "reason": "came by"})
    await world.engine.effects.idle()
    assert [message.to for message in world.sms.messages] == ["+12025550123"] * 3


async def test_texts_have_a_bound_a_day(world: World) -> None:
    """F-25: nobody's phone is flooded by notices."""
    ann = await world.enrolled()
    begun = (await ann.api("POST", "enroll", {"factor": "sms", "phone": "+1 202-555-0142"})).json()
    await ann.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": world.sms.codes[-1]})
    id = await ann.authenticator("totp")
    for number in range(20):
        await ann.api("PATCH", f"authenticators/{id}", {"label": f"App {number}"})
    await world.engine.effects.idle()
    assert len([message for message in world.sms.messages if not message.code]) == 10


@pytest.mark.parametrize("kind", sorted(NOTICES))
@pytest.mark.parametrize("service", ["Example", "", "A" * 200, "日本銀行", "http://evil.example/"])
def test_every_text_is_one_segment(kind: str, service: str) -> None:
    """U-7: every notice fits one segment of the plain alphabet."""
    text = sms_notice(kind, service=service, translate=str)
    assert 0 < len(text) <= SMS_LENGTH
    assert gsm7(text) == text
