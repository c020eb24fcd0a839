"""The address on the host's record changes while a code is on its way to the old one."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.factors.phone import PhoneRules
from mfa_gate.ports import Message
from tests.harness import Browser, World, make_world, running, with_rules

OLD, NEW = "ann@mistyped.example", "ann@alpha.example"
ON_FILE = with_rules(
    lambda rules: replace(
        rules,
        enrollment=replace(rules.enrollment, first="contact"),
        factors=replace(rules.factors, options={"sms": PhoneRules(phone="on-file")}),
    )
)


@dataclass
class Record:
    """The host's record of one person, and that person's browser."""

    world: World
    ann: Browser
    contacts: dict[str, str] = field(default_factory=dict)


@pytest.fixture
async def record() -> AsyncIterator[Record]:
    contacts = {"email": OLD, "phone": "+1 202-555-0123"}

    async def contacts_of(subject: Subject) -> Contacts:
        return Contacts(name="Ann", **contacts)

    async with running(make_world(policy=ON_FILE, contacts=contacts_of)) as world:
        yield Record(world, await world.browser(), contacts)


async def test_a_code_to_the_old_address_confirms_nothing(record: Record) -> None:
    """S-51: a reader of the mistyped mailbox binds nothing.

    A new code goes to the right one.
    """
    begun = (await record.ann.api("POST", "enroll", {"factor": "email"})).json()
    code = record.world.email.codes[-1]
    record.contacts["email"] = NEW
    confirm = {"enrollment": begun["enrollment"], "response": code}
    refused = await record.ann.api("POST", "enroll/confirm", confirm)
    assert (refused.status, refused.reason) == (422, "contact_changed")
    assert (await record.world.account()).attempts.used == 0
    page = await record.ann.page("/mfa/enroll/email")
    assert NEW in page.text
    await record.ann.form("/mfa/enroll/email", {"action": "start"})
    record.world.clock.advance(60)
    await record.ann.form("/mfa/enroll/email", {"action": "start"})
    assert record.world.email.messages[-1].to == NEW


async def test_another_spelling_of_the_address_is_no_change(record: Record) -> None:
    """The host writes it in capitals."""
    begun = (await record.ann.api("POST", "enroll", {"factor": "email"})).json()
    record.contacts["email"] = OLD.upper()
    confirm = {"enrollment": begun["enrollment"], "response": record.world.email.codes[-1]}
    assert (await record.ann.api("POST", "enroll/confirm", confirm)).status == 201


async def test_a_number_on_file_is_compared_too(record: Record) -> None:
    """A text that went to the old number binds nothing."""
    begun = (await record.ann.api("POST", "enroll", {"factor": "sms"})).json()
    record.contacts["phone"] = "+1 202-555-0177"
    confirm = {"enrollment": begun["enrollment"], "response": record.world.sms.codes[-1]}
    assert (await record.ann.api("POST", "enroll/confirm", confirm)).reason == "contact_changed"


@pytest.mark.parametrize(("kind", "changed"), [("email", {"email": NEW}), ("sms", {"phone": "+1 202-555-0177"})])
async def test_the_contact_that_opens_a_first_enrollment(record: Record, kind: str, changed: dict[str, str]) -> None:
    """A code to the old contact opens none, and costs no attempt."""
    await record.ann.form("/mfa/enroll", {"action": "contact-send", "kind": kind})
    sender = record.world.email if kind == "email" else record.world.sms
    record.contacts.update(changed)
    answer = {"action": "contact-verify", "kind": kind, "code": sender.codes[-1]}
    refused = await record.ann.form("/mfa/enroll", answer)
    assert refused.status == 422
    assert "Your contact on file has changed" in refused.text
    account = await record.world.account()
    assert account.leave is None
    assert account.attempts.used == 0
    record.contacts.update(email=OLD, phone="+1 202-555-0123")
    assert (await record.ann.form("/mfa/enroll", answer)).status == 303


async def enrolled_by(record: Record, kind: str) -> str:
    """Bind the contact on file; returns the authenticator's id."""
    begun = (await record.ann.api("POST", "enroll", {"factor": kind})).json()
    sender = record.world.email if kind == "email" else record.world.sms
    confirm = {"enrollment": begun["enrollment"], "response": sender.codes[-1]}
    done = await record.ann.api("POST", "enroll/confirm", confirm)
    assert done.status == 201, done.text
    id: str = done.json()["authenticator"]["id"]
    return id


def coded(record: Record) -> list[Message]:
    """List the mails with a code, oldest first."""
    return [message for message in record.world.email.messages if message.code]


async def sign_in_by_mail(record: Record, browser: Browser) -> str:
    """Prove with the code that went out; returns the place that the answer leads to."""
    id = await browser.authenticator("email")
    record.world.clock.advance(120)
    await browser.form(f"/mfa/challenge/{id}", {"action": "send"})
    page = await browser.page(f"/mfa/challenge/{id}")
    assert "a•••@a•••" in page.text
    answer = {"code": record.world.email.codes[-1]}
    return (await browser.form(f"/mfa/challenge/{id}", answer)).location


async def test_the_new_address_takes_the_place_of_the_old_one(record: Record) -> None:
    """It is said on challenge and settings, offered after the proof, done in one step.

    Codes go to the old one until then. Both are told, and the last factor is never missing.
    """
    old = await enrolled_by(record, "email")
    record.contacts["email"] = NEW
    elsewhere = await record.world.browser(address="192.0.2.9")
    elsewhere.id, elsewhere.tenant = "ann", "alpha"
    assert (await sign_in_by_mail(record, elsewhere)).startswith("/mfa/enroll/offer")
    assert coded(record)[-1].to == OLD
    assert "Use the new contact" in (await elsewhere.page("/mfa/enroll/offer")).text
    assert "Your record has a new contact" in (await elsewhere.page("/mfa")).text
    record.world.clock.advance(60)
    await elsewhere.form("/mfa/enroll/email", {"action": "start"})
    assert coded(record)[-1].to == NEW
    begun = re.findall(r'name="enrollment" value="([^"]+)"', (await elsewhere.page("/mfa/enroll/email")).text)[0]
    record.world.events.clear()
    answer = {"enrollment": begun, "code": record.world.email.codes[-1], "action": "confirm"}
    assert (await elsewhere.form("/mfa/enroll/email", answer)).status == 303
    (mine,) = [a for a in (await record.world.account()).authenticators if a.factor == "email"]
    assert mine.id != old
    assert (await record.world.account()).default == mine.id
    await record.world.engine.effects.idle()
    told = [m.to for m in record.world.email.messages if "new contact" in m.subject]
    assert sorted(told) == sorted([OLD, NEW])
    assert [e.kind for e in record.world.events if e.kind.startswith("factor.")] == ["factor.replaced"]
    assert not await record.ann.is_in(), "the proof by the old address ended with it"


async def test_a_replacement_needs_a_fresh_proof(record: Record) -> None:
    """A thief with the password who changes the record binds nothing (S-84)."""
    await enrolled_by(record, "email")
    record.contacts["email"] = "thief@evil.example"
    thief = await record.world.browser(address="192.0.2.66")
    assert (await thief.api("POST", "enroll", {"factor": "email"})).reason == "proof_required"
    record.world.clock.advance(600)
    assert (await record.ann.api("POST", "enroll", {"factor": "email"})).reason == "proof_required"


async def test_without_a_change_the_same_address_is_there_already(record: Record) -> None:
    """There is one address."""
    await enrolled_by(record, "email")
    assert (await record.ann.api("POST", "enroll", {"factor": "email"})).reason == "already_enrolled"


async def test_an_address_that_was_taken_off_the_record(record: Record) -> None:
    """There is nothing to change to, and the person still gets in by the old one."""
    await enrolled_by(record, "email")
    record.contacts["email"] = ""
    assert "Your record has a new contact" not in (await record.ann.page("/mfa")).text


async def test_the_number_on_file_is_replaced_too(record: Record) -> None:
    """One number, not two."""
    await enrolled_by(record, "sms")
    record.contacts["phone"] = "+1 202-555-0177"
    record.world.clock.advance(60)
    new = await enrolled_by(record, "sms")
    assert [a.id for a in (await record.world.account()).authenticators if a.factor == "sms"] == [new]
    await record.world.engine.effects.idle()
    assert {"+12025550123", "+12025550177"} <= {m.to for m in record.world.sms.messages if not m.code}


async def test_a_host_that_does_not_answer_hinders_no_page(record: Record) -> None:
    """The proof counts, and nothing is offered."""
    await enrolled_by(record, "email")

    async def fails(subject: Subject) -> Contacts:
        raise RuntimeError("no database")

    object.__setattr__(record.world.engine.wiring, "contacts", fails)
    assert (await record.ann.page("/mfa")).status == 200
