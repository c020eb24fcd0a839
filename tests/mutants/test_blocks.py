"""The marks of a copy tell which blocks of the source a test enters."""

from __future__ import annotations

import builtins
from typing import Any

import pytest

from tests.mutants.blocks import MARKS, block_at, blocks_of, with_marks
from tests.mutants.changes import changes_of

SOURCE = b'''"""Words."""
from dataclasses import dataclass

LIMIT = 7
double = lambda number: number * 2


def sign(number):
    """Words."""
    if number < 0:
        return -1
    for step in range(number):
        try:
            risky = 1 // (3 - step)
        except ZeroDivisionError:
            return 3
    return 1


class Box:
    size: int = 4

    async def open(self):
        def inner():
            return self.size

        match self.size:
            case 4:
                return inner()
            case _:
                return 0
'''


@pytest.fixture
def marked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A function that runs a piece of Python behind the marked source.

    It returns the blocks that are entered.
    """
    numbers: dict[str, int] = {}
    code = with_marks("f.py", SOURCE, lambda name: numbers.setdefault(name, len(numbers)))

    def entered(piece: str) -> list[str]:
        marks = bytearray(100)
        monkeypatch.setattr(builtins, MARKS, marks, raising=False)
        space: dict[str, Any] = {}
        exec(code, space)
        marks[:] = bytes(100)
        exec(piece, space)
        return sorted(name.removeprefix("f.py:") for name, number in numbers.items() if marks[number])

    return entered


@pytest.mark.parametrize(
    ("piece", "entered"),
    [
        ("LIMIT", []),
        ("sign(-1)", ["sign#1", "sign#4"]),
        ("sign(0)", ["sign#1", "sign#2", "sign#3"]),
        ("sign(1)", ["sign#1", "sign#2", "sign#3", "sign#5", "sign#6"]),
        ("assert sign(9) == 3", ["sign#1", "sign#2", "sign#5", "sign#6", "sign#7"]),
        ("assert double(4) == 8", ["#1"]),
        ("Box().open().close()", []),
    ],
)
def test_what_is_entered(marked: Any, piece: str, entered: list[str]) -> None:
    """Each branch, handler, lambda and run behind a branch has a mark of its own.

    Imports have none.
    """
    assert marked(piece) == entered


def test_a_coroutine_and_what_is_inside_of_it(marked: Any) -> None:
    """Functions in functions and the cases of a match have their own marks."""
    piece = "try:\n    Box().open().send(None)\nexcept StopIteration as end:\n    assert end.value == 4"
    assert marked(piece) == ["Box.open#1", "Box.open#2", "Box.open.inner#1"]


def test_the_block_of_each_fault() -> None:
    """A fault belongs to the innermost block around it, and one at the import to none."""
    blocks = blocks_of("f.py", SOURCE)
    found = {(change.old, block_at(blocks, change.place(SOURCE))) for change in changes_of(SOURCE)}
    assert {("7", None), ("4", None)} <= found
    assert {("number < 0", "f.py:sign#1"), ("3 - step", "f.py:sign#6"), ("inner()", "f.py:Box.open#2")} <= found
    assert ("number * 2", "f.py:#1") in found


def test_lines_that_move_keep_their_names() -> None:
    """A measurement holds when lines are put in above."""
    names = [block.name for block in blocks_of("f.py", SOURCE)]
    assert [block.name for block in blocks_of("f.py", b"import os\n\n" + SOURCE)] == names
    assert len({*names}) == len(names)
