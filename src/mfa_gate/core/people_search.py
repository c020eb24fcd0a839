"""The search among the people of a tenant.

Page, JSON call and command know the same words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from .person_line import PersonLine
from .rules import DAY
from .summary import STATUSES
from .trail_search import BadFilter, read_words

WORDS = {
    "status": f"the state: {', '.join(STATUSES)}",
    "q": "a part of the id or the name",
    "factor": "a kind of factor that the person has",
    "resistant": "yes or no: has a factor that resists phishing",
    "texts_only": "yes or no: has nothing but text messages and calls",
    "unused": "days in which nothing was confirmed, such as 90",
    "locked_by": "attempts, rolling, administrator, or the id of the one who locked",
    "break_glass": "asked or open",
    "disputed": "yes or no: said in the last day that something was not them",
    "ticket": "yes or no: has an enrollment ticket that can be used",
    "agreement": "the version that was accepted last, or none",
}
"""The filters, with their meaning. A word that is not here is refused, never ignored."""

SORTS = ("id", "name", "last", "-id", "-name", "-last")
"""The orders: by id, by name, by the last confirmation. A hyphen turns one round."""

MAX_DAYS = 36_500
CHOICES: Mapping[str, tuple[str, ...]] = {
    "status": STATUSES,
    "break_glass": ("asked", "open"),
    **dict.fromkeys(("resistant", "texts_only", "disputed", "ticket"), ("yes", "no")),
}
"""The values of the filters that have few."""
_OF_SUMMARY = frozenset({"status", "q", "factor", "resistant", "texts_only", "unused"})


def _is(line: PersonLine, name: str, word: str) -> bool:
    return bool(getattr(line, name)) == (word == "yes")


_FITS: Mapping[str, Callable[[PersonLine, str, int], bool]] = {
    "status": lambda line, word, now: line.status == word,
    "q": lambda line, word, now: word.casefold() in f"{line.id}\n{line.name}".casefold(),
    "factor": lambda line, word, now: word in line.factors,
    "resistant": lambda line, word, now: _is(line, "phishing_resistant", word),
    "texts_only": lambda line, word, now: _is(line, "texts_only", word),
    "unused": lambda line, word, now: line.last_proof_at <= now - int(word) * DAY,
    "locked_by": lambda line, word, now: bool(line.lock_cause) and word in (line.lock_cause, line.locked_by),
    "break_glass": lambda line, word, now: line.break_glass == word,
    "disputed": lambda line, word, now: _is(line, "disputed_until", word),
    "ticket": lambda line, word, now: _is(line, "ticket_ends_at", word),
    "agreement": lambda line, word, now: line.agreement == ("" if word == "none" else word),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PeopleSearch:
    """The filters that a person must fit. No filter fits everybody."""

    words: Mapping[str, str]

    @property
    def status(self) -> str:
        """Return the state that is asked for. A store finds its people by an index."""
        return "locked" if "locked_by" in self.words else self.words.get("status", "")

    @property
    def query(self) -> str:
        """Return the part of id or name that is asked for. A store finds it by itself."""
        return self.words.get("q", "")

    @property
    def is_plain(self) -> bool:
        """Tell if a store finds the people by itself: nothing but state and text is asked for."""
        return self.words.keys() <= {"status", "q"}

    @property
    def needs_account(self) -> bool:
        """Tell if a summary does not say all that is asked for."""
        return not self.words.keys() <= _OF_SUMMARY

    @property
    def left_by(self) -> Literal["", "break_glass", "disputed", "ticket"]:
        """Name the filter for something short-lived that the trail tells of, or "".

        Only people of the last days can fit it, so nobody else is looked at.
        """
        if "break_glass" in self.words:
            return "break_glass"
        if self.words.get("disputed") == "yes":
            return "disputed"
        return "ticket" if self.words.get("ticket") == "yes" else ""

    def fits(self, line: PersonLine, now: int) -> bool:
        """Tell if a person fits all filters that the line can answer."""
        return all(
            _FITS[name](line, word, now) for name, word in self.words.items() if line.is_whole or name in _OF_SUMMARY
        )


def search_of(words: Mapping[str, str]) -> PeopleSearch:
    """Read the filters. Empty values are left out. Raises ``BadFilter``."""
    given = read_words(words, WORDS, free="q")
    for name, value in given.items():
        if name in CHOICES and value not in CHOICES[name]:
            raise BadFilter(name, f"it must be one of {', '.join(CHOICES[name])}")
    if "unused" in given:
        given["unused"] = _days(given["unused"])
    return PeopleSearch(words=given)


def _days(text: str) -> str:
    number = text.removesuffix("d")
    if not number.isascii() or not number.isdecimal() or not 1 <= int(number[:9]) <= MAX_DAYS:
        raise BadFilter("unused", f"it must be a number of days from 1 to {MAX_DAYS}, such as 90")
    return number
