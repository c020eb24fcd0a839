"""Keep accounts in this process's memory: for tests, demonstrations, benchmarks.

All is gone with the process.
"""

from __future__ import annotations

import logging
from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice

from ..core.codec import encode
from ..core.events import UNREADABLE, Event
from ..core.model import Account, SubjectKey
from ..core.rules import TenantSettings
from ..core.settings_codec import settings_from, settings_to
from ..core.summary import STATUSES, Summary, summary_of
from ..core.trail import LAST_SECOND, chain_event, count_old, event_to_json
from ..errors import StoreMissing, StoreUnavailable
from ..storage import END, ChainPoint, Changed, EventPage, Link, Page, Reader, ReportPart, Rewrite, Take, Taken
from .common.change_log import NOTHING, ChangeLog, told
from .common.documents import (
    account_from,
    checksum,
    cursor_from,
    event_from,
    parts_found_by,
    search_text,
    search_word,
    wait_for_room,
)
from .common.siblings import give_back, take_name

__all__ = ["MemoryStore"]

log = logging.getLogger("mfa_gate")


@dataclass(slots=True)
class _Contents:
    """The contents that several stores of one process may share.

    They are only touched between awaits, so nothing needs a lock.
    """

    accounts: dict[SubjectKey, tuple[int, bytes, int]] = field(default_factory=dict)
    roster: dict[str, dict[str, tuple[Summary, str]]] = field(default_factory=dict)
    order: dict[str, list[str]] = field(default_factory=dict)
    lines: list[tuple[Event, str, str] | None] = field(default_factory=list)
    anchors: dict[str, ChainPoint] = field(default_factory=dict)
    marks: dict[str, set[str]] = field(default_factory=dict)
    heads: dict[str, ChainPoint] = field(default_factory=dict)
    settings: dict[str, tuple[int, str]] = field(default_factory=dict)
    claims: dict[str, SubjectKey] = field(default_factory=dict)
    taken: dict[str, tuple[int, list[tuple[int, int]]]] = field(default_factory=dict)
    meta: dict[str, bytes] = field(default_factory=dict)
    meta_ends: dict[str, int] = field(default_factory=dict)
    report: dict[str, dict[str, ReportPart]] = field(default_factory=dict)
    report_parts: int = 0
    changes: ChangeLog = field(default_factory=ChangeLog)
    is_made: bool = False


class MemoryStore:
    """A ``Store`` in memory."""

    def __init__(self) -> None:
        self._contents = _Contents()
        self._open = False
        self._sibling_name = b""

    def another(self) -> MemoryStore:
        """Make a second store on the same contents, as another worker would have it."""
        store = MemoryStore()
        store._contents = self._contents
        return store

    async def open(self, *, make: bool = True) -> None:
        """Open the store.

        Raises ``StoreMissing`` if ``make`` is False and nobody has made these contents.

        Logs an error if another worker of this server has a memory store as well: each has its own contents.
        """
        if not make and not self._contents.is_made:
            raise StoreMissing("the memory store")
        self._contents.is_made = True
        if self._open:
            return
        self._sibling_name, is_met = take_name("memory")
        if is_met:
            log.error(
                "memory:// is used by several worker processes: each has its own accounts, attempts and locks, so a lock in "
                "one is none in the others. Run one worker, or use sqlite:///mfa_gate.db, postgresql:// or redis://"
            )
        self._open = True

    async def aclose(self) -> None:
        """Close the store. The contents stay, for a later ``open``."""
        if self._open:
            give_back(self._sibling_name)
        self._open = False

    async def accept(self) -> None:
        """Do nothing: nobody can put an older copy of memory in place."""

    def _ready(self) -> _Contents:
        if not self._open:
            raise StoreUnavailable("the memory store is not open")
        return self._contents

    def changed(self, reader: Reader, /) -> Changed:
        """Tell the changes since the reader's last look."""
        log = self._contents.changes if self._open else self._ready().changes
        # The answer of nearly every look, without a call: each request of a known browser asks.
        if log is reader.log and log.count == reader.place:
            return NOTHING
        return told(log, reader)

    async def load(self, key: SubjectKey, /) -> Account:
        """Return the account as last swapped."""
        row = self._ready().accounts.get(key)
        return Account(key=key) if row is None else account_from(key, *row)

    async def swap(self, account: Account, events: Sequence[Event] = (), /) -> bool:
        """Store the account if its version is still the stored one.

        There is no await in it, so no change can be torn.
        """
        contents, key = self._ready(), account.key
        if contents.accounts.get(key, (0,))[0] != account.version:
            return False
        version, body = account.version + 1, encode(account)
        lines = [(event, event_to_json(event)) for event in events]
        contents.accounts[key] = (version, body, checksum(key, version, body))
        summary = summary_of(account)
        rows, order = contents.roster.setdefault(key.tenant, {}), contents.order.setdefault(key.tenant, [])
        if account.is_forgotten:
            if rows.pop(key.id, None):
                order.remove(key.id)
        else:
            if key.id not in rows:
                insort(order, key.id)
            rows[key.id] = (summary, search_text(summary))
        self._write(lines)
        contents.changes.note(key)
        return True

    def _write(self, lines: Sequence[tuple[Event, str]]) -> None:
        contents = self._contents
        for event, line in lines:
            head = contents.heads.get(event.tenant, ChainPoint())
            digest = chain_event(head.digest, event, line)
            contents.heads[event.tenant] = ChainPoint(lines=head.lines + 1, digest=digest)
            contents.lines.append((event, line, digest))

    async def append(self, events: Sequence[Event], /) -> None:
        """Write events that belong to no change."""
        self._ready()
        self._write([(event, event_to_json(event)) for event in events])

    async def claim(self, name: str, key: SubjectKey, /) -> bool:
        """Reserve ``name`` for ``key``."""
        return self._ready().claims.setdefault(name, key) == key

    async def release(self, name: str, key: SubjectKey, /) -> None:
        """Give ``name`` back if it belongs to ``key``."""
        claims = self._ready().claims
        if claims.get(name) == key:
            del claims[name]

    async def take_all(self, takes: Sequence[Take], /) -> Taken:
        """Take from all buckets, or from none."""
        for place, take in enumerate(takes):
            rows = self._taken(take.bucket, take.window, take.at)
            wait = wait_for_room(rows, limit=take.limit, window=take.window, now=take.at, more=take.count)
            if wait:
                return Taken(refused=place, wait=wait)
        return Taken(totals=tuple(self._take(take) for take in takes))

    async def total(self, bucket: str, /, *, window: int, now: int) -> int:
        """Return how much was taken in the window."""
        return sum(count for _, count in self._taken(bucket, window, now))

    def _taken(self, bucket: str, window: int, now: int) -> list[tuple[int, int]]:
        _, before = self._ready().taken.get(bucket, (0, []))
        return [(at, count) for at, count in before if at > now - window]

    def _take(self, take: Take) -> int:
        """Note one take. Each call drops up to two buckets whose time is over."""
        buckets, rows = self._contents.taken, self._taken(take.bucket, take.window, take.at)
        insort(rows, (take.at, take.count))
        buckets.pop(take.bucket, None)
        buckets[take.bucket] = (take.at + take.window, rows)
        for other, (ends_at, _) in list(islice(buckets.items(), 2)):
            if ends_at <= take.at:
                del buckets[other]
        return sum(count for _, count in rows)

    async def settings(self, tenant: str, /) -> TenantSettings:
        """Return the tenant's settings."""
        row = self._ready().settings.get(tenant)
        return TenantSettings(tenant=tenant) if row is None else settings_from(tenant, *row)

    async def swap_settings(self, settings: TenantSettings, events: Sequence[Event] = (), /) -> bool:
        """Store a tenant's settings as ``swap`` stores an account."""
        contents = self._ready()
        if contents.settings.get(settings.tenant, (0,))[0] != settings.version:
            return False
        lines = [(event, event_to_json(event)) for event in events]
        contents.settings[settings.tenant] = (settings.version + 1, settings_to(settings))
        self._write(lines)
        contents.changes.note(None)
        return True

    async def page(
        self, tenant: str, /, *, status: str = "", query: str = "", after: str = "", limit: int = 50
    ) -> Page:
        """Return summaries of a tenant, by id."""
        contents, word = self._ready(), search_word(query)
        rows, order = contents.roster.get(tenant, {}), contents.order.get(tenant, [])
        found: list[Summary] = []
        for id in order[bisect_right(order, after) if after else 0 :]:
            summary, text = rows[id]
            if (status and summary.status != status) or word not in text:
                continue
            if len(found) == limit:
                return Page(items=tuple(found), next=found[-1].key.id)
            found.append(summary)
        return Page(items=tuple(found))

    async def counts(self, tenant: str, /) -> dict[str, int]:
        """Count the accounts of the tenant by status."""
        found = Counter(summary.status for summary, _ in self._ready().roster.get(tenant, {}).values())
        return {status: found[status] for status in STATUSES}

    async def summaries(self, tenant: str, ids: Sequence[str], /) -> dict[str, Summary]:
        """Return the summaries of these people by id."""
        rows = self._ready().roster.get(tenant, {})
        return {id: rows[id][0] for id in ids if id in rows}

    async def events(
        self, tenant: str, /, *, account: str = "", kind: str = "", after: str = "", limit: int = 50
    ) -> EventPage:
        """Return the tenant's events, newest first."""
        contents, before = self._ready(), cursor_from(after)
        if before is None:
            return EventPage(items=())
        found: list[Event] = []
        start = len(contents.lines) if before < 0 else min(before, len(contents.lines))
        last = start
        for number in range(start - 1, -1, -1):
            kept = contents.lines[number]
            if kept is None:
                continue
            event, line, _ = kept
            if tenant not in ("", event.tenant) or account not in ("", event.account) or kind not in ("", event.kind):
                continue
            if len(found) == limit:
                return EventPage(items=tuple(found), next=str(last))
            found.append(event_from(event.tenant, number, line))
            last = number
        return EventPage(items=tuple(found))

    async def links(self, tenant: str, /, *, after: int = -1, limit: int = 1_000) -> list[Link]:
        """Return stored lines as they are, oldest first."""
        found = list[Link]()
        for place, kept in islice(enumerate(self._ready().lines), after + 1, None):
            if kept is not None and kept[0].tenant == tenant:
                found.append(Link(place, kept[1], kept[2]))
                if len(found) == limit:
                    break
        return found

    async def misfiled(self, tenant: str, /, *, after: int = -1, limit: int = 1_000) -> list[int]:
        """Return the places of lines whose event says something else than their text."""
        found, lines = list[int](), self._ready().lines
        for place, line, _ in await self.links(tenant, after=after, limit=limit):
            kept, event = lines[place], event_from(tenant, place, line)
            if kept is not None and event.kind != UNREADABLE and parts_found_by(kept[0]) != parts_found_by(event):
                found.append(place)
        return found

    async def head(self, tenant: str, /) -> ChainPoint:
        """Return the point behind the tenant's last line."""
        return self._ready().heads.get(tenant, ChainPoint())

    async def trail(self, tenant: str, /, *, after: str = "", limit: int = 500) -> EventPage:
        """Return the tenant's events, oldest first."""
        contents = self._ready()
        if after == END:
            return EventPage(items=(), next=str(len(contents.lines)))
        place = cursor_from(after)
        if place is None:
            return EventPage(items=(), next=after)
        place, found = max(place, 0), list[Event]()
        while place < len(contents.lines) and len(found) < limit:
            kept, place = contents.lines[place], place + 1
            if kept is not None and kept[0].tenant == tenant:
                found.append(event_from(tenant, place, kept[1]))
        return EventPage(items=tuple(found), next=str(place))

    async def trails(self) -> tuple[str, ...]:
        """List the tenants that have a trail."""
        return tuple(sorted(self._ready().heads))

    async def prune(self, tenant: str, /, *, before: int, limit: int = 1_000, now: int = LAST_SECOND) -> int:
        """Remove the tenant's oldest lines and move the anchor."""
        contents = self._ready()
        kept = [(place, line) for place, line in enumerate(contents.lines) if line and line[0].tenant == tenant]
        count = min(limit, count_old([line[0].at for _, line in kept], before=before, now=now))
        for place, line in kept[:count]:
            contents.lines[place] = None
            start = contents.anchors.get(tenant, ChainPoint())
            contents.anchors[tenant] = ChainPoint(lines=start.lines + 1, digest=line[2])
        return count

    async def rewrite(self, tenant: str, lines: Sequence[Rewrite], /) -> None:
        """Replace the text of stored lines."""
        stored = self._ready().lines
        for place, before, line in lines:
            kept = stored[place] if place < len(stored) else None
            if kept is not None and kept[0].tenant == tenant and kept[1] == before:
                stored[place] = (event_from(tenant, place, line), line, kept[2])

    async def anchor(self, tenant: str, /) -> ChainPoint:
        """Return the point where the kept part of the trail begins."""
        return self._ready().anchors.get(tenant, ChainPoint())

    async def mark(self, name: str, ids: Sequence[str], /) -> None:
        """Remember ``ids`` under ``name``."""
        self._ready().marks.setdefault(name, set()).update(ids)

    async def marked(self, name: str, ids: Sequence[str], /) -> frozenset[str]:
        """Return those of ``ids`` that are remembered under ``name``."""
        return frozenset(ids) & self._ready().marks.get(name, set())

    async def unmark(self, name: str, ids: Sequence[str], /) -> None:
        """Forget ``ids`` under ``name``."""
        self._ready().marks.get(name, set()).difference_update(ids)

    async def meta(self, name: str, /) -> bytes | None:
        """Return a small value, or None."""
        return self._ready().meta.get(name)

    async def put_meta(self, name: str, value: bytes, /, *, until: int = 0) -> None:
        """Write a small value, with its end."""
        contents = self._ready()
        contents.meta[name] = bytes(value)
        contents.meta_ends.pop(name, None)
        if until:
            contents.meta_ends[name] = until

    async def drop_meta(self, name: str, /) -> None:
        """Remove a small value."""
        contents = self._ready()
        contents.meta.pop(name, None)
        contents.meta_ends.pop(name, None)

    async def prune_meta(self, /, *, before: int, limit: int = 1_000) -> int:
        """Remove small values that nobody needs any more."""
        ends = self._ready().meta_ends
        over = sorted((until, name) for name, until in ends.items() if until <= before)[:limit]
        for _, name in over:
            await self.drop_meta(name)
        return len(over)

    async def add_report_part(self, tenant: str, hour: int, body: bytes, /) -> None:
        """Add a part of the records of report-only."""
        contents = self._ready()
        contents.report_parts += 1
        id = str(contents.report_parts)
        contents.report.setdefault(tenant, {})[id] = ReportPart(id, hour, bytes(body))

    async def report_parts(self, tenant: str, /, *, since: int, until: int) -> Sequence[ReportPart]:
        """List the parts of some hours, the oldest hour first."""
        parts = self._ready().report.get(tenant, {}).values()
        return sorted((part for part in parts if since <= part.hour <= until), key=lambda part: part.hour)

    async def replace_report_part(self, tenant: str, part: ReportPart, body: bytes, /) -> None:
        """Replace a part, or remove it."""
        parts = self._ready().report.get(tenant, {})
        if part.id in parts and body:
            parts[part.id] = part._replace(body=bytes(body))
        elif part.id in parts:
            del parts[part.id]

    async def prune_report(self, tenant: str, /, *, before: int) -> int:
        """Remove the parts of old hours."""
        parts = self._ready().report.get(tenant, {})
        old = [part.id for part in parts.values() if part.hour < before]
        for id in old:
            del parts[id]
        return len(old)

    async def reported_tenants(self) -> tuple[str, ...]:
        """List the tenants that have had parts."""
        return tuple(sorted(self._ready().report))

    async def keys(self, /, *, after: SubjectKey | None = None, limit: int = 500) -> tuple[SubjectKey, ...]:
        """List the keys of all accounts in order, without those of forgotten people."""
        start = ("", "") if after is None else (after.tenant, after.id)
        everybody = [SubjectKey(tenant, id) for tenant, ids in self._ready().order.items() for id in ids]
        later = [key for key in everybody if (key.tenant, key.id) > start]
        return tuple(sorted(later, key=lambda key: (key.tenant, key.id))[:limit])
