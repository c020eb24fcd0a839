"""The SQLite store: the port's methods, each a piece of work for the thread that writes or the one that reads."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import sqlite3
import threading
from collections.abc import Sequence

from ...core.changes.after_restore import after_restore
from ...core.events import Event
from ...core.model import Account, SubjectKey
from ...core.rules import TenantSettings
from ...core.summary import STATUSES, Summary
from ...core.trail import LAST_SECOND
from ...errors import StoreUnavailable
from ...ports import END, Anchor, Changed, EventPage, Page, Reader, Take, Taken
from ..common.change_log import told
from ..common.documents import account_from, cursor_from, event_from, search_word, settings_from, settings_to
from ..common.fork_safety import watch
from ..common.trail import PIECE, broken_trails
from . import roster, statements, trail
from .connection import ConnectionPool, PooledConnection
from .file import OPEN_PATIENCE, StoreFile
from .first_open import start
from .invalidation import Notice
from .worker_thread import WorkerThread

__all__ = ["SQLiteStore"]


class SQLiteStore:
    """A ``Store`` in one SQLite file, which several processes of one machine may share.

    Durable (write-ahead log, ``synchronous=FULL``). The file, readable by its owner only, is made at the first start;
    beside it ``<file>.created`` remembers that it was, so that a lost file is not taken for a first start.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        """``path`` is relative to the working directory of this moment, or absolute."""
        self._file = StoreFile(path)
        write = PooledConnection(self._file)
        read = PooledConnection(self._file, patience=OPEN_PATIENCE)
        lists = PooledConnection(self._file, patience=OPEN_PATIENCE)
        notice = PooledConnection(self._file, opening=0.05, knocks=False)
        self._slots = ConnectionPool(self._file, write, read, lists, notice)
        self._writer = WorkerThread("mfa_gate-sqlite-write", write, self._slots, writes=True)
        self._reader = WorkerThread("mfa_gate-sqlite-read", read, self._slots, writes=False)
        self._lister = WorkerThread("mfa_gate-sqlite-list", lists, self._slots, writes=False)
        self._lanes = (self._writer, self._reader, self._lister)
        self._notice = Notice(self._file, notice, self._slots, self._reader)
        self._open = False

    async def open(self) -> None:
        """Check the file, make it at the very first start. Raises ``SettingsError`` or ``StoreUnavailable``."""
        await asyncio.to_thread(start, self._file)
        self._file.known = None
        for worker_thread in self._lanes:
            await worker_thread.run(lambda _: None)
        self._notice.open()
        self._open = True
        watch(self)

    async def aclose(self) -> None:
        """Finish what runs and let go of the file; may be called twice, and ``open`` may follow."""
        self._open = False
        self._notice.close()
        threads = [thread for worker_thread in self._lanes if (thread := worker_thread.stop())]
        await asyncio.to_thread(self._finish, threads)

    def _finish(self, threads: Sequence[threading.Thread]) -> None:
        for thread in threads:
            thread.join(1.0)
        if threads and self._file.store_id:
            # Nobody waits for it: what cannot be remembered now is so at the next start.
            with (
                contextlib.suppress(sqlite3.Error, StoreUnavailable),
                contextlib.closing(self._file.connect(patience=0)) as connection,
            ):
                self._file.remember(connection)
        self._slots.close()

    def changed(self, reader: Reader, /) -> Changed:
        """Tell the changes since the reader's last look."""
        return told(self._notice.changes(), reader)

    async def accept(self) -> None:
        """What the file holds is the store: the marker says so, and whoever opens the file next writes down when that was."""
        await asyncio.to_thread(self._file.choose)

    def before_fork(self) -> None:
        """No connection may be open across a fork."""
        self._slots.before_fork()

    def after_fork(self, *, child: bool) -> None:
        """Connections and threads come again when they are used."""
        self._slots.after_fork(child=child)
        for worker_thread in self._lanes:
            worker_thread.after_fork(child=child)
        self._notice.forget()

    def _read(self) -> WorkerThread:
        if not self._open:
            raise StoreUnavailable("the SQLite store is not open")
        return self._reader

    def _list(self) -> WorkerThread:
        """Lists, searches and counts: they may be slow, and hold up nobody's sign-in."""
        if not self._open:
            raise StoreUnavailable("the SQLite store is not open")
        return self._lister

    def _write(self) -> WorkerThread:
        if not self._open:
            raise StoreUnavailable("the SQLite store is not open")
        return self._writer

    async def load(self, key: SubjectKey, /) -> Account:
        """The account as last committed."""

        row, restored_at = await self._read().run(statements.find_account(key))
        account = Account(key=key) if row is None else account_from(key, *row)
        return after_restore(account, restored_at) if restored_at else account

    async def swap(self, account: Account, events: Sequence[Event] = (), /) -> bool:
        """Store the account if its version is still the stored one, with all that commits with it."""
        swap = statements.Swap.of(account, events)
        return await self._write().run(swap.write, landed=swap.landed, is_grave=swap.is_grave)

    async def append(self, events: Sequence[Event], /) -> None:
        """Write events that belong to no change."""
        lines = statements.lines_of(events)
        await self._write().run(lambda connection: statements.write_lines(connection, lines))

    async def claim(self, name: str, key: SubjectKey, /) -> bool:
        """Reserve ``name`` for ``key``."""
        return await self._write().run(statements.claim(name, key))

    async def release(self, name: str, key: SubjectKey, /) -> None:
        """Give ``name`` back, if it is theirs."""
        statement = "DELETE FROM claim WHERE name = ? AND tenant = ? AND id = ?"
        await self._write().run(lambda connection: connection.execute(statement, (name, key.tenant, key.id)).close())

    async def take(self, bucket: str, /, *, limit: int, window: int, now: int) -> int:
        """One of ``limit`` in ``window`` seconds: 0, or how long to wait."""
        return (await self.take_all([Take(bucket=bucket, limit=limit, window=window, at=now)])).wait

    async def take_all(self, takes: Sequence[Take], /) -> Taken:
        """From several buckets in one transaction, or from none."""
        return await self._write().run(statements.take_all(takes))

    async def total(self, bucket: str, /, *, window: int, now: int) -> int:
        """What was taken in the window."""
        return await self._read().run(statements.total(bucket, window=window, now=now))

    async def settings(self, tenant: str, /) -> TenantSettings:
        """The tenant's settings."""
        statement = "SELECT version, body FROM tenant WHERE tenant = ?"
        row = await self._read().run(lambda connection: connection.execute(statement, (tenant,)).fetchone())
        return TenantSettings(tenant=tenant) if row is None else settings_from(tenant, *row)

    async def swap_settings(self, settings: TenantSettings, events: Sequence[Event] = (), /) -> bool:
        """As ``swap``, for a tenant's settings."""
        swap = statements.SettingsSwap(
            settings, settings_to(settings), statements.lines_of(events), secrets.randbits(63)
        )
        return await self._write().run(swap.write, landed=swap.landed, is_grave=swap.is_grave)

    async def page(
        self, tenant: str, /, *, status: str = "", query: str = "", after: str = "", limit: int = 50
    ) -> Page:
        """Summaries of a tenant, by id."""
        found, word = list[Summary](), search_word(query)
        while True:
            work = roster.find_summaries(tenant, status=status, word=word, after=after, limit=limit + 1 - len(found))
            some, after = await self._list().run(work)
            found += some
            if not after or len(found) > limit:
                break
        more = found[limit - 1].key.id if len(found) > limit else ""
        return Page(items=tuple(found[:limit]), next=more)

    async def counts(self, tenant: str, /) -> dict[str, int]:
        """How many accounts of the tenant have each status."""
        found: dict[str, int] = {}
        for status in STATUSES:
            found[status], after = await self._list().run(roster.count_people(tenant, status, ""))
            while after:
                more, after = await self._list().run(roster.count_people(tenant, status, after))
                found[status] += more
        return found

    async def events(
        self, tenant: str, /, *, account: str = "", kind: str = "", after: str = "", limit: int = 50
    ) -> EventPage:
        """The tenant's trail, newest first."""
        before = cursor_from(after)
        if before is None:
            return EventPage(items=())
        work = statements.find_events(tenant, account=account, kind=kind, before=before, limit=limit + 1)
        found = await self._list().run(work)
        more = str(found[limit - 1][0]) if len(found) > limit else ""
        return EventPage(items=tuple(event_from(name, seq, line) for seq, name, line in found[:limit]), next=more)

    async def verify_trail(self, tenant: str = "", /) -> dict[str, int]:
        """The tenants whose trail is broken, with the place of the first wrong line."""
        read = self._list()

        async def links(name: str, after: int) -> list[tuple[int, str, str]]:
            return await read.run(statements.trail_links(name, after, PIECE))

        async def head(name: str) -> tuple[str, int]:
            return await read.run(statements.trail_head(name))

        tenants = [tenant] if tenant else await read.run(statements.trailing_tenants)
        return await broken_trails(tenants, links, head, self.anchor)

    async def trail(self, tenant: str, /, *, after: str = "", limit: int = 500) -> EventPage:
        """The tenant's trail, oldest first."""
        if after == END:
            last = await self._list().run(trail.end_of(tenant))
            return EventPage(items=(), next=str(last))
        place = cursor_from(after)
        if place is None:
            return EventPage(items=(), next=after)
        found = await self._list().run(trail.lines_behind(tenant, place, limit))
        items = tuple(event_from(tenant, seq, line) for seq, line in found)
        return EventPage(items=items, next=str(found[-1][0]) if found else str(max(place, 0)))

    async def trails(self) -> tuple[str, ...]:
        """The tenants that have a trail."""
        return tuple(await self._list().run(statements.trailing_tenants))

    async def prune(self, tenant: str, /, *, before: int, limit: int = 1_000, now: int = LAST_SECOND) -> int:
        """Remove the tenant's oldest lines and move the anchor."""
        return await self._write().run(trail.prune(tenant, before=before, limit=limit, now=now))

    async def anchor(self, tenant: str, /) -> Anchor:
        """Where the kept part of the tenant's trail begins."""
        return await self._read().run(trail.anchor_of(tenant))

    async def mark(self, name: str, ids: Sequence[str], /) -> None:
        """Remember ``ids`` under ``name``."""
        await self._write().run(trail.mark(name, ids))

    async def marked(self, name: str, ids: Sequence[str], /) -> frozenset[str]:
        """Which of ``ids`` are remembered under ``name``."""
        return await self._read().run(trail.marked(name, ids))

    async def unmark(self, name: str, ids: Sequence[str], /) -> None:
        """Forget ``ids``."""
        await self._write().run(trail.unmark(name, ids))

    async def meta(self, name: str, /) -> bytes | None:
        """A small value of the store's own."""
        statement = "SELECT value FROM meta WHERE name = ?"
        row = await self._read().run(lambda connection: connection.execute(statement, (name,)).fetchone())
        return None if row is None else bytes(row[0])

    async def put_meta(self, name: str, value: bytes, /) -> None:
        """Write such a value."""
        statement = "INSERT INTO meta VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value"
        await self._write().run(lambda connection: connection.execute(statement, (name, value)).close())

    async def keys(self, /, *, after: SubjectKey | None = None, limit: int = 500) -> tuple[SubjectKey, ...]:
        """Every account's key in order."""
        statement = "SELECT tenant, id FROM account WHERE (tenant, id) > (?, ?) ORDER BY tenant, id LIMIT ?"
        values = ("", "", limit) if after is None else (after.tenant, after.id, limit)
        rows = await self._list().run(lambda connection: connection.execute(statement, values).fetchall())
        return tuple(SubjectKey(tenant, id) for tenant, id in rows)
