"""Hand a message to its sender in time, and tell how it failed.

May it still arrive, and which reason goes to the log?
"""

from __future__ import annotations

import asyncio
import logging

from ..core.text_safety import one_line
from ..errors import SendFailed
from ..host_faults import misbehaved
from ..ports import Message, Sender
from .effects import Effects

log = logging.getLogger("mfa_gate")

MAX_CAUSE = 200
UNKNOWN = "timeout"
"""The reason of a message that may have been handed over: it may still arrive."""
ANSWER_WITHIN = 3.25
"""Seconds that anybody waits for a sender (F-21). Our own take three to say that they have not even connected."""
NOTICE_WITHIN = 8.0
"""Seconds after which a notice may have arrived. A missed event has a little more for all of its notices."""
GIVEN_UP_AFTER = 30.0
"""Seconds after which a sender is stopped that has no time-out of its own."""


async def deliver(effects: Effects, sender: Sender, message: Message, *, within: float) -> None:
    """Hand a message to its sender, once. Raises what the sender raises.

    If no answer comes in ``within`` seconds, ``SendFailed`` is raised with the reason ``UNKNOWN``. The sender goes on in the
    background, and the log says how it failed.
    """
    ends: list[Exception | None] = []
    is_late = False

    async def send() -> None:
        error = await _failure_of(sender, message)
        ends.append(error)
        if is_late and error is not None:
            cause = cause_of(error)
            log.warning(
                "a message by %s whose sender took long has failed (%s): %s", message.channel, message.key, cause
            )

    task = effects.later(send())
    await asyncio.wait((task,), timeout=within)
    is_late = not ends
    if is_late:
        detail = "the sender ended its own task" if task.done() else "no answer in time"
        raise SendFailed(UNKNOWN, transient=True, detail=detail)
    if ends[0] is not None:
        raise ends[0]


async def hand_over(effects: Effects, sender: Sender, message: Message) -> SendFailed | None:
    """Hand a message to its sender, once, while somebody waits. Returns the failure, or None."""
    try:
        await deliver(effects, sender, message, within=ANSWER_WITHIN)
    except SendFailed as error:
        return error
    except Exception:
        log.exception(
            "a sender raised another exception than SendFailed, so nobody knows if its message went out: let it raise "
            "SendFailed"
        )
        return SendFailed(UNKNOWN, transient=True, detail="an exception of the sender's own")
    return None


async def _failure_of(sender: Sender, message: Message) -> Exception | None:
    try:
        async with asyncio.timeout(GIVEN_UP_AFTER) as limit:
            await sender.send(message)
    except Exception as error:
        return SendFailed(UNKNOWN, transient=True, detail="it has no time-out of its own") if limit.expired() else error
    except BaseException as error:
        return misbehaved("the sender", error)
    return None


def is_unknown(error: SendFailed) -> bool:
    """Tell if the message may still arrive."""
    return error.reason == UNKNOWN


def cause_of(error: Exception) -> str:
    """Say in one bounded line why a message was not delivered.

    Of any other kind of exception, only its name is given.
    """
    return one_line(str(error), limit=MAX_CAUSE) if isinstance(error, SendFailed) else type(error).__name__
