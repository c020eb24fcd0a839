"""The words of a call as TwiML: a greeting that waits for one key, and a good-bye."""

from __future__ import annotations

from dataclasses import dataclass

HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
WAIT = 10
"""Seconds in which a key may be pressed after the last word."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A language of ``<Say>``. ``voice`` is named where the default voice does not speak it."""

    language: str
    voice: str = ""


def ask_for_key(words: tuple[str, ...], *, action: str, goodbye: str, spoken: Spoken) -> str:
    """Say ``words`` and send the first key to ``action``; silence ends with ``goodbye``.

    ``finishOnKey`` is empty, because by default # ends the input and is not part of it.
    """
    from xml.sax.saxutils import quoteattr

    said = "".join(say(text, spoken) for text in words)
    gather = (
        f'<Gather input="dtmf" numDigits="1" finishOnKey="" timeout="{WAIT}" method="POST" action={quoteattr(action)}>'
        f"{said}</Gather>"
    )
    return f"{HEAD}<Response>{gather}{say(goodbye, spoken)}<Hangup/></Response>"


def say_and_hang_up(words: tuple[str, ...], *, spoken: Spoken) -> str:
    """Say ``words``, then end the call."""
    said = "".join(say(text, spoken) for text in words)
    return f"{HEAD}<Response>{said}<Hangup/></Response>"


def say(text: str, spoken: Spoken) -> str:
    """Speak one sentence; nothing in it is markup."""
    from xml.sax.saxutils import escape, quoteattr

    words = "".join(char if char.isprintable() else " " for char in text)  # XML has no place for the others
    voice = f" voice={quoteattr(spoken.voice)}" if spoken.voice else ""
    return f"<Say language={quoteattr(spoken.language)}{voice}>{escape(words)}</Say>"
