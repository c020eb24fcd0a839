"""The shape of one refusal: its word, its status and its words for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Sentence:
    """The words of a page beside a form, with its special cases.

    Each one is translated.

    ``by_detail`` is used for a detail that it names, ``detailed`` (holds ``%(detail)s``, and may hold ``%(about)s``) for any
    other detail.
    ``lasting`` (holds ``%(length)s``) is used for a number of seconds, ``behind`` for one below zero.
    """

    text: str
    detailed: str = ""
    lasting: str = ""
    behind: str = ""
    by_detail: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for a sentence without words, or a case without its value."""
        if not self.text or not all(self.by_detail.values()):
            raise ValueError("a sentence needs words")
        values = ((self.detailed, "%(detail)s"), (self.lasting, "%(length)s"), (self.behind, "%(length)s"))
        if any(words and value not in words for words, value in values):
            raise ValueError(f"a case of the sentence {self.text!r} does not say its value")

    def words(self, *, seconds: int = 0, detail: str = "") -> str:
        """Return the sentence for ``seconds`` and ``detail``, not yet translated or filled in."""
        if detail in self.by_detail:
            return self.by_detail[detail]
        if detail and self.detailed:
            return self.detailed
        if seconds < 0 and self.behind:
            return self.behind
        return self.lasting if seconds > 0 and self.lasting else self.text

    def every(self) -> tuple[str, ...]:
        """Return every text that may be shown, for the catalogues."""
        return tuple(filter(None, (self.text, self.detailed, self.lasting, self.behind, *self.by_detail.values())))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One row of the table.

    ``title`` heads a problem document; ``text`` says what to do next. Both are translated where shown.

    ``beside_form`` is said on a page beside the form that was refused; without it, the page says title and text.
    ``untyped`` are title and text where no code is typed: a passkey, a phone that approves, a call.
    """

    word: str
    status: int
    title: str
    text: str
    beside_form: Sentence | None = None
    untyped: tuple[str, str] | None = None

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for a row without words, or a status that is no refusal."""
        if not (self.word and self.title and self.text) or (self.untyped is not None and not all(self.untyped)):
            raise ValueError(f"the reason {self.word!r} lacks words")
        if not 400 <= self.status <= 599:
            raise ValueError(f"the reason {self.word!r} has the status {self.status}")
