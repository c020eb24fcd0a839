"""Texts of people are harmless where they are shown, sent or opened as a table."""

from __future__ import annotations

import pytest

from mfa_gate.core.model import SubjectKey
from mfa_gate.core.person_line import absent_line
from mfa_gate.core.rules import CountRules
from mfa_gate.core.text_safety import (
    MAX_REASON,
    gsm7,
    gsm7_name,
    is_one_segment,
    no_formula,
    one_line,
    stated,
    units,
    unlinked,
)

FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "  =1", "＝1", "\t=1", "\u00a0=1", "\r=1")


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_looks_like_a_formula(text: str) -> None:
    """No spreadsheet computes it, also behind a blank or in wide letters."""
    assert no_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", " ", "Ann", "1+1", "a=1", "'=1"])
def test_a_harmless_cell(text: str) -> None:
    """Any other text stays as it is."""
    assert no_formula(text) == text


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (" lost \n phone ", "lost phone"),
        ("", ""),
        ("   ", ""),
        ("a\x00b", ""),
        ("a\u202eb", ""),
        ("a\u200db", ""),
        ("\u200fهاتف\u200e جديد", "هاتف جديد"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("👩\u200d💻 laptop", "👩\u200d💻 laptop"),
        ("می\u200c\u200cخواهم", ""),
        ("x" * MAX_REASON, "x" * MAX_REASON),
        ("x" * (MAX_REASON + 1), ""),
    ],
)
def test_a_reason(text: str, kept: str) -> None:
    """One printable line of at most 200 characters, or none.

    The joiners of a script and of emoji belong to the text, and marks that come along with copied text go.
    """
    assert stated(text) == kept


def test_one_line() -> None:
    """A text is cut at its limit, and has no line ends and no controls."""
    assert one_line("a\nb\x00\u202ec ", limit=9) == "a b c"
    assert one_line("x" * 9, limit=9) == "x" * 9
    assert one_line("x" * 10, limit=9) == "x" * 8 + "…"
    assert one_line("x" * 7 + " yz", limit=9) == "x" * 7 + "…"
    assert one_line("👩\u200d💻 \u200fa\u200db", limit=9) == "👩\u200d💻 a b"
    assert one_line("می\u200cخواهم", limit=4) == "می…"
    assert unlinked("evil.example") == "evil. example"
    assert unlinked("evil.\u200dexample") == "evil. example"


@pytest.mark.parametrize(
    ("text", "segment"),
    [
        ("x" * 160, True),
        ("x" * 161, False),
        ("日" * 70, True),
        ("日" * 71, False),
        ("😀" * 35, True),
        ("😀" * 36, False),
    ],
)
def test_one_segment(text: str, segment: bool) -> None:
    """A text message of one segment has 160 characters of its alphabet, or 70 units of any."""
    assert is_one_segment(text) is segment


def test_the_alphabet_of_texts() -> None:
    """A letter that phones of old do not know becomes its likeness, or is lost."""
    assert gsm7("Ann Ô ł 日", lost="?").startswith("Ann O")
    assert [units(text) for text in ("ab", "日", "\uffff", "😀")] == [2, 1, 1, 2]


@pytest.mark.parametrize(
    ("name", "kept"),
    [("Zürich Clinic", "Zürich Clinic"), ("Ab 日本", "Ab"), ("Ab 日本語", ""), ("日本", ""), ("…", "..."), ("", "")],
)
def test_the_name_of_a_service_on_an_old_phone(name: str, kept: str) -> None:
    """A name that loses more than half of its letters says nothing, and is left out."""
    assert gsm7_name(name, limit=20) == kept


def test_a_person_of_the_directory_alone() -> None:
    """Nobody has met this person: the line is whole, and says so."""
    line = absent_line(SubjectKey("clinic", "zoe"), "Zoe")
    assert (line.id, line.tenant, line.name, line.status) == ("zoe", "clinic", "Zoe", "not_enrolled")
    assert (line.is_met, line.is_whole) == (False, True)
    assert line.key == SubjectKey("clinic", "zoe")
    assert CountRules().wait == 0
