"""Verification of stored trails, in pieces, while others go on writing to them.

Without keys only the chain is looked at, and lines with a key are taken as they are. With keys (``TrailCheck``) each line,
the store's columns, the signed head and the signed beginning are compared as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ..core.messages.causes import TRAIL_FAULTS
from ..core.trail import KEY, chain, link_digest
from ..core.trail_erasure import ErasureCheck
from ..storage import ChainPoint, ChecksColumns, Link, Store, Trail
from .trail_keys import TrailKeys
from .trail_notes import ForgedNote, SignedHead, TrailNotes
from .turns import give_way

PIECE = 1_000
PRUNED = "audit.pruned"
ALTERED = "this line was altered, or a line before it was removed, added or moved"
MOVED = "this line stands at another place than the one that was signed"
CUT = "the lines from here on are gone"
OTHERS = "columns of the store say something else than the line"
FOREIGN = "this line is of another tenant"
KEYLESS = "this line has no key, and stands where every line has one"
LIST_GONE = "the signed list of trails was removed"


@dataclass(frozen=True, slots=True)
class Fault:
    """The first fault of a trail: its place, and the words for it.

    Places count from 0 and include pruned lines. ``what`` is one of ``TRAIL_FAULTS``, ``by`` what it was found by.
    """

    place: int
    what: str
    by: object = ""

    def __post_init__(self) -> None:
        """Raise ``ValueError`` for a fault that has no words in the languages of the readers."""
        if self.what not in TRAIL_FAULTS:
            raise ValueError(f"the fault {self.what!r} has no words")

    @property
    def text(self) -> str:
        """Say it in English, with what it was found by."""
        return f"{self.what}: {self.by}" if self.by else self.what


@dataclass(slots=True)
class Terms:
    """The terms that the lines of one trail must meet.

    ``since``: lines before this place may be without a key. ``points`` are digests that must stand behind so many lines,
    ``places`` the store's places of the last of so many lines.
    """

    keys: TrailKeys | None = None
    since: int | None = None
    points: Mapping[int, Sequence[tuple[str, str]]] = field(default_factory=dict)
    places: Mapping[int, int] = field(default_factory=dict)


async def verify_trail(trail: Trail, tenant: str = "", /, keys: TrailKeys | None = None) -> dict[str, int]:
    """Find the trails whose chain was changed after it was written; the tenant "" means all.

    Returns for each broken trail, by its tenant, the place of the first line that was removed, moved or altered.
    Places count from 0 and include pruned lines. Pruning is no fault: a trail is verified from its anchor on. Nor is the
    erasure of a person, which an event binds.
    """
    tenants = (tenant,) if tenant else await trail.trails()
    found = {name: await first_fault(trail, name, Terms(keys)) for name in tenants}
    return {name: fault.place for name, fault in found.items() if fault is not None}


async def first_fault(trail: Trail, tenant: str, terms: Terms, *, most: int = 0) -> Fault | None:
    """Verify one trail, and again if lines were pruned meanwhile.

    ``most``: only so many of the oldest lines; 0: all. Where a person was erased from one of them, all are looked at: the
    event that binds the erasure stands behind.
    """
    while True:
        start = await trail.anchor(tenant)
        fault = await _Walk(trail, tenant, terms, start).run(start.lines + most if most else 0)
        if fault is None or start == await trail.anchor(tenant):
            return fault


class _Walk:
    """One look at all lines of a trail, the oldest first."""

    def __init__(self, trail: Trail, tenant: str, terms: Terms, start: ChainPoint) -> None:
        self.trail, self.tenant, self.terms = trail, tenant, terms
        self.digest, self.count, self.place = start.digest, start.lines, -1
        self.erasures = ErasureCheck()

    async def run(self, until: int) -> Fault | None:
        trail, tenant = self.trail, self.tenant
        if fault := self._at_point():
            return fault
        while True:
            if until and self.count >= until and self.erasures.end() is None:
                return None
            size = min(PIECE, until - self.count) if until > self.count else PIECE
            piece = await trail.links(tenant, after=self.place, limit=size)
            begin, after = self.count, self.place
            for link in piece:
                if fault := self._look(link):
                    return await self._columns(after, piece, begin) or fault
            if fault := await self._columns(after, piece, begin):
                return fault
            if piece:
                self.place = piece[-1].place
                await give_way()
                continue
            head = await trail.head(tenant)  # read after the lines: lines of others only make it larger
            if head.lines <= self.count or not await trail.links(tenant, after=self.place, limit=PIECE):
                return self._end(head)

    def _look(self, link: Link) -> Fault | None:
        key, tenant = _key_and_tenant(link.line)
        own = link_digest(link.line)
        if key and self.terms.keys is not None:
            own = self.terms.keys.own(key, self.tenant, own)
            if not own:
                return Fault(self.count, "this line was chained with a key that is not listed", key)
        if key and self.terms.keys is None:
            self.digest = link.digest
        else:
            self.digest = chain(self.digest, own)
        if self.digest != link.digest:
            return Fault(self.count, ALTERED)
        if self.terms.keys is not None and (fault := self._strict(key, tenant)):
            return fault
        if (at := self.erasures.look(link.line, self.count)) is not None:
            return Fault(at, ALTERED)
        self.count += 1
        if link.place != self.terms.places.get(self.count, link.place):
            return Fault(self.count - 1, MOVED)
        return self._at_point()

    def _strict(self, key: str, tenant: str | None) -> Fault | None:
        if not key and self.terms.since is not None and self.count >= self.terms.since:
            return Fault(self.count, KEYLESS)
        if tenant not in (None, self.tenant):
            return Fault(self.count, FOREIGN)
        return None

    def _at_point(self) -> Fault | None:
        for digest, what in self.terms.points.get(self.count, ()):
            if digest != self.digest:
                return Fault(max(self.count - 1, 0), what)
        return None

    async def _columns(self, after: int, piece: Sequence[Link], begin: int) -> Fault | None:
        """Ask the store for lines before the present one whose columns differ from their text."""
        if self.terms.keys is None or not piece or not isinstance(self.trail, ChecksColumns):
            return None
        wrong = set(await self.trail.misfiled(self.tenant, after=after, limit=len(piece)))
        places = [begin + number for number, link in enumerate(piece) if link.place in wrong]
        return Fault(places[0], OTHERS) if places and places[0] < self.count else None

    def _end(self, head: ChainPoint) -> Fault | None:
        if (at := self.erasures.end()) is not None:
            return Fault(at, ALTERED)
        if head != ChainPoint(lines=self.count, digest=self.digest):
            return Fault(
                min(head.lines, self.count), CUT if head.lines > self.count else "the head is not the last line’s"
            )
        missing = sorted(lines for lines in self.terms.points if lines > self.count)
        return Fault(self.count, CUT) if missing else None


async def missing_beginning(trail: Trail, tenant: str, anchor: ChainPoint) -> Fault | None:
    """Find a missing beginning of which no event tells.

    It is for a trail that was never signed.
    """
    if not anchor.lines or (await trail.events(tenant, kind=PRUNED, limit=1)).items:
        return None
    return Fault(0, "the first lines were removed, and no event says so")


def key_of_line(line: str) -> str:
    """Return the id of the key that a line was chained with.

    It is "" for none, and for a damaged line.
    """
    return _key_and_tenant(line)[0] if '"key":"' in line else ""


def _key_and_tenant(line: str) -> tuple[str, str | None]:
    """Read both from a line; "" and None where they are not there."""
    try:
        parts = json.loads(line)
        key, tenant = parts.get(KEY), parts.get("tenant")
    except (ValueError, RecursionError, AttributeError):
        return "", None
    return key if isinstance(key, str) else "", tenant if isinstance(tenant, str) else None


@dataclass(slots=True)
class Verdict:
    """The result for all trails, or for one.

    ``broken`` has the first fault by tenant, ``anchors`` the points where pruned trails begin, ``since`` the number of
    lines from before the chain was keyed. ``is_signed``: False for a store whose trails no gate has signed yet. ``unknown``
    are tenants without a trail that were asked for.
    """

    broken: dict[str, Fault] = field(default_factory=dict)
    anchors: dict[str, ChainPoint] = field(default_factory=dict)
    since: dict[str, int] = field(default_factory=dict)
    is_signed: bool = True
    unknown: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Tell if nothing is wrong."""
        return not self.broken and not self.unknown


NO_LIST = "(list of trails)"
"""Stands for the signed list of trails among the names of tenants."""


class TrailCheck:
    """The whole check, with keys: of lines, columns, heads and beginnings.

    ``is_keyed``: the store's canaries say that its trails were signed. ``expected`` are heads that somebody has kept
    elsewhere: by tenant, the lines and the digest.
    """

    def __init__(
        self,
        store: Store,
        keys: TrailKeys,
        *,
        is_keyed: bool,
        expected: Mapping[str, Sequence[ChainPoint]] | None = None,
    ) -> None:
        self.store = store
        self.keys = keys
        self.notes = TrailNotes(store, keys)
        self.is_keyed = is_keyed
        self.expected = expected or {}

    async def run(self, tenant: str = "") -> Verdict:
        """Check one trail, or all that the store has, lists or is expected to have."""
        verdict = Verdict()
        listed: frozenset[str] | None = frozenset()
        try:
            listed = await self.notes.tenants()
        except ForgedNote as error:
            verdict.broken[NO_LIST] = Fault(0, "the signed list of trails was altered", error)
        if listed is None and self.is_keyed:
            verdict.broken[NO_LIST] = Fault(0, LIST_GONE)
        verdict.is_signed = listed is not None or self.is_keyed
        names = sorted({*await self.store.trails(), *(listed or ()), *self.expected})
        if tenant:
            verdict.unknown = () if tenant in names else (tenant,)
            names = [tenant] if tenant in names else []
        for name in names:
            if fault := await self._one(name, verdict, listed):
                verdict.broken[name] = fault
        return verdict

    async def _one(self, tenant: str, verdict: Verdict, listed: frozenset[str] | None) -> Fault | None:
        signed: SignedHead | None = None
        fault: Fault | None = None
        try:
            signed = await self.notes.head(tenant)
        except ForgedNote as error:
            fault = Fault((await self.store.head(tenant)).lines, "the signed head was altered", error)
        if signed is None and fault is None and tenant in (listed or ()):
            fault = Fault((await self.store.head(tenant)).lines, "the signed head was removed")
        is_strict = verdict.is_signed and tenant not in (listed or ())  # a listed one without a head is a fault already
        terms = Terms(self.keys, signed.since if signed else 0 if is_strict else None)
        terms.points = await self._points(tenant, signed)
        terms.places = {signed.lines: signed.place} if signed and signed.place >= 0 else {}
        found = await first_fault(self.store, tenant, terms)
        anchor = await self.store.anchor(tenant)
        if anchor.lines:
            verdict.anchors[tenant] = anchor
        if signed is not None and signed.since:
            verdict.since[tenant] = signed.since
        beginning = await (
            self._beginning(tenant, anchor) if verdict.is_signed else missing_beginning(self.store, tenant, anchor)
        )
        return beginning or found or fault

    async def _points(self, tenant: str, signed: SignedHead | None) -> dict[int, list[tuple[str, str]]]:
        """Collect the digests that must stand in the trail.

        Those of pruned lines cannot be compared: leave to prune them is.
        """
        points = dict[int, list[tuple[str, str]]]()
        if signed is not None:
            points.setdefault(signed.lines, []).append((signed.digest, "the signed head is of another line"))
        for point in self.expected.get(tenant, ()):
            points.setdefault(point.lines, []).append((point.digest, "the expected head is of another line"))
        return points

    async def _beginning(self, tenant: str, anchor: ChainPoint) -> Fault | None:
        """Compare the beginning with the signed leave to prune."""
        try:
            leave = await self.notes.pruned(tenant)
        except ForgedNote as error:
            return Fault(anchor.lines, "the signed beginning was altered", error)
        if anchor.lines > leave:
            return Fault(leave, "the first lines were removed, and nothing signed says so", f"line {anchor.lines + 1}")
        return None
