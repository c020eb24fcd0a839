"""Messages that were not delivered: may they still arrive, and how the log says why."""

from __future__ import annotations

from ..core.text_safety import one_line
from ..errors import SendFailed

MAX_CAUSE = 200
UNKNOWN = "timeout"
"""The reason of a message that may have been handed over: it may still arrive."""


def is_unknown(error: SendFailed) -> bool:
    """Tell whether the message may still arrive."""
    return error.reason == UNKNOWN


def cause_of(error: Exception) -> str:
    """Say in one bounded line why a message was not delivered. An exception of another kind is named only."""
    return one_line(str(error), limit=MAX_CAUSE) if isinstance(error, SendFailed) else type(error).__name__
