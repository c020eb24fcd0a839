"""Notice that a server's clock is wrong: many people with one drift, or an account's mark that is far ahead."""

from __future__ import annotations

import logging
from collections import OrderedDict

from ..core.changes.base import mark_of
from ..core.events import Event
from ..core.model import Account, SubjectKey
from ..factors.base import Rejected
from .accounts import Engine
from .admin_alerts import Alarms

log = logging.getLogger("mfa_gate")

KIND = "clock.suspect"
HOUR = 3600
MANY = 3
"""So many people whose clocks seem to be off by the same time within an hour: then it is ours."""
NEAR = 30
"""Seconds by which two drifts may differ and still be one."""
MAX_SEEN = 1_000


class ClockWatch:
    """Looks at what verification finds out about clocks. It tells once an hour, and refuses nobody."""

    def __init__(self, engine: Engine, alarms: Alarms) -> None:
        self.engine = engine
        self.alarms = alarms
        self._drifts: OrderedDict[SubjectKey, tuple[int, int]] = OrderedDict()
        self._told_at: dict[str, int] = {}

    async def look(self, key: SubjectKey, rejected: Rejected) -> None:
        """Take note of a refusal by which a clock is known to be off."""
        if rejected.alarm == "clock_ahead":
            await self._tell(key, "ahead")
        if not rejected.drift:
            return
        now = self.engine.now()
        self._drifts[key] = (now, rejected.drift)
        self._drifts.move_to_end(key)
        while len(self._drifts) > MAX_SEEN:
            self._drifts.popitem(last=False)
        alike = [
            other
            for other, (at, drift) in self._drifts.items()
            if 0 <= now - at < HOUR and abs(drift - rejected.drift) <= NEAR
        ]
        if len(alike) >= MANY:
            await self._tell(key, "drift", seconds=rejected.drift, people=len(alike))

    async def compare(self, account: Account) -> None:
        """Take note of an account that was changed by a clock that is far ahead of this one."""
        mark = mark_of(account, self.engine.now())
        if mark:
            await self._tell(account.key, "ahead", seconds=mark - self.engine.now())

    async def _tell(self, key: SubjectKey, reason: str, **detail: int) -> None:
        """Log, and write and send the alarm, once an hour a tenant and process. What fails stops nobody."""
        now, name = self.engine.now(), f"{reason}:{key.tenant}"
        told_at = self._told_at.get(name)
        if told_at is not None and 0 <= now - told_at < HOUR:
            return
        self._told_at[name] = now
        event: Event = self.engine.moment(actor="mfa_gate").event(
            KIND, SubjectKey(key.tenant, ""), reason=reason, **detail
        )
        log.error(
            "the clock of a server may be wrong (%s, ref %s): compare the clocks of all of them", reason, event.id
        )
        try:
            await self.engine.record((event,))
            await self.alarms.raise_for(event)
        except Exception as error:
            log.warning("the alarm about the clock could not be written: %s: %s", type(error).__name__, error)
