"""Exports of a trail that prove what they say.

They are numbered lines with their digests, and signed heads between them.

Each line goes into a running digest; a signed head has it after every ``BLOCK`` lines. So an export is checked without a
secret, and a line of it cannot be changed, left out or added. Lines that a filter leaves out stand in it as digests, unless
a whole block has none that is wanted.
"""

from __future__ import annotations

import hashlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass

from ..core.events import Event
from ..core.trail import chain, digest_of, event_from_trail, link_digest
from ..core.trail_search import Search
from ..storage import ChainPoint, Link
from .accounts import Engine
from .trail_heads import ExportTerms, signed_head
from .trail_verification import key_of_line

BLOCK = 200
PIECE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of an export.

    ``number`` counts from 1 and includes pruned lines. ``digest`` is the one of the chain. ``event`` is None for a line that
    the filter leaves out: only the digest of its ``text`` is given away.
    """

    number: int
    digest: str
    text: str
    event: Event | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A signed head between the lines, behind line ``lines``."""

    lines: int
    word: str


@dataclass(slots=True)
class Tally:
    """The result of an export.

    It counts the lines that were given. ``wrong`` is the number of the first wrong line, 0 for none.
    """

    given: int = 0
    wrong: int = 0


def running_digest(previous: str, digest: str, text_digest: str) -> str:
    """Return the running digest of an export after one more line."""
    return hashlib.sha256(f"{previous}\n{digest}\n{text_digest}".encode()).hexdigest()


async def exported(engine: Engine, tenant: str, search: Search, tally: Tally) -> AsyncGenerator[Line | Mark, None]:
    """Yield the lines of a trail and the signed heads between them, oldest first.

    The chain is checked on the way. From the first wrong line on, no head is signed: nobody vouches for it.
    """
    store, start, end = engine.store, await engine.store.anchor(tenant), await engine.store.head(tenant)
    walk = _Walk(engine, tenant, search, start, end)
    yield walk.mark()
    place, block = -1, list[Line]()
    while walk.count < end.lines and (piece := await store.links(tenant, after=place, limit=PIECE)):
        place = piece[-1].place
        for link in piece:
            if walk.count >= end.lines:
                break
            block.append(walk.take(link))
            if len(block) == BLOCK or walk.count == end.lines:
                for part in walk.given(block):
                    tally.given += isinstance(part, Line) and part.event is not None
                    yield part
                block = []
    for part in walk.given(block):
        yield part
    tally.wrong = walk.wrong or (0 if walk.count == end.lines else walk.count + 1)


class _Walk:
    """The state of an export: the point of the chain, and the running digest."""

    def __init__(self, engine: Engine, tenant: str, search: Search, start: ChainPoint, end: ChainPoint) -> None:
        self.engine, self.tenant, self.search, self.end = engine, tenant, search, end
        self.count, self.digest, self.plain = start.lines, start.digest, ""
        self.wrong = 0
        self.marked = start.lines
        self._begin: tuple[ChainPoint, str] = (start, "")

    def take(self, link: Link) -> Line:
        """Go on by one line."""
        own, key = link_digest(link.line), key_of_line(link.line)
        own = self.engine.trail_keys.own(key, self.tenant, own) if key else own
        if not self.wrong and (not own or chain(self.digest, own) != link.digest):
            self.wrong = self.count + 1
        self.count, self.digest = self.count + 1, link.digest
        self.plain = running_digest(self.plain, link.digest, digest_of(link.line))
        event = event_from_trail(link.line, tenant=self.tenant, place=str(link.place))
        wanted = event if self.search.fits(event) else None
        return Line(number=self.count, digest=link.digest, text=link.line, event=wanted)

    def given(self, block: list[Line]) -> list[Line | Mark]:
        """Return a block with the head behind it.

        The head before it comes along where blocks were left out.
        """
        before, self._begin = self._begin, (ChainPoint(lines=self.count, digest=self.digest), self.plain)
        is_last = self.count >= self.end.lines
        if not block or not (any(line.event for line in block) or is_last):
            return []
        parts: list[Line | Mark] = []
        if self.marked != before[0].lines:
            parts.append(self.mark(before))
        parts += block
        if not self.wrong:
            parts.append(self.mark())
        self.marked = self.count
        return parts

    def mark(self, at: tuple[ChainPoint, str] | None = None) -> Mark:
        """Sign the head at a point of the export."""
        point, plain = at or (ChainPoint(lines=self.count, digest=self.digest), self.plain)
        word = signed_head(
            self.engine.trail_keys,
            self.tenant,
            point,
            at=self.engine.now(),
            export=ExportTerms(plain=plain, words=dict(self.search.words), ends=point.lines >= self.end.lines),
        )
        return Mark(lines=point.lines, word=word)
