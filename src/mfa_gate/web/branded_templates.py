"""Our template of a letter, compiled with the values of one brand and language written in.

Most values of a letter are colors, and they are the same in each mail of a brand. Filling them in anew costs more than the
rest of the letter.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

from jinja2.nodes import Assign, Const, Getattr, Impossible, Name, Node
from jinja2.visitor import NodeTransformer

if TYPE_CHECKING:
    from jinja2 import Environment, Template

    from .views.messages import Mail

WRITTEN_IN = ("light", "dark", "font", "radius", "lang", "dir")
"""The parts of ``view`` that are the same in all letters of a brand and a language."""


def written_in(environment: Environment, name: str, source: str, view: Mail) -> Template:
    """Compile a template in which the values of ``WRITTEN_IN`` stand instead of their names."""
    tree = environment.parse(source, name)
    _Values({part: getattr(view, part) for part in WRITTEN_IN}).visit(tree)
    code = environment.compile(tree, name, name)
    return environment.template_class.from_code(environment, code, environment.make_globals(None))


class _Values(NodeTransformer):
    """Replaces the expressions whose value is known, from the top of the template down.

    A name that is set to a known value is replaced as well, and set no more.
    """

    def __init__(self, parts: dict[str, object]) -> None:
        self._parts = parts
        self._names: dict[str, object] = {}

    def visit_Assign(self, node: Assign) -> Node | None:
        assert isinstance(node.target, Name)
        made: Any = self.visit(node.node)
        known = self._known(made)
        with suppress(Impossible):
            known = made.as_const()
        self._names[node.target.name] = known
        return node if known is None else None

    def visit_Getattr(self, node: Getattr) -> Node:
        return self._constant(node)

    def visit_Name(self, node: Name) -> Node:
        return self._constant(node)

    def _constant(self, node: Getattr | Name) -> Node:
        known = self._known(node)
        return Const(known, lineno=node.lineno) if isinstance(known, str | int) else self.generic_visit(node)

    def _known(self, node: Node) -> object:
        """Return the value of an expression, None if it is not known."""
        if isinstance(node, Name):
            return self._names.get(node.name)
        if not isinstance(node, Getattr):
            return None
        if isinstance(node.node, Name) and node.node.name == "view":
            return self._parts.get(node.attr)
        return getattr(self._known(node.node), node.attr, None)
