"""The blocks of a source, each with a name.

A block is a run of statements that are entered at one place.

A copy of the source with a mark in each block tells which tests enter which blocks. Names hold when lines move.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

MARKS = "_mfa_gate_marks"
"""The builtin array that a mark writes into, at the number of its block."""

Place = tuple[int, int]
"""Line, from one, and byte in it, from zero."""

COMPOUND = ast.If | ast.For | ast.AsyncFor | ast.While | ast.Try | ast.With | ast.AsyncWith | ast.Match


@dataclass(frozen=True)
class Block:
    """A run of statements, or the body of a lambda, from ``start`` to ``end``.

    ``name`` is e.g. ``core/attempts.py:left#2``: the file, the function and a number in it.
    """

    name: str
    start: Place
    end: Place


def blocks_of(file: str, source: bytes) -> list[Block]:
    """List the blocks inside of the functions of a file, in the order in which they stand.

    What runs at the import belongs to none.
    """
    walk = _Walk(file)
    walk.visit(ast.parse(source))
    return walk.blocks


def block_at(blocks: list[Block], place: Place) -> str | None:
    """Return the name of the innermost block around a place, None outside of functions."""
    around = [block for block in blocks if block.start <= place < block.end]
    return max(around, key=lambda block: (block.start, [-part for part in block.end])).name if around else None


def with_marks(file: str, source: bytes, number_of: Callable[[str], int]) -> str:
    """Return a source in which each block writes a 1 at its number."""
    walk = _Walk(file, number_of)
    return ast.unparse(walk.visit(ast.parse(source)))


class _Walk(ast.NodeTransformer):
    """The walk over one file, which also puts the marks in where it gets ``number_of``."""

    def __init__(self, file: str, number_of: Callable[[str], int] | None = None) -> None:
        self.file = file
        self.number_of = number_of
        self.blocks: list[Block] = []
        self.within: list[str] = []
        self.in_function = False
        self.counts: Counter[str] = Counter()

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return self._named(node, node.name, in_function=False)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        return self._named(node, node.name, in_function=True)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> ast.AST:
        return self._named(node, node.name, in_function=True)

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        block = self._block(node.body, node.body)
        self.generic_visit(node)
        if self.number_of is not None:
            text = f"{MARKS}.__setitem__({self.number_of(block.name)}, 1)"
            node.body = ast.BoolOp(ast.Or(), [ast.parse(text, mode="eval").body, node.body])
        return node

    def generic_visit(self, node: ast.AST) -> ast.AST:
        lists = [name for name in ("body", "orelse", "finalbody") if isinstance(getattr(node, name, None), list)]
        marked = {name: self._runs(getattr(node, name)) for name in lists} if self.in_function else {}
        super().generic_visit(node)
        for name, runs in marked.items():
            setattr(node, name, self._with_marks(getattr(node, name), runs))
        return node

    def _named(self, node: ast.AST, name: str, *, in_function: bool) -> ast.AST:
        before, self.in_function = self.in_function, in_function
        self.within.append(name)
        self.generic_visit(node)
        self.within.pop()
        self.in_function = before
        return node

    def _runs(self, body: list[ast.stmt]) -> dict[int, Block]:
        """Divide a list of statements after each that may leave it.

        Returns the blocks by the index at which each begins.
        """
        has_docstring = bool(body) and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
        starts = [
            index
            for index in range(has_docstring, len(body))
            if index == has_docstring or isinstance(body[index - 1], COMPOUND)
        ]
        ends = [*starts[1:], len(body)][: len(starts)]
        return {start: self._block(body[start], body[end - 1]) for start, end in zip(starts, ends, strict=True)}

    def _block(self, first: ast.stmt | ast.expr, last: ast.stmt | ast.expr) -> Block:
        function = ".".join(self.within)
        self.counts[function] += 1
        assert last.end_lineno is not None
        assert last.end_col_offset is not None
        block = Block(
            f"{self.file}:{function}#{self.counts[function]}",
            (first.lineno, first.col_offset),
            (last.end_lineno, last.end_col_offset),
        )
        self.blocks.append(block)
        return block

    def _with_marks(self, body: list[ast.stmt], runs: dict[int, Block]) -> list[ast.stmt]:
        if self.number_of is None:
            return body
        made: list[ast.stmt] = []
        for index, statement in enumerate(body):
            if index in runs:
                made += ast.parse(f"{MARKS}[{self.number_of(runs[index].name)}] = 1").body
            made.append(statement)
        return made
