"""Mails and texts in the language and time zone of their reader, one for one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Contacts, Senders, Subject
from mfa_gate.core.changes import admin as steps
from mfa_gate.core.changes import break_glass
from mfa_gate.core.messages.alarms import ALARMS, alarm
from mfa_gate.core.roles import Hand
from mfa_gate.ports import Message
from mfa_gate.senders import SMTPSender
from mfa_gate.time_zones import zone_of
from mfa_gate.web.i18n import Languages
from tests.harness import FETCH, JSON, ORIGIN, Browser, World, make_world, running, with_rules
from tests.senders.test_smtp import SENDER, Inbox, mail_in, smtp_server

GERMAN = [*FETCH, ("origin", ORIGIN), ("x-mfa-gate", "1"), JSON, ("accept-language", "de-DE, en;q=0.5")]


async def german(world: World, *, zone: str = "Europe/Berlin") -> Browser:
    """Enroll an app by a browser of Ann that speaks German and has told its zone."""
    ann = await world.browser()
    ann.cookies["mfa-zone"] = zone
    begun = (await ann.api("POST", "enroll", {"factor": "totp"}, headers=GERMAN)).json()
    ann.secret = begun["secret"]
    world.secrets.append(ann.secret)
    confirm = {"enrollment": begun["enrollment"], "response": ann.totp()}
    assert (await ann.api("POST", "enroll/confirm", confirm, headers=GERMAN)).status == 201
    await world.engine.effects.idle()
    return ann


def subjects(messages: Sequence[Message]) -> list[str]:
    """List the subjects."""
    return [message.subject for message in messages]


async def test_a_notice_in_the_readers_language_and_time(world: World) -> None:
    """A notice is in the language of the browser that proved last, with its local time.

    The time of these tests is 15:06 UTC in June.
    """
    await german(world)
    (mail,) = world.email.messages
    assert mail.subject == "Example: Eine Anmeldemethode wurde hinzugefügt"
    assert "Wann: 15. Juni 2025, 17:06 Uhr (CEST)" in mail.text
    assert "Name: „Authenticator-App“" in mail.text
    assert '<html lang="de" dir="ltr">' in mail.html
    account = await world.account()
    assert (account.lang, account.zone) == ("de", "Europe/Berlin")


async def test_a_notice_about_a_stranger_stays_in_the_persons_language(world: World) -> None:
    """A lock by somebody elsewhere, in another language, is told in the person's own."""
    ann = await german(world)
    world.email.messages.clear()
    there = await world.browser(address="203.0.113.50")
    there.secret = ann.secret
    await there.lock()
    await world.engine.effects.idle()
    (mail,) = world.email.messages
    assert mail.subject == "Example: Ihr Konto ist gesperrt"
    assert "Bitten Sie Ihren Administrator, es zu entsperren" in mail.text
    (event,) = world.kinds("account.locked")
    assert f"Referenznummer: {event.id}" in mail.text


async def test_a_new_browser_and_an_alarm_name_it_in_the_readers_words(world: World) -> None:
    """Mails name a browser as the pages do, and one that tells nothing as unknown."""
    ann = await german(world)
    for agent, name in (
        ("Mozilla/5.0 (Windows NT 10.0) Firefox/130.0", "Firefox auf Windows"),
        ("", "Unbekannter Browser"),
    ):
        other = await world.browser()
        other.secret = ann.secret
        world.email.messages.clear()
        world.clock.advance(60)
        answer = {"authenticator": await other.authenticator("totp"), "response": other.totp()}
        assert (await other.api("POST", "verify", answer, headers=[*GERMAN, ("user-agent", agent)])).status == 200
        await world.engine.effects.idle()
        assert f"Browser: {name}\n" in world.email.messages[-1].text
    words = Languages().words("de").gettext
    told = alarm(next(iter(ALARMS)), service="Example", facts={"agent": "Firefox on Windows"}, translate=words)
    assert "Browser: Firefox auf Windows" in told.text


async def test_a_code_in_the_language_of_the_page(world: World) -> None:
    """A code is in the language of the request, and says the time and the browser that asked."""
    ann = await german(world)
    headers = [*GERMAN, ("user-agent", "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537 Chrome/120.0 Safari/537")]
    await ann.api("POST", "enroll", {"factor": "email"}, headers=headers)
    mail = world.email.messages[-1]
    assert mail.subject == f"{mail.code} ist Ihr Sicherheitscode für Example"
    assert "Uhr (CEST)" in mail.text
    assert "Browser: Chrome auf Windows" in mail.text
    await ann.api("POST", "enroll", {"factor": "sms", "phone": "+1 202-555-0123"}, headers=GERMAN)
    assert world.sms.messages[-1].text.startswith(f"{world.sms.codes[-1]} ist Ihr Sicherheitscode für Example.")


@pytest.mark.parametrize("zone", ["", "Mars/Base", "../etc/passwd", "x" * 200, "Europe/Berlin%20x", "UTC"])
async def test_a_zone_that_is_none(world: World, zone: str) -> None:
    """A zone that nobody knows is UTC, and is kept only in the form of a name."""
    await german(world, zone=zone)
    (mail,) = world.email.messages
    assert "15:06 Uhr (UTC)" in mail.text
    assert len((await world.account()).zone) < 100


def test_zones_by_name() -> None:
    """A name finds its zone, and everything else is UTC."""
    assert str(zone_of("Asia/Kolkata")) == "Asia/Kolkata"
    for name in ("", "Nowhere", "/etc/passwd", "a\0b", "Europe"):
        assert zone_of(name).tzname(None) == "UTC"


async def test_a_first_enrollment_is_one_mail(world: World) -> None:
    """A first enrollment and its backup codes are one mail; a later set has its own."""
    ann = await world.enrolled()
    await world.engine.effects.idle()
    assert subjects(world.email.messages) == ["Example: A sign-in method was added"]
    assert world.kinds("backup_codes.made")
    assert (await ann.api("POST", "backup-codes", {})).status == 201
    await world.engine.effects.idle()
    assert subjects(world.email.messages)[1:] == ["Example: New backup codes were created"]


async def test_a_backup_code_on_a_new_network_is_one_mail(world: World) -> None:
    """A backup code used elsewhere is told once, with its place and the wrong codes before it."""
    ann = await world.enrolled()
    await world.engine.effects.idle()
    world.email.messages.clear()
    ann.address = "198.51.100.7"
    for number in range(3):
        await ann.guess(number * 1000)
    id = await ann.authenticator("backup-code")
    assert (await ann.api("POST", "verify", {"authenticator": id, "response": ann.backup[0]})).status == 200
    await world.engine.effects.idle()
    (mail,) = world.email.messages
    assert mail.subject == "Example: A backup code was used"
    assert "Where: 198.51.100.7" in mail.text
    assert "Wrong codes before it: 3" in mail.text


async def test_one_mail_where_a_grant_ends_by_a_lock(world: World) -> None:
    """A lock that ends a break-glass grant is told once; the trail has both."""
    await world.enrolled()
    key = (await world.account()).key
    await world.engine.effects.idle()
    moment = world.engine.moment(actor="operator:eve")
    await world.engine.change(
        key,
        lambda account: break_glass.ask(account, moment, by=Hand("eve", "alpha"), reason="lost", ticket="T", hours=2),
    )
    await world.engine.effects.idle()
    world.email.messages.clear()
    later = world.engine.moment(actor="operator:eve")
    await world.engine.change(key, lambda account: steps.lock(account, later, reason="asked by phone"))
    await world.engine.effects.idle()
    assert subjects(world.email.messages) == ["Example: Your account is locked"]
    assert [event.kind for event in world.events[-2:]] == ["account.locked", "break_glass.ended"]


async def test_an_administrators_words_hide_no_notice(world: World) -> None:
    """A reason that an administrator types never decides if a person is told."""
    await world.enrolled()
    await world.engine.effects.idle()
    world.email.messages.clear()
    account = await world.account()
    moment = world.engine.moment(actor="boss")
    bare = replace(account, authenticators=())
    change = steps.give_ticket(bare, moment, digest="d", life=60, reason="redeemed")
    notices = world.gate.service.notices
    assert [notices.wants(event) for event in change.events] == [True]


async def test_administrators_read_their_own_language() -> None:
    """An alarm is in the language of each administrator who has an account, else in English."""

    async def directory(tenant: str) -> list[tuple[Subject, Contacts]]:
        boss = Subject(id="ann", tenant=tenant, groups=frozenset({"boss"}))
        other = Subject(id="bob", tenant=tenant, groups=frozenset({"boss"}))
        return [(boss, Contacts(email="ann@alpha.example")), (other, Contacts(email="bob@alpha.example"))]

    policy = with_rules(lambda rules: replace(rules, roles=replace(rules.roles, unlock=("boss",))))
    async with running(make_world(policy=policy, directory=directory)) as world:
        await german(world)
        world.email.messages.clear()
        moment = world.engine.moment(actor="x")
        event = moment.event("challenge.denied", (await world.account()).key)
        await world.gate.service.alarms.raise_for(event)
        await world.engine.effects.idle()
        told = {message.to: message for message in world.email.messages}
    assert told["ann@alpha.example"].subject == "Example: Eine Anmeldung wurde am Telefon abgelehnt"
    assert "Konto: ann" in told["ann@alpha.example"].text
    assert told["bob@alpha.example"].subject == "Example: A sign-in was denied on the phone"


@pytest.mark.filterwarnings("ignore::DeprecationWarning:aiosmtpd")
async def test_a_notice_through_a_mail_server() -> None:
    """A German notice arrives whole: plain text first, then HTML with one button."""
    async with smtp_server(Inbox()) as inbox:
        sender = SMTPSender("127.0.0.1", inbox.port, sender=SENDER, security="none")
        settings: dict[str, Any] = {"senders": Senders(email=sender, sms=make_world().sms)}
        async with running(make_world(**settings)) as world:
            await german(world)
    mail = mail_in(inbox)
    assert mail["Subject"] == "Example: Eine Anmeldemethode wurde hinzugefügt"
    first, second = mail.iter_parts()
    assert (first.get_content_type(), second.get_content_type()) == ("text/plain", "text/html")
    assert "Ihrem Konto bei Example wurde eine neue Anmeldemethode hinzugefügt." in first.get_content()
    assert second.get_content().count("<a href=") == 1
    assert "Das war ich nicht" in second.get_content()
