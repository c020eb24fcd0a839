"""The last use of each exemption of the policy, for reviews.

A request only writes into memory. A job puts it into the store every few minutes, so a use may be told that much late.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable

from ..storage import Notes

log = logging.getLogger("mfa_gate")

EVERY = 300
EVERYBODY = ""
"""The tenant of an exemption that was used before anybody was signed in."""


class ExemptionUses:
    """The times (UTC seconds) at which exemptions were used last, by tenant and name."""

    def __init__(self, store: Notes) -> None:
        self.store = store
        self._fresh: dict[tuple[str, str], int] = {}
        self.forget: Callable[[], None] | None = None
        """Forgets which paths are known as exempt, so that their next use is noted again."""

    def note(self, tenant: str, name: str, now: int) -> None:
        """Remember that an exemption was used."""
        self._fresh[tenant, name] = now

    async def keep(self) -> None:
        """Write the uses that were remembered since the last time.

        What the store does not take waits for the next time. Raises ``StoreUnavailable``.
        """
        fresh, self._fresh = self._fresh, {}
        if self.forget is not None:
            self.forget()
        try:
            for tenant in dict.fromkeys(tenant for tenant, _ in fresh):
                before = await self._stored(tenant)
                own = {name: at for (owner, name), at in fresh.items() if owner == tenant}
                after = before | {name: max(at, before.get(name, 0)) for name, at in own.items()}
                await self.store.put_meta(_place(tenant), json.dumps(after, sort_keys=True).encode())
        except BaseException:
            self._fresh = fresh | self._fresh
            raise

    async def read(self, tenant: str) -> dict[str, int]:
        """Return the last use of each exemption in a tenant, by name.

        One that was never used is left out.
        """
        found = dict[str, int]()
        for owner in (EVERYBODY, tenant):
            fresh = {name: at for (of, name), at in self._fresh.items() if of == owner}
            for name, at in [*(await self._stored(owner)).items(), *fresh.items()]:
                found[name] = max(at, found.get(name, 0))
        return found

    async def _stored(self, tenant: str) -> dict[str, int]:
        body = await self.store.meta(_place(tenant))
        try:
            rows = json.loads(body or b"{}")
            return {str(name): at for name, at in rows.items() if type(at) is int}
        except (ValueError, AttributeError, RecursionError) as error:
            log.error("the uses of exemptions in tenant %r cannot be read, so they begin anew: %s", tenant, error)
            return {}


def _place(tenant: str) -> str:
    return f"exemption-uses:{tenant}"
