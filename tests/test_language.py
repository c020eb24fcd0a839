"""Every docstring begins with a line that a newcomer reads at once (design 6).

The line is short, and begins with its subject or its verb. Both rules hold for the package, the example and the tests.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

LONGEST = 88
TURNED_ROUND = re.compile(r"(what|who|whom|whose|which|whether|whoever|where|when|how)\b", re.IGNORECASE)
"""First words that put off the subject of the sentence."""

ROOT = Path(__file__).parents[1]
STATEMENTS = (ast.stmt, ast.excepthandler, ast.match_case)
"""What may hold a docstring: no expression does, and these are most of a file."""
TREES = ("src/mfa_gate", "example_app", "tests")


def rooms() -> Iterator[str]:
    """Yield each tree, for the modules beside its folders, and each folder with Python in it."""
    for tree in TREES:
        yield tree
        for path in sorted((ROOT / tree).iterdir()):
            if path.is_dir() and any(path.rglob("*.py")):
                yield f"{tree}/{path.name}"


def first_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line number and the first line of each docstring in a file."""
    waiting: list[ast.AST] = [ast.parse(path.read_text())]
    while waiting:
        node = waiting.pop()
        waiting += [one for one in ast.iter_child_nodes(node) if isinstance(one, STATEMENTS)]
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, text.splitlines()[0]


def faults(room: str) -> list[str]:
    """List the first lines of a room that break one of the two rules."""
    folder = ROOT / room
    return [
        f"{path.relative_to(ROOT)}:{number}: {line}"
        for path in sorted(folder.glob("*.py") if room in TREES else folder.rglob("*.py"))
        for number, line in first_lines(path)
        if len(line) > LONGEST or TURNED_ROUND.match(line)
    ]


@pytest.mark.parametrize("room", list(rooms()))
def test_first_lines_of_a_room(room: str) -> None:
    """Each first line of a room is short and begins with its subject or its verb."""
    assert faults(room) == []
