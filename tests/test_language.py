"""Every docstring begins with a line that a newcomer reads at once: short, and about its subject (design 6)."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

LONGEST = 88
TURNED_ROUND = re.compile(r"(what|who|whom|whose|which|whether|whoever|where|when|how)\b", re.IGNORECASE)
"""First words that put off the subject of the sentence."""
TOP = "the top"
"""Stands for the modules beside the packages."""

SOURCE = Path(__file__).parents[1] / "src" / "mfa_gate"
ROOMS = (TOP, *sorted(path.name for path in SOURCE.iterdir() if (path / "__init__.py").exists()))


def first_lines(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line number and the first line of each docstring in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            text = ast.get_docstring(node)
            if text:
                yield node.body[0].lineno, text.splitlines()[0]


def faults(room: str) -> list[str]:
    """List the first lines of a room that are too long, or begin with a word that puts off the subject."""
    paths = sorted(SOURCE.glob("*.py") if room == TOP else (SOURCE / room).rglob("*.py"))
    return [
        f"{path.relative_to(SOURCE)}:{number}: {line}"
        for path in paths
        for number, line in first_lines(path)
        if len(line) > LONGEST or TURNED_ROUND.match(line)
    ]


@pytest.mark.parametrize("room", ROOMS)
def test_first_lines_of_a_room(room: str) -> None:
    """Each package below ``mfa_gate``, with all that is in it."""
    assert faults(room) == []
