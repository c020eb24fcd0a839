"""Find the rules on a path and around it, without a look at each rule."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Protocol

from ...core.rules import PathRule


class _Named(Protocol):
    @property
    def paths(self) -> tuple[PathRule, ...]: ...


class PathIndex:
    """The positions of rules by the paths that they name.

    Capitals and slashes at the end count for nothing here, and for something in an exemption. So an answer may have a rule
    too many, and never lacks one: its reader still compares the paths.
    """

    def __init__(self, rules: Sequence[_Named]) -> None:
        self._named: dict[str, list[int]] = {}
        for position, rule in enumerate(rules):
            for path in dict.fromkeys(map(_folded, rule.paths)):
                self._named.setdefault(path, []).append(position)
        self._sorted = sorted(self._named)

    def around(self, paths: Iterable[PathRule]) -> list[int]:
        """List the rules that name one of ``paths``, or a path above one."""
        above = {path[: at + 1] for path in map(_folded, paths) for at, letter in enumerate(path) if letter == "/"}
        return sorted({position for path in above for position in self._named.get(path, ())})

    def near(self, paths: Iterable[PathRule]) -> list[int]:
        """List the rules around ``paths``, and those that name a path below one."""
        given = tuple(paths)
        found = {*self.around(given)}
        for path in map(_folded, given):
            for at in range(bisect_left(self._sorted, path), len(self._sorted)):
                if not self._sorted[at].startswith(path):
                    break
                found.update(self._named[self._sorted[at]])
        return sorted(found)


def _folded(path: PathRule) -> str:
    root = path.text[1:] if path.text.startswith("=") else path.text[:-3]
    return root.rstrip("/").lower() + "/"
