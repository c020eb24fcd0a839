"""The faults that can be put into a file, one at a time.

Each is small and of a kind that people make: a bound that is off by one, a condition that is turned round, a call that is
left out. Words that people read, types and docstrings are left alone: they change no decision.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

COMPARED: dict[type[ast.cmpop], str] = {
    ast.Lt: "<=",
    ast.LtE: "<",
    ast.Gt: ">=",
    ast.GtE: ">",
    ast.Eq: "!=",
    ast.NotEq: "==",
    ast.Is: "is not",
    ast.IsNot: "is",
    ast.In: "not in",
    ast.NotIn: "in",
}
CALCULATED: dict[type[ast.operator], str] = {
    ast.Add: "-",
    ast.Sub: "+",
    ast.Mult: "//",
    ast.FloorDiv: "*",
    ast.Mod: "//",
}
UNSAID = {"log", "logger", "LOG", "warnings"}
"""Names whose calls only tell an operator something: their words are no behaviour that a test should hold."""


@dataclass(frozen=True, order=True)
class Change:
    """One fault, which replaces a piece of the source by ``new``.

    The piece goes from ``start`` to ``end`` (bytes). ``line`` counts from one;
    ``old`` is the piece that was there, and ``within`` the function around it.
    """

    line: int
    start: int
    end: int
    old: str
    new: str
    within: str

    def made(self, source: bytes) -> bytes:
        """Return the source with this fault."""
        return source[: self.start] + self.new.encode() + source[self.end :]

    def place(self, source: bytes) -> tuple[int, int]:
        """Return where it begins in the source: the line, and the byte in it."""
        return self.line, self.start - (source.rfind(b"\n", 0, self.start) + 1)

    def __str__(self) -> str:
        """Return "function: old → new", which stays the same when lines move."""
        return f"{self.within}: {' '.join(self.old.split())} → {self.new}"


def changes_of(source: bytes) -> list[Change]:
    """List every fault that can be put into a source.

    Raises ``SyntaxError`` if it is no Python.
    """
    return sorted(set(_Finder(source).found()))


class _Finder:
    """The walk over one file."""

    def __init__(self, source: bytes) -> None:
        self.source = source
        self.starts = [0]
        for line in source.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def found(self) -> Iterator[Change]:
        yield from self._walk(ast.parse(self.source), "module")

    def _walk(self, node: ast.AST, within: str) -> Iterator[Change]:
        if _is_no_behaviour(node):
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            within = f"{within}.{node.name}".removeprefix("module.")
        yield from self._of(node, within)
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "decorator_list", "bases", "type_params"}:
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not (
                    isinstance(node, ast.JoinedStr) and isinstance(child, ast.Constant)
                ):
                    yield from self._walk(child, within)

    def _of(self, node: ast.AST, within: str) -> Iterator[Change]:
        match node:
            case ast.Compare(left=left, ops=[operator], comparators=[right]):
                yield self._text(node, f"({self._said(left)}) {COMPARED[type(operator)]} ({self._said(right)})", within)
            case ast.BoolOp(op=operator, values=values):
                other = " or " if isinstance(operator, ast.And) else " and "
                yield self._text(node, "(" + other.join(f"({self._said(value)})" for value in values) + ")", within)
            case ast.UnaryOp(op=ast.Not(), operand=operand):
                yield self._text(node, f"({self._said(operand)})", within)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in CALCULATED:
                if not any(
                    isinstance(side, ast.Constant | ast.JoinedStr) and not _is_number(side) for side in (left, right)
                ):
                    new = f"(({self._said(left)}) {CALCULATED[type(operator)]} ({self._said(right)}))"
                    yield self._text(node, new, within)
            case ast.Constant(value=bool(value)):
                yield self._text(node, str(not value), within)
            case ast.Constant(value=int(value)):
                yield self._text(node, str(value + 1), within)
            case ast.If(test=test) | ast.IfExp(test=test) | ast.While(test=test) if not isinstance(test, ast.Compare):
                yield self._text(test, f"(not ({self._said(test)}))", within)
            case ast.Return(value=ast.AST() as value) if not isinstance(value, ast.Constant):
                yield self._text(value, "None", within)
            case ast.Expr(value=ast.Call() | ast.Await()) | ast.Raise() | ast.AugAssign() | ast.Delete():
                yield self._text(node, "pass", within)
            case ast.Break():
                yield self._text(node, "continue", within)
            case ast.Continue():
                yield self._text(node, "break", within)

    def _text(self, node: ast.AST, new: str, within: str) -> Change:
        start, end = self._place(node)
        return Change(node.lineno, start, end, self.source[start:end].decode(), new, within)  # type: ignore[attr-defined]

    def _said(self, node: ast.AST) -> str:
        start, end = self._place(node)
        return self.source[start:end].decode()

    def _place(self, node: ast.AST) -> tuple[int, int]:
        assert isinstance(node, ast.expr | ast.stmt)
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        return self.starts[node.lineno - 1] + node.col_offset, self.starts[node.end_lineno - 1] + node.end_col_offset


def _is_number(node: ast.AST) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, int | float)


def _is_no_behaviour(node: ast.AST) -> bool:
    """Tell if nothing that runs depends on this.

    Such are imports for types, what is logged, docstrings, ``__all__``, and claims: ``assert``, and ``strict`` of a zip.
    """
    match node:
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.Import() | ast.ImportFrom() | ast.Assert():
            return True
        case ast.Expr(value=ast.Constant()):
            return True
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name)))) if name in UNSAID:
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]) | ast.keyword(arg="strict"):
            return True
    return False
