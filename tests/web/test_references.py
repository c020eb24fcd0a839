"""A problem has the reference of its line in the trail, and the log names the same."""

from __future__ import annotations

import logging
import re

import pytest

from mfa_gate.errors import SendFailed
from tests.harness import FORM, PAGE, World


@pytest.mark.parametrize("call", ["challenge", "enroll"])
async def test_a_message_that_was_not_delivered(world: World, call: str, caplog: pytest.LogCaptureFixture) -> None:
    """The reference leads from the answer, and from the log, to the line of the trail."""
    ann = await world.enrolled()
    body = {"authenticator": await ann.enroll_email()} if call == "challenge" else {"factor": "sms"}
    world.clock.advance(60)
    world.email.failure = world.sms.failure = SendFailed("unreachable", transient=True)
    with caplog.at_level(logging.WARNING, logger="mfa_gate"):
        reply = await ann.api("POST", call, {**body, **({} if call == "challenge" else {"phone": "+12025550142"})})
    (event,) = world.kinds("challenge.send_failed")
    assert (reply.reason, reply.json()["ref"]) == ("send_failed", event.id)
    assert f"was not delivered (ref {event.id})" in caplog.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/mfa/nothing"),
        ("DELETE", "/mfa"),
        ("GET", "/mfa/admin/accounts/nobody"),
        ("GET", "/mfa/dispute/nothing"),
        ("GET", "/mfa/enroll/nothing"),
    ],
)
async def test_an_error_page_without_an_event(
    world: World, method: str, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    """The log names its reference, since the trail has no line of it (U-57)."""
    boss = await world.enrolled("boss", groups=["admin"])
    with caplog.at_level(logging.INFO, logger="mfa_gate"):
        reply = await boss.ask(method, path)
    assert reply.status in (404, 405, 422)
    found = re.search(r"([A-Z0-9]{10})</code>", reply.text)
    assert found is not None, reply.text
    # A link of a mail is a secret.
    assert (
        f"mfa_gate: {method} {path.removesuffix('/nothing') if 'dispute' in path else path} is refused" in caplog.text
    )
    assert f"(ref {found[1]})" in caplog.text


async def test_a_form_at_an_unlisted_address(world: World, caplog: pytest.LogCaptureFixture) -> None:
    """The page that leads to the right address has a reference, too (U-57)."""
    ann = await world.enrolled()
    with caplog.at_level(logging.INFO, logger="mfa_gate"):
        headers = [*PAGE, FORM, ("origin", "https://other.example")]
        reply = await ann.ask("POST", "/mfa", headers=headers, body=b"action=everywhere")
    found = re.search(r"([A-Z0-9]{10})</code>", reply.text)
    assert (reply.status, found is not None) == (403, True)
    assert found is not None
    assert f"mfa_gate: POST /mfa is refused: csrf (ref {found[1]})" in caplog.text
