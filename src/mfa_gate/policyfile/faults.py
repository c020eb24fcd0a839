"""Collect the faults of a policy file: each with its place, its cause and a way to fix it."""

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
LONG = 256
"""Bits of a whole number that is told by its size alone: Python may refuse to write it."""


class Wrong(ValueError):
    """Refuse a value that its key does not take. The text names the value and an accepted one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Describe one fault: the line (from 1), the dotted path, the cause and the fix."""

    line: int
    path: str
    text: str

    def told(self, source: str) -> str:
        """Write the fault as one line for people."""
        return f"{source}:{self.line}: {self.path}: {self.text}" if self.path else f"{source}:{self.line}: {self.text}"


@dataclass(slots=True, kw_only=True)
class Report:
    """Collect faults while a file is read.

    ``lines`` has the line of each key. ``found`` has the place of each fault and the tenant whose rules have it, "" for
    a fault of the file itself.
    """

    lines: dict[Path, int]
    factors: Registry = BUILT_IN
    found: dict[Fault, tuple[str, Path]] = field(default_factory=dict)
    places: dict[tuple[int, str], tuple[object, Path]] = field(default_factory=dict)

    def add(self, path: Path, text: str, *, tenant: str = "") -> None:
        """Add a fault at ``path``; the same one twice counts once.

        ``tenant`` is the one whose rules have the fault. The text names it where ``path`` does not.
        """
        if owner := _owner(path):
            tenant = owner
        elif tenant:
            text = f"{text} (in tenant {shown(tenant)})"
        fault = Fault(line=line_at(self.lines, path), path=dotted(path), text=text)
        self.found.setdefault(fault, (tenant, path))

    def where(self, tenant: str, path: Path) -> Path:
        """Find the place of ``tenant``'s value at ``path``: its own section, or the file's."""
        own: Path = ("tenants", tenant, *path)
        return own if tenant and own in self.lines else path

    def remember(self, entry: object, path: Path) -> None:
        """Keep the place of an entry of an array of tables.

        The entry is kept alive, so that no other object gets its identity. A program may give one to several tenants.
        """
        self.places[id(entry), _owner(path)] = (entry, path)

    def place_of(self, entry: object, tenant: str = "") -> Path:
        """Return the place of ``entry``: in ``tenant``'s section, or in the file's."""
        return self.places[id(entry), tenant if (id(entry), tenant) in self.places else ""][1]

    def spoiled(self, *paths: Path, tenant: str = "") -> bool:
        """Tell if a fault is known at, in or around one of ``paths`` in the rules of ``tenant``.

        Nothing can be concluded from such a place. A fault of the file counts for every tenant, a fault of one tenant
        for no other.
        """
        bad = [_in_section(path) for owner, path in self.found.values() if owner in ("", tenant)]
        asked = [_in_section(path) for path in paths]
        return any(b[: len(p)] == p or p[: len(b)] == b for b in bad for p in asked)


def _owner(path: Path) -> str:
    """Return the tenant whose section a path is in, or ""."""
    return str(path[1]) if path[:1] == ("tenants",) and len(path) > 1 else ""


def _in_section(path: Path) -> Path:
    return path[2:] if path[:1] == ("tenants",) else path


def dotted(path: Path) -> str:
    """Write ``path`` as a person would: ``exempt[0].paths``, ``rails."freshness.max_age"``."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            spelled = part if _BARE.fullmatch(part) else quoted(part)
            text += f".{spelled}" if text else spelled
    return text


def shown(value: object) -> str:
    """Write ``value`` as TOML does, shortened."""
    match value:
        case bool():
            text = "true" if value else "false"
        case str():
            text = quoted(value)
        case dict():
            text = "a table"
        case list() | tuple():
            text = "[" + ", ".join(shown(item) for item in value) + "]"
        case datetime.datetime() | datetime.date() | datetime.time():
            text = value.isoformat()
        case int() if value.bit_length() > LONG:
            text = f"a number of {value.bit_length()} bits"
        case _:
            text = str(value)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "…"


def quoted(text: str) -> str:
    """Put ``text`` in quotes, with each character spelled out that cannot be seen."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return (
        '"' + "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in escaped) + '"'
    )


def told_day(at: int) -> str:
    """Write the UTC day of the second ``at``."""
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d")


def nearest(word: str, known: Iterable[str]) -> str:
    """Suggest the known word that is most like ``word``: ``; did you mean "…"?``, or ""."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f'; did you mean "{close[0]}"?' if close else ""


def listed(words: Iterable[str]) -> str:
    """Quote words and join them with commas."""
    return ", ".join(f'"{word}"' for word in words)
