"""Find the line of each key of a TOML document, which ``tomllib`` does not tell."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

Path = tuple[str | int, ...]
"""The place of a value: keys, and positions in arrays."""

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BLANK = re.compile(r"[ \t]*")
_SCALAR = re.compile(r"[^,\]}#\n]*")
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_QUOTED = re.compile(r'"""(?:\\.|(?!""").)*"{3,5}|\'\'\'(?:(?!\'\'\').)*\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'', re.S)


def lines_of(text: str) -> dict[Path, int]:
    """Map every table, key and array element of ``text`` (valid TOML) to its line, from 1."""
    return _Scan(text).document()


def line_at(lines: Mapping[Path, int], path: Path) -> int:
    """Return the line of ``path``, or of the nearest thing around it that is in the file."""
    for end in range(len(path), 0, -1):
        if path[:end] in lines:
            return lines[path[:end]]
    return 1


class _Scan:
    """Walk once over the text. It checks nothing: ``tomllib`` has read the same text before."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[Path, int] = {}
        self.last: dict[Path, int] = {}
        self.counted = (0, 1)

    def document(self) -> dict[Path, int]:
        table: Path = ()
        while True:
            self.skip(_SPACE)
            if self.at >= len(self.text):
                return self.lines
            if self.text.startswith("[[", self.at):
                table = self.header(2, self.line())
            elif self.text.startswith("[", self.at):
                table = self.header(1, self.line())
            else:
                self.pair(table)

    def header(self, brackets: int, line: int) -> Path:
        self.at += brackets
        keys = self.key()
        self.at += brackets
        path: Path = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            self.lines.setdefault(path, line)
            if brackets == 2 and position == len(keys) - 1:
                self.last[path] = self.last.get(path, -1) + 1
            if path in self.last:
                path = (*path, self.last[path])
                self.lines.setdefault(path, line)
        return path

    def pair(self, table: Path) -> None:
        line = self.line()
        path = table
        for key in self.key():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self.skip(_BLANK)
        self.at += 1
        self.skip(_BLANK)
        self.value(path)

    def value(self, path: Path) -> None:
        match self.text[self.at : self.at + 1]:
            case '"' | "'":
                self.skip(_QUOTED)
            case "[":
                self.array(path)
            case "{":
                self.inline(path)
            case _:
                self.skip(_SCALAR)

    def array(self, path: Path) -> None:
        self.at += 1
        position = 0
        while True:
            self.skip(_SPACE)
            if self.text[self.at] == "]":
                break
            self.lines.setdefault((*path, position), self.line())
            self.value((*path, position))
            position += 1
            self.skip(_SPACE)
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def inline(self, path: Path) -> None:
        self.at += 1
        while True:
            self.skip(_SPACE)
            if self.text[self.at] == "}":
                break
            self.pair(path)
            self.skip(_SPACE)
            if self.text[self.at] == ",":
                self.at += 1
        self.at += 1

    def key(self) -> list[str]:
        keys: list[str] = []
        while True:
            self.skip(_BLANK)
            found = _QUOTED.match(self.text, self.at) or _BARE.match(self.text, self.at)
            if found is None:
                return keys
            self.at = found.end()
            raw = found.group()
            keys.append(next(iter(tomllib.loads(f"{raw}=0"))) if raw[0] in "\"'" else raw)
            self.skip(_BLANK)
            if self.text[self.at : self.at + 1] != ".":
                return keys
            self.at += 1

    def skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        if found is not None:
            self.at = found.end()

    def line(self) -> int:
        start, line = self.counted
        line += self.text.count("\n", start, self.at)
        self.counted = (self.at, line)
        return line
