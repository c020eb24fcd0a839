"""The values of mails and text messages, for the templates that give them their form."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

from ...core.messages.letter import Letter, Part
from ...core.messages.texts import Text
from ...core.rules import BrandRules
from ..color import DARK_GROUNDS, LIGHT_GROUNDS, mix, to_hex
from ..theme import TEXTS, colors_of
from .frame import direction


@dataclass(frozen=True, slots=True, kw_only=True)
class MailColors:
    """The colors of one theme, as CSS hex: the page, the card on it, and what stands there."""

    page: str
    card: str
    text: str
    muted: str
    line: str
    soft: str
    accent: str
    on_accent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """A mail. Its words are ready; the template gives them their form.

    ``kind`` is the event's kind, or ``code``, ``trial``, ``reminder``, ``dispute``. Each of ``parts`` has a ``kind``
    (``text``, ``heading``, ``code``, ``facts``, ``button``, ``note``), its ``text``, and a button has a ``label`` and a
    ``url``. ``text`` is the whole mail as plain text. ``font`` is the brand's, and ``radius`` in pixels.
    """

    templates: ClassVar[tuple[str, ...]] = ("mails/letter.html", "mails/letter.txt")
    kind: str
    subject: str
    title: str
    parts: tuple[Part, ...]
    text: str
    service: str
    lang: str
    light: MailColors
    dark: MailColors
    font: str = ""
    radius: int = 12

    @property
    def dir(self) -> str:
        """Return the direction of the mail's text."""
        return direction(self.lang)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMessage:
    """A text message. The host's words are taken if they fit one segment and hold the code.

    ``kind`` is ``code``, or the event's kind. ``text`` are our words. ``code`` and ``minutes`` (its life) are those of a
    code, ``headline`` is that of a notice. The last line of a code, which phones read, is added afterwards.
    """

    templates: ClassVar[tuple[str, ...]] = ("texts/code.txt", "texts/notice.txt")
    kind: str
    text: str
    service: str
    lang: str
    code: str = ""
    minutes: int = 0
    headline: str = ""


def mail_view(letter: Letter, lang: str, brand: BrandRules) -> Mail:
    """Make the values of a mail from a letter and the brand."""
    return Mail(
        kind=letter.kind,
        subject=letter.subject,
        title=letter.title,
        parts=letter.parts,
        text=letter.text,
        service=letter.service,
        lang=lang,
        light=mail_colors(brand, dark=False),
        dark=mail_colors(brand, dark=True),
        font=brand.font,
        radius=brand.radius,
    )


def text_view(text: Text, lang: str) -> TextMessage:
    """Make the values of a text message."""
    return TextMessage(
        kind=text.kind,
        text=text.text,
        service=text.service,
        lang=lang,
        code=text.code,
        minutes=text.minutes,
        headline=text.headline,
    )


@lru_cache(maxsize=64)
def mail_colors(brand: BrandRules, *, dark: bool) -> MailColors:
    """Make the colors of mails for one theme: those of the pages."""
    card, page = (DARK_GROUNDS if dark else LIGHT_GROUNDS)[:2]
    text = TEXTS[dark]
    ours = {
        "--page": to_hex(page),
        "--surface": to_hex(card),
        "--text": to_hex(text),
        "--muted": to_hex(mix(text, card, 0.3)),
        "--line": to_hex(mix(card, text, 0.14)),
    }
    made = {**ours, **colors_of(brand, dark=dark)}
    return MailColors(
        page=made["--page"],
        card=made["--surface"],
        text=made["--text"],
        muted=made["--muted"],
        line=made["--line"],
        soft=made["--accent-soft"],
        accent=made["--accent"],
        on_accent=made["--on-accent"],
    )
