"""The words of codes that are sent: text message, e-mail and call, fixed but for the names they are given."""

from __future__ import annotations

from collections.abc import Callable

from .notices import NOTICE_KINDS, notice
from .wording import EmailText

__all__ = ["NOTICE_KINDS", "EmailText", "VoiceScript", "email_code", "notice", "sms_text", "voice_script"]

Translate = Callable[[str], str]
