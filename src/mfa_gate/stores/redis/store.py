"""The Redis store, made of scripts and commands on the server that has the tenant."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from ...core.events import Event
from ...core.model import Account, SubjectKey
from ...core.rules import TenantSettings
from ...core.summary import Summary
from ...core.trail import LAST_SECOND
from ...errors import StoreMissing, StoreUnavailable
from ...storage import ChainPoint, Changed, EventPage, Link, Page, Reader, ReportPart, Rewrite, Take, Taken
from ..common.change_log import NOTHING, told
from ..common.generation_file import GenerationFile
from ..common.high_water_mark import HighWaterMark
from ..common.loop_sessions import LoopSessions
from . import accounts, clock, limits, notes, report, roster, trail, trail_copy
from .acceptance import accept
from .accounts import RedisAccounts
from .replication_ids import ReplicationIds
from .session import Session
from .settings import RedisSettings
from .timing import USUAL, Timing
from .url import place_of

__all__ = ["RedisStore"]

_CHANNEL_WITHIN = 0.7
"""Seconds (F-1)."""


def mark_for(timing: Timing) -> HighWaterMark:
    """Make the memory of how far a Redis store has come."""
    return HighWaterMark(
        "Redis", part="tenant", settled_after=timing.settled_after, noted_together=timing.noted_together
    )


class RedisStore:
    """A ``Store`` in Redis 7 or newer, for several machines.

    Everything of a tenant lies on one server and commits together: account, summary, events, chain, notice. Reads go to
    the primary only. With ``replicas`` a change counts when that many replicas have it, and is refused otherwise (it may
    have been written all the same). Without ``replicas`` a failover may lose a change. The process that got its
    confirmation then puts it back. An older copy in the store's place is refused until an operator accepts it. With
    ``?marker=FILE`` this machine recognizes one also if no process was running when it was put in place.
    """

    def __init__(self, url: str, *, replicas: int = 0, durable: bool = True, timing: Timing = USUAL) -> None:
        """Name the servers by ``url``, as in ``store_from_url``.

        Its options ``?replicas=`` and ``?durable=`` win over the parameters. Raises ``SettingsError``.
        """
        self._place = place_of(url, replicas=replicas, durable=durable, timing=timing)
        self._sessions: LoopSessions[Session] = LoopSessions()
        self._store_id = ""
        self._open = False
        self._high_water_mark = mark_for(timing)
        self._replication_ids = ReplicationIds()
        self._accounts = RedisAccounts(self._ready, timing=timing, reads_back=not self._place.replicas)
        self._settings = RedisSettings(self._ready, timing=timing, reads_back=not self._place.replicas)
        self._generation_file = (
            GenerationFile(self._place.generation_file, server="Redis") if self._place.generation_file else None
        )

    @property
    def generation_file(self) -> str:
        """Return the path of this machine's memory of the store (``GenerationFile``), or ""."""
        return self._place.generation_file

    async def open(self, *, make: bool = True) -> None:
        """Connect and check. Make the store where there is none yet, unless ``make`` is False.

        Raises ``SettingsError`` if the servers are unfit, ``StoreMissing`` if ``make`` is False and they hold no store, and
        ``StoreUnavailable`` if they do not answer.
        """
        self._store_id = ""
        self._open = True
        try:
            session = await self._sessions.started(lambda: self._start(make=make))
            await session.require_newest()
        except BaseException:
            await self.aclose()
            raise
        await session.invalidation.wait(_CHANNEL_WITHIN)

    async def aclose(self) -> None:
        """Close all connections. May be called twice, and ``open`` may follow."""
        self._open = False
        session = self._sessions.take_all()
        if session is not None and not session.forked:
            await session.aclose()
            if (
                self._generation_file is not None
                and self._high_water_mark.settled
                and not self._high_water_mark.trouble
            ):
                await asyncio.to_thread(self._generation_file.keep, self._high_water_mark.memory())

    async def accept(self) -> None:
        """Accept the data in Redis as the store.

        Raises ``SettingsError`` if Redis holds no store, or another one.
        """
        session = Session(self._place, mark_for(self._place.timing), ReplicationIds())
        try:
            await accept(session, self._generation_file)
        finally:
            await session.aclose()

    async def _ready(self) -> Session:
        """Return the running loop's session. It makes no store: only ``open`` does."""
        if not self._open:
            raise StoreUnavailable("the Redis store is not open")
        try:
            return await self._sessions.started(lambda: self._start(make=False))
        except StoreMissing as error:
            raise StoreUnavailable(str(error)) from error

    async def _start(self, *, make: bool) -> Session:
        session = Session(
            self._place,
            self._high_water_mark,
            self._replication_ids,
            on_loss=self._owe,
            on_return=self._regain,
            generation_file=self._generation_file,
        )
        try:
            async with asyncio.timeout(self._place.timing.start_within):
                await session.start(self._store_id, make=make)
        except BaseException as error:
            await session.aclose()
            if isinstance(error, TimeoutError):
                raise StoreUnavailable("Redis did not answer in time") from error
            raise
        self._store_id = session.store_id
        self._sessions.add(session)
        return session

    def changed(self, reader: Reader, /) -> Changed:
        """Tell the changes since the reader's last look; ``EVERYTHING`` while they are not known."""
        session = self._sessions.of_this_loop()
        if not self._open or (session is None and self._sessions.any_forked):
            raise StoreUnavailable("the Redis store is not open")
        log = None if session is None else session.changes()
        # The answer of nearly every look, without a call: each request of a known browser asks.
        if log is not None and log is reader.log and log.count == reader.place:
            return NOTHING
        return told(log, reader)

    async def _regain(self) -> bool:
        """Put back recent changes that Redis has lost (F-3). Returns True if all are there again."""
        return all([await rows.regain() for rows in (self._settings, self._accounts)])

    def _owe(self) -> None:
        for rows in (self._settings, self._accounts):
            rows.owe()

    async def load(self, key: SubjectKey, /) -> Account:
        """Return the account as last committed on the primary."""
        return await self._accounts.load(key)

    async def swap(self, account: Account, events: Sequence[Event] = (), /) -> bool:
        """Store the account if its version is still the stored one, with all that commits with it."""
        own = [event for event in events if event.tenant == account.key.tenant]
        done = await self._accounts.swap(account, own)
        if done and len(own) < len(events):
            await self.append([event for event in events if event.tenant != account.key.tenant])
        return done

    async def settings(self, tenant: str, /) -> TenantSettings:
        """Return the tenant's settings."""
        return await self._settings.load(tenant)

    async def swap_settings(self, settings: TenantSettings, events: Sequence[Event] = (), /) -> bool:
        """Store a tenant's settings as ``swap`` stores an account."""
        own = [event for event in events if event.tenant == settings.tenant]
        done = await self._settings.swap(settings, own)
        if done and len(own) < len(events):
            await self.append([event for event in events if event.tenant != settings.tenant])
        return done

    async def claim(self, name: str, key: SubjectKey, /) -> bool:
        """Reserve ``name`` for ``key``."""
        return await accounts.claim(await self._ready(), name, key)

    async def release(self, name: str, key: SubjectKey, /) -> None:
        """Give ``name`` back if it belongs to ``key``."""
        await accounts.release(await self._ready(), name, key)

    async def keys(self, /, *, after: SubjectKey | None = None, limit: int = 500) -> tuple[SubjectKey, ...]:
        """List the keys of all accounts in order."""
        return await accounts.keys(await self._ready(), after, limit)

    async def append(self, events: Sequence[Event], /) -> None:
        """Write events that belong to no change of an account."""
        await trail.append(await self._ready(), events)

    async def events(
        self, tenant: str, /, *, account: str = "", kind: str = "", after: str = "", limit: int = 50
    ) -> EventPage:
        """Return the tenant's events, newest first.

        Events of all tenants are ordered by the clock of the servers.
        """
        return await trail.events(await self._ready(), tenant, account=account, kind=kind, after=after, limit=limit)

    async def trail(self, tenant: str, /, *, after: str = "", limit: int = 500) -> EventPage:
        """Return the tenant's events, oldest first."""
        return await trail.trail(await self._ready(), tenant, after=after, limit=limit)

    async def trails(self) -> tuple[str, ...]:
        """List the tenants that have a trail."""
        return await trail.trails(await self._ready())

    async def links(self, tenant: str, /, *, after: int = -1, limit: int = 1_000) -> list[Link]:
        """Return stored lines as they are, oldest first."""
        return await trail.links(await self._ready(), tenant, after=after, limit=limit)

    async def misfiled(self, tenant: str, /, *, after: int = -1, limit: int = 1_000) -> list[int]:
        """Return the places of lines that would be found as something else than their text says."""
        return await trail.misfiled(await self._ready(), tenant, after=after, limit=limit)

    async def anchor(self, tenant: str, /) -> ChainPoint:
        """Return the point where the kept part of the trail begins."""
        return await trail.anchor(await self._ready(), tenant)

    async def head(self, tenant: str, /) -> ChainPoint:
        """Return the point behind the tenant's last line."""
        return await trail.head(await self._ready(), tenant)

    async def prune(self, tenant: str, /, *, before: int, limit: int = 1_000, now: int = LAST_SECOND) -> int:
        """Remove the tenant's oldest lines and move the anchor."""
        return await trail.prune(await self._ready(), tenant, before=before, limit=limit, now=now)

    async def rewrite(self, tenant: str, lines: Sequence[Rewrite], /) -> None:
        """Replace the text of stored lines."""
        await trail_copy.rewrite(await self._ready(), tenant, lines)

    async def take_all(self, takes: Sequence[Take], /) -> Taken:
        """Take from all buckets, or from none."""
        return await limits.take_all(await self._ready(), takes)

    async def total(self, bucket: str, /, *, window: int, now: int) -> int:
        """Return how much was taken in the window."""
        return await limits.total(await self._ready(), bucket, window=window, now=now)

    async def page(
        self, tenant: str, /, *, status: str = "", query: str = "", after: str = "", limit: int = 50
    ) -> Page:
        """Return summaries of a tenant, by id."""
        return await roster.page(await self._ready(), tenant, status=status, query=query, after=after, limit=limit)

    async def counts(self, tenant: str, /) -> dict[str, int]:
        """Count the accounts of the tenant by status."""
        return await roster.counts(await self._ready(), tenant)

    async def summaries(self, tenant: str, ids: Sequence[str], /) -> dict[str, Summary]:
        """Return the summaries of these people by id."""
        return await roster.summaries(await self._ready(), tenant, ids)

    async def time(self) -> float:
        """Return the time of the server's clock in UTC seconds."""
        return await clock.time(await self._ready())

    async def meta(self, name: str, /) -> bytes | None:
        """Return a small value, or None."""
        return await notes.meta(await self._ready(), name)

    async def put_meta(self, name: str, value: bytes, /, *, until: int = 0) -> None:
        """Write a small value, with its end."""
        await notes.put_meta(await self._ready(), name, value, until)

    async def drop_meta(self, name: str, /) -> None:
        """Remove a small value."""
        await notes.drop_meta(await self._ready(), name)

    async def prune_meta(self, /, *, before: int, limit: int = 1_000) -> int:
        """Remove small values that nobody needs any more."""
        return await notes.prune_meta(await self._ready(), before=before, limit=limit)

    async def mark(self, name: str, ids: Sequence[str], /) -> None:
        """Remember ``ids`` under ``name``."""
        await notes.mark(await self._ready(), name, ids)

    async def marked(self, name: str, ids: Sequence[str], /) -> frozenset[str]:
        """Return those of ``ids`` that are remembered under ``name``."""
        return await notes.marked(await self._ready(), name, ids)

    async def unmark(self, name: str, ids: Sequence[str], /) -> None:
        """Forget ``ids`` under ``name``."""
        await notes.unmark(await self._ready(), name, ids)

    async def add_report_part(self, tenant: str, hour: int, body: bytes, /) -> None:
        """Add a part of the records of report-only."""
        await report.add(await self._ready(), tenant, hour, body)

    async def report_parts(self, tenant: str, /, *, since: int, until: int) -> Sequence[ReportPart]:
        """List the parts of some hours, the oldest hour first."""
        return await report.parts(await self._ready(), tenant, since=since, until=until)

    async def replace_report_part(self, tenant: str, part: ReportPart, body: bytes, /) -> None:
        """Replace a part, or remove it."""
        await report.replace(await self._ready(), tenant, part, body)

    async def prune_report(self, tenant: str, /, *, before: int) -> int:
        """Remove the parts of old hours."""
        return await report.prune(await self._ready(), tenant, before=before)

    async def reported_tenants(self) -> tuple[str, ...]:
        """List the tenants that have had parts."""
        return await report.tenants(await self._ready())
