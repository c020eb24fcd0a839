"""The search among people.

Each filter takes its own words, and fits the people that it means.
"""

from __future__ import annotations

from typing import Any

import pytest

from mfa_gate.core.people_search import MAX_DAYS, SORTS, WORDS, PeopleSearch, search_of
from mfa_gate.core.person_line import PersonLine
from mfa_gate.core.rules import DAY
from mfa_gate.core.summary import STATUSES
from mfa_gate.core.trail_search import BadFilter
from tests.core.builders import NOW


def line(**parts: Any) -> PersonLine:
    return PersonLine(
        **{"id": "ann7", "tenant": "clinic", "name": "Ann Straße", "status": "verified", "is_whole": True, **parts}
    )


LOCKED = line(lock_cause="administrator", locked_by="boss", status="locked")
FITS = [
    ("status", "locked", LOCKED, line()),
    ("q", "NN7", line(), line(id="bob", name="Bob")),
    ("q", "STRASSE", line(), line(name="Ann")),
    ("q", "jose\u0301", line(name="José"), line(name="Jose")),
    ("factor", "totp", line(factors=("email", "totp")), line(factors=("email",))),
    ("resistant", "yes", line(phishing_resistant=True), line()),
    ("resistant", "no", line(), line(phishing_resistant=True)),
    ("texts_only", "yes", line(texts_only=True), line()),
    ("unused", "90", line(last_proof_at=NOW - 90 * DAY), line(last_proof_at=NOW - 90 * DAY + 1)),
    ("unused", "1", line(), line(last_proof_at=NOW)),
    ("locked_by", "administrator", LOCKED, line(locked_by="administrator")),
    ("locked_by", "boss", LOCKED, line(lock_cause="attempts", locked_by="")),
    ("break_glass", "open", line(break_glass="open"), line(break_glass="asked")),
    ("disputed", "yes", line(disputed_until=NOW), line()),
    ("disputed", "no", line(), line(disputed_until=NOW)),
    ("ticket", "yes", line(ticket_ends_at=NOW), line()),
    ("agreement", "v2", line(agreement="v2"), line(agreement="v1")),
    ("agreement", "none", line(), line(agreement="none")),
]


@pytest.mark.parametrize(("name", "word", "fits", "other"), FITS, ids=[f"{row[0]}={row[1]}" for row in FITS])
def test_each_filter(name: str, word: str, fits: PersonLine, other: PersonLine) -> None:
    """A filter lets the person through that it means, and leaves another one out."""
    search = search_of({name: word})
    assert search.fits(fits, NOW)
    assert not search.fits(other, NOW)


def test_each_filter_is_tried() -> None:
    """A new filter has a row above, and no filter fits everybody."""
    assert {row[0] for row in FITS} == {*WORDS}
    assert PeopleSearch(words={}).fits(line(), NOW)


def test_all_filters_must_fit() -> None:
    """Two filters narrow the search together."""
    search = search_of({"resistant": "yes", "q": "ann"})
    assert search.fits(line(phishing_resistant=True), NOW)
    assert not search.fits(line(), NOW)
    assert not search.fits(line(id="b", name="B", phishing_resistant=True), NOW)


def test_a_line_without_the_account() -> None:
    """While only the summary is known, the filters of the account leave nobody out yet."""
    early = line(is_whole=False)
    assert search_of({"ticket": "yes", "agreement": "v2"}).fits(early, NOW)
    assert not search_of({"ticket": "yes", "resistant": "yes"}).fits(early, NOW)


@pytest.mark.parametrize(
    ("words", "status", "query", "plain", "account", "left_by"),
    [
        ({}, "", "", True, False, ""),
        ({"status": "locked", "q": "a"}, "locked", "a", True, False, ""),
        ({"locked_by": "boss"}, "locked", "", False, True, ""),
        ({"unused": "90", "factor": "totp"}, "", "", False, False, ""),
        ({"break_glass": "asked", "disputed": "yes"}, "", "", False, True, "break_glass"),
        ({"disputed": "yes", "ticket": "yes"}, "", "", False, True, "disputed"),
        ({"disputed": "no", "ticket": "yes"}, "", "", False, True, "ticket"),
        ({"ticket": "no"}, "", "", False, True, ""),
        (
            {"status": "locked", "q": "a", "factor": "totp", "resistant": "yes", "texts_only": "no", "unused": "9"},
            "locked",
            "a",
            False,
            False,
            "",
        ),
    ],
)
def test_what_a_store_is_asked(
    words: dict[str, str], status: str, query: str, plain: bool, account: bool, left_by: str
) -> None:
    """A store finds people by state and text.

    The account is read only where the summary does not tell.
    """
    search = search_of(words)
    assert (search.status, search.query, search.is_plain) == (status, query, plain)
    assert (search.needs_account, search.left_by) == (account, left_by)


@pytest.mark.parametrize(
    ("name", "word"),
    [
        ("status", "lost"),
        ("resistant", "maybe"),
        ("texts_only", "true"),
        ("break_glass", "yes"),
        ("disputed", "1"),
        ("ticket", "Yes"),
        ("unused", "0"),
        ("unused", "-1"),
        ("unused", "many"),
        ("unused", "9dd"),
        ("unused", "٣"),
        ("unused", "²"),
        ("unused", str(MAX_DAYS + 1)),
        ("unused", "1" * 5000),
        ("colour", "red"),
    ],
)
def test_other_words_are_refused(name: str, word: str) -> None:
    """A filter that cannot be read is never left out without a word."""
    with pytest.raises(BadFilter):
        search_of({name: word})


@pytest.mark.parametrize(("word", "days"), [("1", "1"), ("90d", "90"), (str(MAX_DAYS), str(MAX_DAYS))])
def test_days(word: str, days: str) -> None:
    """Days are a number, with or without their letter, from one day to a century."""
    assert search_of({"unused": word}).words == {"unused": days}
    assert MAX_DAYS == 36_500


def test_empty_filters_are_left_out() -> None:
    """A form sends each of its fields. States and orders are the known ones."""
    assert search_of({"status": "", "q": ""}).words == {}
    assert search_of(dict.fromkeys(["status"], STATUSES[0])).status == STATUSES[0]
    assert {sort.removeprefix("-") for sort in SORTS} == {"id", "name", "last"}
