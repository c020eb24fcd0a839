"""The SQLite store.

Each method is a piece of work for the thread that writes, reads or lists.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sqlite3
import threading
from collections.abc import Sequence

from ...core.events import Event
from ...core.model import Account, SubjectKey
from ...core.rules import TenantSettings
from ...core.summary import Summary
from ...core.trail import LAST_SECOND
from ...errors import StoreUnavailable
from ...storage import ChainPoint, Changed, EventPage, Link, Page, Reader, ReportPart, Rewrite, Take, Taken
from ..common.fork_safety import watch
from . import accounts, limits, line_search, name_index, notes, report, roster, settings, trail
from .connection import ConnectionPool, PooledConnection
from .file import OPEN_PATIENCE, StoreFile
from .first_open import start
from .invalidation import Invalidation
from .timing import USUAL, Timing
from .worker_thread import WorkerThread

__all__ = ["SQLiteStore"]


class SQLiteStore:
    """A ``Store`` in one SQLite file, which several processes of one machine may share.

    It is durable (write-ahead log, ``synchronous=FULL``). The first start makes the file, readable by its owner only, and
    ``<file>.created`` beside it, so that a lost file is not taken for a first start.
    """

    def __init__(self, path: str | os.PathLike[str], *, timing: Timing = USUAL) -> None:
        """Name the file.

        ``path`` is absolute, or relative to the working directory at this moment.
        """
        self._file = StoreFile(path, timing)
        write = PooledConnection(self._file)
        read = PooledConnection(self._file, patience=OPEN_PATIENCE)
        lists = PooledConnection(self._file, patience=OPEN_PATIENCE)
        looks = PooledConnection(self._file, opening=0.05, knocks=False)
        self._pool = ConnectionPool(self._file, write, read, lists, looks)
        self._write = WorkerThread("mfa_gate-sqlite-write", write, self._pool, writes=True)
        self._read = WorkerThread("mfa_gate-sqlite-read", read, self._pool, writes=False)
        within = self._file.timing.list_within
        self._list = WorkerThread("mfa_gate-sqlite-list", lists, self._pool, writes=False, within=within)
        self._threads = (self._write, self._read, self._list)
        self._invalidation = Invalidation(self._file, looks, self._pool, self._read)
        self._filling: asyncio.Task[None] | None = None
        self._open = False

    @property
    def path(self) -> str:
        """The absolute path of the file."""
        return self._file.path

    async def open(self, *, make: bool = True) -> None:
        """Check the file, or make it at the first start.

        Raises ``SettingsError`` or ``StoreUnavailable``; ``StoreMissing`` if ``make`` is False and there is no file yet.
        """
        await asyncio.to_thread(start, self._file, make=make)
        self._file.known = None
        for worker_thread in self._threads:
            await worker_thread.run(lambda _: None)
        has_everybody = await self._list.run(name_index.has_everybody)
        self._invalidation.open()
        self._open = True
        watch(self)
        if not has_everybody:
            self._filling = asyncio.create_task(name_index.fill_all(self._write))

    async def aclose(self) -> None:
        """Finish what runs and let go of the file; may be called twice, and ``open`` may follow."""
        self._open = False
        if self._filling is not None:
            self._filling.cancel()
        self._invalidation.close()
        threads = [thread for worker_thread in self._threads if (thread := worker_thread.stop())]
        await asyncio.to_thread(self._finish, threads)

    def _finish(self, threads: Sequence[threading.Thread]) -> None:
        for thread in threads:
            thread.join(1.0)
        if threads and self._file.store_id:
            # Nobody waits for it: if it cannot be remembered now, the next start does.
            with (
                contextlib.suppress(sqlite3.Error, StoreUnavailable),
                contextlib.closing(self._file.connect(patience=0)) as connection,
            ):
                self._file.remember(connection)
        self._pool.close()

    def changed(self, reader: Reader, /) -> Changed:
        """Tell the changes since the reader's last look."""
        return self._invalidation.changed(reader)

    async def accept(self) -> None:
        """Accept the file as the store.

        The generation file says so; the next ``open`` writes down the time.
        """
        await asyncio.to_thread(self._file.accept_next)

    async def compact(self) -> int:
        """Write the file anew, so that no unused room of it has a copy of what was removed."""
        self._reader()
        return await asyncio.to_thread(self._file.compact)

    def before_fork(self) -> None:
        """Close all connections: none may be open across a fork."""
        self._pool.before_fork()

    def after_fork(self, *, child: bool) -> None:
        """Go on after a fork. Connections and threads come again when they are used."""
        self._pool.after_fork(child=child)
        for worker_thread in self._threads:
            worker_thread.after_fork(child=child)
        self._invalidation.forget()

    def _reader(self) -> WorkerThread:
        return self._opened(self._read)

    def _lister(self) -> WorkerThread:
        """Return the thread of lists, searches and counts.

        They may be slow, and must hold up nobody's sign-in.
        """
        return self._opened(self._list)

    def _writer(self) -> WorkerThread:
        return self._opened(self._write)

    def _opened(self, thread: WorkerThread) -> WorkerThread:
        if not self._open:
            raise StoreUnavailable("the SQLite store is not open")
        return thread

    async def load(self, key: SubjectKey, /) -> Account:
        """Return the account as last committed."""
        return await accounts.load(self._reader(), key)

    async def swap(self, account: Account, events: Sequence[Event] = (), /) -> bool:
        """Store the account with all that commits with it, if its version is still the stored one."""
        return await accounts.swap(self._writer(), account, events)

    async def settings(self, tenant: str, /) -> TenantSettings:
        """Return the tenant's settings."""
        return await settings.load(self._reader(), tenant)

    async def swap_settings(self, chosen: TenantSettings, events: Sequence[Event] = (), /) -> bool:
        """Store a tenant's settings as ``swap`` stores an account."""
        return await settings.swap(self._writer(), chosen, events)

    async def claim(self, name: str, key: SubjectKey, /) -> bool:
        """Reserve ``name`` for ``key``."""
        return await accounts.claim(self._writer(), name, key)

    async def release(self, name: str, key: SubjectKey, /) -> None:
        """Give ``name`` back if it belongs to ``key``."""
        await accounts.release(self._writer(), name, key)

    async def keys(self, /, *, after: SubjectKey | None = None, limit: int = 500) -> tuple[SubjectKey, ...]:
        """List the keys of all accounts in order."""
        return await accounts.keys(self._lister(), after, limit)

    async def append(self, events: Sequence[Event], /) -> None:
        """Write events that belong to no change of an account."""
        await trail.append(self._writer(), events)

    async def events(
        self, tenant: str, /, *, account: str = "", kind: str = "", after: str = "", limit: int = 50
    ) -> EventPage:
        """Return the tenant's events, newest first."""
        return await trail.events(self._lister(), tenant, account=account, kind=kind, after=after, limit=limit)

    async def lines_with(
        self, tenant: str, name: str, values: Sequence[str], /, *, after: str = "", limit: int = 50
    ) -> EventPage:
        """Return the tenant's events with one of the values in a part, newest first."""
        return await line_search.lines_with(self._lister(), tenant, name, values, after=after, limit=limit)

    async def trail(self, tenant: str, /, *, after: str = "", limit: int = 500) -> EventPage:
        """Return the tenant's events, oldest first."""
        return await trail.trail(self._lister(), tenant, after=after, limit=limit)

    async def trails(self) -> tuple[str, ...]:
        """List the tenants that have a trail."""
        return await trail.trails(self._lister())

    async def links(self, tenant: str, /, *, after: int = -1, limit: int = 1_000) -> list[Link]:
        """Return stored lines as they are, oldest first."""
        return await trail.links(self._lister(), tenant, after=after, limit=limit)

    async def misfiled(self, tenant: str, /, *, after: int = -1, limit: int = 1_000) -> list[int]:
        """Return the places of lines that would be found as something else than their text says."""
        return await trail.misfiled(self._lister(), tenant, after=after, limit=limit)

    async def anchor(self, tenant: str, /) -> ChainPoint:
        """Return the point where the kept part of the trail begins."""
        return await trail.anchor(self._reader(), tenant)

    async def head(self, tenant: str, /) -> ChainPoint:
        """Return the point behind the tenant's last line."""
        return await trail.head(self._lister(), tenant)

    async def prune(self, tenant: str, /, *, before: int, limit: int = 1_000, now: int = LAST_SECOND) -> int:
        """Remove the tenant's oldest lines and move the anchor."""
        return await trail.prune(self._writer(), tenant, before=before, limit=limit, now=now)

    async def rewrite(self, tenant: str, lines: Sequence[Rewrite], /) -> None:
        """Replace the text of stored lines."""
        await trail.rewrite(self._writer(), tenant, lines)
        await self._reader().run(trail.empty_log)

    async def take_all(self, takes: Sequence[Take], /) -> Taken:
        """Take from all buckets in one transaction, or from none."""
        return await limits.take_all(self._writer(), takes)

    async def total(self, bucket: str, /, *, window: int, now: int) -> int:
        """Return how much was taken in the window."""
        return await limits.total(self._reader(), bucket, window=window, now=now)

    async def page(
        self, tenant: str, /, *, status: str = "", query: str = "", after: str = "", limit: int = 50
    ) -> Page:
        """Return summaries of a tenant, by id."""
        return await roster.page(self._lister(), tenant, status=status, query=query, after=after, limit=limit)

    async def counts(self, tenant: str, /) -> dict[str, int]:
        """Count the accounts of the tenant by status."""
        return await roster.counts(self._lister(), tenant)

    async def summaries(self, tenant: str, ids: Sequence[str], /) -> dict[str, Summary]:
        """Return the summaries of these people by id."""
        return await roster.summaries(self._lister(), tenant, ids)

    async def meta(self, name: str, /) -> bytes | None:
        """Return a small value, or None."""
        return await notes.meta(self._reader(), name)

    async def put_meta(self, name: str, value: bytes, /, *, until: int = 0) -> None:
        """Write a small value, with its end."""
        await notes.put_meta(self._writer(), name, value, until)

    async def drop_meta(self, name: str, /) -> None:
        """Remove a small value."""
        await notes.drop_meta(self._writer(), name)

    async def prune_meta(self, /, *, before: int, limit: int = 1_000) -> int:
        """Remove small values that nobody needs any more."""
        return await notes.prune_meta(self._writer(), before=before, limit=limit)

    async def mark(self, name: str, ids: Sequence[str], /) -> None:
        """Remember ``ids`` under ``name``."""
        await notes.mark(self._writer(), name, ids)

    async def marked(self, name: str, ids: Sequence[str], /) -> frozenset[str]:
        """Return those of ``ids`` that are remembered under ``name``."""
        return await notes.marked(self._reader(), name, ids)

    async def unmark(self, name: str, ids: Sequence[str], /) -> None:
        """Forget ``ids`` under ``name``."""
        await notes.unmark(self._writer(), name, ids)

    async def add_report_part(self, tenant: str, hour: int, body: bytes, /) -> None:
        """Add a part of the records of report-only."""
        await report.add(self._writer(), tenant, hour, body)

    async def report_parts(self, tenant: str, /, *, since: int, until: int) -> Sequence[ReportPart]:
        """List the parts of some hours, the oldest hour first."""
        return await report.parts(self._lister(), tenant, since=since, until=until)

    async def replace_report_part(self, tenant: str, part: ReportPart, body: bytes, /) -> None:
        """Replace a part, or remove it."""
        await report.replace(self._writer(), tenant, part, body)

    async def prune_report(self, tenant: str, /, *, before: int) -> int:
        """Remove the parts of old hours."""
        return await report.prune(self._writer(), tenant, before=before)

    async def reported_tenants(self) -> tuple[str, ...]:
        """List the tenants that have had parts."""
        return await report.tenants(self._lister())
