"""A form of ours that cannot be taken: its page says why, and nothing was changed."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from html import unescape

import pytest

from mfa_gate.core.reasons import REASONS
from mfa_gate.errors import SendFailed
from mfa_gate.web.views.problems import sentence_of
from tests.attacks import deeds
from tests.attacks.deeds import Setup, Stage, deeds_world
from tests.harness import Reply, World, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    """A host in which every form can be sent."""
    async with running(deeds_world()) as made:
        yield made


@dataclass(frozen=True)
class Refused:
    """One form with its stage and place, and the status and problem of the answer.

    ``problem`` is a form's word or a reason; "" where the page is one of its own.
    """

    stage: Setup
    path: str
    fields: dict[str, str]
    problem: str
    status: int = 422

    def __str__(self) -> str:
        told = ",".join(f"{name}={value[:12]}" for name, value in self.fields.items())
        return f"{self.path}?{told}"


APP, CODE = "/enroll/totp", "/challenge/{totp}"
BOB, TENANT = "/admin/accounts/bob", "/admin/tenant"
ASKED = {"action": "break-glass", "reason": "phone lost", "ticket": "T-9"}
FORMS = [
    # a code that was not typed, or is no code: it is no guess
    *(
        Refused(stage, path, {**fields, "code": code}, problem)
        for stage, path, fields in (
            (deeds.newcomer, APP, {"enrollment": "{draft}"}),
            (deeds.pending, CODE, {}),
        )
        for code, problem in (
            ("", "code_missing"),
            (" - ", "code_missing"),
            ("12345", "code_short"),
            ("123456789", "code_long"),
            ("abcdef", "code_letters"),
        )
    ),
    # a first enrollment
    Refused(deeds.newcomer, "/enroll", {"factor": "fax"}, "choice_missing"),
    Refused(deeds.newcomer, "/enroll/sms", {"action": "start", "phone": " "}, "phone_missing"),
    Refused(deeds.newcomer, "/enroll/sms", {"action": "start", "phone": "12"}, "phone_invalid"),
    Refused(deeds.newcomer, "/enroll", {"action": "skip"}, "not_allowed"),
    Refused(deeds.contact, "/enroll", {"action": "contact-send", "kind": "fax"}, "no_contact"),
    Refused(deeds.contact, "/enroll", {"action": "contact-verify", "kind": "email", "code": "x"}, "malformed"),
    Refused(deeds.contact, "/enroll", {"action": "contact-verify", "kind": "totp", "code": "{code}"}, "not_found"),
    Refused(deeds.ticket, "/enroll", {"action": "ticket", "ticket": ""}, "ticket_missing"),
    Refused(deeds.ticket, "/enroll", {"action": "ticket", "ticket": "00000-00000"}, "ticket_wrong"),
    # one's own things
    Refused(deeds.settled, "", {"action": "rename", "authenticator": "{email}", "label": " "}, "label_missing"),
    Refused(deeds.settled, "", {"action": "rename", "authenticator": "{email}", "label": "x" * 41}, "text_long"),
    Refused(deeds.settled, "", {"action": "rename", "authenticator": "none", "label": "x"}, "not_found"),
    Refused(deeds.settled, "", {"action": "default", "authenticator": "none"}, "not_found"),
    Refused(deeds.settled, "", {"action": "remove", "authenticator": "none"}, "not_found"),
    Refused(deeds.settled, "", {"action": "forget", "browser": "none"}, "not_found"),
    Refused(deeds.settled, "", {"action": "explode"}, "", 404),
    Refused(deeds.newcomer, "/backup-codes", {}, "", 303),
    Refused(deeds.terms, "/agreement", {}, "accept_missing"),
    Refused(deeds.terms, "/agreement", {"accept": "1", "version": "0"}, "malformed"),
    Refused(deeds.pending, "/recovery", {"about": " "}, "about_missing"),
    Refused(deeds.pending, "/recovery", {"about": "x" * 501}, "text_long"),
    Refused(deeds.pending, "/recovery", {"action": "begin"}, "not_open"),
    # the administrator's desk
    Refused(deeds.boss, BOB, {"action": "explode"}, "", 404),
    Refused(deeds.boss, BOB, {"action": "lock", "reason": " "}, "reason_stated"),
    Refused(deeds.boss, BOB, {"action": "reset", "reason": "phone lost", "ticket": ""}, "ticket_stated"),
    Refused(deeds.boss, BOB, {**ASKED, "hours": ""}, "hours_stated"),
    Refused(deeds.boss, BOB, {**ASKED, "hours": "-1"}, "hours_stated"),
    Refused(deeds.boss, BOB, {**ASKED, "hours": "100"}, "hours_stated"),
    Refused(deeds.boss, BOB, {"action": "forget", "reason": "Bob has left"}, "reason_nameless"),
    Refused(deeds.boss, BOB, {"action": "confirm", "ref": "none"}, "account_changed"),
    Refused(deeds.boss_with_parts, BOB, {"action": "remove", "item": "none", "reason": "x"}, "account_changed"),
    Refused(deeds.desk, TENANT, {"action": "explode"}, "", 404),
    Refused(deeds.desk, TENANT, {"action": "choose", "factors": "carrier-pigeon"}, "", 422),
    Refused(deeds.desk, TENANT, {"action": "enable", "factors": "totp"}, "confirm_stated"),
    Refused(deeds.desk, TENANT, {"action": "end-sessions", "reason": "x", "confirm": "desk"}, "not_allowed", 403),
    Refused(deeds.privileged_desk, TENANT, {"action": "end-sessions", "confirm": "desk"}, "reason_stated"),
    Refused(
        deeds.privileged_desk, TENANT, {"action": "end-sessions", "reason": "stolen", "confirm": "x"}, "confirm_stated"
    ),
]


def words_of(problem: str) -> tuple[str, ...]:
    """Return the parts around the detail in a problem's first sentence, or in its title."""
    sentence = sentence_of(problem)
    text = REASONS[problem].title if sentence is None else sentence.text
    return tuple(text.partition(". ")[0].split("%(detail)s"))


@pytest.mark.parametrize("setup", dict.fromkeys(form.stage for form in FORMS), ids=lambda setup: setup.__name__)
async def test_forms_that_cannot_be_taken(world: World, setup: Setup) -> None:
    """Each page says why, no account has changed, and no code was sent.

    So one stage serves all of its forms.
    """
    stage = await setup(world)
    browser, people = stage.browser, [(stage.browser.id, stage.browser.tenant), ("bob", "alpha")]
    mine = [form for form in FORMS if form.stage is setup]
    token = await browser.token("/mfa" + mine[0].path.format(**stage.names))
    for refused in mine:
        path = "/mfa" + refused.path.format(**stage.names)
        fields = {name: value.format(**stage.names) for name, value in refused.fields.items()}
        before = [await world.account(*one) for one in people], len(world.email.codes), len(world.sms.codes)
        reply = await browser.form(path, fields, token=token)
        assert reply.status == refused.status, refused
        for part in words_of(refused.problem) if refused.problem else ():
            assert part in unescape(reply.text), refused
        after = [await world.account(*one) for one in people], len(world.email.codes), len(world.sms.codes)
        assert after == before, refused


async def contact_once(world: World) -> Stage:
    """Somebody whose contact on file comes first, and has not been asked."""
    return await deeds.newcomer(world, "contact")


async def number_typed(world: World) -> Stage:
    """A newcomer with a draft for a number, whose code went out a minute ago."""
    new = await world.browser("new")
    begun = (await new.api("POST", "enroll", {"factor": "sms", "phone": "+12025550142"})).json()
    world.clock.advance(60)
    return Stage(new, {"draft": begun["enrollment"]})


SENDS: list[tuple[Setup, str, dict[str, str]]] = [
    (deeds.pending, "/challenge/{email}", {"action": "send"}),
    (contact_once, "/enroll", {"action": "contact-send", "kind": "email"}),
    (number_typed, "/enroll/sms", {"action": "send", "enrollment": "{draft}"}),
]
"""Forms that send a code."""


async def press(stage: Stage, path: str, fields: dict[str, str]) -> Reply:
    """Send a form of a stage."""
    names = {name: value.format(**stage.names) for name, value in fields.items()}
    return await stage.browser.form("/mfa" + path.format(**stage.names), names)


@pytest.mark.parametrize(("setup", "path", "fields"), SENDS, ids=["challenge", "contact", "draft"])
async def test_a_code_is_asked_for_again_too_soon(
    world: World, setup: Setup, path: str, fields: dict[str, str]
) -> None:
    """The second press sends nothing, and says quietly how many seconds to wait."""
    stage = await setup(world)
    assert (await press(stage, path, fields)).status == 303
    sent = len(world.email.codes) + len(world.sms.codes)
    world.clock.advance(10)
    again = await press(stage, path, fields)
    assert again.status == 422
    assert "20 seconds" in again.text
    assert 'class="error' not in again.text
    assert len(world.email.codes) + len(world.sms.codes) == sent
    world.clock.advance(20)
    assert (await press(stage, path, fields)).status == 303


@pytest.mark.parametrize(("setup", "path", "fields"), SENDS, ids=["challenge", "contact", "draft"])
async def test_a_code_that_cannot_be_sent(world: World, setup: Setup, path: str, fields: dict[str, str]) -> None:
    """A sender that fails is told on the page, which stays; the code counts for nobody."""
    stage = await setup(world)
    world.email.failure = world.sms.failure = SendFailed("unreachable", transient=True)
    reply = await press(stage, path, fields)
    assert reply.status == 422
    assert "couldn’t" in reply.text
    assert (await world.account(stage.browser.id, stage.browser.tenant)).attempts.used == 0


async def test_a_number_that_is_locked_out(world: World) -> None:
    """A send on a locked account leads to the page of the lock."""
    stage = await deeds.pending(world)
    other = await world.browser(sid="guesser")
    other.secret = stage.browser.secret
    token = await stage.browser.token("/mfa/challenge")
    await other.lock()
    fields = {"action": "send"}
    reply = await stage.browser.form(f"/mfa/challenge/{stage.names['email']}", fields, token=token)
    assert (reply.status, reply.location.partition("#")[0]) == (303, "/mfa/locked")


async def test_the_codes_as_a_file(world: World) -> None:
    """The file has the codes of the page and nothing else that a form may hold."""
    ann = await world.enrolled()
    assert (await ann.form("/mfa/backup-codes", {"action": "make"})).status == 303
    made = await ann.page("/mfa/backup-codes")
    codes = [*dict.fromkeys(re.findall(r"\b[0-9A-Z]{5}-[0-9A-Z]{5}\b", made.text))]
    assert len(codes) == 10
    odd = ["<script>", "x" * 17, "é", "=1+1"]
    fields = {"action": "download", "codes": " ".join([*codes, *odd])}
    reply = await ann.form("/mfa/backup-codes", fields)
    assert (reply.status, reply.header("content-type")) == (200, "text/plain; charset=utf-8")
    assert reply.header("content-disposition") == 'attachment; filename="backup-codes.txt"'
    assert reply.header("cache-control") == "no-store"
    assert reply.text.split("\n\n")[1].split() == codes
    assert reply.text.startswith("Backup codes for Example\nJune 15, 2025\nEach code works once.\n\n")
    ann.cookies["mfa-lang"] = "de"
    assert (await ann.form("/mfa/backup-codes", fields)).text.startswith("Backup-Codes für Example\n15. Juni 2025\n")
    del ann.cookies["mfa-lang"]
    missing = await ann.form("/mfa/backup-codes", {"action": "saved"})
    assert missing.status == 422
    assert words_of("saved_missing")[0] in unescape(missing.text)
    assert (await ann.form("/mfa/backup-codes", {"action": "saved", "saved": "1"})).status == 303
    assert codes[0] not in (await ann.page("/mfa/backup-codes")).text
