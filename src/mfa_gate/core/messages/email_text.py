"""An e-mail as plain text and as HTML.

Both are made of the same parts, so that the two never say different things.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Literal

from ..text_safety import one_line

Translate = Callable[[str], str]

SUBJECT_LENGTH = 120
SERVICE_LENGTH = 60
LINE_LENGTH = 100

_STYLES = {
    "text": "margin:0 0 16px",
    "code": "margin:0 0 16px;font-family:monospace;font-size:28px;font-weight:bold;letter-spacing:4px",
    "link": "margin:0 0 16px",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailText:
    """The words of one e-mail.

    ``html`` says what ``text`` says, with no image and nothing loaded from elsewhere.
    """

    subject: str = field(repr=False)
    text: str = field(repr=False)
    html: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Part:
    """One paragraph. A ``code`` or a ``link`` stands alone on its line."""

    text: str
    kind: Literal["text", "code", "link"] = "text"


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


def letter(*, subject: str, parts: Sequence[Part]) -> EmailText:
    """Write both forms of an e-mail.

    Values in ``parts`` were made harmless before; here they are only escaped.
    """
    text = "\n\n".join(part.text for part in parts) + "\n"
    body = "\n".join(_paragraph(part) for part in parts)
    html = (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{escape(subject)}</title></head>\n'
        f'<body style="font-family:sans-serif;font-size:16px;line-height:1.5">\n{body}\n</body></html>\n'
    )
    return EmailText(subject=subject, text=text, html=html)


def _paragraph(part: Part) -> str:
    words = escape(part.text).replace("\n", "<br>\n")
    if part.kind == "link":
        words = f'<a href="{words}">{words}</a>'
    return f'<p style="{_STYLES[part.kind]}">{words}</p>'


def asked_lines(*, when_text: str, where: str, label: str = "", browser: str = "", translate: Translate) -> Part | None:
    """Write the name of the factor, the time and the place, a line each.

    Returns None if none of them is known. The values are harmless already.
    """
    lines = []
    if label:
        lines.append(fill(N_("Name: “{label}”"), translate, label=label))
    if when_text:
        lines.append(fill(N_("When: {when}"), translate, when=when_text))
    if where:
        lines.append(fill(N_("Where: {where}"), translate, where=where))
    if browser:
        lines.append(fill(N_("Browser: {browser}"), translate, browser=browser))
    return Part("\n".join(lines)) if lines else None


def dispute_link(url: str) -> Part:
    """Put ``url`` on a line of its own.

    Raises ``ValueError`` unless it is one http(s) address.
    """
    if not url.startswith(("https://", "http://")) or not url.isprintable() or " " in url:
        raise ValueError("dispute_url must be one http(s) address")
    return Part(url, "link")


def not_you(*, owner: str, translate: Translate) -> Part:
    """Write the advice for a person who did not do this."""
    helper = one_line(owner, limit=LINE_LENGTH)
    if not helper:
        return Part(
            fill(N_("If this was not you, change your password and tell your administrator at once."), translate)
        )
    return Part(
        fill(N_("If this was not you, change your password and tell {owner} at once."), translate, owner=helper)
    )
