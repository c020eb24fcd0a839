"""The words of a call that confirms a sign-in or reads a code (S-56)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ..text_safety import one_line
from .letter import N_, SERVICE_LENGTH, Translate, fill


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceScript:
    """The words of a call.

    ``greeting`` and ``prompt`` are said at once, ``confirmed`` only after the # key, then ``goodbye``.

    A code is only in ``confirmed``, so that no voice mailbox records it (S-56).
    """

    greeting: str
    prompt: str
    confirmed: str = field(repr=False)
    goodbye: str


def voice_script(
    *, service: str, translate: Translate, confirm: Literal["pound", "code"] = "pound", code: str = ""
) -> VoiceScript:
    """Write the words of a call.

    ``confirm`` "pound": the # key confirms. "code": the call reads ``code``, twice (S-56).

    Raises ``ValueError`` for "code" without a code.
    """
    name = one_line(service, limit=SERVICE_LENGTH)
    greeting = fill(N_("Hello. This is the sign-in call from {service}."), translate, service=name)
    goodbye = fill(N_("Goodbye."), translate)
    if confirm == "pound":
        return VoiceScript(
            greeting=greeting,
            prompt=fill(
                N_("If you're signing in now, press the pound key. If you're not, hang up and change your password."),
                translate,
            ),
            confirmed=fill(N_("Thank you. You can go back to your browser."), translate),
            goodbye=goodbye,
        )
    if not code:
        raise ValueError("a call that reads a code needs one")
    return VoiceScript(
        greeting=greeting,
        prompt=fill(
            N_("To hear your security code, press the pound key. If you didn't ask for it, hang up."), translate
        ),
        confirmed=fill(N_("Your security code is: {digits}. Again: {digits}."), translate, digits=", ".join(code)),
        goodbye=goodbye,
    )
