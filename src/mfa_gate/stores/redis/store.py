"""The Redis store: the port's methods, each one script or a few commands on the server that has the tenant."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence

from ...core.events import Event
from ...core.model import Account, SubjectKey
from ...core.rules import TenantSettings
from ...core.trail import LAST_SECOND
from ...errors import StoreUnavailable
from ...ports import Anchor, Changed, EventPage, Page, Reader, Take, Taken
from ..common.change_log import told
from . import roster, scripts, trail
from .accepting import accept
from .account_rows import AccountRows
from .generation_file import Marker
from .high_water_mark import HighWaterMark
from .names import bucket_key, claim_key, keys_of, mark_key, meta_key
from .session import Session
from .settings_rows import SettingsRows
from .url import place_of
from .writes import append, tenants_of

__all__ = ["RedisStore"]

_START_WITHIN = 0.9
_CHANNEL_WITHIN = 0.7
"""Seconds (F-1)."""


class RedisStore:
    """A ``Store`` in Redis 7 or newer, for several machines.

    Everything of a tenant lies on one server and commits together: account, summary, events, chain, notice. Reads go to
    the primary only. With ``replicas`` a change counts when that many replicas have it, and is refused otherwise (it may
    be there all the same). What Redis loses in a failover without ``replicas`` is put back by the process that it was
    confirmed to. An older copy in the store's place is refused until an operator accepts it; with ``?marker=FILE`` this
    machine recognizes it also where no process was running meanwhile.
    """

    def __init__(self, url: str, *, replicas: int = 0, durable: bool = True) -> None:
        """``url`` as in ``store_from_url``; ``?replicas=``, ``?durable=`` in it win. Raises ``SettingsError``."""
        self._place = place_of(url, replicas=replicas, durable=durable)
        self._sessions: dict[asyncio.AbstractEventLoop, Session] = {}
        self._store_id = ""
        self._open = False
        self._starting: dict[asyncio.AbstractEventLoop, asyncio.Task[Session]] = {}
        self._past = HighWaterMark()
        self._accounts = AccountRows(self._ready, reads_back=not self._place.replicas)
        self._settings = SettingsRows(self._ready, reads_back=not self._place.replicas)
        self._marker = Marker(self._place.marker) if self._place.marker else None

    async def open(self) -> None:
        """Connect and check. Raises ``SettingsError`` where the servers are unfit, ``StoreUnavailable`` where they are away."""
        self._store_id = ""
        self._open = True
        try:
            session = await self._ready()
            await session.require_newest()
        except BaseException:
            await self.aclose()
            raise
        await session.channel.wait(_CHANNEL_WITHIN)

    async def aclose(self) -> None:
        """Let go of all connections; may be called twice, and ``open`` may follow."""
        self._open = False
        session = self._session
        self._sessions.clear()
        if session is not None and session.is_of_this_process():
            await session.aclose()
            if self._marker is not None and self._past.settled and not self._past.trouble:
                await asyncio.to_thread(self._marker.keep, self._past.memory())

    async def accept(self) -> None:
        """What is stored now is the store. Raises ``SettingsError`` where there is none, or another one."""
        session = Session(self._place, HighWaterMark())
        try:
            await accept(session, self._marker)
        finally:
            await session.aclose()

    async def _ready(self) -> Session:
        if not self._open:
            raise StoreUnavailable("the Redis store is not open")
        session, loop = self._session, asyncio.get_running_loop()
        if session is not None and session.is_of_this_process():
            return session
        starting = self._starting.get(loop)
        if starting is None or starting.done():
            starting = self._starting[loop] = loop.create_task(self._start())
            starting.add_done_callback(lambda _: self._starting.pop(loop, None))
        return await asyncio.shield(starting)

    @property
    def _session(self) -> Session | None:
        """Return the session of the running event loop: each loop has its own."""
        return self._sessions.get(asyncio.get_running_loop())

    async def _start(self) -> Session:
        session = Session(self._place, self._past, on_loss=self._owe, on_return=self._regain, marker=self._marker)
        try:
            async with asyncio.timeout(_START_WITHIN):
                await session.start(self._store_id)
        except BaseException as error:
            await session.aclose()
            if isinstance(error, TimeoutError):
                raise StoreUnavailable("Redis did not answer in time") from error
            raise
        for loop, known in list(self._sessions.items()):
            if loop.is_closed() or not known.is_of_this_process():
                del self._sessions[loop]
        self._sessions[session.loop], self._store_id = session, session.store_id
        return session

    def changed(self, reader: Reader, /) -> Changed:
        """Tell the changes since the reader's last look; ``EVERYTHING`` while nobody can know."""
        if not self._open or any(not session.is_of_this_process() for session in self._sessions.values()):
            raise StoreUnavailable("the Redis store is not open")
        session = self._session
        return told(None if session is None else session.changes(), reader)

    async def _regain(self) -> bool:
        """Put back what was lost of late (F-3). Returns whether all of it is there again."""
        return all([await rows.regain() for rows in (self._settings, self._accounts)])

    def _owe(self) -> None:
        for rows in (self._settings, self._accounts):
            rows.owe()

    async def load(self, key: SubjectKey, /) -> Account:
        """The account as last committed on the primary."""
        return await self._accounts.load(key)

    async def swap(self, account: Account, events: Sequence[Event] = (), /) -> bool:
        """Store the account if its version is still the stored one, with all that commits with it."""
        own = [event for event in events if event.tenant == account.key.tenant]
        done = await self._accounts.swap(account, own)
        if done and len(own) < len(events):
            await self.append([event for event in events if event.tenant != account.key.tenant])
        return done

    async def swap_settings(self, settings: TenantSettings, events: Sequence[Event] = (), /) -> bool:
        """As ``swap``, for a tenant's settings."""
        own = [event for event in events if event.tenant == settings.tenant]
        done = await self._settings.swap(settings, own)
        if done and len(own) < len(events):
            await self.append([event for event in events if event.tenant != settings.tenant])
        return done

    async def append(self, events: Sequence[Event], /) -> None:
        """Write events that belong to no change; those of one tenant together."""
        session = await self._ready()
        for tenant in dict.fromkeys(event.tenant for event in events):
            await append(session, tenant, [event for event in events if event.tenant == tenant])

    async def claim(self, name: str, key: SubjectKey, /) -> bool:
        """Reserve ``name`` for ``key``."""
        session, whose = await self._ready(), json.dumps([key.tenant, key.id])
        command = ("SET", claim_key(name), whose, "NX", "GET")
        (before,) = await session.ask(claim_key(name), command, writes=True)
        return before is None or bool(before == whose.encode())

    async def release(self, name: str, key: SubjectKey, /) -> None:
        """Give ``name`` back, if it is theirs."""
        session = await self._ready()
        await session.run(scripts.RELEASE, [claim_key(name)], json.dumps([key.tenant, key.id]))

    async def take(self, bucket: str, /, *, limit: int, window: int, now: int) -> int:
        """One of ``limit`` in ``window`` seconds: 0, or how long to wait."""
        return (await self.take_all([Take(bucket=bucket, limit=limit, window=window, at=now)])).wait

    async def take_all(self, takes: Sequence[Take], /) -> Taken:
        """From several buckets, which may lie on several servers: all are looked at first, then taken from one by one."""
        if len(takes) > 1:
            for place, take in enumerate(takes):
                wait, _ = await self._take(take, count=take.count, taking=False)
                if wait:
                    return Taken(refused=place, wait=wait)
        totals = []
        for place, take in enumerate(takes):
            wait, total = await self._take(take, count=take.count, taking=True)
            if wait:
                return Taken(refused=place, wait=wait)
            totals.append(total)
        return Taken(totals=tuple(totals))

    async def total(self, bucket: str, /, *, window: int, now: int) -> int:
        """What was taken in the window."""
        take = Take(bucket=bucket, limit=1, window=window, at=now)
        return (await self._take(take, count=0, taking=False))[1]

    async def _take(self, take: Take, *, count: int, taking: bool) -> tuple[int, int]:
        """Seconds to wait (0: taken, or there is room), and how much was taken in the window, with this one."""
        session = await self._ready()
        arguments = (take.limit, take.window, take.at, count, int(taking))
        wait, total = await session.run(scripts.TAKE, [bucket_key(take.bucket)], *arguments, writes=taking)
        return int(wait), int(total)

    async def settings(self, tenant: str, /) -> TenantSettings:
        """The tenant's settings."""
        return await self._settings.load(tenant)

    async def page(
        self, tenant: str, /, *, status: str = "", query: str = "", after: str = "", limit: int = 50
    ) -> Page:
        """Summaries of a tenant, by id."""
        return await roster.page_of(await self._ready(), tenant, status=status, query=query, after=after, limit=limit)

    async def counts(self, tenant: str, /) -> dict[str, int]:
        """How many accounts of the tenant have each status."""
        return await roster.counts_of(await self._ready(), tenant)

    async def events(
        self, tenant: str, /, *, account: str = "", kind: str = "", after: str = "", limit: int = 50
    ) -> EventPage:
        """The tenant's trail, newest first; all tenants' by the clock of the servers."""
        return await trail.newest(await self._ready(), tenant, account=account, kind=kind, after=after, limit=limit)

    async def verify_trail(self, tenant: str = "", /) -> dict[str, int]:
        """The tenants whose trail is broken, with the place of the first wrong line."""
        return await trail.broken(await self._ready(), tenant)

    async def trail(self, tenant: str, /, *, after: str = "", limit: int = 500) -> EventPage:
        """The tenant's trail, oldest first."""
        return await trail.lines_behind(await self._ready(), tenant, after=after, limit=limit)

    async def trails(self) -> tuple[str, ...]:
        """The tenants that have a trail."""
        return tuple(await tenants_of(await self._ready()))

    async def prune(self, tenant: str, /, *, before: int, limit: int = 1_000, now: int = LAST_SECOND) -> int:
        """Remove the tenant's oldest lines and move the anchor."""
        return await trail.prune(await self._ready(), tenant, before=before, limit=limit, now=now)

    async def anchor(self, tenant: str, /) -> Anchor:
        """Where the kept part of the tenant's trail begins."""
        return await trail.anchor_of(await self._ready(), tenant)

    async def mark(self, name: str, ids: Sequence[str], /) -> None:
        """Remember ``ids`` under ``name``."""
        if ids:
            await (await self._ready()).ask(mark_key(name), ("SADD", mark_key(name), *ids), writes=True)

    async def marked(self, name: str, ids: Sequence[str], /) -> frozenset[str]:
        """Which of ``ids`` are remembered under ``name``."""
        if not ids:
            return frozenset()
        (found,) = await (await self._ready()).ask(mark_key(name), ("SMISMEMBER", mark_key(name), *ids))
        return frozenset(id for id, there in zip(ids, found, strict=True) if there)

    async def unmark(self, name: str, ids: Sequence[str], /) -> None:
        """Forget ``ids``."""
        if ids:
            await (await self._ready()).ask(mark_key(name), ("SREM", mark_key(name), *ids), writes=True)

    async def meta(self, name: str, /) -> bytes | None:
        """A small value of the store's own."""
        (value,) = await (await self._ready()).ask(meta_key(name), ("GET", meta_key(name)))
        return None if value is None else bytes(value)

    async def put_meta(self, name: str, value: bytes, /) -> None:
        """Write such a value."""
        await (await self._ready()).ask(meta_key(name), ("SET", meta_key(name), value), writes=True)

    async def keys(self, /, *, after: SubjectKey | None = None, limit: int = 500) -> tuple[SubjectKey, ...]:
        """Every account's key in order."""
        session = await self._ready()
        found: list[SubjectKey] = []
        for tenant in await tenants_of(session):
            if after is not None and tenant < after.tenant:
                continue
            bound = f"({after.id}" if after is not None and tenant == after.tenant else "-"
            keys, rest = keys_of(tenant), limit - len(found)
            (ids,) = await session.ask(keys.head, ("ZRANGEBYLEX", keys.ids, bound, "+", "LIMIT", 0, rest))
            found += [SubjectKey(tenant, id.decode()) for id in ids]
            if len(found) == limit:
                break
        return tuple(found)
