"""Approvals of a policy that is looser, by people of whom none counts twice.

An approval counts for 30 days. It also ends when the policy was in force and another one took its place: to bring it back,
people approve it anew.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from itertools import pairwise

from ..core.model import SubjectKey
from ..core.roles import Hand, is_same_hand
from ..core.rules import Policy
from .accounts import Engine
from .policy_archive import PolicyArchive
from .waiting_policies import APPROVAL_LIFE


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """The word of one person.

    ``tenant`` is "" for an operator at the store; ``at`` is in UTC seconds. ``replaced`` is the number of times, by
    application, that the policy had been replaced by another one when the word was given.
    """

    by: str
    tenant: str
    at: int
    reason: str
    replaced: Mapping[str, int] = field(default_factory=dict)

    @property
    def hand(self) -> Hand:
        """Name the person as the rule of two persons compares them."""
        return Hand(self.by, self.tenant)

    @property
    def ends_at(self) -> int:
        """Return the moment from which it counts no more (UTC seconds)."""
        return self.at + APPROVAL_LIFE


class ApprovedBefore(ValueError):
    """The error for a person whose approval of the same policy counts already."""


class PolicyApprovals:
    """Use cases of approvals."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    async def of(self, digest: str, app: str | None = None) -> tuple[Approval, ...]:
        """List the approvals of a policy that count in an application, one for each person.

        Without ``app`` only those are listed that count in every application over the store.
        """
        replaced, now = await self._replaced(digest, app), self.engine.now()
        found: list[Approval] = []
        for approval in await self._kept(digest):
            # Numbers, because the clock of a worker may be wrong: a later time would bring an ended approval back.
            is_over = any(approval.replaced.get(name, 0) != count for name, count in replaced.items())
            if (
                not is_over
                and now < approval.ends_at
                and not any(is_same_hand(approval.hand, other.hand) for other in found)
            ):
                found.append(approval)
        return tuple(found)

    async def approve(self, policy: Policy, hand: Hand, reason: str) -> tuple[Approval, ...]:
        """Add the approval of a person, and return all that count.

        Raises ``ApprovedBefore`` for a person whose approval of this policy counts already. The event comes first: an
        approval without its line in the trail never counts.
        """
        engine = self.engine
        known = await self.of(policy.digest)
        if any(is_same_hand(approval.hand, hand) for approval in known):
            raise ApprovedBefore(f"{hand.name} has approved this policy before; another person must do so as well")
        for tenant in await engine.store.trails():
            moment = engine.moment(actor=self._told(hand, tenant))
            event = moment.event("policy.approved", SubjectKey(tenant, ""), reason=reason, digest=policy.digest[:12])
            await engine.record((event,))
        replaced = await self._replaced(policy.digest)
        made = Approval(by=hand.name, tenant=hand.tenant, at=engine.now(), reason=reason, replaced=replaced)
        await PolicyArchive(engine.store).keep(policy, until=made.ends_at)
        living = [one for one in await self._kept(policy.digest) if engine.now() < one.ends_at]
        rows = [asdict(approval) for approval in (*living, made)]
        last = max(one.ends_at for one in (*living, made))
        await engine.store.put_meta(_name(policy.digest), json.dumps(rows).encode(), until=last)
        return (*known, made)

    def _told(self, hand: Hand, tenant: str) -> str:
        """Return the name by which a tenant's trail knows an approver.

        Only the approver's own tenant has the name. All others tell approvers apart by a pseudonym. An operator is of no
        tenant.
        """
        if hand.tenant in ("", tenant):
            return hand.name
        return f"approver-{self.engine.keyring.digest('approver', hand.tenant, hand.name)[:10]}"

    async def _kept(self, digest: str) -> tuple[Approval, ...]:
        body = await self.engine.store.meta(_name(digest))
        return tuple(Approval(**row) for row in json.loads(body)) if body else ()

    async def _replaced(self, digest: str, app: str | None = None) -> dict[str, int]:
        """Count how often another policy took the place of this one, by application."""
        archive, found = PolicyArchive(self.engine.store), dict[str, int]()
        for name in await archive.apps() if app is None else (app,):
            found[name] = sum(entry.digest == digest for entry, _ in pairwise(await archive.history(name)))
        return found


def _name(digest: str) -> str:
    return f"policy:approvals:{digest}"
