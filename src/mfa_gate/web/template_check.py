"""Check a host's folder of templates at start (D-14).

A template or a block that replaces none of ours would be ignored without a word.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..factors import Registry
from .message_forms import MessageForms, is_message
from .render import OURS, Renderer
from .resources import host_folder
from .views import Frame
from .views.catalogue import MESSAGES, TEMPLATES, VIEWS, values_of

if TYPE_CHECKING:
    from jinja2 import nodes

MOST_TOLD = 5
"""Unknown files that are told one by one: a wrong folder may hold many."""
ENDINGS = frozenset({".htm", ".xhtml", ".jinja", ".jinja2", ".j2", ".tmpl"})
"""Endings of templates elsewhere. All of ours end in ``.html``."""
_VERSION = re.compile(r"\{#-?\s*mfa_gate templates (\d{1,6})\s*-?#\}")
"""The comment by which a template of the host tells the version that it was written for."""


def faults_of_templates(given: object, factors: Registry) -> list[str]:
    """Find the faults of ``templates``: its folder, unknown names, broken templates.

    ``factors`` are the known factors, each with a template of its own.
    """
    top, faults = host_folder("templates", given, "my_templates")
    if top is None:
        return faults
    said = f"templates={str(given)!r}"
    try:
        files = {path.relative_to(top).as_posix(): path for path in sorted(top.rglob("*")) if path.is_file()}
    except OSError as error:
        return [f"{said}: the folder cannot be read: {error.strerror}"]
    names = [name for name in files if not any(part.startswith((".", "__pycache__")) for part in name.split("/"))]
    read = {name: files[name] for name in names}
    return list(_Folder(said, read, Renderer(templates=top, factors=factors), MessageForms(templates=top)))


class _Folder:
    """A host's templates by their names, beside ours."""

    def __init__(self, said: str, files: Mapping[str, Path], renderer: Renderer, forms: MessageForms) -> None:
        self._said = said
        self._forms = forms
        self._files = files
        self._ours = renderer.texts
        self._known = set(self._ours)
        self._named = {*self._known, *(f"{OURS}/{name}" for name in self._known)}
        self._environment = renderer.environment("en")
        self._trees: dict[str, nodes.Template] = {}

    def __iter__(self) -> Iterator[str]:
        mine = [name for name in self._files if name.endswith(".html") or (is_message(name) and name.endswith(".txt"))]
        for name in mine:
            yield from self._read(name)
        if not mine:
            yield f"{self._said}: the folder has no template; the names are {', '.join(sorted(self._known)[:3])}, …"
        unknown = [*self._unknown(mine), *(name for name in self._files if Path(name).suffix in ENDINGS)]
        for name in unknown[:MOST_TOLD]:
            near = _near(name, self._known) or _near(Path(name).stem.lower() + ".html", self._known)
            hint = near or "; the names are those in web/templates/ of the package"
            yield f"{self._said}: {name} replaces no template, and none of yours includes it{hint}"
        if len(unknown) > MOST_TOLD:
            yield f"{self._said}: {len(unknown) - MOST_TOLD} more files replace no template; give the gate a folder of its own"
        wrong = [fault for name, tree in self._trees.items() for fault in self._faults_of(name, tree)]
        yield from wrong
        if not wrong and all(name in self._trees for name in mine if is_message(name)):
            yield from (f"{self._said}: {fault}" for fault in self._forms.faults())

    def _read(self, name: str) -> Iterator[str]:
        """Read a template, and list the faults of its text."""
        from jinja2 import TemplateError

        try:
            source = self._files[name].read_text("utf-8")
            tree = self._environment.parse(source, name)
            self._environment.compile(source, name)
        except (OSError, ValueError) as error:
            yield f"{self._said}: {name} cannot be read as UTF-8: {error}"
        except TemplateError as error:
            line = getattr(error, "lineno", None)
            yield f"{self._said}: {name}{f', line {line}' if line else ''}: {error.message}"
        else:
            self._trees[name] = tree
            meant = _VERSION.search(source)
            if meant and int(meant[1]) != TEMPLATES:
                yield (
                    f"{self._said}: {name} was written for version {meant[1]} of the templates, and this is version {TEMPLATES}; "
                    "the changelog says what changed"
                )

    def _unknown(self, mine: Iterable[str]) -> Iterator[str]:
        """List the templates that nothing would ever show."""
        named = [target for tree in self._trees.values() for target, _ in _named_in(tree)]
        if None in named:  # a name that is computed may be any of them
            return
        yield from (name for name in mine if name in self._trees and name not in self._known and name not in named)

    def _faults_of(self, name: str, tree: nodes.Template) -> Iterator[str]:
        """Find templates that do not exist, and blocks that no page has."""
        from jinja2 import nodes

        for target, may_miss in _named_in(tree):
            if target is not None and not may_miss and target not in self._files and target not in self._named:
                yield f"{self._said}: {name} names the template {target!r}, which does not exist{_near(target, self._named)}"
        yield from self._unknown_values(name, tree)
        parent = next((part.template for part in tree.find_all(nodes.Extends)), None)
        if not isinstance(parent, nodes.Const):
            return
        if parent.value == name:
            yield f'{self._said}: {name} extends itself; extend base.html, or ours by its name "{OURS}/{name}"'
            return
        blocks = self._blocks_of(str(parent.value), 10)
        if blocks is None:
            return
        for block in tree.body:
            if isinstance(block, nodes.Block) and block.name not in blocks:
                near = _near(block.name, blocks) or f"; it has {', '.join(sorted(blocks))}"
                yield f"{self._said}: {name}, line {block.lineno}: {parent.value} has no block {block.name!r}{near}"

    def _unknown_values(self, name: str, tree: nodes.Template) -> Iterator[str]:
        """Find values of ``frame`` and ``view`` that a page does not have.

        Such a page would be a fault when it is shown.
        """
        from jinja2 import nodes

        own = {part.name for part in tree.find_all(nodes.Name) if part.ctx != "load"}
        for word, kind in (("frame", Frame), ("view", VIEWS.get(name) or MESSAGES.get(name))):
            if kind is None or word in own:
                continue
            has = set(values_of(kind))
            for part in tree.find_all(nodes.Getattr):
                if isinstance(part.node, nodes.Name) and part.node.name == word and part.attr not in has:
                    near = _near(part.attr, has) or f"; it has {', '.join(sorted(has))}"
                    yield f"{self._said}: {name}, line {part.lineno}: {word} has no {part.attr!r}{near}"

    def _blocks_of(self, name: str, depth: int) -> set[str] | None:
        """List the blocks of a template and of those that it extends.

        Returns None where a part of them cannot be known.
        """
        from jinja2 import nodes

        ours = name.removeprefix(f"{OURS}/")
        tree = self._trees.get(name)
        if tree is None and ours in self._ours and name not in self._files:
            tree = self._environment.parse(self._ours[ours], name)
        if tree is None or not depth:
            return None
        blocks = {block.name for block in tree.find_all(nodes.Block)}
        for part in tree.find_all(nodes.Getattr):  # {{ self.title() }} asks for a block of the page
            if isinstance(part.node, nodes.Name) and part.node.name == "self":
                blocks.add(part.attr)
        parent = next((part.template for part in tree.find_all(nodes.Extends)), None)
        if parent is None:
            return blocks
        above = self._blocks_of(str(parent.value), depth - 1) if isinstance(parent, nodes.Const) else None
        return None if above is None else blocks | above


def _named_in(tree: nodes.Template) -> Iterator[tuple[str | None, bool]]:
    """List the templates that one names, with True where a missing one is ignored.

    A computed name is None.
    """
    from jinja2 import nodes

    for part in tree.find_all((nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)):
        asked: Any = part
        may_miss = isinstance(part, nodes.Include) and part.ignore_missing
        value = asked.template.value if isinstance(asked.template, nodes.Const) else None
        for one in value if isinstance(value, (list, tuple)) else (value,):
            yield (one if isinstance(one, str) else None), may_miss


def _near(name: str, known: Iterable[str]) -> str:
    found = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]!r}?" if found else ""
