"""The facts that our pages tell: who, when, how many, and the ways on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import is_dataclass, replace
from typing import Any

import pytest

from mfa_gate.core.rules import DAY, EnrollmentRules
from mfa_gate.core.rules.sections import SkipRules
from mfa_gate.web.request import PageRequest
from tests.harness import HOME, START, Browser, World, make_world, running, with_rules

Story = Callable[[World], Awaitable[tuple[Browser, str]]]
Facts = dict[str, Any]


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host with requests for help, and a wait after which one may set up anew."""
    policy = with_rules(lambda rules: replace(rules, factors=replace(rules.factors, auto_send=False)))
    factors = replace(policy.base.factors, allowed=("totp", "backup-code"), order=("totp",))
    contact = replace(policy.base, factors=factors, enrollment=EnrollmentRules(first="contact"))
    optional = policy.tenants["optional"]
    thrice = replace(optional, enrollment=replace(optional.enrollment, skip=SkipRules(max=3)))
    bound = replace(policy.base, freshness=replace(policy.base.freshness, remember="session"))
    policy = replace(policy, tenants={**policy.tenants, "contact": contact, "bound": bound, "thrice": thrice})
    async with running(make_world(policy=policy, describe_network=lambda network: f"near {network}")) as made:
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


async def choosing_after_a_skip(world: World) -> tuple[Browser, str]:
    """The choice of a person who has put it off once, of three times."""
    may = await world.browser("may", "thrice")
    await may.page("/records?x=1")
    assert (await may.form("/mfa/enroll", {"action": "skip"})).location == "/records?x=1#"
    assert (await may.form("/mfa/enroll", {"action": "skip"})).location == "/#", "the page was shown, and is forgotten"
    return await world.browser("may", "thrice", sid="later"), "/mfa/enroll"


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


async def in_two_browsers(world: World) -> tuple[Browser, str]:
    """The settings, while another browser is remembered, and one that has proven nothing yet."""
    ann = await settled(world)
    world.clock.advance(60)
    other = await world.browser(sid="other", address="198.51.100.5")
    await other.prove(ann.secret)
    await (await world.browser(sid="third")).page("/mfa/challenge")
    return ann, "/mfa"


async def without_codes(world: World) -> tuple[Browser, str]:
    """The settings of a person who has removed the backup codes."""
    ann = await world.enrolled()
    assert (await ann.api("DELETE", f"authenticators/{await ann.authenticator('backup-code')}")).status == 204
    return ann, "/mfa"


async def bound_to_a_sign_in(world: World) -> tuple[Browser, str]:
    """The settings, where a proof ends with its sign-in."""
    ann = await world.enrolled("ann", "bound")
    world.clock.advance(60)
    return ann, "/mfa"


# -- at the desk -------------------------------------------------------------------------------------------------------


async def at_the_desk(world: World, path: str = "/mfa/admin/accounts/ann") -> tuple[Browser, str]:
    """An administrator, who has just proven who she is."""
    return await world.enrolled("boss", groups=["admin"]), path


async def desk_of_one_who_asked(world: World) -> tuple[Browser, str]:
    """The account of a person who asked for help a day ago."""
    await lost_and_asked(world)
    return await at_the_desk(world)


async def desk_of_one_who_is_locked(world: World) -> tuple[Browser, str]:
    """The account after the last attempt."""
    await locked(world)
    return await at_the_desk(world)


async def desk_of_one_whom_the_desk_locked(world: World) -> tuple[Browser, str]:
    """The account that an administrator has locked."""
    await settled(world)
    boss, path = await at_the_desk(world)
    assert (await boss.form(path, {"action": "lock", "reason": "left her badge"})).status == 303
    return boss, path


async def desk_of_one_who_disputes(world: World) -> tuple[Browser, str]:
    """The account of a person who said "This was not me"."""
    ann = await settled(world)
    assert (await ann.form("/mfa", {"action": "dispute"})).status == 303
    return await at_the_desk(world)


async def desk_of_a_newcomer(world: World) -> tuple[Browser, str]:
    """The account of a person with a set-up code."""
    await (await world.browser("ann")).page("/mfa/enroll")
    boss, path = await at_the_desk(world)
    assert (await boss.api("POST", "admin/accounts/ann/ticket", {"reason": "came by"})).status == 201
    return boss, path


async def desk_of_one_in_an_emergency(world: World) -> tuple[Browser, str]:
    """The account with a request for emergency access, half an hour ago."""
    await settled(world)
    boss, path = await at_the_desk(world)
    ask = {"ticket": "T-1", "reason": "no phone", "hours": 2}
    assert (await boss.api("POST", "admin/accounts/ann/break-glass", ask)).status == 200
    world.clock.advance(1800)
    return boss, path


async def desk_start(world: World) -> tuple[Browser, str]:
    """The first page of the desk, while somebody waits."""
    await lost_and_asked(world)
    return await at_the_desk(world, "/mfa/admin")


async def desk_tenant(world: World) -> tuple[Browser, str]:
    """The page of the organization."""
    await settled(world)
    await texting(world)
    return await at_the_desk(world, "/mfa/admin/tenant")


async def desk_trail(world: World) -> tuple[Browser, str]:
    """The trail, from its newest line."""
    await settled(world)
    return await at_the_desk(world, "/mfa/admin/audit?account=ann")


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
CALM: Facts = {
    "lock_cause": "",
    "lock_ref": "",
    "locked_at": 0,
    "locked_by": "",
    "lock_reason": "",
    "recovery_about": "",
}
CALM |= {"recovery_at": 0, "held_until": 0, "opens_at": 0, "disputed_until": 0, "open_ticket_until": 0, "grant": None}
CALM |= {"own": False, "above": False, "open_form": "", "slip": None, "not_sent": "", "longest": 11, "typed_hours": "4"}
CALM |= {"id": "ann", "name": "Ann", "status": "verified", "attempts_left": 7, "attempts_max": 7, "foremost": ""}
CALM |= {"url": "/mfa/admin/accounts/ann", "back": "/mfa/admin/accounts", "trail_url": "/mfa/admin/audit?account=ann"}
CALM |= {"kinds": ["totp", "backup-code", "email"], "last_proof_at": START, "agreement": "", "can_mail": True}
CALM |= {"factors.0.added_at": START, "factors.0.last_used_at": START, "factors.0.last_network": HOME}
CALM |= {"factors.0.is_default": True, "factors.1.is_default": False, "factors.0.label": "Authenticator app"}
CALM |= {"browsers.0.place": f"near {HOME}", "activity.0.place": f"near {HOME}"}
CALM |= {"browsers.0.network": HOME, "browsers.0.last_used_at": START, "browsers.0.label": "Unknown browser"}
USUAL = ["reset", "end-sessions", "lock", "break-glass", "forget"]
STORIES: dict[Story, Facts] = {
    in_two_browsers: {
        "browsers": ["browser", "browser"],
        "browsers.0.current": True,
        "browsers.0.network": HOME,
        "browsers.0.first_seen_at": START,
        "browsers.0.last_used_at": START,
        "browsers.0.ends_at": START + WEEK,
        "browsers.0.bound": False,
        "browsers.1.current": False,
        "browsers.1.network": "198.51.100.5",
        "browsers.0.place": f"near {HOME}",
        "browsers.1.place": "near 198.51.100.5",
        "factors.0.place": "near 198.51.100.5",
        "activity.0.place": "near 198.51.100.5",
        "browsers.1.first_seen_at": LATER + 90,
        "browsers.1.last_used_at": LATER + 90,
        "browsers.1.ends_at": LATER + 90 + WEEK,
        "backup.remaining": 10,
        "backup.total": 10,
        "backup.warn_at": 3,
        "backup.made_at": START,
        "backup.is_old": False,
        "factors.0.last_used_at": LATER + 90,
        "factors.0.last_network": "198.51.100.5",
        "factors.0.kept": False,
        "factors.1.kept": False,
        "factors.1.hint": "a•••@a•••.example",
        "activity.0.kind": "browser.new",
        "activity.0.at": LATER + 90,
        "activity.0.network": "198.51.100.5",
    },
    without_codes: {
        "factors": ["totp"],
        "factors.0.kept": True,
        "checkup": "way",
        "backup.remaining": 0,
        "backup.total": 0,
        "backup.made_at": 0,
        "backup.is_old": False,
    },
    bound_to_a_sign_in: {"browsers.0.bound": True, "browsers.0.ends_at": 0, "browsers.0.current": True},
    desk_of_one_who_asked: {
        **CALM,
        "status": "recovery",
        "recovery_about": "phone in the lake",
        "recovery_at": LATER,
        "foremost": "reset",
        "forms": ["reset", "refuse", *USUAL[1:]],
        "activity.0.kind": "recovery.requested",
        "activity.0.at": LATER,
        "activity.0.network": HOME,
    },
    desk_of_one_who_is_locked: {
        **CALM,
        "status": "locked",
        "attempts_left": 0,
        "lock_cause": "attempts",
        "lock_ref": "<ref>",
        "locked_at": LATER,
        "foremost": "unlock",
        "forms": ["unlock", "reset", "end-sessions", "forget"],
        "activity.0.kind": "account.locked",
        "activity.0.label": "attempts",
        "activity.0.ref": "<ref>",
    },
    desk_of_one_whom_the_desk_locked: {
        **CALM,
        "status": "locked",
        "attempts_left": 0,
        "lock_cause": "administrator",
        "lock_ref": "<ref>",
        "locked_at": LATER,
        "locked_by": "boss",
        "lock_reason": "left her badge",
        "foremost": "unlock",
    },
    desk_of_one_who_disputes: {**CALM, "disputed_until": LATER + DAY, "forms": USUAL},
    desk_of_a_newcomer: {
        "status": "not_enrolled",
        "open_ticket_until": START + DAY,
        "factors": [],
        "browsers": [],
        "kinds": [],
        "last_proof_at": 0,
    },
    desk_of_one_in_an_emergency: {
        **{name: value for name, value in CALM.items() if name != "grant"},
        "grant.asked_by": "boss",
        "grant.asked_at": LATER,
        "grant.reason": "no phone",
        "grant.ticket": "T-1",
        "grant.hours": 2,
        "grant.confirmed_by": "",
        "grant.ends_at": 0,
        "grant.confirm_until": LATER + 3600,
        "grant.browsers": 0,
        "grant.own": True,
        "foremost": "revoke",
        "forms": ["revoke", "reset", "end-sessions", "lock", "forget"],
    },
    desk_start: {
        "known": 2,
        "set_up": 2,
        "exempt": 0,
        "urls": {"ann": "/mfa/admin/accounts/ann"},
        "needs.requests.count": 1,
        "needs.requests.first.0.name": "Ann",
        "needs.requests.first.0.at": LATER,
    },
    desk_tenant: {
        "total": 3,
        "enrolled": 2,
        "missing": 1,
        "exempt": 0,
        "enabled_at": 0,
        "by_policy": True,
        "waits": True,
        "can_remind": True,
        "can_end": False,
        "ending": False,
        "chart.now": [2, 3],
        "chart.most": 4,
        "checklist.0.ok": True,
        "checklist.1.ok": True,
        "checklist.2.ok": False,
        "checklist.2.markable": True,
    },
    desk_trail: {
        "lines.0.kind": "proof.granted",
        "lines.0.at": START,
        "lines.0.when": "2025-06-15 15:06:40.000 UTC",
        "lines.0.account": "ann",
        "lines.0.actor": "",
        "lines.0.factor": "email",
        "lines.0.network": HOME,
        "lines.0.address": HOME,
        "lines.0.agent": "Unknown client",
        "lines.0.person_url": "/mfa/admin/accounts/ann",
        "lines.0.address_url": f"/mfa/admin/audit?address={HOME}",
        "account": "ann",
        "wrong": "",
        "next_url": "",
        "words.account": "ann",
        "words.kind": "",
    },
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
    choosing_after_a_skip: {**CHOICE, "skippable": True, "skips_left": 2, "demanded": True},
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


def fact(view: Any, path: str) -> Any:
    """Return a fact of a view: of a field, or of a line in it, as ``browsers.0.network``."""
    for name in path.split("."):
        index: Any = int(name) if name.isdecimal() else name
        view = view[index] if isinstance(view, Mapping | tuple) else getattr(view, name)
    return view


def told(value: Any, names: dict[str, str]) -> Any:
    """Return a fact with names in the place of random ids, and ways by their kinds."""
    if is_dataclass(value):
        return getattr(value, "kind", "") or getattr(value, "name", "") or type(value).__name__
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
    whose = "ann" if "/admin" in path else browser.id
    account = await world.account(whose, browser.tenant)
    names = {one.id: f"<{one.factor}>" for one in account.authenticators}
    names |= {one.id: "<challenge>" for one in account.challenges} | {one.id: "<draft>" for one in account.enrollments}
    names |= {found.ref: "<ref>" for found in (account.lock, account.recovery) if found}
    want = STORIES[story]
    assert {name: told(fact(view, name), names) for name in want} == want


@pytest.mark.parametrize(
    ("typed", "ticked"), [({}, True), ({"asked": "1"}, False), ({"asked": "1", "remember": "1"}, True)]
)
async def test_a_stale_form_keeps_the_choice_not_to_be_remembered(
    world: World, shown: list[Any], typed: dict[str, str], ticked: bool
) -> None:
    """A form that came too late is shown again; of what was typed only that choice stays."""
    browser = await pending(world)
    path = f"/mfa/challenge/{await browser.authenticator('totp')}"
    await browser.page(path)
    shown.clear()
    reply = await browser.form(path, {"code": "123456", **typed}, token="an old one")
    assert reply.status == 422
    assert [view.remember for view in shown] == [ticked]
    assert (await world.account()).attempts.used == 0


DESK = (
    *("", "/accounts", "/accounts/ann", "/accounts/ann?act=lock", "/accounts/nobody", "/tenant", "/audit", "/policy"),
    *(
        "/reports",
        "/reports/grants",
        "/reports/nothing",
        "/reports/impact",
        "/what-if",
        "/what-if?id=ann&path=/records",
    ),
    *("/accounts?status=odd", "/audit?from=odd"),
)
FORMS = (
    ("/accounts", {"action": "lock", "pick-1": "ann"}),
    ("/accounts", {"action": "lock"}),
    ("/accounts", {"action": "odd"}),
    ("/accounts", {"action": "remind"}),
    ("/accounts/ann", {"action": "lock"}),
    ("/accounts/nobody", {"action": "lock"}),
    ("/tenant", {"action": "odd"}),
    ("/many", {"action": "odd"}),
    ("/many", {"action": "lock", "pick-1": "ann"}),
    ("/many", {"action": "lock", "pick-1": "ann", "reason": "a test"}),
)


async def test_each_page_of_the_desk_names_its_person(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A person with two accounts reads in whose name the desk is open."""
    names, real = list[str](), PageRequest.frame

    def frame(self: PageRequest, **more: Any) -> Any:
        made = real(self, **more)
        names.append(made.person)
        return made

    await settled(world)
    boss, _ = await at_the_desk(world)
    monkeypatch.setattr(PageRequest, "frame", frame)
    unnamed = dict[str, list[str]]()
    for place in DESK:
        names.clear()
        reply = await boss.page(f"/mfa/admin{place}")
        assert reply.status < 500
        unnamed[f"GET {place}"] = [name for name in names if name != "Boss"]
        assert names or reply.status == 303, place
    for place, fields in FORMS:
        token = await boss.token("/mfa/admin/accounts/ann?act=lock")
        names.clear()
        assert (await boss.form(f"/mfa/admin{place}", fields, token=token)).status < 500
        assert names, place
        unnamed[f"POST {place} {fields}"] = [name for name in names if name != "Boss"]
    assert {place: found for place, found in unnamed.items() if found} == {}


async def test_a_list_of_calls_is_read_by_its_cursor(world: World) -> None:
    """The trail and the people come in pieces, each with the cursor of the next.

    The last with none.
    """
    await settled(world)
    for number in range(3):
        await (await world.browser(f"new{number}")).form(
            "/mfa/enroll/sms", {"action": "start", "phone": "+1 202-555-0142"}
        )
    boss, _ = await at_the_desk(world)
    for call, name in (("admin/events", "events"), ("admin/accounts", "accounts")):
        every = (await boss.api("GET", f"{call}?limit=200")).json()
        assert every["next"] is None
        pieces, after = list[Any](), ""
        for _ in range(len(every[name])):
            piece = (await boss.api("GET", f"{call}?limit=2{after}")).json()
            assert len(piece[name]) <= 2
            pieces += piece[name]
            after = f"&after={piece['next']}"
            if piece["next"] is None:
                break
        assert pieces == every[name]
        assert len(pieces) > 4


@pytest.mark.parametrize(
    ("limit", "status"), [("1", 200), ("200", 200), ("0", 422), ("201", 422), ("-1", 422), ("x", 422), ("01", 422)]
)
async def test_a_piece_of_a_list_has_its_bounds(world: World, limit: str, status: int) -> None:
    """A call may ask for one line to two hundred; the member that is wrong is named."""
    boss, _ = await at_the_desk(world)
    for call in ("admin/events", "admin/accounts"):
        reply = await boss.api("GET", f"{call}?limit={limit}")
        assert reply.status == status
        assert status == 200 or reply.json()["member"] == "limit"
