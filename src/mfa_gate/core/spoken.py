"""A sentence of the policy that people read: one text, or one a language."""

from __future__ import annotations

from collections.abc import Mapping

ENGLISH = "en"


class Spoken(str):
    """A text, with other words for it by language.

    The text itself is read by people whose language has none: the English one, else the first. ``by`` holds the texts by
    their tags ("de", "pt-BR"); it is empty where one text is for all.
    """

    __slots__ = ("by",)
    by: Mapping[str, str]

    def __new__(cls, text: str = "", by: Mapping[str, str] | None = None) -> Spoken:
        """Make a sentence from ``text``, or from the texts ``by`` language."""
        texts = dict(by or {})
        made = super().__new__(cls, texts.get(ENGLISH) or next(iter(texts.values()), text))
        made.by = texts
        return made

    def __eq__(self, other: object) -> bool:
        """Compare the text and all other words for it."""
        theirs = other.by if isinstance(other, Spoken) else {}
        return str.__eq__(self, other) is True and self.by == theirs

    def __ne__(self, other: object) -> bool:
        """Compare as ``==`` does."""
        return not self == other

    def __hash__(self) -> int:
        """Hash as the text does."""
        return str.__hash__(self)

    def __reduce__(self) -> tuple[type[Spoken], tuple[str, dict[str, str]]]:
        """Copy and pickle with all languages."""
        return Spoken, (str(self), dict(self.by))


def texts_of(text: str) -> tuple[str, ...]:
    """Return every text that may be shown for a sentence."""
    return tuple(text.by.values()) if isinstance(text, Spoken) and text.by else (text,)


def spoken_in(text: str, lang: str) -> str:
    """Return a sentence in a language, or in its main part ("pt" for "pt-BR"), else as it is."""
    by = text.by if isinstance(text, Spoken) else {}
    return by.get(lang) or by.get(lang.partition("-")[0]) or str(text)
