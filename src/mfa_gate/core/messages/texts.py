"""A text message before the host's own words take its place."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """The words of one text message, in the language of its reader.

    ``kind`` is ``code``, or the event's kind of a notice. ``text`` are our words. A code's last line, by which phones
    fill the field, is not among them: it is added afterwards. ``headline`` is that of a notice.
    """

    kind: str
    text: str = field(repr=False)
    service: str = ""
    code: str = field(default="", repr=False)
    minutes: int = 0
    headline: str = ""


TextForm = Callable[[Text], str]
"""Give a text message its words: the host's own, or "" for ours."""


def own_words(text: Text, /) -> str:
    """Leave the words of a text message as they are."""
    return ""
