"""The time that a sender has, and the cause of a failure for the log."""

from __future__ import annotations

import asyncio

import pytest

from mfa_gate.errors import SendFailed
from mfa_gate.ports import Message
from mfa_gate.service import Issued, send_failures
from mfa_gate.service.send_failures import cause_of
from tests.attacks.test_blame import caller_of
from tests.harness import World


async def test_nobody_waits_for_a_sender_that_hangs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The person is told in time that the message may still arrive (F-21).

    Its code counts when it does.
    """
    monkeypatch.setattr(send_failures, "ANSWER_WITHIN", 0.05)
    ann = await world.browser()
    mail = await ann.enroll_email()
    world.clock.advance(60)
    answers, deliver = asyncio.Event(), world.email.send

    async def slowly(message: Message) -> None:
        await answers.wait()
        await deliver(message)

    monkeypatch.setattr(world.email, "send", slowly)
    issued = await asyncio.wait_for(world.gate.service.challenges.begin(caller_of(ann), mail), 20)
    assert isinstance(issued, Issued)
    assert (issued.failed, issued.resend_at - world.engine.now()) == ("timeout", 30)
    answers.set()
    await world.engine.effects.idle()
    assert world.email.messages[-1].key == issued.challenge.id
    assert (await ann.api("POST", "verify", {"authenticator": mail, "response": world.email.codes[-1]})).status == 200


async def test_a_failure_that_comes_late_is_logged(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The provider's reason is told although nobody waits for it any more (F-21)."""
    monkeypatch.setattr(send_failures, "ANSWER_WITHIN", 0.02)
    answers = asyncio.Event()

    async def slowly(message: Message) -> None:
        await answers.wait()
        raise SendFailed("rejected-destination", transient=False, detail="SMTP 550")

    monkeypatch.setattr(world.email, "send", slowly)
    message = Message(channel="email", to="ann@alpha.example", tenant="alpha", text="x", key="k")
    failed = await send_failures.hand_over(world.engine.effects, world.email, message)
    assert failed is not None
    assert failed.reason == "timeout"
    answers.set()
    await world.engine.effects.idle()
    assert "rejected-destination: SMTP 550" in caplog.text
    assert message.to not in caplog.text


async def test_a_sender_without_an_end_is_stopped(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It holds no background work for good, and the log does not blame it for an exception."""
    monkeypatch.setattr(send_failures, "ANSWER_WITHIN", 0.02)
    monkeypatch.setattr(send_failures, "GIVEN_UP_AFTER", 0.05)
    ended = asyncio.Event()

    async def never(message: Message) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    monkeypatch.setattr(world.email, "send", never)
    message = Message(channel="email", to="ann@alpha.example", tenant="alpha", text="x", key="k")
    failed = await send_failures.hand_over(world.engine.effects, world.email, message)
    assert failed is not None
    assert send_failures.is_unknown(failed)
    await asyncio.wait_for(ended.wait(), 20)
    await world.engine.effects.idle()
    assert "it has no time-out of its own" in caplog.text
    assert "another exception" not in caplog.text


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (SendFailed("refused", transient=False, detail="no such\nmailbox"), "refused: no such mailbox"),
        (RuntimeError("a secret"), "RuntimeError"),
    ],
)
def test_a_cause_is_one_line_without_secrets(error: Exception, cause: str) -> None:
    """Another exception may say anything, so its words are left out."""
    assert cause_of(error).replace("  ", " ") == cause


def test_a_long_cause_is_cut() -> None:
    """A provider fills no log."""
    assert len(cause_of(SendFailed("refused", transient=False, detail="x" * 500))) == 200
