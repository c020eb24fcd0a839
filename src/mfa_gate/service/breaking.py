"""Break-glass at the desk: one administrator asks, another confirms, either ends it; and it ends by itself."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from ..core.changes import breaking as steps
from ..core.grants import is_in_force, is_waiting
from ..core.model import SubjectKey
from ..core.reasons import Refusal
from ..core.roles import Hand
from ..core.rules import DAY
from .engine import Engine

if TYPE_CHECKING:
    from .administering import Actor, Administering

LOOK_BACK = 7 * DAY
"""How long, in seconds, after it was asked for or granted a grant's own end is looked for: a service may have been down."""
PIECE = 100
MAX_PIECES = 20


class Breaking:
    """Use cases of break-glass grants. Who may is judged where all rights are, with the right to reset."""

    def __init__(self, engine: Engine, administering: Administering) -> None:
        self.engine = engine
        self.administering = administering

    async def ask(self, actor: Actor, key: SubjectKey, *, reason: str, ticket: str, hours: int) -> Refusal | None:
        """Ask for a grant of ``hours`` (1 to 11). It opens nothing until a second administrator confirms."""
        moment, by = self.administering.moment(actor), hand_of(actor)
        return await self.administering.act(
            actor,
            "reset",
            key,
            lambda account: steps.ask(account, moment, by=by, reason=reason, ticket=ticket, hours=hours),
        )

    async def confirm(self, actor: Actor, key: SubjectKey, *, ref: str) -> Refusal | None:
        """Confirm what another administrator asked for within the last hour. ``ref`` is the request that was read."""
        moment, by = self.administering.moment(actor), hand_of(actor)
        return await self.administering.act(
            actor, "reset", key, lambda account: steps.confirm(account, moment, by=by, ref=ref)
        )

    async def revoke(self, actor: Actor, key: SubjectKey, *, reason: str) -> Refusal | None:
        """End a grant at once, or take back a request that waits."""
        moment = self.administering.moment(actor)
        return await self.administering.act(
            actor, "reset", key, lambda account: steps.revoke(account, moment, reason=reason)
        )

    async def expire(self) -> int:
        """Take away what is over by itself, and tell it: how many. The trail says whose accounts to look at."""
        engine, keys = self.engine, dict[SubjectKey, None]()
        since = engine.now() - LOOK_BACK
        for kind in ("break_glass.asked", "break_glass.granted"):
            after = ""
            for _ in range(MAX_PIECES):
                page = await engine.store.events("", kind=kind, after=after, limit=PIECE)
                keys |= {SubjectKey(e.tenant, e.account): None for e in page.items if e.at >= since}
                after = page.next
                if not after or page.items[-1].at < since:
                    break
        count = 0
        for key in keys:
            account = await engine.store.load(key)
            now = engine.now()
            if account.grant is None or is_waiting(account, now) or is_in_force(account, now):
                continue
            moment = engine.moment(actor="mfa_gate")

            count += await engine.change(key, partial(steps.expire, moment=moment))
        return count


def hand_of(actor: Actor) -> Hand:
    """Whose hand it is."""
    return Hand(actor.name, actor.caller.subject.tenant if actor.caller else "")
