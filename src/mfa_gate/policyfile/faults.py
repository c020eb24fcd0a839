"""Every fault of a policy file, gathered and told together: where, what, why, and what to write instead."""

from __future__ import annotations

import datetime
import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field

from ..factors import BUILT_IN, Registry
from .lines import Path, line_at

_BARE = re.compile(r"[A-Za-z0-9_-]+")
SHOWN = 60


class Wrong(ValueError):
    """A value is not what its key takes; the text says what it is, and what would do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One fault: the line (from 1), the dotted path, and what is wrong with a way out."""

    line: int
    path: str
    text: str

    def told(self, source: str) -> str:
        """The one line that a person reads."""
        return f"{source}:{self.line}: {self.path}: {self.text}" if self.path else f"{source}:{self.line}: {self.text}"


@dataclass(slots=True, kw_only=True)
class Report:
    """Collects faults while a file is read. ``lines`` tells where each key stands; ``factors`` have keys of their own."""

    lines: dict[Path, int]
    factors: Registry = BUILT_IN
    found: dict[Fault, Path] = field(default_factory=dict)
    places: dict[int, tuple[object, Path]] = field(default_factory=dict)

    def add(self, path: Path, text: str) -> None:
        """One more fault at ``path``; the same one twice counts once."""
        self.found.setdefault(Fault(line=line_at(self.lines, path), path=dotted(path), text=text), path)

    def where(self, tenant: str, path: Path) -> Path:
        """Where the value that ``tenant`` has at ``path`` was written: in its own section, else in the file's."""
        own: Path = ("tenants", tenant, *path)
        return own if tenant and own in self.lines else path

    def remember(self, entry: object, path: Path) -> None:
        """Where an entry of an array of tables was written. It is kept alive, so that its identity stays its own."""
        self.places[id(entry)] = (entry, path)

    def place_of(self, entry: object) -> Path:
        """Where ``entry`` was written."""
        return self.places[id(entry)][1]

    def spoiled(self, *paths: Path) -> bool:
        """Whether a fault is known at, in or around one of ``paths``, so that nothing can be concluded from it."""
        bad = [_in_section(path) for path in self.found.values()]
        asked = [_in_section(path) for path in paths]
        return any(b[: len(p)] == p or p[: len(b)] == b for b in bad for p in asked)


def _in_section(path: Path) -> Path:
    return path[2:] if path[:1] == ("tenants",) else path


def dotted(path: Path) -> str:
    """``path`` as a person writes it: ``exempt[0].paths``, ``rails."freshness.max_age"``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            spelled = part if _BARE.fullmatch(part) else '"' + part.replace('"', '\\"') + '"'
            text += f".{spelled}" if text else spelled
    return text


def shown(value: object) -> str:
    """``value`` as TOML writes it, shortened."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = '"' + value.encode("unicode_escape").decode().replace('"', '\\"') + '"'
        case dict():
            text = "a table"
        case list() | tuple():
            text = "[" + ", ".join(shown(item) for item in value) + "]"
        case datetime.datetime() | datetime.date() | datetime.time():
            text = value.isoformat()
        case _:
            text = str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def nearest(word: str, known: Iterable[str]) -> str:
    """``; did you mean "…"?`` for the known word that is most like ``word``, or "" where none is."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def listed(words: Iterable[str]) -> str:
    """Words quoted and joined with commas."""
    return ", ".join(f'"{word}"' for word in words)
