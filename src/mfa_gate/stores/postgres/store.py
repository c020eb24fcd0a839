"""The PostgreSQL store, made of statements and functions in a schema of its own."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from weakref import WeakKeyDictionary

from ...core.events import Event
from ...core.model import Account, SubjectKey
from ...core.rules import TenantSettings
from ...core.summary import Summary
from ...core.trail import LAST_SECOND
from ...errors import SettingsError, StoreMissing, StoreUnavailable
from ...storage import ChainPoint, Changed, EventPage, Link, Page, Reader, ReportPart, Rewrite, Take, Taken
from ..common.change_log import NOTHING, told
from ..common.generation_file import GenerationFile
from ..common.high_water_mark import HighWaterMark
from ..common.loop_sessions import LoopSessions
from . import acceptance, accounts, clock, limits, line_search, notes, report, roster, settings, trail
from .accounts import Loader, OwnOperations
from .monitor import History
from .session import Session
from .timing import USUAL, Timing
from .upgrade import upgrade_all
from .url import place_of
from .writer import Writer

__all__ = ["PostgresStore"]


class PostgresStore:
    """A ``Store`` in PostgreSQL 14 or newer, in a schema of its own beside the app's tables.

    A swap commits in one transaction: account, line of the list, events, chain, notice. Reads go to the primary only.
    ``synchronous_commit`` must be on. With ``synchronous_standby_names`` a failover loses nothing that was confirmed. An
    older copy in the store's place is refused until an operator accepts it. With ``?marker=FILE`` this machine recognizes
    one also if no process was running when it was put in place.
    """

    def __init__(self, url: str, *, timing: Timing = USUAL) -> None:
        """Name the servers by ``url``, as in ``store_from_url``. Raises ``SettingsError``."""
        self._place = place_of(url, timing=timing)
        self._sessions: LoopSessions[Session] = LoopSessions()
        self._loaders: WeakKeyDictionary[Session, Loader] = WeakKeyDictionary()
        self._writers: WeakKeyDictionary[Session, Writer] = WeakKeyDictionary()
        self._store_id = ""
        self._open = False
        self._mark = HighWaterMark(
            "PostgreSQL", settled_after=timing.settled_after, noted_together=timing.noted_together
        )
        self._history = History()
        self._own = OwnOperations()
        path = self._place.generation_file
        self._generation_file = GenerationFile(path, server="PostgreSQL") if path else None

    @property
    def generation_file(self) -> str:
        """Return the path of this machine's memory of the store (``GenerationFile``), or ""."""
        return self._place.generation_file

    async def advice(self) -> Sequence[str]:
        """List faults of an open store that stop nothing, each with its fix."""
        return await (await self._ready()).advice()

    async def open(self, *, make: bool = True) -> None:
        """Connect and check. Make the store where there is none yet, unless ``make`` is False.

        Raises ``SettingsError`` if the server is unfit, ``StoreMissing`` if ``make`` is False and it holds no store, and
        ``StoreUnavailable`` if it does not answer.
        """
        self._store_id = ""
        self._open = True
        try:
            session = await self._sessions.started(lambda: self._start(make=make))
            if session.watch.trouble:
                raise SettingsError(f"store {self._place.shown!r}: {session.watch.trouble}")
        except BaseException:
            await self.aclose()
            raise
        await session.wait_for_notices(session.timing.silence)

    async def aclose(self) -> None:
        """Close all connections. May be called twice, and ``open`` may follow."""
        self._open = False
        session = self._sessions.take_all()
        if session is not None and not session.forked:
            await session.aclose()
            if self._generation_file is not None and self._mark.settled and not self._mark.trouble:
                await asyncio.to_thread(self._generation_file.keep, self._mark.memory())

    async def accept(self) -> None:
        """Accept the data in PostgreSQL as the store.

        Raises ``SettingsError`` if there is no store, or another one.
        """
        await acceptance.accept(self._place, self._generation_file)

    async def upgrade(self, *, grant_to: str = "", insert_only: bool = False) -> str:
        """Make or upgrade the tables, index names, and grant a role what the application needs."""
        return await upgrade_all(self._place, grant_to=grant_to, insert_only=insert_only)

    async def _ready(self) -> Session:
        """Return the running loop's session. It makes no store: only ``open`` does."""
        if not self._open:
            raise StoreUnavailable("the PostgreSQL store is not open")
        try:
            return await self._sessions.started(lambda: self._start(make=False))
        except StoreMissing as error:
            raise StoreUnavailable(str(error)) from error

    async def _start(self, *, make: bool) -> Session:
        session = Session(self._place, self._mark, self._history, self._generation_file)
        try:
            await session.start(self._store_id, make=make)
        except BaseException:
            with contextlib.suppress(StoreUnavailable):
                await session.aclose()
            raise
        self._store_id = session.store_id
        self._loaders[session], self._writers[session] = Loader(session), Writer(session)
        self._sessions.add(session)
        return session

    def changed(self, reader: Reader, /) -> Changed:
        """Tell the changes since the reader's last look; ``EVERYTHING`` while they are not known."""
        session = self._sessions.of_this_loop()
        if not self._open or (session is None and self._sessions.any_forked):
            raise StoreUnavailable("the PostgreSQL store is not open")
        log = None if session is None else session.changes()
        # The answer of nearly every look, without a call: each request of a known browser asks.
        if log is not None and log is reader.log and log.count == reader.place:
            return NOTHING
        return told(log, reader)

    async def load(self, key: SubjectKey, /) -> Account:
        """Return the account as last committed on the primary."""
        session = await self._ready()
        return await self._loaders[session].load(key)

    async def swap(self, account: Account, events: Sequence[Event] = (), /) -> bool:
        """Store the account with all that commits with it, if its version is still the stored one."""
        session = await self._ready()
        return await accounts.swap(session, self._writers[session], self._own, account, events)

    async def settings(self, tenant: str, /) -> TenantSettings:
        """Return the tenant's settings."""
        return await settings.load(await self._ready(), tenant)

    async def swap_settings(self, chosen: TenantSettings, events: Sequence[Event] = (), /) -> bool:
        """Store a tenant's settings as ``swap`` stores an account."""
        return await settings.swap(await self._ready(), self._own, chosen, events)

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
        """Return the tenant's events, newest first."""
        return await trail.events(await self._ready(), tenant, account=account, kind=kind, after=after, limit=limit)

    async def lines_with(
        self, tenant: str, name: str, values: Sequence[str], /, *, after: str = "", limit: int = 50
    ) -> EventPage:
        """Return the tenant's events with one of the values in a part, newest first."""
        return await line_search.lines_with(await self._ready(), tenant, name, values, after=after, limit=limit)

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
        """Return the places of lines whose columns say something else than their text."""
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
        await trail.rewrite(await self._ready(), tenant, lines)

    async def take_all(self, takes: Sequence[Take], /) -> Taken:
        """Take from all buckets in one transaction, or from none."""
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
