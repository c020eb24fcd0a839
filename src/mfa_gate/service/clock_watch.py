"""Notice that a server's clock is wrong.

The signs are many people with the same drift, an account that was changed far in the future, or a store whose clock shows
another time.
"""

from __future__ import annotations

import logging
from collections import OrderedDict

from ..core.events import Event
from ..core.model import Account, SubjectKey
from ..factors.base import Rejected
from ..storage import TellsTime
from ..system_clock import SystemClock
from .accounts import Engine
from .admin_alerts import Alarms

log = logging.getLogger("mfa_gate")

KIND = "clock.suspect"
HOUR = 3600
MANY = 3
"""If so many people's clocks are off by the same time within an hour, our own clock is wrong."""
NEAR = 30
"""Two drifts that differ by at most this many seconds count as the same."""
MAX_SEEN = 1_000
APART = 10
"""Seconds by which our clock and the store's may differ before the administrators are told (F-14)."""


class ClockWatch:
    """Checks the hints on wrong clocks that verification finds.

    It raises at most one alarm of each kind an hour for a tenant, and refuses nobody.
    """

    def __init__(self, engine: Engine, alarms: Alarms) -> None:
        self.engine = engine
        self.alarms = alarms
        self._drifts: OrderedDict[SubjectKey, tuple[int, int]] = OrderedDict()
        self._told_at: dict[str, int] = {}

    async def look(self, key: SubjectKey, rejected: Rejected) -> None:
        """Take note of a refusal that shows a wrong clock."""
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

    async def is_ahead(self, account: Account, mark: int) -> None:
        """Take note of an account that was changed by a clock far ahead of this one.

        ``mark`` is the account's mark (UTC seconds).
        """
        await self._tell(account.key, "ahead", seconds=mark - self.engine.now())

    async def compare(self) -> None:
        """Compare our clock with the store's. Each process does so once a minute.

        Factors read the difference in ``Context.clock_apart``. A clock that a test or a demonstration sets is not compared.
        """
        store, clock = self.engine.store, self.engine.wiring.clock
        if not isinstance(store, TellsTime) or not isinstance(clock, SystemClock):
            return
        began = clock.now()
        theirs = await store.time()
        ended = clock.now()  # the store told its time at some moment in between
        apart = int(max(theirs - ended, 0) or min(theirs - began, 0))
        if abs(apart) <= APART:
            apart = 0
        if apart and not self.engine.clock_apart:
            log.error(
                "the store's clock is %d s ahead of this server's (behind, if negative): set both right, by NTP; from some "
                "minutes on, codes of authenticator apps are refused here",
                apart,
            )
        self.engine.clock_apart = apart

    async def is_apart(self, key: SubjectKey) -> None:
        """Tell the administrators of the tenant that our clock and the store's differ."""
        await self._tell(key, "store", seconds=self.engine.clock_apart)

    async def _tell(self, key: SubjectKey, reason: str, **detail: int) -> None:
        """Log the suspicion, record it and send the alarm.

        This happens once an hour for each tenant and process. A failure here is logged and stops nobody.
        """
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
