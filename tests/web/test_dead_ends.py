"""No page leads in a circle, or says something that is not true."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from mfa_gate.core.rules import DAY, RecoveryRules
from mfa_gate.errors import SendFailed
from tests.harness import PAGE, Browser, World, make_world, running, with_rules


async def disputed(world: World) -> Browser:
    """A person who has said "this was not me", and has confirmed again."""
    ann = await world.enrolled()
    await ann.enroll_email()
    said = await ann.form("/mfa", {"action": "dispute"})
    assert said.status == 303
    world.clock.advance(30)
    await ann.prove()
    return ann


async def test_a_stop_of_changes_is_told(world: World) -> None:
    """The settings say until when changes are stopped and whom to ask.

    And ask for no further proof.
    """
    ann = await disputed(world)
    text = (await ann.page("/mfa")).text
    assert "nothing can be changed until" in text
    assert "Call your administrator." in text
    for word in (
        "To make changes here",
        "/mfa/confirm",
        ">Rename<",
        'action="/mfa/enroll',
        "/mfa/enroll/",
        "backup-codes",
    ):
        assert word not in text, word


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/mfa/backup-codes", {}),
        ("/mfa/backup-codes", {"action": "make"}),
        ("/mfa/enroll", {}),
        ("/mfa/enroll/totp", {}),
        ("/mfa/enroll/totp", {"action": "start"}),
    ],
)
async def test_no_button_leads_in_a_circle_while_changes_are_stopped(
    world: World, path: str, fields: dict[str, str]
) -> None:
    """Each page of a change says that it is stopped, and leads back; a day later it works."""
    ann = await disputed(world)
    reply = await (ann.form(path, fields) if fields else ann.page(path))
    assert reply.status == 403
    assert "Changes are blocked for now" in reply.text
    assert "You can make changes again" in reply.text
    assert 'href="/mfa"' in reply.text
    world.clock.advance(DAY)
    await ann.prove()
    reply = await (ann.form(path, fields) if fields else ann.page(path))
    assert reply.status in (200, 303)
    assert "Changes are blocked" not in reply.text


@pytest.mark.parametrize("path", ["/mfa", "/mfa/backup-codes", "/mfa/enroll", "/mfa/enroll/email"])
async def test_our_own_pages_lead_back(world: World, path: str) -> None:
    """A page of ours that asks for a proof opens after it."""
    ann = await world.enrolled()
    world.clock.advance(8 * DAY)
    asked = await ann.page(path)
    assert asked.status == 303
    done = await ann.form(f"/mfa/challenge/{await ann.authenticator('totp')}", {"code": ann.totp()})
    assert (done.status, done.location.split("#")[0]) == (303, path)


@pytest.mark.parametrize(("age", "blamed"), [(60, True), (DAY, False)], ids=["just shown", "open for a day"])
async def test_cookies_are_blamed_only_when_there_are_none(world: World, age: int, blamed: bool) -> None:
    """A page that was open for longer than its cookie is out of date.

    A page from just now has no cookies.
    """
    ann = await world.enrolled()
    place = f"/mfa/challenge/{await ann.authenticator('totp')}"
    other = await world.browser(ann.id, ann.tenant, sid="another")
    shown = (await other.page(place)).text
    fields = {"code": "123456", "shown_at": re.findall(r'name="shown_at" value="([0-9]+)"', shown)[0]}
    token = re.findall(r'name="csrf_token" value="([^"]+)"', shown)[0]
    world.clock.advance(age)
    del other.cookies[other.handle]
    again = await other.form(place, fields, token=token)
    assert again.status == 422
    assert ("Cookies are turned off" in again.text) is blamed
    assert ("Please send that again" in again.text) is not blamed


async def test_an_unknown_page(world: World) -> None:
    """It says so, and names the way on."""
    ann = await world.enrolled()
    reply = await ann.page("/mfa/nothing")
    assert reply.status == 404
    assert "Page not found" in reply.text
    assert "Go to your security settings" in reply.text
    assert "Go on" not in reply.text


@pytest.mark.parametrize(
    ("contact", "owner", "lang", "told"),
    [
        (None, "security@example.org", "en", "Call your administrator. Ask security@example.org."),
        (
            None,
            "security@example.org",
            "de",
            "Rufen Sie Ihren Administrator an. Wenden Sie sich an security@example.org.",
        ),
        (None, "", "de", "Rufen Sie Ihren Administrator an."),
        ("", "security@example.org", "en", "Ask security@example.org."),
        ("", "", "en", "Ask your administrator."),
        ("Call 4400.", "security@example.org", "de", "Call 4400."),
    ],
)
async def test_whom_a_locked_person_asks(contact: str | None, owner: str, lang: str, told: str) -> None:
    """The contact is in the reader's language, with the owner where none is named.

    U-54, U-64.
    """
    recovery = RecoveryRules() if contact is None else RecoveryRules(contact=contact)
    policy = with_rules(lambda rules: replace(rules, owner=owner, recovery=recovery))
    async with running(make_world(policy=policy)) as world:
        ann = await world.enrolled()
        await ann.lock()
        page = (await ann.page("/mfa/locked", headers=[*PAGE, ("accept-language", lang)])).text
    advice = page.partition('class="advice"')[2].partition("</li>")[0]
    words = " ".join(re.sub(r"<[^>]+>", "", advice).split()).replace("\u2068", "").replace("\u2069", "")
    assert told in words, words
    assert (owner in words) is (owner in told)


FAILURES = [
    ("opted-out", False, "reply START"),
    ("rejected-destination", False, "can’t be delivered to this number or address"),
    ("unreachable", True, "We couldn’t deliver the message"),
    ("refused", False, "We couldn’t deliver the message"),
]


@pytest.mark.parametrize(("reason", "transient", "told"), FAILURES)
async def test_a_failed_delivery_is_shown_as_what_it_is(world: World, reason: str, transient: bool, told: str) -> None:
    """The page names the reason, and another way on.

    At a challenge, at an enrollment, and at a page load that sends by itself (U-19).
    """
    failure = SendFailed(reason, transient=transient)
    ann = await world.browser()
    await ann.enroll_email()
    world.clock.advance(8 * DAY)
    world.email.failure = world.sms.failure = failure
    loaded = await ann.page("/mfa/challenge")
    world.clock.advance(3600)
    sent = await ann.form(f"/mfa/challenge/{await ann.authenticator('email')}", {"action": "send"})
    bob = await world.browser("bob")
    begun = await bob.form("/mfa/enroll/sms", {"action": "start", "phone": "(202) 555-0143"})
    assert begun.status == 303
    for reply in (loaded, sent, await bob.page("/mfa/enroll/sms"), await ann.page("/mfa/challenge")):
        page = reply.text
        others = {words for _, _, words in FAILURES} - {told}
        assert told in page, (reply.status, page)
        assert not [words for words in others if words in page]
        assert "We sent" not in page
