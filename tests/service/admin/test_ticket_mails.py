"""Set-up codes: mailed to the address on file, or printed on a slip."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import SendFailed
from mfa_gate.ports import Message
from mfa_gate.service import Actor, Done
from mfa_gate.service.admin.ticket_mails import PER_DAY
from tests.harness import Browser, World, make_world, running, with_rules

TICKETS = with_rules(lambda rules: replace(rules, enrollment=replace(rules.enrollment, first="ticket")))
CODE = re.compile(r"\b(?:[0-9A-Z]{5}-){5}[0-9A-Z]\b")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world in which a first enrollment needs a set-up code."""
    async with running(make_world(policy=TICKETS)) as made:
        yield made


async def boss_in(world: World) -> Browser:
    """Return an administrator whose own ticket came from the operator."""
    boss = await world.browser("boss", groups=["admin"])
    desk, key = world.gate.service.account_desk, SubjectKey("alpha", "boss")
    made = await desk.act(Actor(name="operator:x"), "ticket", key, reason="first administrator")
    assert isinstance(made, Done)
    assert (await boss.form("/mfa/enroll", {"action": "ticket", "ticket": made.ticket})).status == 303
    await boss.enroll()
    return boss


def mails(world: World) -> list[Message]:
    """List the mails to Eve that bring a code. The notice of the ticket is another mail."""
    return [one for one in world.email.messages if one.to == "eve@alpha.example" and "Your set-up code" in one.subject]


async def give(boss: Browser, id: str = "eve", **more: Any) -> Any:
    """Give a ticket by JSON."""
    return await boss.api("POST", f"admin/accounts/{id}/ticket", {"reason": "new here", **more})


async def test_a_code_is_mailed_and_shown_to_nobody(world: World) -> None:
    """The mail has the code and the way to its field.

    The administrator's answer has the masked address only.
    """
    boss = await boss_in(world)
    made = await give(boss, mail=True)
    (mail,) = mails(world)
    found = CODE.search(mail.text)
    assert found, mail.text
    assert (made.status, made.json()["ticket"], made.json()["mailed_to"]) == (201, None, "e•••@a•••.example")
    assert found[0] not in made.text
    assert "/mfa/enroll" in mail.text
    assert found[0] in mail.html
    (event,) = (await world.store.events("alpha", account="eve", kind="enrollment.ticket")).items
    assert event.detail["by"] == "mail"
    eve = await world.browser("eve")
    assert (await eve.form("/mfa/enroll", {"action": "ticket", "ticket": found[0]})).status == 303
    assert (await eve.api("POST", "enroll", {"factor": "totp"})).status == 201


async def test_without_an_address_nothing_is_given(world: World) -> None:
    """Somebody without an address gets no ticket that nobody would see."""
    boss = await boss_in(world)
    world.engine.wiring = replace(world.engine.wiring, contacts=nothing_on_file)
    refused = await give(boss, mail=True)
    assert (refused.status, refused.reason) == (422, "no_contact")
    assert (await world.account("eve")).ticket is None


async def nothing_on_file(subject: Subject) -> Contacts:
    """Nobody has an address."""
    return Contacts()


async def test_a_mail_that_does_not_go_out_shows_the_code(world: World) -> None:
    """The ticket is given already, so the administrator hands it over."""
    boss = await boss_in(world)
    world.email.failure = SendFailed("unreachable", transient=True)
    made = (await give(boss, mail=True)).json()
    assert CODE.fullmatch(made["ticket"])
    assert (made["mailed_to"], made["not_sent"]) == (None, "unreachable")


async def test_no_mailbox_is_flooded(world: World) -> None:
    """One person gets some codes a day by mail, and no more."""
    boss = await boss_in(world)
    found = [(await give(boss, mail=True)).status for _ in range(PER_DAY + 1)]
    assert found == [201] * PER_DAY + [429]


async def test_the_page_mails_or_prints(world: World) -> None:
    """The form has a tick for the mail; without it the page shows a slip to print."""
    boss = await boss_in(world)
    await world.browser("eve")
    await world.store.swap(replace(await world.account("eve"), skip_count=1), ())
    place = "/mfa/admin/accounts/eve"
    assert 'name="mail"' in (await boss.page(f"{place}?act=ticket")).text
    shown = await boss.form(place, {"action": "ticket", "reason": "new here"})
    assert shown.status == 200
    assert 'class="slip printed"' in shown.text
    assert CODE.search(shown.text)
    sent = await boss.form(place, {"action": "ticket", "reason": "new here", "mail": "yes"})
    assert sent.status == 303
    assert "mailed to <bdi>e•••@a•••.example</bdi>" in (await boss.page(place)).text
    assert len(mails(world)) == 1


async def test_the_life_is_the_policys(world: World) -> None:
    """A ticket ends when the policy says."""
    boss = await boss_in(world)
    made = await give(boss)
    ticket = (await world.store.load(SubjectKey("alpha", "eve"))).ticket
    assert made.status == 201
    assert ticket is not None
    assert ticket.expires_at - world.engine.now() == int(world.engine.rules("alpha").enrollment.ticket_life)
