"""Erasure of a person from lines of the audit trail, without breaking the chain.

An erased line keeps the digest that it had, so every later digest still fits. Its new text is bound in another way: each
erased line has the digest of the one before it, and the event ``audit.erased`` has the digest of the last.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from typing import Any

from .text_safety import names
from .trail import ERASED, WAS, digest_of, link_digest

KIND = "audit.erased"
GONE = "(erased)"
NAMING = ("acts_as", "asked_by", "confirmed_by", "pseudonym")
"""Parts of the detail that hold an id."""
PLACES = ("network", "address", "browser", "agent", "session", "request")
"""Parts that tell where the person was, and with what."""
LONG = 6
"""Letters of an id that is looked for in other people's free texts. A shorter one may be any word."""
_WORD = re.compile(r"[a-z][a-z_-]{0,39}|[A-Z2-7]{10}|")
"""A machine's word, or a reference. Any other text may tell something about a person."""
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """One act of erasure.

    ``id`` goes, ``pseudonym`` takes its place, and ``ref`` is the reference of the event. ``only_about``: only the lines about
    the account of this id, for an id that may be no person. The same word in other lines may mean something else.
    """

    id: str
    pseudonym: str
    ref: str
    only_about: bool = False

    def concerns(self, line: str) -> bool:
        """Tell if a line may name the id. It is a quick look before the line is read."""
        return _encode(self.id)[1:-1] in line

    def apply(self, line: str, previous: str) -> str | None:
        """Return the line without the person, or None for a line that does not name it.

        ``previous`` is the digest of the line that was erased before it, "" for the first.
        """
        parts = _object(line) if self.concerns(line) else None
        if parts is None or not self._is_named(parts):
            return None
        own = self.id in (parts.get("account"), parts.get("actor")) and not self.only_about
        parts[WAS] = link_digest(line)
        earlier = [[ref, before, digest or digest_of(line)] for ref, before, digest in marks_of(line)]
        is_about = parts.get("account") == self.id
        if own:
            for name in PLACES:
                parts.pop(name, None)
        for name in ("account",) if self.only_about else ("account", "actor"):
            if parts.get(name) == self.id:
                parts[name] = self.pseudonym
        for name in ("reason", "ticket"):
            if name in parts:
                parts[name] = self._cleaned(name, parts[name], only_words=is_about and name == "reason")
        if isinstance(parts.get("detail"), dict):
            parts["detail"] = {
                name: self._cleaned(name, value, only_words=is_about) for name, value in parts["detail"].items()
            }
        parts[ERASED] = [*earlier, [self.ref, previous, ""]]
        return _encode(parts)

    def _is_named(self, parts: dict[str, Any]) -> bool:
        if self.only_about:
            return parts.get("account") == self.id
        found = parts.get("detail")
        detail = found if isinstance(found, dict) else {}
        named = (parts.get("account"), parts.get("actor"), *(detail.get(name) for name in NAMING))
        return self.id in named or any(map(self._tells, (parts.get("reason"), parts.get("ticket"), *detail.values())))

    def _tells(self, text: object) -> bool:
        if len(self.id) < LONG or not isinstance(text, str):
            return False
        return names(text, self.id)

    def _cleaned(self, name: str, value: object, *, only_words: bool) -> object:
        """Return a value without the person.

        ``only_words``: of texts, only a machine's words stay.
        """
        if name in NAMING and value == self.id:
            return self.pseudonym
        if self._tells(value) or (only_words and isinstance(value, str) and _WORD.fullmatch(value) is None):
            return GONE
        return value


def marks_of(line: str) -> list[tuple[str, str, str]]:
    """Return the marks of the erasures that a line has been through, oldest first.

    Each has the reference, the digest of the line erased before it, and the digest of the text after it ("": the text as
    it is now).
    """
    parts = _object(line) if f'"{ERASED}":' in line else None
    marks = parts.get(ERASED) if parts is not None else None
    if not isinstance(marks, list):
        return []
    return [(str(mark[0]), str(mark[1]), str(mark[2])) for mark in marks if isinstance(mark, list) and len(mark) == 3]


@dataclass(slots=True)
class ErasureCheck:
    """The check of the erased lines of one trail, line by line from the oldest.

    A line before the first one that is seen may have been pruned, or may not be erased yet. So the first digest is not
    compared.
    """

    _last: dict[str, tuple[str, int]] = field(default_factory=dict)
    _first: dict[str, int] = field(default_factory=dict)
    _closed: set[str] = field(default_factory=set)

    def look(self, line: str, place: int) -> int | None:
        """Look at the next line. Returns the place of the fault, or None."""
        marks = marks_of(line)
        # Nearly every line has neither part, and needs no digest of its own here: the chain has just taken it.
        if not marks and f'"{WAS}":' in line and link_digest(line) != digest_of(line):
            return place
        for ref, previous, digest in marks:
            known = self._last.get(ref)
            if ref in self._closed or (known is not None and known[0] != previous):
                return place
            self._first.setdefault(ref, place)
            self._last[ref] = (digest or digest_of(line), place)
        return self._close(line) if f'"{KIND}"' in line else None

    def _close(self, line: str) -> int | None:
        parts = _object(line)
        if parts is None or parts.get("kind") != KIND or not isinstance(parts.get("detail"), dict):
            return None
        ref = str(parts.get("id"))
        self._closed.add(ref)
        known = self._last.get(ref)
        return known[1] if known is not None and known[0] != parts["detail"].get("last") else None

    def end(self) -> int | None:
        """Return the place of the first line whose erasure has no event, or None."""
        return min((place for ref, place in self._first.items() if ref not in self._closed), default=None)


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
