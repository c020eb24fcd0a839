"""Adoption of a stronger factor: the offer after a proof by a weaker one."""

from __future__ import annotations

import logging

from ..core.changes.nudge import is_due, nudge
from ..core.model import Caller
from ..errors import MFAGateError
from .access import Access, Judgement
from .accounts import Engine
from .enrollable import enrollable, not_enrollable

log = logging.getLogger("mfa_gate")


class Adoption:
    """Use cases of the offer."""

    def __init__(self, engine: Engine, access: Access) -> None:
        self.engine = engine
        self.access = access

    def offerable(self, judgement: Judgement) -> str:
        """Return the kind that this person could be offered now.

        Returns "" where it may not be enrolled here, and for a person who has it.
        """
        kind, now = judgement.requirement.rules.enrollment.nudge.to, self.engine.now()
        if judgement.account is not None and any(a.factor == kind for a in judgement.account.authenticators):
            return ""
        if kind not in enrollable(judgement) or not_enrollable(judgement, kind, now) is not None:
            return ""
        return kind

    async def offer(self, caller: Caller, *, proven: str) -> bool:
        """Make the offer after a proof by ``proven``, if it is due, and count it.

        The policy says to whom, how often and after which kinds (``[enrollment] nudge``). No fault of the store hinders the
        answer to that proof: it brings the browser its new handle, and the old one is dead.
        """
        try:
            return await self._offer(caller, proven)
        except MFAGateError as error:
            log.warning("mfa_gate: nothing was offered after a proof: %s", error)
            return False

    async def _offer(self, caller: Caller, proven: str) -> bool:
        groups = caller.subject.groups
        rules = self.engine.rules(caller.subject.tenant).enrollment.nudge
        if proven not in rules.after or not rules.max:
            return False
        judgement = await self.access.own(caller)
        if not is_due(judgement.looked_at.account, rules, groups, proven=proven, now=self.engine.now()):
            return False
        if not self.offerable(judgement):
            return False
        return await self._count(caller, proven)

    async def _count(self, caller: Caller, proven: str) -> bool:
        """Count an offer. Returns False where another request has made it."""
        groups, moment = caller.subject.groups, self.engine.moment_of(caller)
        rules = self.engine.rules(caller.subject.tenant).enrollment.nudge
        return await self.engine.change(
            caller.subject.key, lambda account: nudge(account, moment, rules, groups, proven=proven)
        )
