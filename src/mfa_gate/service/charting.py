"""How many people had set up a second step on each day: one small row a tenant, added to once a day, so that no view counts."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ..core.rules import DAY
from .engine import Engine

KEPT = 400
"""So many days are kept, the newest."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """A day (UTC, days since 1970): how many people were known, and how many of them had a second step."""

    day: int
    enrolled: int
    people: int


class Charting:
    """Use cases of the plot on the tenant's page."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def note(self) -> None:
        """Write down how it is today, for every tenant that has a trail."""
        store = self.engine.store
        for tenant in await store.trails():
            kept = await self._kept(tenant)
            rows = _with_today(kept, await store.counts(tenant), self._today())
            if rows != kept:
                body = json.dumps([[row.day, row.enrolled, row.people] for row in rows], separators=(",", ":"))
                await store.put_meta(chart_of(tenant), body.encode())

    async def history(self, tenant: str, counts: Mapping[str, int]) -> tuple[Count, ...]:
        """Day by day, the oldest first; today by ``counts`` as they are now."""
        return _with_today(await self._kept(tenant), counts, self._today())

    def _today(self) -> int:
        return self.engine.now() // DAY

    async def _kept(self, tenant: str) -> tuple[Count, ...]:
        body = await self.engine.store.meta(chart_of(tenant))
        if body is None:
            return ()
        return tuple(Count(day=day, enrolled=enrolled, people=people) for day, enrolled, people in json.loads(body))


def chart_of(tenant: str) -> str:
    """What the tenant's row is called in the store."""
    return f"enrolled:{tenant}"


def _with_today(kept: tuple[Count, ...], counts: Mapping[str, int], today: int) -> tuple[Count, ...]:
    people = sum(counts.values())
    if not people:
        return kept
    now = Count(day=today, enrolled=people - counts.get("not_enrolled", 0), people=people)
    return (*(row for row in kept if row.day < today), now)[-KEPT:]
