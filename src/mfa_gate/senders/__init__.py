"""The senders that come with the package. Each loads when it is first named.

A sender delivers one message, or raises ``SendFailed`` with one of these reasons. ``unreachable``: it was never handed
over. ``timeout``: it may have been handed over, and no answer came. It may still arrive, so no sender sends it again by
itself. The others are ``refused``, ``rejected-destination`` and ``opted-out``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .console import ConsoleSender
    from .push import WebPushSender
    from .smtp import SMTPSender
    from .twilio import TwilioSender, TwilioVoiceSender
    from .webhook import WebhookSender

__all__ = ["ConsoleSender", "SMTPSender", "TwilioSender", "TwilioVoiceSender", "WebPushSender", "WebhookSender"]

_HOMES = {
    "ConsoleSender": "console",
    "SMTPSender": "smtp",
    "TwilioSender": "twilio",
    "TwilioVoiceSender": "twilio",
    "WebPushSender": "push",
    "WebhookSender": "webhook",
}


if not TYPE_CHECKING:  # hidden from type checkers: they would accept every misspelled name

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(import_module(f".{_HOMES[name]}", __name__), name)


def __dir__() -> list[str]:
    return __all__
