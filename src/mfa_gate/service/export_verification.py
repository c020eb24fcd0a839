"""Verification of an exported trail: a verification key is enough.

It needs no store and no secret.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..core.events import Event
from ..core.trail import digest_of, event_from_trail
from .trail_export import running_digest
from .trail_heads import Head, NoHead, read_head

GIVEN = ("seq", "digest", "line")
"""Members of an exported line that are no parts of its event."""
SHORTENED = {"seq", "digest", "sha256"}
"""Members of a line that the filter left out. Nothing else of it is given away, so nothing else could be proven."""


class WrongExport(ValueError):
    """The error for an export that does not prove what it says; the message names the place."""


@dataclass(slots=True)
class Proven:
    """The part of one trail that an export proves.

    It has the lines from ``first`` to ``last``, so many of them readable.

    ``words`` are the filters it was made with. ``left_out`` are spans of lines without one that was asked for. ``at`` is the
    time of the last head (UTC seconds).
    """

    tenant: str
    first: int
    last: int
    at: int
    words: Mapping[str, str] = field(default_factory=dict)
    readable: int = 0
    left_out: list[tuple[int, int]] = field(default_factory=list)


class ExportCheck:
    """The check of an export, record by record.

    Each record has the members that were signed, and no others.
    ``draw`` makes the document of an event, ``draw_head`` that of a head (the word, and what it says).
    """

    def __init__(
        self,
        verify_key: Callable[[str], bytes],
        draw: Callable[[Event], Mapping[str, object]],
        draw_head: Callable[[str, Head], Mapping[str, object]],
        expected: Iterable[Head] = (),
    ) -> None:
        self._verify_key = verify_key
        self._draw = draw
        self._draw_head = draw_head
        self._expected = {(head.tenant, head.lines): head for head in expected}
        self._met: set[tuple[str, int]] = set()
        self._head: Head | None = None
        self._lines, self._digest, self._plain, self._since = 0, "", "", 0
        self.proven: list[Proven] = []

    def run(self, lines: Iterable[str]) -> list[Proven]:
        """Check all records. Raises ``WrongExport`` with the first place that is wrong."""
        for number, text in enumerate(lines, 1):
            if not text.strip():
                continue
            try:
                record = json.loads(text, object_pairs_hook=_once_each)
            except WrongExport as error:
                raise WrongExport(f"line {number} of the file: {error}") from error
            except (ValueError, RecursionError) as error:
                raise WrongExport(f"line {number} of the file is no JSON") from error
            if not isinstance(record, dict):
                raise WrongExport(f"line {number} of the file is no record")
            try:
                self._mark(record) if "head" in record else self._line(record)
            except (WrongExport, NoHead) as error:
                raise WrongExport(f"line {number} of the file: {error}") from error
            except UnicodeEncodeError as error:
                raise WrongExport(f"line {number} of the file holds half a character") from error
        self._require_end()
        missing = sorted(set(self._expected) - self._met)
        if missing:
            tenant, count = missing[0]
            raise WrongExport(f"the expected head of {tenant} after line {count} does not stand in the file")
        return self.proven

    def _mark(self, record: Mapping[str, Any]) -> None:
        word = str(record["head"])
        head = read_head(word, self._verify_key)
        if head.export is None or record != self._draw_head(word, head):
            raise WrongExport("the head says something else than its record")
        if self._head is None or head.tenant != self._head.tenant:
            if self._head is not None:
                self._require_end()
            self._begin(head)
            return
        known = self._head
        if known.export is None or known.export.ends or head.export.words != known.export.words:
            raise WrongExport("this head is of another export")
        if head.lines == self._lines:
            if (head.digest, head.export.plain) != (self._digest, self._plain):
                raise WrongExport(f"trail lines {self._since + 1} to {self._lines}: one of them was altered")
        elif self._lines == self._since and head.lines > self._lines and head.export.words:
            self.proven[-1].left_out.append((self._lines + 1, head.lines))
        else:
            raise WrongExport(f"trail lines {self._since + 1} to {head.lines}: lines were removed or added")
        self._take(head)

    def _begin(self, head: Head) -> None:
        words = head.export.words if head.export else {}
        self.proven.append(Proven(head.tenant, head.lines + 1, head.lines, head.at, words))
        if head.export is not None and head.export.plain:
            raise WrongExport(f"the beginning of the trail of {head.tenant} is gone")
        self._take(head)

    def _take(self, head: Head) -> None:
        self._head, self._lines, self._since, self._digest = head, head.lines, head.lines, head.digest
        self._plain = head.export.plain if head.export else ""
        self.proven[-1].last, self.proven[-1].at = head.lines, head.at
        self._meet()

    def _line(self, record: Mapping[str, Any]) -> None:
        if self._head is None:
            raise WrongExport("no signed head stands before it")
        number, digest = record.get("seq"), record.get("digest")
        if number != self._lines + 1 or not isinstance(digest, str):
            raise WrongExport(f"trail line {self._lines + 1} was expected here")
        text, shortened = record.get("line"), record.get("sha256")
        if isinstance(text, str):
            drawn = dict(self._draw(event_from_trail(text, tenant=self._head.tenant, place=str(number))))
            if {name: part for name, part in record.items() if name not in GIVEN} != drawn:
                raise WrongExport(f"trail line {number}: its members say something else than its text")
            shortened = digest_of(text)
            self.proven[-1].readable += 1
        elif not isinstance(shortened, str):
            raise WrongExport(f"trail line {number} has neither a text nor a digest")
        elif more := ", ".join(sorted(record.keys() - SHORTENED)):
            raise WrongExport(f"trail line {number} has no text that would prove these members: {more}")
        self._lines, self._digest = self._lines + 1, digest
        self._plain = running_digest(self._plain, digest, shortened)
        self._meet()

    def _meet(self) -> None:
        """Compare the present point with a head that was kept elsewhere."""
        if self._head is None:
            return
        place = (self._head.tenant, self._lines)
        expected = self._expected.get(place)
        if expected is not None and expected.digest != self._digest:
            raise WrongExport(f"trail line {self._lines}: the expected head is of another line")
        if expected is not None:
            self._met.add(place)

    def _require_end(self) -> None:
        if self._head is None:
            raise WrongExport("the file holds no signed head: it is no export of a trail, or its beginning is gone")
        if self._lines != self._since or self._head.export is None or not self._head.export.ends:
            raise WrongExport(
                f"the end is gone: nothing is signed behind trail line {self._since} of {self._head.tenant}"
            )


def _once_each(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of its members.

    Programs differ in which of two members of one name they take. Raises ``WrongExport`` for such an object.
    """
    made = dict(members)
    if len(made) != len(members):
        raise WrongExport("it has a member twice")
    return made
