"""Pages, JSON and commands call use cases.

None of their modules reads or writes a store itself.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import mfa_gate

SOURCE = Path(mfa_gate.__file__).parent
MODULES = sorted(path for room in ("web", "cli") for path in (SOURCE / room).rglob("*.py"))
LIFE = frozenset({"open", "aclose", "accept", "advice"})
"""The calls that open, close, accept or examine a store as a whole; none of them reads or writes what it holds."""
PLACE = frozenset({"path", "generation_file"})
"""Attributes that say where a store is."""


def calls_on_store(text: str) -> Iterator[str]:
    """Yield each call of a method on a name or attribute ``store``, with its line."""
    tree = ast.parse(text)
    parsers = {
        target.id
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and "add_parser" in ast.unparse(node.value)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    modules = {name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for name in node.names}
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Attribute) and node.attr not in LIFE | PLACE):
            continue
        match node.value:
            case ast.Name("store") if "store" not in parsers | modules:
                yield f"line {node.lineno}: store.{node.attr}"
            case ast.Attribute(attr="store" | "_store"):
                yield f"line {node.lineno}: {ast.unparse(node)}"


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.relative_to(SOURCE).as_posix())
def test_no_page_and_no_command_reads_or_writes_a_store(path: Path) -> None:
    assert list(calls_on_store(path.read_text())) == []


@pytest.mark.parametrize(
    "text",
    ["store.load(key)", "await self.store.swap(a)", "await gate.service.engine.store.keys()", "call = store.meta"],
)
def test_a_call_on_a_store_is_found(text: str) -> None:
    assert list(calls_on_store(f"async def work():\n    {text}\n"))


def test_opening_and_closing_are_allowed() -> None:
    assert not list(calls_on_store("async def work():\n    await store.open()\n    await store.aclose()\n"))
