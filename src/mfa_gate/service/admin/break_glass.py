"""Break-glass at the desk: one administrator asks, another confirms, either ends it; and it ends by itself."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from ...core.break_glass import is_in_force, is_waiting
from ...core.changes import break_glass as steps
from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ...core.roles import Hand
from ...core.rules import DAY
from ..accounts import Engine

if TYPE_CHECKING:
    from .accounts import AccountDesk, Actor

log = logging.getLogger("mfa_gate")

LOOK_BACK = 7 * DAY
"""How long, in seconds, after it was asked for or granted a grant's own end is looked for: a service may have been down."""
PIECE = 100
MAX_PIECES = 20


class BreakGlass:
    """Use cases of break-glass grants. Who may is judged where all rights are, with the right to reset."""

    def __init__(self, engine: Engine, account_desk: AccountDesk) -> None:
        self.engine = engine
        self.account_desk = account_desk

    async def ask(self, actor: Actor, key: SubjectKey, *, reason: str, ticket: str, hours: int) -> Refusal | None:
        """Ask for a grant of ``hours`` (1 to 11). It opens nothing until a second administrator confirms."""
        moment, by = self.account_desk.moment(actor), hand_of(actor)
        return await self.account_desk.act(
            actor,
            "reset",
            key,
            lambda account: steps.ask(account, moment, by=by, reason=reason, ticket=ticket, hours=hours),
        )

    async def confirm(self, actor: Actor, key: SubjectKey, *, ref: str) -> Refusal | None:
        """Confirm what another administrator asked for within the last hour. ``ref`` is the request that was read."""
        moment, by = self.account_desk.moment(actor), hand_of(actor)
        return await self.account_desk.act(
            actor, "reset", key, lambda account: steps.confirm(account, moment, by=by, ref=ref)
        )

    async def revoke(self, actor: Actor, key: SubjectKey, *, reason: str) -> Refusal | None:
        """End a grant at once, or take back a request that waits."""
        moment = self.account_desk.moment(actor)
        return await self.account_desk.act(
            actor, "reset", key, lambda account: steps.revoke(account, moment, reason=reason)
        )

    async def expire(self) -> int:
        """Take away what is over by itself, and tell it: how many. The trail says whose accounts to look at."""
        keys = dict[SubjectKey, None]()
        for tenant in await self.engine.store.trails():
            try:
                keys |= await self._granted_in(tenant)
            except Exception as error:
                log.error("the break-glass grants of %s could not be looked for; the others go on: %s", tenant, error)
        count = 0
        for key in keys:
            try:
                count += await self._expire(key)
            except Exception as error:
                log.error(
                    "whether a break-glass grant is over could not be seen for %s; the others go on: %s", key, error
                )
        return count

    async def _granted_in(self, tenant: str) -> dict[SubjectKey, None]:
        """Tenant by tenant: in all trails at once a kind that is rare would be looked for in every line."""
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
        account, now = await self.engine.store.load(key), self.engine.now()
        if account.grant is None or is_waiting(account, now) or is_in_force(account, now):
            return False
        moment = self.engine.moment(actor="mfa_gate")
        return bool(await self.engine.change(key, partial(steps.expire, moment=moment)))


def hand_of(actor: Actor) -> Hand:
    """Whose hand it is."""
    return Hand(actor.name, actor.caller.subject.tenant if actor.caller else "")
