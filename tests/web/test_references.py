"""A problem has the reference of its line in the trail, and the log names the same."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator

import pytest

from mfa_gate.errors import SendFailed
from tests.harness import World, make_world, running


@pytest.fixture
async def world() -> AsyncIterator[World]:
    async with running(make_world()) as made:
        yield made


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
