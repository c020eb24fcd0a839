"""The orders of a list of people, and the cursors that an address of a page may hold."""

from __future__ import annotations

import pytest

from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.core.person_line import PersonLine, Strength, line_of
from mfa_gate.service.admin.people_order import MARK, Cursor, cursor_of, order_of


def line(id: str, name: str = "") -> PersonLine:
    """Make the line of a person."""
    return line_of(Account(key=SubjectKey("alpha", id), name=name), Strength(), 1_000)


@pytest.mark.parametrize(
    ("sort", "ids"),
    [
        ("id", ["a", "b", "c", "d"]),
        ("name", ["c", "b", "a", "d"]),
        ("-name", ["d", "a", "b", "c"]),
    ],
)
def test_the_order(sort: str, ids: list[str]) -> None:
    """By name means the name, whatever its case, and the id of a person without one."""
    lines = [line("a", "Bea"), line("b"), line("c", "anna"), line("d", "bea")]
    order = order_of(sort)
    assert [one.id for one in order.first(lines, 4)] == ids
    assert [one.id for one in order.first(lines, 2)] == ids[:2]
    assert (order.key is None, order.turned) == (sort == "id", sort.startswith("-"))


def test_behind_a_line() -> None:
    """A cursor is before the lines that come behind it, and of another form before all."""
    cursor = Cursor(key=("bea", "a"))
    keys = [("anna", "c"), ("bea", "a"), ("bea", "d")]
    assert [cursor.is_before(key, turned=False) for key in keys] == [False, False, True]
    assert [cursor.is_before(key, turned=True) for key in keys] == [True, False, False]
    assert cursor.is_before((5, "a"), turned=False)
    assert Cursor().is_before(("anna", "c"), turned=False)


@pytest.mark.parametrize(
    ("text", "cursor"),
    [
        ("ann", Cursor(after="ann")),
        (f"{MARK}1{MARK}ann", Cursor(group=1, after="ann")),
        (f"{MARK}12{MARK}ann", Cursor(group=12, after="ann")),
        (f"{MARK}123{MARK}ann", Cursor(group=12, after="ann")),
        (f"{MARK}²{MARK}ann", Cursor()),
        (f'{MARK}["ann"]', Cursor(key=("ann",))),
        (f'{MARK}["Ann", "ann"]', Cursor(key=("Ann", "ann"))),
        (f'{MARK}[7, "ann"]', Cursor(key=(7, "ann"))),
        (f"{MARK}[7, 7]", Cursor()),
        (f"{MARK}{{", Cursor()),
        (MARK + "[" * 100_000, Cursor()),
    ],
)
def test_a_cursor(text: str, cursor: Cursor) -> None:
    """The cursor of a page is read as it was, and anything else is the beginning."""
    assert cursor_of(text) == cursor
    if len(text) < 99 and cursor != Cursor() and "123" not in text:
        assert cursor.text == text


def test_people_by_need() -> None:
    """The locked come first, then those who asked for help, then the rest."""
    order = order_of("")
    assert order.groups("") == ("locked", "recovery", "rest", "absent")
    assert order.groups("locked") == ("locked",)
    assert order.groups("not_enrolled") == ("not_enrolled", "absent")
    assert order_of("id").groups("") == ("", "absent")
    groups = order.groups("")
    assert order.cursor(groups, line("a")) == f"{MARK}2{MARK}a"
    assert order_of("id").cursor(("", "absent"), line("a")) == "a"
