"""Rights at the desk. Every use case of the desk asks here first, and nowhere else."""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches

from ...core.assurance import meeting
from ...core.automation import Automation
from ...core.decision import Agree, Deny, Enroll, StepUp
from ...core.events import Moment
from ...core.messages.letter import N_
from ...core.model import Caller, Subject, SubjectKey
from ...core.policy import Demand
from ...core.reasons import Refusal
from ...core.roles import Hand, Right, has_right, is_privileged, is_self, reaches, rights_of
from ...storage import take_one
from ..access import Access, owed
from ..accounts import Engine

NO_TENANT = 'Nobody was ever in a tenant "{tenant}", and the policy names no such one: --new-tenant begins it.'
A_PERSON = N_("A person has to confirm this, not a program.")
ON_ONESELF = N_("You can’t do this to your own account.")
DENIED_PER_HOUR = 200
"""Refusals of one actor that the trail takes in an hour. Further ones go only to the log, so nobody fills the trail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """A proven administrator of the host, or the operator at the store.

    The operator has neither ``caller`` nor ``token``. A program has its ``token``, and the network and address that it
    calls from.
    """

    name: str
    caller: Caller | None = None
    token: Automation | None = None
    network_now: str = ""
    address_now: str = ""

    @property
    def is_operator(self) -> bool:
        """Tell if the actor holds the keys and the store, and so needs no right of the policy."""
        return self.caller is None and self.token is None

    @property
    def tenant(self) -> str:
        """Return the tenant that the actor belongs to; "" for the operator."""
        if self.token is not None:
            return self.token.tenant
        return self.caller.subject.tenant if self.caller else ""

    @property
    def network(self) -> str:
        """Return the network that the actor comes from; "" for the operator."""
        return self.caller.network if self.caller else self.network_now

    @property
    def hand(self) -> Hand:
        """Name the actor as the rule of two persons compares them."""
        return Hand(self.name, self.tenant)


class Rights:
    """Rights of administrators, by the policy of their own tenant."""

    def __init__(self, engine: Engine, access: Access) -> None:
        self.engine = engine
        self.access = access

    def rights_of(self, subject: Subject) -> tuple[Right, ...]:
        """List the rights of a host user."""
        return rights_of(self.engine.rules(subject.tenant).roles, subject.groups)

    def tenants_of(self, subject: Subject) -> tuple[str, ...]:
        """List the tenants in which a host user may act: their own, or all of the policy."""
        roles = self.engine.rules(subject.tenant).roles
        if subject.groups.isdisjoint(roles.everywhere):
            return (subject.tenant,)
        return tuple(dict.fromkeys((*self.engine.policy.tenants, subject.tenant)))

    def has(self, actor: Actor, right: Right, tenant: str) -> bool:
        """Tell if the actor holds ``right`` in ``tenant``.

        It asks for no proof and writes nothing, so call ``permit`` first.
        """
        if actor.token is not None:
            return right in actor.token.rights and (actor.token.everywhere or actor.token.tenant == tenant)
        if actor.caller is None:
            return True
        subject = actor.caller.subject
        roles = self.engine.rules(subject.tenant).roles
        return reaches(roles, subject, tenant) and has_right(roles, subject.groups, right)

    def is_privileged(self, actor: Actor) -> bool:
        """Tell if the actor may act on people who hold rights; the operator may, and no token."""
        if actor.caller is None:
            return actor.is_operator
        subject = actor.caller.subject
        return is_privileged(self.engine.rules(subject.tenant).roles, subject.groups)

    async def permit(self, actor: Actor, right: Right, target: SubjectKey, *, changing: bool) -> Refusal | None:
        """Return the refusal if the actor may not act on ``target``, else None.

        An id of "" stands for the whole tenant. A change needs a recent proof, and no administrator may change their
        own account. Accounts of a tenant out of reach are refused as unknown (404). A refusal for a missing right is
        written into the trail. A token needs no proof: its use stands in the trail.
        """
        if actor.token is not None:
            return await self._by_token(actor, actor.token, right, target)
        if actor.caller is None:
            return None if _can_exist(target) else Refusal(reason="not_found")
        subject = actor.caller.subject
        roles = self.engine.rules(subject.tenant).roles
        if not has_right(roles, subject.groups, "look") and not has_right(roles, subject.groups, right):
            return await self.deny(actor, target, Refusal(reason="not_allowed"))
        if not reaches(roles, subject, target.tenant):
            return Refusal(reason="not_found")
        if not has_right(roles, subject.groups, right):
            return await self.deny(actor, target, Refusal(reason="not_allowed"))
        if not _can_exist(target):
            return Refusal(reason="not_found")
        if changing and target.id and is_self(subject, target):
            return await self.deny(actor, target, Refusal(reason="not_allowed", detail=ON_ONESELF))
        return await self._owed(actor.caller, changing=changing)

    async def misnamed(self, actor: Actor, tenant: str) -> Refusal | None:
        """Return the refusal for a tenant that nobody knows, with a name that is nearly it.

        A tenant is known if the policy names it, if it is the actor's own, or if it has a trail. In a store without a
        trail, under a policy that names none, each is the first one.
        """
        if tenant == actor.tenant or tenant in self.engine.policy.tenants:
            return None
        known = {*self.engine.policy.tenants, *filter(None, await self.engine.store.trails())}
        if not known or tenant in known:
            return None
        near = "".join(f' Did you mean "{name}"?' for name in get_close_matches(tenant, sorted(known), n=1))
        return Refusal(reason="not_found", detail=NO_TENANT.format(tenant=tenant) + near)

    async def _by_token(self, actor: Actor, token: Automation, right: Right, target: SubjectKey) -> Refusal | None:
        if not (token.everywhere or token.tenant == target.tenant) or not _can_exist(target):
            return Refusal(reason="not_found")
        if right not in token.rights:
            return await self.deny(actor, target, Refusal(reason="not_allowed"))
        return None

    async def _owed(self, caller: Caller, *, changing: bool) -> Refusal | None:
        """Return the refusal if the actor must prove more first, else None.

        The actor must meet every demand of the app. A change also needs a recent proof, and one proof must meet both
        (decision 38).
        """
        judgement = await self.access.own(caller)
        requirement, evidence, now = judgement.requirement, judgement.looked_at, self.engine.now()
        if evidence.account.lock is not None:
            return Refusal(reason="locked", ref=evidence.account.lock.ref, attempts_remaining=0)
        rules, demands = requirement.rules, requirement.demands
        if requirement.report_only:
            # Rules in report-only mode close nothing, so not the desk either. The desk still needs a proof.
            demands = demands[:1]
        elif isinstance(judgement.decision, (Enroll, StepUp, Deny)):
            return owed(judgement, now)
        elif isinstance(judgement.decision, Agree):
            return Refusal(reason="agreement_required")
        max_age = rules.roles.actor_max_age if changing else rules.freshness.max_age
        demand = Demand(rule="administration", max_age=max_age)
        if meeting(evidence.proofs, (*demands, demand), now):
            return None
        return Refusal(reason="proof_required", max_age=max_age)

    async def deny(self, actor: Actor, target: SubjectKey, refusal: Refusal) -> Refusal:
        """Write a refusal into the trail of the actor's own tenant.

        Returns the refusal with the reference of that line.
        """
        moment = self.moment(actor)
        own = actor.tenant or target.tenant
        # The event says nothing about another tenant, and is never written into another tenant's trail (S-121).
        told = target.tenant == own and _can_exist(target)
        event = moment.event("admin.denied", target if told else SubjectKey(own, ""), reason=refusal.reason)
        bucket = self._bucket(actor)
        if await take_one(self.engine.store, bucket, limit=DENIED_PER_HOUR, window=3600, now=moment.now):
            self.engine.effects.tell(event)
        else:
            await self.engine.record((event,))
        return replace(refusal, ref=event.id)

    def _bucket(self, actor: Actor) -> str:
        """Name the count of the actor's refusals.

        A program has one of its own, so none hides the refusals of another.
        """
        if actor.caller is not None:
            return self.engine.bucket("denied", actor.caller.subject.key)
        return f"denied:token:{actor.token.id}" if actor.token is not None else "denied"

    def moment(self, actor: Actor) -> Moment:
        """Draw the moment of an act by this actor."""
        if actor.caller is not None:
            return self.engine.moment_of(actor.caller, actor=actor.name)
        return self.engine.moment(actor=actor.name, network=actor.network_now, address=actor.address_now)


def key_of(actor: Actor, id: str, tenant: str = "") -> SubjectKey:
    """Return the key that an id means in the named tenant, else in the actor's own.

    No other tenant is searched.
    """
    return SubjectKey(tenant or actor.tenant, id)


def _can_exist(key: SubjectKey) -> bool:
    """Tell if a host could ever use this id.

    Other ids are never written or looked up.
    """
    try:
        Subject(key.id or "anybody", key.tenant)
    except ValueError:
        return False
    return True
