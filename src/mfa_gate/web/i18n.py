"""Choose the language of a request (U-64), and give its words.

gettext reads the catalogues at run time. Babel has made them beforehand.
"""

from __future__ import annotations

import gettext
import io
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources.abc import Traversable
from typing import Protocol

from ..core.browser_names import own_browser_name
from ..core.rules import Rules
from ..core.rules.sections import CONTACT
from ..core.spoken import Spoken, spoken_in
from ..factors import BUILT_IN
from ..factors.passkey_checks import SECURITY_KEY
from .cookies import cookie_value
from .resources import folder
from .types import Scope

__all__ = [
    "DOMAIN",
    "LANG_COOKIE",
    "OWN_NAME",
    "PSEUDO",
    "ZONE",
    "ZONE_COOKIE",
    "Languages",
    "Pseudo",
    "Words",
    "available",
    "native_name",
    "negotiate",
    "own_name",
    "translator",
]

LANG_COOKIE = b"mfa-lang"
ZONE_COOKIE = b"mfa-zone"
"""The cookie in which our script tells the time zone of the browser, for the times in mails."""
MAX_ACCEPT = 512
ZONE = re.compile(r"[A-Za-z][A-Za-z0-9_+-]{0,31}(?:/[A-Za-z0-9_+-]{1,31}){0,2}")
"""The form of a time zone's name. One that no zone has is read as UTC later."""

DOMAIN = "mfa_gate"
OWN_NAME = "English"
"""The text for which a host's catalogue has the language's own name."""
PSEUDO = "en-XA"
_NAMES = {
    "en": "English",
    "ar": "العربية",
    "de": "Deutsch",
    "es": "Español",
    "fr": "Français",
    "pt-BR": "Português (Brasil)",
    "vi": "Tiếng Việt",
    "zh-Hans": "简体中文",
    PSEUDO: "Ƥşḗŭḓǿ",
}
_OTHER_SCRIPT = re.compile(r"zh-(?:hant|tw|hk|mo)\b")
"""Tags of a language whose readers do not read our catalogue of it."""


NAMES_OF_KINDS = frozenset((*(traits.name for traits in BUILT_IN.traits.values()), SECURITY_KEY))
"""Names that authenticators have until their people choose others. They are stored in English."""
MAX_NAMES = 4096


class Words(Protocol):
    """A catalogue: it gives the templates a text in the reader's language."""

    def gettext(self, message: str, /) -> str:
        """Return the text for ``message``."""

    def ngettext(self, one: str, many: str, count: int, /) -> str:
        """Return the text for ``count`` things."""

    def __hash__(self) -> int: ...


def own_name(label: str, words: Words) -> str:
    """Say the name of an authenticator or of a browser in the reader's words.

    A name that nobody chose is that of its kind, with a number where there are several, or that of a browser and its
    system. Any other name stays.
    """
    base, _, number = label.rpartition(" ")
    base = base if number.isdecimal() else label
    if base in NAMES_OF_KINDS:
        return words.gettext(base) + label[len(base) :]
    return own_browser_name(label, words.gettext)


@cache
def available() -> tuple[str, ...]:
    """List the languages that have a catalogue, English first."""
    found = sorted(
        place.name for place in folder("locale").iterdir() if place.is_dir() and _catalogue(place.name).is_file()
    )
    return ("en", *found)


def native_name(lang: str) -> str:
    """Return the language's own name, for the switcher."""
    return _NAMES.get(lang, lang)


@cache
def translator(lang: str) -> Words:
    """Return the catalogue of ``lang``.

    An unknown language gets English, the language of the sources.
    """
    if lang == PSEUDO:
        return Pseudo()
    if lang not in available() or lang == "en":
        return gettext.NullTranslations()
    return gettext.GNUTranslations(io.BytesIO(_catalogue(lang).read_bytes()))


def _catalogue(lang: str) -> Traversable:
    return folder("locale").joinpath(lang).joinpath("LC_MESSAGES").joinpath(f"{DOMAIN}.mo")


class Languages:
    """The languages that the pages offer: ours, and those of the host's catalogues.

    A word of the host goes before ours in the same language. A text without a word is in English.
    """

    def __init__(self, own: Mapping[str, gettext.GNUTranslations] | None = None) -> None:
        self._own = dict(own or {})
        self.tags = tuple(dict.fromkeys((*available(), *sorted(self._own))))
        self.words: Callable[[str], Words] = self._words if self._own else translator
        """Return the words of the pages in a language."""
        self.own_name: Callable[[str, str], str] = lru_cache(maxsize=MAX_NAMES)(
            lambda label, lang: own_name(label, self.words(lang))
        )
        """Say the name of an authenticator or a browser (the first argument) in a language (the second)."""

    def of(self, scope: Scope) -> str:
        """Return the tag of the reader's language.

        It is the language that was chosen before, else the best of ``Accept-Language``.
        """
        accept = b",".join([value for key, value in scope["headers"] if key == b"accept-language"])
        return negotiate(
            cookie=cookie_value(scope, LANG_COOKIE),
            accept_language=accept[:MAX_ACCEPT].decode("latin-1"),
            languages=self.tags,
        )

    def _words(self, lang: str) -> Words:
        own = self._own.get(lang)
        if own is None:
            return translator(lang)
        return _Both(own, translator(lang))

    def whom_to_ask(self, rules: Rules, lang: str) -> tuple[str, str]:
        """Return the contact of ``rules`` in the reader's language, and the owner of the policy.

        The owner is "" where the policy has a contact of its own.
        """
        contact = rules.recovery.contact
        if contact == CONTACT:
            return self.words(lang).gettext(CONTACT), rules.owner
        if isinstance(contact, Spoken):
            contact = spoken_in(contact, lang)
        return contact, "" if contact else rules.owner

    def named(self) -> tuple[tuple[str, str], ...]:
        """List every language: its tag and its own name, for the switcher."""
        return tuple((tag, self._name(tag)) for tag in self.tags)

    def _name(self, tag: str) -> str:
        own = self._own.get(tag)
        told = own.gettext(OWN_NAME) if own else OWN_NAME
        return native_name(tag) if told == OWN_NAME else told


@dataclass(frozen=True, slots=True)
class _Both:
    """The words of the host, and ours where it has none."""

    first: gettext.GNUTranslations
    second: Words

    def gettext(self, message: str, /) -> str:
        """Return the text for ``message``."""
        found = self.first.gettext(message)
        return self.second.gettext(message) if found == message else found

    def ngettext(self, one: str, many: str, count: int, /) -> str:
        """Return the text for ``count`` things."""
        found = self.first.ngettext(one, many, count)
        return self.second.ngettext(one, many, count) if found in (one, many) else found


@lru_cache(maxsize=512)
def negotiate(*, cookie: str = "", accept_language: str = "", languages: tuple[str, ...] | None = None) -> str:
    """Choose the language to use (U-64).

    The language that was chosen before comes first, then the best of ``Accept-Language`` (RFC 9110, 12.5.4), then
    English. A malformed value is skipped. The result is always a known tag.
    """
    known = available() if languages is None else languages
    if cookie in known:
        return cookie
    wanted: list[tuple[float, int, str]] = []
    for place, part in enumerate(accept_language[:MAX_ACCEPT].split(",")):
        tag, _, quality = part.strip().partition(";")
        match = re.fullmatch(r"\s*q=([01](?:\.\d{0,3})?)\s*", quality) if quality else None
        if quality and match is None:
            continue
        weight = float(match.group(1)) if match else 1.0
        if weight > 0:
            wanted.append((-weight, place, tag.strip().lower()))
    by_tag = {tag.lower(): tag for tag in reversed(known)}
    by_language = {tag.lower().partition("-")[0]: tag for tag in reversed(known) if tag != PSEUDO}
    for _weight, _place, tag in sorted(wanted):
        language = "" if _OTHER_SCRIPT.match(tag) else tag.partition("-")[0]
        found = by_tag.get(tag) or by_tag.get(language) or by_language.get(language)
        if found:
            return found
    return "en"


_ACCENTED = str.maketrans(
    "abcdefghijklmnoprstuwyzABCDEFGHIJKLMNOPRSTUWYZ", "ȧƀƈḓḗƒɠħīĵķŀḿƞǿƥřşŧŭẇẏẑȦƁƇḒḖƑƓĦĪĴĶĿḾȠǾƤŘŞŦŬẆẎẐ"
)
_KEPT = re.compile(r"(%\(\w+\)[0-9]*[a-z]|\{\w+\}|%%|<[^>]*>|&\w+;)")


@dataclass(frozen=True, slots=True)
class Pseudo:
    """A language for tests: accented and 40 % longer.

    It shows words that no catalogue can translate, and places that are too tight.
    """

    def gettext(self, message: str, /) -> str:
        """Return ``message`` in brackets, its letters accented, its placeholders whole."""
        parts = _KEPT.split(message)
        text = "".join(part if i % 2 else part.translate(_ACCENTED) for i, part in enumerate(parts))
        longer = " ~~~~~" * (len(message) // 15) + "~" * (len(message) * 2 // 5 % 6)
        return f"⟦{text}{longer}⟧"

    def ngettext(self, one: str, many: str, count: int, /) -> str:
        """Choose by the English rule: one thing, or more."""
        return self.gettext(one if count == 1 else many)
