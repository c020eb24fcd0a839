"""The end of break-glass grants whose time is over.

To ask, to confirm and to revoke are rows of ``actions``.
"""

from __future__ import annotations

import logging
from functools import partial

from ...core.break_glass import is_in_force, is_waiting
from ...core.changes import break_glass as steps
from ...core.model import SubjectKey
from ...core.rules import DAY
from ..accounts import Engine

log = logging.getLogger("mfa_gate")

LOOK_BACK = 7 * DAY
"""Seconds after its request or confirmation in which a grant is looked at. A service may have been down for days."""
PIECE = 100
MAX_PIECES = 20


class BreakGlass:
    """The job that ends grants."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def expire(self) -> int:
        """Remove every grant whose time is over, with an event. Returns their number.

        The trail says which accounts had a grant.
        """
        keys = dict[SubjectKey, None]()
        for tenant in await self.engine.store.trails():
            try:
                keys |= await self._granted_in(tenant)
            except Exception as error:
                log.error(
                    "the break-glass grants of tenant %s could not be read and are looked at later; the other tenants go on: %s",
                    tenant,
                    error,
                )
        count = 0
        for key in keys:
            try:
                count += await self._expire(key)
            except Exception as error:
                log.error(
                    "the break-glass grant of %s could not be ended and is looked at later; the others go on: %s",
                    key,
                    error,
                )
        return count

    async def _granted_in(self, tenant: str) -> dict[SubjectKey, None]:
        """List the accounts of a tenant with a recent grant.

        The events are read tenant by tenant. Over all trails at once, a rare kind would read every line.
        """
        found, since = dict[SubjectKey, None](), self.engine.now() - LOOK_BACK
        for kind in ("break_glass.asked", "break_glass.granted"):
            after = ""
            for _ in range(MAX_PIECES):
                page = await self.engine.store.events(tenant, kind=kind, after=after, limit=PIECE)
                found |= {SubjectKey(e.tenant, e.account): None for e in page.items if e.at >= since}
                after = page.next
                if not after or page.items[-1].at < since:
                    break
        return found

    async def _expire(self, key: SubjectKey) -> bool:
        account, now = await self.engine.load(key), self.engine.now()
        if account.grant is None or is_waiting(account, now) or is_in_force(account, now):
            return False
        moment = self.engine.moment(actor="mfa_gate")
        return bool(await self.engine.change(key, partial(steps.expire, moment=moment)))
