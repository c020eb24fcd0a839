"""Enrollment under attack.

A person with a factor is never in a first enrollment. A draft counts for nothing. The account is always one's own.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate.core.model import Authenticator, Lock, SubjectKey
from mfa_gate.service import Actor, Done
from tests.attacks.deeds import deeds_world
from tests.harness import FETCH, RULES, START, Browser, World, running

KINDS = ("totp", "email", "sms", "voice", "webauthn", "push", "backup-code", "", "TOTP", "password", "../totp")


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A world with tenants that ask for a contact or a ticket first, too."""
    async with running(deeds_world()) as made:
        yield made


async def kinds(world: World, id: str = "ann", tenant: str = "alpha") -> list[str]:
    """List the kinds of the enrolled factors."""
    return [a.factor for a in (await world.account(id, tenant)).authenticators]


# -- who has a factor --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
async def test_who_owes_enrolls_nothing(world: World, kind: str) -> None:
    """The password alone adds no factor beside the enrolled one, by page or call.

    Requirements S-82, S-83.
    """
    await world.enrolled()
    pending = await world.browser()
    before = await world.account()
    for body in ({"factor": kind}, {"factor": kind, "phone": "+12025550142", "label": "x"}):
        assert (await pending.api("POST", "enroll", body)).status in (403, 422)
    for action in ("start", "send", "confirm", "skip", "contact-send", "contact-verify", "ticket", ""):
        for path in ("/mfa/enroll", f"/mfa/enroll/{kind}"):
            fields = {"action": action, "factor": kind, "kind": "email", "code": "000000", "phone": "+12025550142"}
            reply = await pending.form(path, fields)
            assert reply.status in (303, 404, 405)
    assert await world.account() == before
    assert [message for message in world.email.messages if message.code] == []
    assert world.sms.messages == []


@pytest.mark.parametrize("kind", ["webauthn", "hologram"])
async def test_a_factor_that_is_not_allowed_or_known_is_one(world: World, kind: str) -> None:
    """A factor that is not allowed any more, or not known, is still asked for.

    The policy does not allow the account's only factor any more, or a newer release made it. The person is never led to
    a first enrollment. Requirements S-81, S-83.
    """
    account = await world.account()
    mine = Authenticator(id="a1", factor=kind, label="x", created_at=1, data={"credential": "x", "user": "y"})
    assert await world.store.swap(replace(account, authenticators=(mine,)))
    pending = await world.browser()
    assert (await pending.state())["state"] == "challenge"
    assert (await pending.ask("GET", "/records")).location == "/mfa/challenge"
    assert (await pending.api("POST", "enroll", {"factor": "totp"})).reason == "proof_required"
    assert (await pending.page("/mfa/enroll")).status in (303, 403)
    assert await kinds(world) == [kind]


async def test_an_unreadable_secret_is_no_missing_factor(world: World) -> None:
    """A factor whose secret cannot be opened is a fault, not an invitation to enroll.

    No attempt is kept for it. Requirement F-19.
    """
    await world.enrolled()
    account = await world.account()
    (totp, *rest) = account.authenticators
    broken = replace(totp, data={**totp.data, "secret": "DcK-" + "A" * 80})
    assert await world.store.swap(replace(account, authenticators=(broken, *rest)))
    pending = await world.browser()
    assert (await pending.state())["state"] == "challenge"
    reply = await pending.api("POST", "verify", {"authenticator": totp.id, "response": "000000"})
    assert reply.status == 503
    assert (await world.account()).attempts.used == 0
    assert (await pending.api("POST", "enroll", {"factor": "totp"})).reason == "proof_required"


async def test_two_first_enrollments_at_once(world: World) -> None:
    """The second of two first enrollments at once needs a proof: the first has counted.

    Two browsers began them before. Requirement S-83.
    """
    drafts = []
    for sid in ("thief", "owner"):
        browser = await world.browser("new", sid=sid)
        begun = (await browser.api("POST", "enroll", {"factor": "totp"})).json()
        browser.secret = begun["secret"]
        drafts.append((browser, {"enrollment": begun["enrollment"], "response": browser.totp()}))
    replies = await asyncio.gather(*(b.api("POST", "enroll/confirm", body) for b, body in drafts))
    assert sorted(reply.status for reply in replies) == [201, 403]
    assert (await kinds(world, "new")).count("totp") == 1
    assert len(world.kinds("factor.enrolled")) == 1


@pytest.mark.parametrize(("age", "allowed"), [(299, True), (300, False), (7 * 86_400, False)])
async def test_changes_need_a_fresh_proof(world: World, age: int, allowed: bool) -> None:
    """A proof younger than five minutes lets factors be changed; at five minutes it does not.

    Requirement S-84; decisions 10.
    """
    ann = await world.enrolled()
    email = await ann.enroll_email()
    begun = (await ann.api("POST", "enroll", {"factor": "sms", "phone": "+12025550142"})).json()
    world.clock.advance(age)
    totp = await ann.authenticator("totp")
    ok = {200, 201, 204} if allowed else {403}
    confirm = {"enrollment": begun["enrollment"], "response": world.sms.codes[-1]}
    if age < 600:
        assert (await ann.api("POST", "enroll/confirm", confirm)).status in ok
        ok = ok if not allowed else {200, 201, 204}
    calls: tuple[tuple[str, str, Any], ...] = (
        ("POST", "enroll", {"factor": "totp"}),
        ("PATCH", f"authenticators/{totp}", {"label": "New name"}),
        ("PATCH", f"authenticators/{email}", {"default": True}),
        ("POST", "backup-codes", {}),
        ("DELETE", f"authenticators/{email}", None),
    )
    for method, call, body in calls:
        reply = await ann.api(method, call, body)
        assert reply.status in ok, (call, reply.text)
        assert allowed or reply.reason == "proof_required"


# -- drafts ------------------------------------------------------------------------------------------------------------


async def test_a_draft_counts_for_nothing(world: World) -> None:
    """A draft that is not confirmed neither satisfies the gate nor triggers it.

    Requirement S-85.
    """
    new = await world.browser("new")
    begun = (await new.api("POST", "enroll", {"factor": "totp"})).json()
    assert (await new.state())["state"] == "enroll"
    new.secret = begun["secret"]
    for target in (begun["enrollment"], "totp", ""):
        reply = await new.api("POST", "verify", {"authenticator": target, "response": new.totp()})
        assert reply.status == 404
    assert not await new.is_in()
    may = await world.browser("may", "optional")
    assert (await may.api("POST", "enroll/skip", {})).status == 200
    await may.api("POST", "enroll", {"factor": "totp"})
    assert await may.is_in()


@pytest.mark.parametrize("other", ["same user", "other user", "other tenant"])
async def test_the_draft_of_another_browser(world: World, other: str) -> None:
    """A draft of another browser, user or tenant cannot be confirmed, sent for or looked at.

    Requirement S-86.
    """
    new = await world.browser("new")
    begun = (await new.api("POST", "enroll", {"factor": "totp"})).json()
    new.secret = begun["secret"]
    id, tenant = {"same user": ("new", "alpha"), "other user": ("bob", "alpha"), "other tenant": ("new", "beta")}[other]
    thief = await world.browser(id, tenant)
    confirm = {"enrollment": begun["enrollment"], "response": new.totp()}
    assert (await thief.api("POST", "enroll/confirm", confirm)).status == 404
    page = await thief.form("/mfa/enroll/totp", {"enrollment": begun["enrollment"], "code": new.totp()})
    assert page.status == 303
    for path in ("/mfa/enroll/totp", "/mfa/enroll"):
        assert new.secret not in (await thief.page(path)).text.replace(" ", "")
    assert (await new.api("POST", "enroll/confirm", confirm)).status == 201


async def test_only_the_page_of_its_draft_shows_a_secret(world: World) -> None:
    """A secret is shown only by its draft's own page, until it is confirmed.

    No GET makes a secret. The page shows it to the browser that began the draft. Requirement S-65.
    """
    new = await world.browser("new")
    for path in ("/mfa/enroll", "/mfa/enroll/totp", "/mfa/api/enroll?factor=totp", "/mfa/enroll/totp?action=start"):
        await new.page(path)
    assert (await world.account("new")).enrollments == ()
    begun = await new.form("/mfa/enroll/totp", {"action": "start"})
    assert (begun.status, begun.location, begun.body) == (303, "/mfa/enroll/totp#", b"")
    reply = await new.page("/mfa/enroll/totp")
    secret = re.sub(r"\s", "", "".join(re.findall(r"secret=([A-Z2-7]{32})", reply.text)[:1]))
    assert len(secret) == 32
    assert reply.header("cache-control") == "no-store"
    for path in ("/mfa/enroll", "/mfa", "/mfa/challenge/help", "/mfa/enroll/totp?again=1", "/mfa/api/state"):
        assert secret not in re.sub(r"[\s-]|&nbsp;", "", (await new.page(path)).text)
    new.secret = secret
    assert (await new.form("/mfa/enroll/totp", {"code": new.totp()})).status == 303
    for path in ("/mfa", "/mfa/enroll/done", "/mfa/enroll/totp", "/mfa/api/authenticators"):
        assert secret not in re.sub(r"[\s-]|&nbsp;", "", (await new.page(path)).text)


async def test_a_new_draft_replaces_nothing_that_counts(world: World) -> None:
    """S-66: until the new app is confirmed the old one counts, and then both do."""
    ann = await world.enrolled()
    old = ann.secret
    await ann.api("POST", "enroll", {"factor": "totp"})
    pending = await world.browser()
    assert (await pending.prove(old)).status == 200
    assert (await kinds(world)).count("totp") == 1


async def test_the_secret_is_ours(world: World) -> None:
    """The server makes the secret, of 160 bits, another each time.

    A secret in the request is refused, or not looked at. Requirement S-63.
    """
    chosen = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
    new = await world.browser("new")
    assert (await new.api("POST", "enroll", {"factor": "totp", "secret": chosen})).reason == "malformed"
    page = await new.form("/mfa/enroll/totp", {"action": "start", "secret": chosen, "key": chosen})
    assert chosen not in page.text.replace(" ", "")
    secrets = {(await new.api("POST", "enroll", {"factor": "totp"})).json()["secret"] for _ in range(5)}
    assert len(secrets) == 5
    assert {len(secret) for secret in secrets} == {32}


async def test_an_expired_draft(world: World) -> None:
    """S-27: a draft ends with its half hour; its code is then nobody's."""
    new = await world.browser("new")
    begun = (await new.api("POST", "enroll", {"factor": "totp"})).json()
    new.secret = begun["secret"]
    world.clock.advance(1800)
    confirm = {"enrollment": begun["enrollment"], "response": new.totp()}
    assert (await new.api("POST", "enroll/confirm", confirm)).status == 404
    assert await kinds(world, "new") == []


async def test_guesses_at_a_draft_are_counted(world: World) -> None:
    """S-32: wrong codes in an enrollment are under the same seven attempts."""
    new = await world.browser("new")
    draft = (await new.api("POST", "enroll", {"factor": "totp"})).json()
    new.secret = draft["secret"]
    left = []
    for number in range(7):
        confirm = {"enrollment": draft["enrollment"], "response": new.wrong(number * 10)}
        left.append((await new.api("POST", "enroll/confirm", confirm)).json()["attempts_remaining"])
    assert left == [6, 5, 4, 3, 2, 1, 0]
    assert (await new.state())["state"] == "locked"
    assert (await new.api("POST", "enroll", {"factor": "totp"})).reason == "locked"


async def _settled_with_a_draft(world: World) -> tuple[Browser, str, str]:
    ann = await world.enrolled()
    begun = (await ann.api("POST", "enroll", {"factor": "sms", "phone": "+12025550142"})).json()
    return ann, begun["enrollment"], world.sms.codes[-1]


async def _new_with_a_draft(world: World, tenant: str = "alpha") -> tuple[Browser, str, str]:
    new = await world.browser("new", tenant)
    if tenant == "contact":
        await new.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})
        fields = {"action": "contact-verify", "kind": "email", "code": world.email.codes[-1]}
        assert (await new.form("/mfa/enroll", fields)).status == 303
        world.clock.advance(890)
    begun = (await new.api("POST", "enroll", {"factor": "totp"})).json()
    world.secrets.append(begun["secret"])
    new.secret = begun["secret"]
    world.clock.advance(30)
    return new, begun["enrollment"], new.totp()


NO_LONGER = {
    "the proof is old": "proof_required",
    "changes are frozen": "frozen",
    "enrolled in another browser": "proof_required",
    "the leave has ended": "contact_required",
    "locked by an administrator": "locked",
    "the kind is not allowed any more": "not_enrollable",
}
"""The event between the beginning of an enrollment and its confirmation, and the refusal for it."""


@pytest.mark.parametrize("happened", NO_LONGER)
async def test_a_confirmation_that_is_not_allowed_compares_nothing(world: World, happened: str) -> None:
    """A right code and a wrong one get one answer, and neither costs an attempt.

    Otherwise the refusal would tell a thief of the session if the code was right. Requirements S-31, S-84.
    """
    settled = happened in ("the proof is old", "changes are frozen")
    tenant = "contact" if happened == "the leave has ended" else "alpha"
    browser, draft, right = await (_settled_with_a_draft(world) if settled else _new_with_a_draft(world, tenant))
    if happened == "the proof is old":
        world.clock.advance(300)
    elif happened == "enrolled in another browser":
        await world.enrolled("new", sid="another")
    elif happened == "the kind is not allowed any more":
        without = replace(RULES, factors=replace(RULES.factors, allowed=("sms",), order=("sms",)))
        world.engine.policy = replace(world.engine.policy, tenants={"alpha": without})
    elif happened != "the leave has ended":
        account = await world.account(browser.id)
        lock = Lock(at=int(world.clock.at), cause="administrator", ref="LOCK000001", actor="mary")
        frozen = happened == "changes are frozen"
        changed = replace(account, frozen_until=START + 3600) if frozen else replace(account, lock=lock)
        assert await world.store.swap(changed)
    before, told = await world.account(browser.id, tenant), len(world.events)
    for code in (browser.wrong(), right):
        reply = await browser.api("POST", "enroll/confirm", {"enrollment": draft, "response": code})
        assert reply.reason == NO_LONGER[happened]
        assert (await world.account(browser.id, tenant)) == before
        assert len(world.events) == told


# -- whose account -----------------------------------------------------------------------------------------------------

NAMES = (
    "user",
    "user_id",
    "username",
    "id",
    "subject",
    "account",
    "tenant",
    "org",
    "sub",
    "email",
    "groups",
    "is_admin",
)


@pytest.mark.parametrize("name", NAMES)
async def test_no_member_says_whose_account(world: World, name: str) -> None:
    """No member, field, header or query names another account.

    The account is always that of the person who is signed in. Requirements S-23, S-86.
    """
    bob = await world.browser("bob")
    before = await world.account("bob")
    mallory = await world.browser("mallory")
    assert (await mallory.api("POST", "enroll", {"factor": "totp", name: "bob"})).reason == "malformed"
    headers = [*FETCH, ("origin", "http://localhost:8000"), ("x-mfa-gate", "1"), ("content-type", "application/json")]
    headers += [(f"x-{name.replace('_', '-')}", "bob"), ("x-forwarded-user", "bob"), ("remote-user", "bob")]
    reply = await mallory.ask(
        "POST", f"/mfa/api/enroll?{name}=bob&tenant=beta", headers=headers, body=b'{"factor": "totp"}'
    )
    assert reply.status == 201
    page = await mallory.form(f"/mfa/enroll/totp?{name}=bob", {"action": "start", name: "bob"})
    assert page.status == 303
    assert await world.account("bob") == before
    assert len((await world.account("mallory")).enrollments) == 1
    assert bob


async def test_names_are_bounded(world: World) -> None:
    """A name of any length and kind is cut to the room that a line of a page has.

    No answer fails by it. Requirement S-54.
    """
    new = await world.browser("new")
    kept = {
        "x" * 15_000: "x" * 40,
        "\x00\x1b[31m": "[31m",
        "\u202eevil": "evil",
        "<script>alert(1)</script>": "<script>alert(1)</script>",
        " ": "",
        "{{7*7}}": "{{7*7}}",
    }
    half = await new.api("POST", "enroll", {"factor": "totp", "label": "\ud800"})
    assert (half.status, half.reason) == (422, "malformed")
    for label, line in kept.items():
        reply = await new.api("POST", "enroll", {"factor": "totp", "label": label})
        assert reply.status == 201, label[:20]
        assert [draft.label for draft in (await world.account("new")).enrollments] == [line]
    begun = (await new.api("POST", "enroll", {"factor": "totp", "label": "<b>{{7*7}}"})).json()
    new.secret = begun["secret"]
    confirm = {"enrollment": begun["enrollment"], "response": new.totp()}
    assert (await new.api("POST", "enroll/confirm", confirm)).status == 201
    page = (await new.page("/mfa")).text
    assert "<b>{{" not in page
    assert "&lt;b&gt;{{7*7}}" in page


# -- what a first enrollment needs -------------------------------------------------------------------------------------


async def test_the_contact_comes_first(world: World) -> None:
    """The password alone binds no phone or app if the contact on file must be proven first.

    The contact itself can be bound. Decisions 9.
    """
    thief = await world.browser("new", "contact")
    for body in ({"factor": "totp"}, {"factor": "sms", "phone": "+12025550199"}):
        assert (await thief.api("POST", "enroll", body)).reason == "contact_required"
    assert world.sms.messages == []
    assert (await thief.api("POST", "enroll", {"factor": "email"})).status == 201


async def test_leave_is_the_browsers_and_ends(world: World) -> None:
    """The leave to enroll belongs to the browser that proved the contact.

    It lasts for a quarter of an hour. Decisions 9.
    """
    owner = await world.browser("new", "contact")
    await owner.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})
    code = world.email.codes[-1]
    thief = await world.browser("new", "contact")
    wrong = await thief.form("/mfa/enroll", {"action": "contact-verify", "kind": "email", "code": code})
    assert wrong.status == 422
    right = await owner.form("/mfa/enroll", {"action": "contact-verify", "kind": "email", "code": code})
    assert right.status == 303
    assert (await thief.api("POST", "enroll", {"factor": "totp"})).reason == "contact_required"
    assert (await owner.api("POST", "enroll", {"factor": "totp"})).status == 201
    world.clock.advance(900)
    assert (await owner.api("POST", "enroll", {"factor": "totp"})).reason == "contact_required"


async def _ticket(world: World, id: str = "new", tenant: str = "ticket") -> str:
    made = await world.gate.service.account_desk.act(
        Actor(name="operator:test"), "ticket", SubjectKey(tenant, id), reason="new phone"
    )
    assert isinstance(made, Done)
    return made.ticket


@pytest.mark.parametrize(
    "wrong", ["", "x", "none", "00000-00000", "{other}", "{half}", "{ticket}x", "{used}", "{late}"]
)
async def test_tickets(world: World, wrong: str) -> None:
    """A ticket opens an enrollment once, for its own user, in its time.

    Any other text opens nothing. Requirement S-94; decisions 9.
    """
    ticket, other = await _ticket(world), await _ticket(world, "bob")
    new = await world.browser("new", "ticket")
    assert (await new.api("POST", "enroll", {"factor": "totp"})).reason == "ticket_required"
    text = wrong.format(ticket=ticket, other=other, half=ticket[:15], used=ticket, late=ticket)
    if wrong == "{used}":
        first = await world.browser("new", "ticket")
        assert (await first.form("/mfa/enroll", {"action": "ticket", "ticket": ticket})).status == 303
    if wrong == "{late}":
        world.clock.advance(86_400)
    reply = await new.form("/mfa/enroll", {"action": "ticket", "ticket": text})
    assert reply.status == 422
    assert (await new.api("POST", "enroll", {"factor": "totp"})).reason == "ticket_required"
    if "{" not in wrong or wrong in ("{other}", "{half}"):
        done = await new.form("/mfa/enroll", {"action": "ticket", "ticket": ticket.lower()})
        assert (done.status, done.location) == (303, "/mfa/enroll#")
        assert (await new.api("POST", "enroll", {"factor": "totp"})).status == 201


async def test_a_contact_is_no_ticket(world: World) -> None:
    """Decisions 9: where a ticket is needed, proving the contact on file does not do."""
    new = await world.browser("new", "ticket")
    sent = await new.form("/mfa/enroll", {"action": "contact-send", "kind": "email"})
    if world.email.codes:
        await new.form("/mfa/enroll", {"action": "contact-verify", "kind": "email", "code": world.email.codes[-1]})
    assert sent.status in (303, 422)
    for body in ({"factor": "totp"}, {"factor": "email"}):
        assert (await new.api("POST", "enroll", body)).reason == "ticket_required"


# -- afterwards --------------------------------------------------------------------------------------------------------


async def test_who_is_enrolled_skips_no_more(world: World) -> None:
    """A person with a factor is asked for it, also while enrollment is optional.

    Neither an earlier skip nor a new one counts (mission 1).
    """
    may = await world.browser("may", "optional")
    assert (await may.api("POST", "enroll/skip", {})).status == 200
    assert await may.is_in()
    other = await world.enrolled("may", "optional", sid="another")
    assert not await may.is_in()
    assert (await may.api("POST", "enroll/skip", {})).reason == "not_allowed"
    assert (await may.form("/mfa/enroll", {"action": "skip"})).status == 303
    assert not await may.is_in()
    assert await other.is_in()


async def test_a_skip_is_of_its_sign_in(world: World) -> None:
    """A skip lets in for this sign-in only.

    The next sign-in is reminded, in the same browser too (mission 1).
    """
    may = await world.browser("may", "optional", sid="monday")
    await may.api("POST", "enroll/skip", {})
    assert await may.is_in()
    assert not await (await world.browser("may", "optional", sid="tuesday", cookies=may.cookies)).is_in()


async def test_the_last_factor_stays(world: World) -> None:
    """S-88: the last factor cannot be removed, backup codes beside it or not; of two one can."""
    ann = await world.enrolled()
    totp = await ann.authenticator("totp")
    assert (await ann.api("DELETE", f"authenticators/{totp}")).reason == "last_factor"
    page = await ann.form("/mfa", {"action": "remove", "authenticator": totp})
    assert page.status == 422
    await ann.enroll_email()
    assert (await ann.api("DELETE", f"authenticators/{totp}")).status == 204
    assert (await ann.api("DELETE", f"authenticators/{await ann.authenticator('email')}")).reason == "last_factor"
    assert "email" in await kinds(world)


async def test_two_removals_at_once_leave_one(world: World) -> None:
    """S-88: two factors removed at the same moment do not both go."""
    ann = await world.enrolled()
    email = await ann.enroll_email()
    totp = await ann.authenticator("totp")
    replies = await asyncio.gather(*(ann.api("DELETE", f"authenticators/{id}") for id in (totp, email)))
    assert sum(reply.status == 204 for reply in replies) == 1
    assert len({*await kinds(world)} - {"backup-code"}) == 1


async def test_everybody_is_told(world: World) -> None:
    """Each change of factors is told by e-mail to the contact on file, without a code in it.

    Requirements S-87, U-37.
    """
    ann = await world.enrolled()
    await ann.enroll_email()
    await ann.api("POST", "backup-codes", {})
    await ann.api("DELETE", f"authenticators/{await ann.authenticator('email')}")
    await world.engine.effects.idle()
    told = [message for message in world.email.messages if not message.code]
    assert len(told) >= 4
    assert {message.to for message in told} == {"ann@alpha.example"}


async def test_the_number_of_factors_is_bounded(world: World) -> None:
    """Design 1: nobody binds more than twenty; drafts are bounded as well."""
    ann = await world.enrolled()
    for number in range(22):
        begun = await ann.api("POST", "enroll", {"factor": "totp", "label": f"App {number}"})
        if begun.status != 201:
            assert begun.reason == "too_many"
            break
        ann.secret = begun.json()["secret"]
        confirm = {"enrollment": begun.json()["enrollment"], "response": ann.totp()}
        assert (await ann.api("POST", "enroll/confirm", confirm)).status in (201, 422)
    else:
        raise AssertionError("no bound")
    assert len(await kinds(world)) <= 20


async def test_backup_codes_alone_are_no_factor(world: World) -> None:
    """Backup codes cannot be the first factor that is enrolled.

    Nor can a person who owes a proof make them. Requirement S-93.
    """
    new = await world.browser("new")
    assert (await new.api("POST", "backup-codes", {})).reason == "not_enrollable"
    assert (await new.api("POST", "enroll", {"factor": "backup-code"})).status == 422
    assert await kinds(world, "new") == []


async def test_a_pending_browser_is_shown_no_backup_codes(world: World) -> None:
    """A new set of backup codes is never shown to a person who owes a proof.

    It is shown again to a person who may change factors. Requirement S-92.
    """
    ann = await world.browser()
    await ann.form("/mfa/enroll/totp", {"action": "start"})
    account = await world.account()
    assert account.enrollments
    first = await world.enrolled("bob")
    assert (await first.form("/mfa/backup-codes", {"action": "new"})).status == 303
    codes = (await first.page("/mfa/backup-codes")).text
    shown = re.findall(r"\b[0-9A-HJKMNP-TV-Z]{5}-[0-9A-HJKMNP-TV-Z]{5}\b", codes)
    assert len(shown) >= 10
    pending: Browser = await world.browser("bob")
    for reply in (
        await pending.page("/mfa/backup-codes"),
        await pending.form("/mfa/backup-codes", {"action": "saved", "saved": "1"}),
        await pending.form("/mfa/backup-codes", {"action": "download", "codes": shown[0]}),
    ):
        assert reply.status == 303
        assert not any(code in reply.text for code in shown)
    assert shown[0] in (await first.page("/mfa/backup-codes")).text
