"""The number of events a day: challenges by outcome, locks, messages.

A tenant has one small row of numbers. The lines of the trail are read once, behind the place that was reached before, so a
report costs the same for a tenant of any size.
"""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from ...core.events import Event
from ...core.rules import DAY
from ..accounts import Engine
from ..turns import AT_ONCE, give_way

log = logging.getLogger("mfa_gate")

KEPT = 92
"""The number of days that are kept, the newest ones."""
MOST_AT_ONCE = 200_000
"""Lines that one turn of the job counts. The next turn goes on behind them."""
MOST_FOR_A_READER = 5_000
"""Lines that are counted while somebody waits for a report."""

COUNTED: Mapping[str, str] = {
    "challenge.sent": "sent",
    "challenge.send_failed": "failed",
    "challenge.refused": "refused",
    "proof.granted": "granted",
    "attempt.failed": "wrong",
    "attempt.refused": "stopped",
    "challenge.denied": "denied",
    "account.locked": "locked",
    "account.unlocked": "unlocked",
}
"""The events that are counted, with their names in the row."""
LOCKS = ("attempts", "rolling")
"""The causes of a lock that nobody's hand made."""


@dataclass(slots=True)
class Daily:
    """The numbers of a tenant, by day (UTC, days since 1970), name, and factor or cause.

    ``after`` is the place in the trail up to which they are counted.
    """

    after: str = ""
    days: dict[int, Counter[str]] = field(default_factory=dict)

    def add(self, event: Event) -> None:
        """Count one more event."""
        name = COUNTED.get(event.kind)
        if name is None or event.at <= 0:
            return
        part = event.factor
        if name == "locked":
            # An administrator's words are the reason of a lock by hand: they are never copied.
            part = event.reason if event.reason in LOCKS and "cause" not in event.detail else "administrator"
        self.days.setdefault(event.at // DAY, Counter())[f"{name}:{part}"] += 1

    def number(self, day: int, name: str, part: str | None = None) -> int:
        """Return a number of one day; None stands for every part."""
        found = self.days.get(day, Counter())
        if part is not None:
            return found[f"{name}:{part}"]
        return sum(count for key, count in found.items() if key.startswith(f"{name}:"))

    def parts(self, day: int, *names: str) -> list[str]:
        """List the factors or causes of a day that have one of the names."""
        return sorted({key.partition(":")[2] for key in self.days.get(day, ()) if key.partition(":")[0] in names})


class DailyCounts:
    """Use cases of the numbers a day."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def note(self) -> None:
        """Count what came since the last time, in every tenant that has a trail."""
        for tenant in await self.engine.store.trails():
            try:
                kept = await self._kept(tenant)
                before = kept.after
                await self._count(tenant, kept, MOST_AT_ONCE)
                if kept.after != before:
                    await self.engine.store.put_meta(daily_of(tenant), _to_bytes(kept, self.engine.now() // DAY))
            except Exception as error:
                log.warning("the events of tenant %s could not be counted; the other tenants go on: %s", tenant, error)

    async def of(self, tenant: str) -> Daily:
        """Return the numbers of a tenant, with the newest lines.

        In a tenant where very many lines are not counted yet, the newest of them are left out.
        """
        kept = await self._kept(tenant)
        await self._count(tenant, kept, MOST_FOR_A_READER)
        return kept

    async def _count(self, tenant: str, daily: Daily, most: int) -> None:
        looked_at = 0
        while looked_at < most:
            page = await self.engine.store.trail(tenant, after=daily.after, limit=AT_ONCE)
            for event in page.items:
                daily.add(event)
            looked_at, daily.after = looked_at + len(page.items), page.next
            if len(page.items) < AT_ONCE:
                return
            await give_way()

    async def _kept(self, tenant: str) -> Daily:
        body = await self.engine.store.meta(daily_of(tenant))
        try:
            return _from_bytes(body) if body else Daily()
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            log.error("the daily numbers of tenant %s cannot be read, so they are counted anew: %s", tenant, error)
            return Daily()


def daily_of(tenant: str) -> str:
    """Return the name of the tenant's row in the store."""
    return f"daily:{tenant}"


def _to_bytes(daily: Daily, today: int) -> bytes:
    days = {str(day): dict(counts) for day, counts in daily.days.items() if day > today - KEPT}
    return json.dumps({"after": daily.after, "days": days}, separators=(",", ":")).encode()


def _from_bytes(body: bytes) -> Daily:
    """Read the row.

    Raises ``ValueError``, ``TypeError``, ``KeyError`` or ``AttributeError`` for another one.
    """
    read = json.loads(body)
    days = {
        int(day): Counter({str(key): int(count) for key, count in counts.items()})
        for day, counts in read["days"].items()
    }
    return Daily(after=str(read["after"]), days=days)
