"""Hand a message to its sender in time, and tell how it failed.

May it still arrive, and which reason goes to the log?
"""

from __future__ import annotations

import asyncio
import logging

from ..core.text_safety import one_line
from ..errors import SendFailed
from ..ports import Message, Sender
from .effects import Effects

log = logging.getLogger("mfa_gate")

MAX_CAUSE = 200
UNKNOWN = "timeout"
"""The reason of a message that may have been handed over: it may still arrive."""
ANSWER_WITHIN = 3.25
"""Seconds that anybody waits for a sender (F-21). Our own take three to say that they have not even connected."""
GIVEN_UP_AFTER = 30.0
"""Seconds after which a sender is stopped that has no time-out of its own."""


async def hand_over(effects: Effects, sender: Sender, message: Message) -> SendFailed | None:
    """Hand a message to its sender, once. Returns the failure, or None.

    If no answer comes in time, the sender goes on in the background, and the reason is ``UNKNOWN``.
    """
    answers: list[SendFailed | None] = []

    async def send() -> None:
        answers.append(await _failure_of(sender, message))

    await asyncio.wait((effects.later(send()),), timeout=ANSWER_WITHIN)
    return answers[0] if answers else SendFailed(UNKNOWN, transient=True, detail="no answer in time")


async def _failure_of(sender: Sender, message: Message) -> SendFailed | None:
    try:
        async with asyncio.timeout(GIVEN_UP_AFTER):
            await sender.send(message)
    except SendFailed as error:
        return error
    except Exception:
        log.exception(
            "a sender raised another exception than SendFailed, so nobody knows if its message went out: let it raise "
            "SendFailed"
        )
        return SendFailed(UNKNOWN, transient=True, detail="an exception of the sender's own")
    return None


def is_unknown(error: SendFailed) -> bool:
    """Tell if the message may still arrive."""
    return error.reason == UNKNOWN


def cause_of(error: Exception) -> str:
    """Say in one bounded line why a message was not delivered.

    Of any other kind of exception, only its name is given.
    """
    return one_line(str(error), limit=MAX_CAUSE) if isinstance(error, SendFailed) else type(error).__name__
