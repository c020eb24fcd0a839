"""The number of people with a second step, for each day.

A tenant has one small row, which grows once a day. So no page has to count.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass

from ...core.rules import DAY
from ..accounts import Engine
from .people import PeopleCounts, TenantPeople

log = logging.getLogger("mfa_gate")

KEPT = 400
"""The number of days that are kept, the newest ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """The counts of one day (UTC, days since 1970).

    ``people`` is the number of known people, ``enrolled`` the number of those with a second step.
    """

    day: int
    enrolled: int
    people: int


class EnrollmentChart:
    """Use cases of the chart on the tenant's page."""

    def __init__(self, engine: Engine, people: TenantPeople) -> None:
        self.engine = engine
        self.people = people

    async def note(self) -> None:
        """Store today's counts for every tenant that has a trail."""
        for tenant in await self.engine.store.trails():
            try:
                await self._note(tenant)
            except Exception as error:
                log.warning(
                    "the people of tenant %s could not be counted for the chart; the other tenants go on: %s",
                    tenant,
                    error,
                )

    async def _note(self, tenant: str) -> None:
        store, kept = self.engine.store, await self._kept(tenant)
        rows = _with_today(kept, await self.people.counts(tenant), self._today())
        if rows != kept:
            body = json.dumps([[row.day, row.enrolled, row.people] for row in rows], separators=(",", ":"))
            await store.put_meta(chart_of(tenant), body.encode())

    async def history(self, tenant: str, counts: PeopleCounts) -> tuple[Count, ...]:
        """Return the counts by day, the oldest first. ``counts`` are those of today."""
        return _with_today(await self._kept(tenant), counts, self._today())

    def _today(self) -> int:
        return self.engine.now() // DAY

    async def _kept(self, tenant: str) -> tuple[Count, ...]:
        body = await self.engine.store.meta(chart_of(tenant))
        try:
            rows = json.loads(body or b"[]")
            if not all(type(number) is int for row in rows for number in row):
                raise ValueError("a row has other things than numbers")
            return tuple(Count(day=day, enrolled=enrolled, people=people) for day, enrolled, people in rows)
        except (ValueError, TypeError, RecursionError) as error:
            log.error(
                "the daily counts of people of tenant %s cannot be read, so the chart begins anew: %s", tenant, error
            )
            return ()


def chart_of(tenant: str) -> str:
    """Return the name of the tenant's row in the store."""
    return f"enrolled:{tenant}"


def _with_today(kept: tuple[Count, ...], counts: PeopleCounts, today: int) -> tuple[Count, ...]:
    if not counts.known:
        return kept
    now = Count(day=today, enrolled=counts.set_up, people=counts.known)
    return (*(row for row in kept if row.day < today), now)[-KEPT:]
