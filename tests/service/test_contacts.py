"""Contacts of the host that can be none."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Contacts, Subject
from mfa_gate.core.codec import encode
from mfa_gate.core.text_safety import LONGEST_MAILBOX, may_be_mailbox
from tests.harness import contacts_of, make_world, running

WRONG = {
    "too long": "a" * LONGEST_MAILBOX + "@alpha.example",
    "a megabyte": "a" * 1_000_000 + "@alpha.example",
    "a line break": "ann@alpha.example\r\nBcc: eve@evil.example",
    "NUL": "ann\0@alpha.example",
    "half a character": "ann\ud800@alpha.example",
    "turned round": "\u202eann@alpha.example",
    "a separator": "ann\u2028@alpha.example",
}


@pytest.mark.parametrize("email", WRONG.values(), ids=WRONG)
async def test_an_address_that_can_be_none(email: str, caplog: pytest.LogCaptureFixture) -> None:
    """It counts as none on file: nothing is sent, and nothing of it is kept, logged or shown."""
    changed = False

    async def contacts(subject: Subject) -> Contacts:
        found = await contacts_of(subject)
        return replace(found, email=email) if changed else found

    async with running(make_world(contacts=contacts)) as world:
        ann, new = await world.enrolled("ann"), await world.browser("new")
        await ann.enroll_email()
        world.clock.advance(600)
        changed, sent = True, len(world.email.messages)
        reply = await new.api("POST", "enroll", {"factor": "email"})
        assert (reply.status, reply.reason) == (422, "no_contact")
        assert (await new.page("/mfa/enroll")).status == 200
        page = await ann.page("/mfa")
        assert page.status == 200
        assert "Bcc" not in page.text
        assert len(encode(await world.account("new"))) < 1_000
        assert len(world.email.messages) == sent
        # Another way is open, and codes go on to the address that was proven.
        answer: Any = await new.api("POST", "enroll", {"factor": "sms", "phone": "+1 202-555-0144"})
        assert answer.status == 201
        reply = await ann.api("POST", "challenge", {"authenticator": await ann.authenticator("email")})
        assert reply.status == 201
        assert world.email.messages[-1].to == "ann@alpha.example"
    assert "contacts: the e-mail address of new counts as none on file" in caplog.text
    assert "Bcc" not in caplog.text
    assert "aaaaa" not in caplog.text


def test_usual_addresses() -> None:
    """The longest one, one with letters of any script, and none at all stay as they are."""
    for email in ("", "a" * 242 + "@app.example", "änn@bücher.example", "o'neil+tag@app.example", "محمد@مثال.example"):
        assert may_be_mailbox(email), email
