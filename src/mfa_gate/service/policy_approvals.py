"""Approvals of a policy that is looser, by people of whom none counts twice."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from ..core.model import SubjectKey
from ..core.roles import Hand, is_same_hand
from ..core.rules import Policy
from .accounts import Engine
from .policy_archive import PolicyArchive


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The word of one person.

    ``tenant`` is "" for an operator at the store; ``at`` is in UTC seconds.
    """

    by: str
    tenant: str
    at: int
    reason: str

    @property
    def hand(self) -> Hand:
        """Name the person as the rule of two persons compares them."""
        return Hand(self.by, self.tenant)


class PolicyApprovals:
    """Use cases of approvals."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def of(self, digest: str) -> tuple[Approval, ...]:
        """List the approvals of a policy."""
        body = await self.engine.store.meta(_name(digest))
        return tuple(Approval(**row) for row in json.loads(body)) if body else ()

    async def approve(self, policy: Policy, hand: Hand, reason: str) -> tuple[Approval, ...]:
        """Add the approval of a person, and return all of them.

        Raises ``ValueError`` for a person who has approved this policy before. The event comes first: an approval without
        its line in the trail never counts.
        """
        engine = self.engine
        known = await self.of(policy.digest)
        if any(is_same_hand(approval.hand, hand) for approval in known):
            raise ValueError(f"{hand.name} has approved this policy before; another person must do so as well")
        await PolicyArchive(engine.store).keep(policy)
        for tenant in await engine.store.trails():
            moment = engine.moment(actor=hand.name)
            event = moment.event("policy.approved", SubjectKey(tenant, ""), reason=reason, digest=policy.digest[:12])
            await engine.record((event,))
        made = Approval(by=hand.name, tenant=hand.tenant, at=engine.now(), reason=reason)
        rows = [asdict(approval) for approval in (*known, made)]
        await engine.store.put_meta(_name(policy.digest), json.dumps(rows).encode())
        return (*known, made)


def _name(digest: str) -> str:
    return f"policy:approvals:{digest}"
