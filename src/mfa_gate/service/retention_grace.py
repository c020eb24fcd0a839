"""The grace of a shorter retention: nothing is removed by it until some days have passed."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ..core.model import Seconds
from ..core.rules import Policy, Rules
from .accounts import Engine

RETENTIONS: Mapping[str, Callable[[Rules], Seconds | None]] = MappingProxyType(
    {
        "policy:retention": lambda rules: rules.audit.retention,
        "policy:report-retention": lambda rules: rules.report.retention,
    }
)
"""The retentions that a policy names, each by the name of its note in the store."""
TRAIL, REPORT = RETENTIONS


@dataclass(frozen=True, slots=True)
class Longer:
    """The retention that still holds until ``until`` (UTC seconds), None for good."""

    retention: int | None
    until: int


class RetentionGrace:
    """Use cases of the grace of one retention, the one with this note."""

    def __init__(self, engine: Engine, note: str) -> None:
        self.engine = engine
        self._name = note

    async def note(self, before: Policy, after: Policy) -> None:
        """Note each retention that gets shorter, with the end of its grace.

        The policy before says how long the grace is, because the new one could say none. One that gets shorter again
        within its grace waits anew: else a small change would be the way around it.
        """
        now, grace = self.engine.now(), int(before.base.change.grace)
        known = {tenant: longer for tenant, longer in (await self._read()).items() if longer.until > now}
        for tenant in after.tenants.keys() - before.tenants.keys():
            if "" in known:  # until now, the tenant had the rules of the file, with their grace
                known.setdefault(tenant, known[""])
        for tenant in ("", *before.tenants, *after.tenants):
            old, new = (RETENTIONS[self._name](policy.rules_for(tenant)) for policy in (before, after))
            if new is not None and (old is None or old > new):
                held = known.get(tenant, Longer(0, now))
                longest = None if None in (old, held.retention) else max(int(old or 0), held.retention or 0)
                known[tenant] = Longer(longest, max(held.until, now + grace))
        rows = {tenant: [longer.retention, longer.until] for tenant, longer in known.items()}
        last = max((longer.until for longer in known.values()), default=now)
        await self.engine.store.put_meta(self._name, json.dumps(rows).encode(), until=last)

    async def for_tenant(self, tenant: str) -> Longer | None:
        """Return the longer retention that still holds for a tenant, or None."""
        known = await self._read()
        named = tenant if tenant in self.engine.policy.tenants or tenant in known else ""
        longer = known.get(named)
        return longer if longer is not None and longer.until > self.engine.now() else None

    async def _read(self) -> dict[str, Longer]:
        body = await self.engine.store.meta(self._name)
        return {tenant: Longer(*row) for tenant, row in json.loads(body).items()} if body else {}
