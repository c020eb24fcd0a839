"""The tenants' settings in Redis: read, swapped, and put back after a loss."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from ...core.changes.after_failover import regained_settings
from ...core.events import Event
from ...core.rules import TenantSettings
from ...core.settings_codec import settings_from, settings_to
from ...errors import StoreUnavailable
from . import scripts
from .monitor import number_of
from .names import keys_of
from .recent_writes import Lost, RecentWrites, lost
from .session import Session
from .timing import Timing
from .writes import Operation, append_lines, arguments_of, change, history_of, new_operation, whole

log = logging.getLogger("mfa_gate")

_TURNS = 5


class RedisSettings:
    """Reads and swaps of tenants' settings, which are put back after a loss (F-3)."""

    def __init__(self, ready: Callable[[], Awaitable[Session]], *, timing: Timing, reads_back: bool) -> None:
        self._ready = ready
        self._reads_back = reads_back
        self._recent_writes: RecentWrites[str, TenantSettings] = RecentWrites(timing)

    def owe(self) -> None:
        """Forget nothing: the servers may have lost something."""
        self._recent_writes.is_owed = True

    async def regain(self) -> bool:
        """Put back recent changes that Redis has lost. Returns True if all are there again."""
        for tenant in self._recent_writes.rows():
            try:
                await self.load(tenant)
            except StoreUnavailable as error:
                log.info("settings of tenant %s, which Redis may have lost, cannot be put back yet: %s", tenant, error)
                return False
        self._recent_writes.is_owed = False
        return True

    async def load(self, tenant: str) -> TenantSettings:
        """Return the tenant's settings, and put lost changes back first.

        Raises ``StoreUnavailable`` if the lost changes cannot be put back now.
        """
        for _ in range(_TURNS):
            settings, missing = await self._look(tenant)
            if missing is None:
                return settings
            if missing.value is None:
                await append_lines(await self._ready(), tenant, missing.events)
                self._recent_writes.has_lines(tenant)
                return settings
            whole_again = regained_settings(settings, missing.value, untouched=missing.untouched)
            if await self.swap(whole_again, missing.events, missing):
                log.error("Redis had lost confirmed settings of the tenant %s: they were put back", tenant)
                return replace(whole_again, version=settings.version + 1, stamp="")
        raise StoreUnavailable(f"Redis has lost settings of {tenant!r}, and others write them now")

    async def _look(self, tenant: str) -> tuple[TenantSettings, Lost[TenantSettings] | None]:
        session, keys, confirmed = await self._ready(), keys_of(tenant), self._recent_writes.of(tenant)
        newest = session.newest(tenant)
        fields = ("sv", "sb", "so", "sh", "store", "seq", "restored")
        ((version, body, op, words, head, number, restored),) = await session.ask(
            keys.head, ("HMGET", keys.head, *fields)
        )
        session.require_current(tenant, number, newest)
        if head != session.store_id.encode() and (version is not None or not await session.is_unknown(tenant)):
            raise StoreUnavailable(f"Redis has lost a part of tenant {tenant!r}: restore it from a copy")
        settings = TenantSettings(tenant=tenant)
        if version is not None:
            read = settings_from(tenant, whole(version), body or b"")
            settings = replace(read, stamp=(op or b"").decode(errors="replace"))
        if confirmed is not None and confirmed.restored_at < number_of(restored):
            confirmed = None  # it is older than the copy that an operator accepted
        return settings, lost(confirmed, settings.version, history_of(version, op, words))

    async def swap(
        self, settings: TenantSettings, events: Sequence[Event], missing: Lost[TenantSettings] | None = None
    ) -> bool:
        """Store the settings with events of their tenant, if nobody has changed them since.

        Works as ``RedisAccounts.swap`` does for an account.
        """
        session, tenant, keys = await self._ready(), settings.tenant, keys_of(settings.tenant)
        version, op = settings.version + 1, new_operation()
        history = await change(
            session,
            Operation(tenant, None, op, keys.head, ("sv", "so", "sh"), version),
            scripts.SWAP_SETTINGS,
            [keys.head, keys.trail, *keys.indexes(events)],
            *(settings.version, version, self._recent_writes.made_by(tenant, settings.version, settings.stamp), op),
            *(missing.words if missing else ("", "")),
            settings_to(settings),
            *arguments_of(events),
            reads_back=self._reads_back,
        )
        if history is None:
            return False
        now, restored_at = session.loop.time(), session.restored_at
        self._recent_writes.keep(tenant, settings, version, op, history, events, now, restored_at=restored_at)
        return True
