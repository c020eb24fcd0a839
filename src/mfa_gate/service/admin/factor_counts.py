"""Count the people of tenants by the strength of their factors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ..accounts import Engine
from ..turns import AT_ONCE


@dataclass(frozen=True, slots=True, kw_only=True)
class FactorCounts:
    """The people of one tenant by the strength of their factors.

    ``resistant`` have a phishing-resistant one, ``other`` have others only, ``without`` have none. Backup codes alone
    are no factor.
    """

    resistant: int = 0
    other: int = 0
    without: int = 0


async def factor_counts(engine: Engine, named: Iterable[str]) -> dict[str, FactorCounts]:
    """Count in each tenant that is ``named`` or has a trail.

    People whom the gate has never seen are not known here.
    """
    found: dict[str, FactorCounts] = {}
    for tenant in dict.fromkeys((*named, *await engine.store.trails())):
        counts = await _counts(engine, tenant)
        if counts != FactorCounts():
            found[tenant] = counts
    return found


async def _counts(engine: Engine, tenant: str) -> FactorCounts:
    traits = engine.factors.traits
    resistant = other = without = 0
    after = ""
    while True:
        page = await engine.store.page(tenant, after=after, limit=AT_ONCE)
        for summary in page.items:
            known = [traits[kind] for kind in summary.factors if kind in traits and not traits[kind].backup]
            resistant += any(one.phishing_resistant for one in known)
            other += bool(known) and not any(one.phishing_resistant for one in known)
            without += not known
        after = page.next
        if not after:
            return FactorCounts(resistant=resistant, other=other, without=without)
