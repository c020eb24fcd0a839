"""A mail before it has a form: its title, its parts, and its plain text.

The HTML form is made from the same parts (``web/message_forms.py``), so that the two never say different things.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from ..rules import BrandRules
from ..text_safety import one_line

Translate = Callable[[str], str]

SUBJECT_LENGTH = 120
SERVICE_LENGTH = 60
LINE_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailText:
    """One e-mail in its form.

    ``html`` says what ``text`` says; it is "" where there is plain text only.
    """

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """One paragraph of a mail.

    ``heading`` is the first line of a mail whose subject says something else. A ``code`` stands alone on its line.
    ``facts`` are short lines. A ``button`` leads to ``url``: ``text`` introduces it, and ``label`` stands on it. A
    ``note`` is small.
    """

    text: str
    kind: Literal["text", "heading", "code", "facts", "button", "note"] = "text"
    label: str = ""
    url: str = ""

    @property
    def plain(self) -> str:
        """Return the part as plain text. The address of a button stands alone on its line."""
        return f"{self.text}\n{self.url}" if self.url else self.text


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """The words of one mail, in the language of its reader.

    ``kind`` is the event's kind, or ``code``, ``trial``, ``reminder``, ``ticket``, ``dispute``. ``title`` is the headline that the
    subject says too; the plain text does not repeat it. ``service`` is the name that people know.
    """

    kind: str
    subject: str = field(repr=False)
    parts: tuple[Part, ...] = field(repr=False)
    service: str = ""
    title: str = ""

    @property
    def text(self) -> str:
        """Return the mail as plain text."""
        return "\n\n".join(part.plain for part in self.parts) + "\n"


LetterForm = Callable[[Letter, str, BrandRules], EmailText]
"""Give a letter its form: the letter, the language of its words, and the brand of its service."""


def plain_form(letter: Letter, lang: str, brand: BrandRules, /) -> EmailText:
    """Write a letter as plain text only."""
    return EmailText(subject=letter.subject, text=letter.text)


def N_(msgid: str) -> str:
    """Mark a text for the catalogues; it is translated where it is filled in."""
    return msgid


def fill(msgid: str, translate: Translate, /, **values: str) -> str:
    """Translate ``msgid`` and put in its values.

    The result is English where the translation lost one of them.

    A mistake in a catalogue must not send a person a message without the code.
    """
    try:
        text = translate(msgid).format(**values)
    except (LookupError, ValueError, AttributeError):
        return msgid.format(**values)
    return text if all(value in text for value in values.values()) else msgid.format(**values)


def duration(minutes: int, translate: Translate) -> str:
    """Write a number of minutes in words, at least one."""
    if minutes <= 1:
        return fill(N_("1 minute"), translate)
    return fill(N_("{minutes} minutes"), translate, minutes=str(minutes))


_TOLD, _BOTH = N_("{what}: {detail}"), N_("{first} {second}")


def told(what: str, detail: str, translate: Translate) -> str:
    """Write a thing and what is said of it, with the language's own colon."""
    return fill(_TOLD, translate, what=what, detail=detail)


def sentences(first: str, second: str, translate: Translate) -> str:
    """Write two sentences one after the other: some languages put no space between them."""
    return fill(_BOTH, translate, first=first, second=second)


def named(service: str) -> str:
    """Return the name of the service as it stands in a mail."""
    return one_line(service, limit=SERVICE_LENGTH)


def letter(kind: str, *, service: str, title: str, parts: tuple[Part, ...], translate: Translate) -> Letter:
    """Write a letter whose subject is the service and the title.

    Values in ``parts`` were made harmless before. ``service`` is shortened.
    """
    name = named(service)
    subject = one_line(fill(_TOLD, translate, what=name, detail=title) if name else title, limit=SUBJECT_LENGTH)
    return Letter(kind=kind, subject=subject, title=title, parts=parts, service=name)


def button(text: str, label: str, url: str) -> Part:
    """Make a button that leads to ``url``.

    Raises ``ValueError`` unless it is one http(s) address.
    """
    if not url.startswith(("https://", "http://")) or not url.isprintable() or " " in url:
        raise ValueError("the address of a button must be one http(s) address")
    return Part(text, "button", label, url)
