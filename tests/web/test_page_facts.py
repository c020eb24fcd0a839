"""The facts that our pages tell: who, when, how many, and the ways on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest

from mfa_gate.core.rules import DAY, EnrollmentRules
from mfa_gate.web.request import PageRequest
from tests.harness import START, Browser, World, make_world, running, with_rules

Story = Callable[[World], Awaitable[tuple[Browser, str]]]
Facts = dict[str, Any]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host with requests for help, and a wait after which one may set up anew."""
    policy = with_rules(lambda rules: replace(rules, factors=replace(rules.factors, auto_send=False)))
    factors = replace(policy.base.factors, allowed=("totp", "backup-code"), order=("totp",))
    contact = replace(policy.base, factors=factors, enrollment=EnrollmentRules(first="contact"))
    policy = replace(policy, tenants={**policy.tenants, "contact": contact})
    async with running(make_world(policy=policy)) as made:
        yield made


@pytest.fixture
def shown(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The views of the pages that were shown, newest last."""
    views: list[Any] = []
    real = PageRequest.show

    def show(self: PageRequest, view: Any, **more: Any) -> Any:
        views.append(view)
        return real(self, view, **more)

    monkeypatch.setattr(PageRequest, "show", show)
    return views


async def settled(world: World) -> Browser:
    """Ann with an app, mail and backup codes, an hour later."""
    ann = await world.enrolled()
    await ann.enroll_email()
    world.clock.advance(3600)
    return ann


async def pending(world: World) -> Browser:
    """Her browser without a proof."""
    ann = await settled(world)
    browser = await world.browser(sid="other")
    browser.secret = ann.secret
    return browser


async def asked_by_app(world: World) -> tuple[Browser, str]:
    """The app is asked first."""
    return await pending(world), "/mfa/challenge"


async def after_a_wrong_code(world: World) -> tuple[Browser, str]:
    """One attempt is gone."""
    browser = await pending(world)
    await browser.guess()
    return browser, "/mfa/challenge"


async def mail_before(world: World) -> tuple[Browser, str]:
    """The page of mail, before anything was sent."""
    browser = await pending(world)
    return browser, f"/mfa/challenge/{await browser.authenticator('email')}"


async def mail_sent(world: World) -> tuple[Browser, str]:
    """A code is on its way since a minute."""
    browser, path = await mail_before(world)
    assert (await browser.form(path, {"action": "send"})).status == 303
    world.clock.advance(60)
    return browser, path


async def help_without_a_code(world: World) -> tuple[Browser, str]:
    """Help before anything was sent."""
    browser, path = await mail_before(world)
    return browser, f"/mfa/challenge/help?way={path.rpartition('/')[2]}"


async def help_with_a_code(world: World) -> tuple[Browser, str]:
    """Help after a code was sent."""
    browser, _ = await mail_sent(world)
    return browser, "/mfa/challenge/help"


async def texting(world: World) -> Browser:
    """A newcomer to whose number a code is on its way since a minute."""
    new = await world.browser("new")
    begun = await new.form("/mfa/enroll/sms", {"action": "start", "phone": "+1 202-555-0142"})
    assert begun.status == 303
    world.clock.advance(60)
    return new


async def help_at_enrollment(world: World) -> tuple[Browser, str]:
    """Help while enrolling: no way to an administrator, but to another number."""
    return await texting(world), "/mfa/challenge/help"


async def help_too_late(world: World) -> tuple[Browser, str]:
    """The code of the enrollment has ended."""
    new = await texting(world)
    world.clock.advance(600)
    return new, "/mfa/challenge/help"


async def text_sent(world: World) -> tuple[Browser, str]:
    """The page on which the code of the text message is typed."""
    return await texting(world), "/mfa/enroll/sms"


async def choosing(world: World) -> tuple[Browser, str]:
    """The first choice of a method."""
    return await world.browser("new"), "/mfa/enroll"


async def choosing_freely(world: World) -> tuple[Browser, str]:
    """The choice where it may be put off."""
    return await world.browser("may", "optional"), "/mfa/enroll"


async def choosing_another(world: World) -> tuple[Browser, str]:
    """One more method, after a fresh proof."""
    ann = await world.enrolled()
    return ann, "/mfa/enroll"


async def contact_first(world: World) -> tuple[Browser, str]:
    """A contact on file comes first."""
    return await world.browser("new", "contact"), "/mfa/enroll"


async def contact_sent(world: World) -> tuple[Browser, str]:
    """The code for the contact is on its way since a minute."""
    new = await world.browser("new", "contact")
    assert (await new.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})).status == 303
    world.clock.advance(60)
    return new, "/mfa/enroll"


async def contact_too_late(world: World) -> tuple[Browser, str]:
    """The code for the contact has ended."""
    new, path = await contact_sent(world)
    world.clock.advance(600)
    return new, path


async def contact_of_another_browser(world: World) -> tuple[Browser, str]:
    """The code for the contact was sent for another browser of the person."""
    await contact_sent(world)
    return await world.browser("new", "contact", sid="other"), "/mfa/enroll"


async def enrolled(world: World) -> tuple[Browser, str]:
    """The end of the first enrollment."""
    return await world.enrolled(), "/mfa/enroll/done"


async def codes(world: World) -> tuple[Browser, str]:
    """The stock of backup codes, after one was used."""
    ann = await world.enrolled()
    world.clock.advance(1000)
    browser = await world.browser(sid="other")
    used = {"authenticator": await ann.authenticator("backup-code"), "response": ann.backup[0]}
    assert (await browser.api("POST", "verify", used)).status == 200
    browser.secret = ann.secret
    await browser.prove()
    return browser, "/mfa/backup-codes"


async def lost(world: World) -> tuple[Browser, str]:
    """A person who has lost access."""
    return await pending(world), "/mfa/recovery"


async def lost_and_asked(world: World) -> tuple[Browser, str]:
    """The same, after a request for help a day ago."""
    browser = await pending(world)
    assert (await browser.form("/mfa/recovery", {"about": "phone in the lake"})).status == 303
    world.clock.advance(DAY)
    return browser, "/mfa/recovery"


async def locked(world: World) -> tuple[Browser, str]:
    """After the last attempt."""
    browser = await pending(world)
    await browser.lock()
    return browser, "/mfa/locked"


async def settings(world: World) -> tuple[Browser, str]:
    """One's own settings, an hour after everything was set up."""
    return await settled(world), "/mfa"


LATER = START + 3600
WEEK = 7 * DAY
QUIET: Facts = {"sent_at": 0, "expires_at": 0, "resend_at": 0, "waiting": False, "poll_url": "", "challenge": ""}
SENT: Facts = {
    "sending": "sent",
    "sent_at": LATER,
    "expires_at": LATER + 600,
    "resend_at": LATER + 30,
    "waiting": False,
}
ASKED: Facts = {
    "why": "no_proof",
    "max_age": WEEK,
    "remember_for": WEEK,
    "remember": True,
    "digits": 6,
    "recovery": True,
}
PUBLIC = "http://localhost:8000/mfa"
MAIL_HELP: Facts = {"way": "email", "back": "/mfa/challenge/<email>", "send_url": "/mfa/challenge/<email>"}
MAIL_HELP |= {"enrollment": "", "change_url": "", "public": PUBLIC, "others": ["totp", "backup-code"], "recovery": True}
TEXT_HELP: Facts = {
    "way": "sms",
    "back": "/mfa/enroll/sms",
    "change_url": "/mfa/enroll/sms?again=1",
    "enrollment": "<draft>",
}
TEXT_HELP |= {"public": PUBLIC, "sent_at": START, "resend_at": START + 30, "others": [], "recovery": False}
CHOICE: Facts = {"ways": ["totp", "sms", "email"], "skips_left": None, "required_at": 0}
LOST: Facts = {"lost": "totp", "others": ["email"], "backup": "backup-code", "about": "", "back": "/mfa/challenge"}
LOST |= {"by_hand": True, "wait": 0, "opens_at": 0, "open": False}
NO_CODE: Facts = {"ways": ["email", "sms"], "way": None, "sending": "unsent", "sent_at": 0, "expires_at": 0}
STORIES: dict[Story, Facts] = {
    asked_by_app: {**ASKED, **QUIET, "way": "totp", "others": ["email", "backup-code"], "remaining": None},
    after_a_wrong_code: {**ASKED, **QUIET, "way": "totp", "remaining": 6},
    mail_before: {**ASKED, **QUIET, "way": "email", "others": ["totp", "backup-code"], "sending": "unsent"},
    mail_sent: {**ASKED, **SENT, "way": "email", "challenge": "<challenge>", "poll_url": "", "remaining": None},
    help_without_a_code: {**MAIL_HELP, "sent_at": 0, "resend_at": 0, "waiting": False},
    help_with_a_code: {**MAIL_HELP, "sent_at": LATER, "resend_at": LATER + 30, "waiting": False},
    help_at_enrollment: {**TEXT_HELP, "send_url": "/mfa/enroll/sms"},
    help_too_late: {**TEXT_HELP, "send_url": ""},
    text_sent: {
        **{name: at - 3600 if name.endswith("_at") else at for name, at in SENT.items()},
        "hint": "(•••) •••-••42",
        "typed": "(202) 555-0142",
        "ask_label": False,
        "digits": 6,
        "call_url": "",
        "back": "/mfa/enroll/sms?again=1",
        "change_url": "/mfa/enroll/sms?again=1",
        "ways": ["totp", "email"],
        "step": 2,
        "steps": 3,
        "remaining": None,
        "enrollment": "<draft>",
        "key": "",
        "anew_url": "",
    },
    choosing: {**CHOICE, "purpose": "first", "skippable": False, "back": "", "demanded": True},
    choosing_freely: {**CHOICE, "purpose": "first", "skippable": True, "back": "", "demanded": True},
    choosing_another: {**CHOICE, "purpose": "more", "skippable": False, "back": "/mfa", "demanded": False},
    contact_first: NO_CODE,
    contact_sent: {"way": "email", "sending": "sent", "sent_at": START, "expires_at": START + 600, "digits": 6},
    contact_too_late: NO_CODE,
    contact_of_another_browser: NO_CODE,
    enrolled: {
        "way": "totp",
        "default": "totp",
        "ways": ["sms", "email"],
        "continue_url": "/",
        "backup_url": "",
        "step": 3,
        "steps": 3,
    },
    codes: {"remaining": 9, "count": 10, "made_at": START, "back": "/mfa"},
    lost: {**LOST, "can_request": True, "requested_at": 0, "ref": ""},
    lost_and_asked: {**LOST, "can_request": False, "requested_at": LATER, "ref": "<ref>"},
    locked: {"cause": "attempts", "locked_at": LATER, "ref": "<ref>"},
    settings: {
        "factors": ["totp", "email"],
        "addable": ["totp", "sms"],
        "browsers": ["browser"],
        "checkup": "good",
        "remind": False,
        "confirm_url": "/mfa/confirm",
        "admin_url": "",
        "continue_url": "/",
        "asked_at": 0,
        "frozen_until": 0,
        "can_undo": False,
        "most_browsers": 0,
        "opens_at": 0,
        "editing": "",
        "signal": "",
        "activity": [
            *("proof.granted", "factor.enrolled", "challenge.sent"),
            *("backup_codes.made", "proof.granted", "factor.enrolled"),
        ],
    },
}


def told(value: Any, names: dict[str, str]) -> Any:
    """Return a fact with names in the place of random ids, and ways by their kinds."""
    if is_dataclass(value):
        return getattr(value, "kind", "") or type(value).__name__
    if isinstance(value, tuple):
        return [told(one, names) for one in value]
    if isinstance(value, str):
        for id, name in names.items():
            value = value.replace(id, name)
    return value


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)
async def test_the_facts_of_a_page(world: World, shown: list[Any], story: Story) -> None:
    """The page tells the facts of this very person and moment."""
    browser, path = await story(world)
    shown.clear()
    assert (await browser.page(path)).status == 200
    (view,) = shown
    account = await world.account(browser.id, browser.tenant)
    names = {one.id: f"<{one.factor}>" for one in account.authenticators}
    names |= {one.id: "<challenge>" for one in account.challenges} | {one.id: "<draft>" for one in account.enrollments}
    names |= {found.ref: "<ref>" for found in (account.lock, account.recovery) if found}
    facts = {field.name: told(getattr(view, field.name), names) for field in fields(view)}
    want = STORIES[story]
    assert {name: facts[name] for name in want} == want
