"""Tell the administrators when many accounts of a tenant are locked in an hour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..core.events import Event
from ..core.model import Account, SubjectKey
from ..storage import take_one
from .accounts import Engine
from .admin_alerts import Alarms

KIND = "tenant.many_locks"
MANY = 5
"""The locks of one tenant within an hour that are an alarm (S-39)."""
HOUR = 3600


class LockWatch:
    """Counts the locks for wrong answers, over all workers.

    Somebody who guesses the codes of many people needs their passwords first, and locks nearly everybody. An hour has one
    alarm for a tenant. A lock by an administrator is an act, and does not count.
    """

    kinds: Mapping[str, tuple[str, ...] | None] = {"account.locked": None}

    def __init__(self, engine: Engine, alarms: Alarms) -> None:
        self.engine = engine
        self.alarms = alarms
        engine.effects.listeners.append(self)

    async def __call__(self, events: Sequence[Event], account: Account) -> None:
        """Count the lock that is among ``events``."""
        engine, tenant = self.engine, account.key.tenant
        if not any(event.kind == "account.locked" and "cause" not in event.detail for event in events):
            return
        store, now = engine.store, engine.now()
        who = engine.keyring.digest("locked", tenant, account.key.id)
        if await take_one(store, f"locked:{who}", limit=1, window=HOUR, now=now):
            return  # one account that is locked again and again is no wave
        if not await take_one(store, f"locks:{tenant}", limit=MANY - 1, window=HOUR, now=now):
            return
        if await take_one(store, f"locks-told:{tenant}", limit=1, window=HOUR, now=now):
            return
        event = engine.moment(actor="mfa_gate").event(KIND, SubjectKey(tenant, ""))
        await engine.record((event,))
        await self.alarms.raise_for(event)
