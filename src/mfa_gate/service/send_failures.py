"""Messages that were not delivered: may they still arrive, and the reason for the log."""

from __future__ import annotations

from ..core.text_safety import one_line
from ..errors import SendFailed

MAX_CAUSE = 200
UNKNOWN = "timeout"
"""The reason of a message that may have been handed over: it may still arrive."""


def is_unknown(error: SendFailed) -> bool:
    """Tell if the message may still arrive."""
    return error.reason == UNKNOWN


def cause_of(error: Exception) -> str:
    """Say in one bounded line why a message was not delivered.

    Of any other kind of exception, only its name is given.
    """
    return one_line(str(error), limit=MAX_CAUSE) if isinstance(error, SendFailed) else type(error).__name__
