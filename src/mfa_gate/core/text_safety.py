"""The cleaning of foreign text (a name, a label) before it enters a message.

It removes control characters, links and, for text messages, other alphabets.
"""

from __future__ import annotations

import re
import unicodedata

MAX_REASON = 200
LABEL_LENGTH = 40
SMS_LENGTH = 160
"""The septets of one text message (GSM 03.38, 140 octets)."""
SMS_UNITS = 70
"""The UTF-16 units of one text message in any other alphabet (140 octets)."""

_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_MARKS = dict.fromkeys(map(ord, "\u00ad\u061c\u200b\u200e\u200f\u2060\ufeff"))
"""Marks without a look of their own, which come along with copied text, above all in Arabic."""
_JOINERS = re.compile("(?<=[^\x00-\x7f\u200c\u200d])[\u200c\u200d](?=[^\x00-\x7f\u200c\u200d])")
"""Joiners where they belong: Persian, Hindi and many emoji are written with them. Nobody hides one among ASCII letters."""
_SPACES = re.compile(r"\s+")
_SCHEME = re.compile(r"\s*:\s*/\s*/\s*")
_DOMAIN_DOT = re.compile(r"(?<=\w)[.。](?=[^\W\d_])")

_GSM7 = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
"""The basic table only. A character of the extension takes two septets, so it is replaced like all others."""

_LIKE = {
    **dict.fromkeys("\u2018\u2019\u201a\u2032`^", "'"),
    **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212\u2022\u00b7~", "-"),
    **dict.fromkeys("[{", "("),
    **dict.fromkeys("]}", ")"),
    **dict.fromkeys("|\\", "/"),
    "€": "EUR",
    "\u00d7": "x",
    "ł": "l",
    "Ł": "L",
    "đ": "d",
    "Đ": "D",
    "ð": "d",
    "Ð": "D",
    "þ": "th",
    "Þ": "Th",
    "œ": "oe",
    "Œ": "OE",
    "\u0131": "i",
}
"""Replacements for quotation marks, dashes, brackets and letters that no decomposition brings into the table."""


_FORMULA = frozenset("=+-@|%")
"""First characters by which spreadsheet programs take a text for a formula."""

LONGEST_MAILBOX = 254
"""Characters of an e-mail address (RFC 5321 4.5.3.1.3)."""


def names(text: str, word: str) -> bool:
    """Tell if ``text`` has ``word`` as a word of its own, not inside of a longer one.

    Only letters and digits of ASCII make a longer word: some languages write no space round a foreign name.
    """
    return re.search(rf"(?<!\w){re.escape(word)}(?!\w)", text, re.ASCII) is not None


def one_line(text: str, *, limit: int) -> str:
    """Make ``text`` one line of at most ``limit`` characters.

    Characters that cannot be seen, or that turn the direction of writing, are removed.
    """
    seen = text if text.isascii() and text.isprintable() else _seen(text, lost=" ")
    line = _SPACES.sub(" ", seen).strip()
    return line if len(line) <= limit else cut(line, limit - 1) + "…"


def cut(text: str, limit: int) -> str:
    """Return the beginning of ``text``, which ends with no blank and no joiner."""
    return text[:limit].rstrip(" \u200c\u200d")


def printable(text: str) -> str:
    """Drop the characters of ``text`` that cannot be seen, but for the joiners of its script."""
    return text if text.isprintable() else _seen(text, lost="")


def typed_line(text: str) -> str:
    """Return a text that a person typed as one line, without marks that have no look.

    Returns "" if it holds another character that cannot be seen.
    """
    line = " ".join(text.translate(_MARKS).split())
    return line if is_seen(line) else ""


def is_seen(text: str) -> bool:
    """Tell if each character of ``text`` can be seen, but for the joiners of its script."""
    return text.isprintable() or _JOINERS.sub("", text).isprintable()


def _seen(text: str, *, lost: str) -> str:
    text = text.translate(_MARKS)
    joiners = {found.start() for found in _JOINERS.finditer(text)}
    return "".join(
        " " if char.isspace() else lost if unicodedata.category(char) in _UNSEEN and place not in joiners else char
        for place, char in enumerate(text)
    )


def unlinked(text: str, *, limit: int = LABEL_LENGTH) -> str:
    """Make a user's text one line in which no mail program finds an address to link to (S-54)."""
    line = one_line(unicodedata.normalize("NFKC", text[: 4 * limit]), limit=4 * limit)
    return one_line(_DOMAIN_DOT.sub(". ", _SCHEME.sub(": ", line)), limit=limit)


def gsm7(text: str, *, lost: str = "") -> str:
    """Write ``text`` in characters that take one septet each.

    A character without a similar one becomes ``lost``.
    """
    composed = unicodedata.normalize("NFC", text)
    return composed if _GSM7.issuperset(composed) else "".join(_likeness(char, lost) for char in composed)


def units(text: str) -> int:
    """Return the length in UTF-16 units. For text in GSM-7 it is the number of septets."""
    return len(text) + sum(char > "\uffff" for char in text)


def is_one_segment(text: str) -> bool:
    """Tell if ``text`` is sent as one text message.

    It has room for 160 septets, or for 70 units of any other alphabet.
    """
    return units(text) <= (SMS_LENGTH if _GSM7.issuperset(text) else SMS_UNITS)


def gsm7_name(name: str, *, limit: int) -> str:
    """Write a name in GSM-7; "" if most of its letters would be lost."""
    line = one_line(name, limit=limit)
    kept = gsm7(line).strip()
    had, has = (sum(char.isalnum() for char in text) for text in (line, kept))
    return kept if 2 * has >= had else ""


def _likeness(char: str, lost: str) -> str:
    if char in _GSM7:
        return char
    if char in _LIKE:
        return _LIKE[char]
    if char.isspace():
        return " "
    parts = unicodedata.normalize("NFKD", char)
    kept = "".join(part for part in parts if part in _GSM7 and not part.isspace())
    return kept or lost


def no_formula(text: str) -> str:
    """Return a cell that no spreadsheet takes for a formula.

    A text that begins like one, also behind a blank or in wide letters, gets an apostrophe.
    """
    return f"'{text}" if unicodedata.normalize("NFKC", text).lstrip()[:1] in _FORMULA else text


def stated(text: str) -> str:
    """Return a reason or ticket number in the form that is stored: one printable line.

    Returns "" if there is none, if it is too long or if it is not printable.
    """
    line = typed_line(text)
    return line if len(line) <= MAX_REASON else ""


def may_be_mailbox(text: str) -> bool:
    """Tell if ``text`` may be an e-mail address: short enough, and all of it can be seen.

    A line break would write headers of its own in a careless sender.
    """
    return len(text) <= LONGEST_MAILBOX and text.isprintable()
