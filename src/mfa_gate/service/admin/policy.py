"""The policy at the desk: in force, before, and the word of people for a looser one.

The right ``policy`` or ``audit`` shows it, the right ``policy`` approves. A policy file rules every tenant, so only an
actor who acts in each of them approves, and reads what the file says about them.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from ...core.messages.letter import N_
from ...core.model import SubjectKey
from ...core.reasons import Refusal
from ...core.roles import Right, is_same_hand, reaches
from ...core.rules import Policy
from ...core.text_safety import stated
from ...errors import SettingsError
from ..accounts import Engine
from ..policy_approvals import Approval, ApprovedBefore
from ..policy_archive import Entry
from ..policy_life import PolicyLife
from ..policy_workers import PolicyWorkers
from ..waiting_policies import WaitingPolicy
from .rights import A_PERSON, Actor, Rights

MOST_ENTRIES = 50
"""Changes that the desk lists; older ones are found by their date."""
TWICE = N_("You’ve already approved this policy. Another person has to approve it as well.")
EVERY_TENANT = N_("The policy applies to every organization, so only people with rights in all of them can approve it.")


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingDocument:
    """A policy that waits, with the approvals that count.

    ``is_own``: the actor is one of these people.
    """

    policy: WaitingPolicy
    approvals: tuple[Approval, ...]
    is_own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyDocument:
    """The policy in force with its history, newest first, and what waits.

    ``since`` is its entry in the history, None where it has none. ``text`` is "" for who does not see all of it.
    ``apart`` names the policies of workers that differ.
    """

    policy: Policy
    since: Entry | None
    history: tuple[Entry, ...]
    waiting: tuple[WaitingDocument, ...]
    apart: tuple[str, ...]
    sees_all: bool
    may_approve: bool
    text: str


class PolicyDesk:
    """Use cases of the policy for administrators and operators."""

    def __init__(self, engine: Engine, rights: Rights, life: PolicyLife, workers: PolicyWorkers) -> None:
        self.engine = engine
        self.rights = rights
        self.life = life
        self.workers = workers

    async def look(self, actor: Actor, *, at: int | None = None) -> PolicyDocument | Refusal:
        """Return the policy in force.

        ``at`` (UTC seconds) narrows the history to what was in force then.
        """
        right: Right = "policy" if self.rights.has(actor, "policy", actor.tenant) else "audit"
        refusal = await self._permit(actor, right, changing=False)
        if refusal is not None:
            return refusal
        engine, archive = self.engine, self.life.archive
        sees_all = await self._acts_everywhere(actor, engine.policy)
        history = await archive.history() if at is None else await archive.in_force_at(at)
        latest = await archive.latest(engine.wiring.app)
        apart = await self.workers.apart()
        return PolicyDocument(
            policy=engine.policy,
            since=latest if latest is not None and latest.digest == engine.policy.digest else None,
            history=tuple(_shown(entry, sees_all) for entry in reversed(history[-MOST_ENTRIES:])),
            waiting=tuple([await self._waiting(actor, one, sees_all) for one in await self.life.waiting.all()]),
            apart=apart if sees_all else (),
            sees_all=sees_all,
            may_approve=sees_all and actor.token is None and self.rights.has(actor, "policy", actor.tenant),
            text=engine.policy.text if sees_all else "",
        )

    async def approve_waiting(self, actor: Actor, digest: str, reason: str) -> tuple[Approval, ...] | Refusal:
        """Approve a policy that waits, by its whole digest.

        So it is the one whose changes the actor has read.
        """
        refusal = await self._permit(actor, "policy", changing=True)
        if refusal is not None:
            return refusal
        is_waiting = any(one.digest == digest for one in await self.life.waiting.all())
        kept = await self.life.archive.text_of(digest) if is_waiting else None
        if kept is None:
            return Refusal(reason="not_found", member="digest", detail="No policy with this digest waits any more.")
        try:
            policy = await asyncio.to_thread(kept.policy, self.engine.factors)
        except SettingsError as error:
            return Refusal(reason="policy_refused", member="digest", detail=error.faults[0])
        return await self.approve(actor, policy, reason)

    async def approve(self, actor: Actor, policy: Policy, reason: str) -> tuple[Approval, ...] | Refusal:
        """Add the actor's approval of a policy, and return all that count."""
        refusal = await self._permit(actor, "policy", changing=True)
        if refusal is not None:
            return refusal
        if actor.token is not None:
            return await self._deny(actor, A_PERSON)
        if not stated(reason):
            return Refusal(reason="malformed", member="reason")
        whole = (self.engine.policy, policy)
        if not all([await self._acts_everywhere(actor, one) for one in whole]):
            return await self._deny(actor, EVERY_TENANT)
        known = await self.life.approvals.of(policy.digest)
        if any(is_same_hand(one.hand, actor.hand) for one in known):
            return await self._deny(actor, TWICE)
        try:
            return await self.life.approvals.approve(policy, actor.hand, stated(reason))
        except ApprovedBefore:  # by a second press at the same moment
            return await self._deny(actor, TWICE)

    async def _permit(self, actor: Actor, right: Right, *, changing: bool) -> Refusal | None:
        """Ask for the right in the actor's own tenant; an operator has none."""
        if actor.is_operator:
            return None
        return await self.rights.permit(actor, right, SubjectKey(actor.tenant, ""), changing=changing)

    async def _deny(self, actor: Actor, why: str) -> Refusal:
        """Refuse an administrator with a line in the trail; an operator has no trail of their own."""
        refusal = Refusal(reason="not_allowed", detail=why)
        return refusal if actor.is_operator else await self.rights.deny(actor, SubjectKey(actor.tenant, ""), refusal)

    async def _acts_everywhere(self, actor: Actor, policy: Policy) -> bool:
        """Tell if the actor acts in every tenant that the policy names or the store knows."""
        known = {*policy.tenants, *await self.engine.store.trails()} - {""}
        if actor.token is not None:
            return actor.token.everywhere or known <= {actor.token.tenant}
        if actor.caller is None:
            return actor.is_operator
        subject = actor.caller.subject
        roles = self.engine.rules(subject.tenant).roles
        return all(reaches(roles, subject, tenant) for tenant in known)

    async def _waiting(self, actor: Actor, one: WaitingPolicy, sees_all: bool) -> WaitingDocument:
        approvals = await self.life.approvals.of(one.digest, one.app)
        return WaitingDocument(
            policy=one if sees_all else replace(one, changes=(), more=one.more + len(one.changes)),
            approvals=approvals if sees_all else tuple(replace(each, by="", reason="") for each in approvals),
            is_own=any(is_same_hand(each.hand, actor.hand) for each in approvals),
        )


def _shown(entry: Entry, sees_all: bool) -> Entry:
    """Leave out what the changes say about tenants out of reach."""
    return entry if sees_all else replace(entry, looser=("",) * len(entry.looser))
