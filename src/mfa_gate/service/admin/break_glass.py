"""The end of break-glass grants whose time is over.

To ask, to confirm and to revoke are rows of ``actions``.
"""

from __future__ import annotations

import logging
from functools import partial

from ...core.changes import break_glass as steps
from ...core.model import SubjectKey
from ...core.rules import DAY
from ..accounts import Engine
from .recent_states import STATES, people_since

log = logging.getLogger("mfa_gate")

LOOK_BACK = 7 * DAY
"""Seconds after its request or confirmation in which a grant is looked at. A service may have been down for days."""
KINDS = STATES["break_glass"].kinds


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
                keys |= dict.fromkeys(await people_since(self.engine, tenant, KINDS, self.engine.now() - LOOK_BACK))
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

    async def _expire(self, key: SubjectKey) -> bool:
        moment = self.engine.moment(actor="mfa_gate")
        return bool(await self.engine.change(key, partial(steps.expire, moment=moment)))
