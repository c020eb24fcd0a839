"""The security team's desk: one place for pages, JSON and commands. Rights are judged here and nowhere else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ...core import changes
from ...core.assurance import meeting
from ...core.changes import admin as steps
from ...core.decision import Agree, Deny, Enroll, StepUp
from ...core.events import Moment
from ...core.model import Account, Caller, Subject, SubjectKey
from ...core.policy import Demand, factors_for
from ...core.reasons import Refusal
from ...core.roles import Right, has_right, is_self, reaches, rights_of
from ...core.rules import Rules, TenantSettings
from ...factors.codes import ALPHABET
from ...policyfile.checks import dead_ends
from ...ports import EventPage, Page
from ..access import Access, owed
from ..accounts import Engine
from .break_glass import BreakGlass
from .chart import Count, EnrollmentChart
from .damaged_accounts import discard
from .tenant import Check, TenantSetup

TICKET_LIFE = 86_400
TICKET_CHARS = 26
MAX_PAGE = 200
MAX_TURNS = 50
DENIED_PER_HOUR = 200
"""Refusals of one actor that the trail keeps an hour; further ones are told to the log only, so that nobody fills it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who acts: a proven administrator of the host (``caller``), or the operator at the store (``operator``)."""

    name: str
    caller: Caller | None = None

    @property
    def is_operator(self) -> bool:
        """Whether this is somebody with the key and the store in hand, who needs no right of the policy's."""
        return self.caller is None


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDesk:
    """A tenant's settings with what an administrator should know before turning it on."""

    settings: TenantSettings
    rules: Rules
    checklist: tuple[Check, ...]
    counts: dict[str, int]
    history: tuple[Count, ...]
    pickable: tuple[str, ...]


class AccountDesk:
    """Use cases of administrators. Everything that changes asks for the right, the tenant, a fresh proof, and not oneself."""

    def __init__(self, engine: Engine, access: Access) -> None:
        self.engine = engine
        self.access = access
        self.tenant_setup = TenantSetup(engine, self)
        self.break_glass = BreakGlass(engine, self)
        self.chart = EnrollmentChart(engine)

    # -- who may ---------------------------------------------------------------------------------------------------

    def rights(self, subject: Subject) -> tuple[Right, ...]:
        """The rights of a host user, by the policy of their own tenant."""
        return rights_of(self.engine.rules(subject.tenant).roles, subject.groups)

    def tenants_of(self, subject: Subject) -> tuple[str, ...]:
        """The tenants in which they may act: their own, or all that the policy names."""
        roles = self.engine.rules(subject.tenant).roles
        if subject.groups.isdisjoint(roles.everywhere):
            return (subject.tenant,)
        return tuple(dict.fromkeys((*self.engine.policy.tenants, subject.tenant)))

    async def permit(self, actor: Actor, right: Right, target: SubjectKey, *, changing: bool) -> Refusal | None:
        """Why the actor may not, or None. Another tenant's accounts are unknown ones (404); a refusal is written down."""
        if actor.caller is None:
            return None if _can_exist(target) else Refusal(reason="not_found")
        subject = actor.caller.subject
        roles = self.engine.rules(subject.tenant).roles
        if not has_right(roles, subject.groups, "look") and not has_right(roles, subject.groups, right):
            return await self._denied(actor, target, Refusal(reason="not_allowed"))
        if not reaches(roles, subject, target.tenant):
            return Refusal(reason="not_found")
        if not has_right(roles, subject.groups, right):
            return await self._denied(actor, target, Refusal(reason="not_allowed"))
        if not _can_exist(target):
            return Refusal(reason="not_found")
        if changing and target.id and is_self(subject, target):
            return await self._denied(actor, target, Refusal(reason="not_allowed", detail="Nobody acts on themselves."))
        return await self._proven(actor.caller, changing=changing)

    async def _proven(self, caller: Caller, *, changing: bool) -> Refusal | None:
        """Say what the actor still owes, or None.

        It is all that the app would demand of them, and for a change a young proof besides. The one proof meets the floor
        and is young enough (decisions 38).
        """
        judgement = await self.access.own(caller)
        requirement, evidence, now = judgement.requirement, judgement.evidence, self.engine.now()
        if evidence is None:
            return Refusal(reason="proof_required")
        if evidence.account.lock is not None:
            return Refusal(reason="locked", ref=evidence.account.lock.ref, attempts_remaining=0)
        rules, demands = requirement.rules, requirement.demands
        if requirement.report_only:
            # Rules that only watch close nothing, the desk included; a proof is needed there all the same.
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

    async def _denied(self, actor: Actor, target: SubjectKey, refusal: Refusal) -> Refusal:
        moment = self.engine.moment(network=actor.caller.network if actor.caller else "", actor=actor.name)
        own = actor.caller.subject.tenant if actor.caller else target.tenant
        # Of another tenant nothing is told, and nobody writes into another tenant's trail (S-121).
        told = target.tenant == own and _can_exist(target)
        event = moment.event("admin.denied", target if told else SubjectKey(own, ""), reason=refusal.reason)
        bucket = f"denied:{actor.caller.subject.key}" if actor.caller else "denied"
        if await self.engine.store.take(bucket, limit=DENIED_PER_HOUR, window=3600, now=moment.now):
            self.engine.effects.tell(event)
        else:
            await self.engine.record((event,))
        return replace(refusal, ref=event.id)

    # -- looking ---------------------------------------------------------------------------------------------------

    @staticmethod
    def find(actor: Actor, id: str, tenant: str = "") -> SubjectKey:
        """Give the key that an id means; the tenant is the named one, or the actor's own."""
        own = actor.caller.subject.tenant if actor.caller else ""
        return SubjectKey(tenant or own, id)

    async def accounts(
        self, actor: Actor, tenant: str, *, status: str = "", query: str = "", after: str = "", limit: int = 50
    ) -> Page | Refusal:
        """A page of a tenant's people."""
        refusal = await self.permit(actor, "look", SubjectKey(tenant, ""), changing=False)
        if refusal is not None:
            return refusal
        size = max(1, min(limit, MAX_PAGE))
        return await self.engine.store.page(tenant, status=status, query=query, after=after, limit=size)

    async def account(self, actor: Actor, key: SubjectKey) -> Account | Refusal:
        """One account. Nothing secret in it is readable without the keys, and callers show none of it."""
        refusal = await self.permit(actor, "look", key, changing=False)
        if refusal is not None:
            return refusal
        account = await self.engine.store.load(key)
        return account if account.version else Refusal(reason="not_found")

    async def events(
        self, actor: Actor, tenant: str, *, account: str = "", kind: str = "", after: str = "", limit: int = 50
    ) -> EventPage | Refusal:
        """The tenant's trail, newest first."""
        refusal = await self.permit(actor, "audit", SubjectKey(tenant, ""), changing=False)
        if refusal is not None:
            return refusal
        size = max(1, min(limit, MAX_PAGE))
        return await self.engine.store.events(tenant, account=account, kind=kind, after=after, limit=size)

    # -- acting ----------------------------------------------------------------------------------------------------

    async def unlock(self, actor: Actor, key: SubjectKey, *, reason: str) -> Refusal | None:
        """Give the attempts back."""
        moment = self.moment(actor)
        return await self.act(actor, "unlock", key, lambda account: steps.unlock(account, moment, reason=reason))

    async def lock(self, actor: Actor, key: SubjectKey, *, reason: str) -> Refusal | None:
        """Lock, and end every proof."""
        moment = self.moment(actor)
        return await self.act(actor, "unlock", key, lambda account: steps.lock(account, moment, reason=reason))

    async def reset(self, actor: Actor, key: SubjectKey, *, ticket: str, reason: str) -> Refusal | None:
        """Remove every factor under a ticket; then the host resets the password, too. While a request for help is held
        (``[recovery] hold``) this is refused with ``too_soon``."""
        moment, hold = self.moment(actor), int(self.engine.rules(key.tenant).recovery.hold)
        claims: list[str] = []

        def step(account: Account) -> changes.Change[Refusal | None]:
            claims[:] = [str(a.data["claim"]) for a in account.authenticators if "claim" in a.data]
            return steps.reset(account, moment, ticket=ticket, reason=reason, hold=hold)

        refusal = await self.act(actor, "reset", key, step)
        if refusal is None:
            for claim in claims:
                await self.engine.store.release(claim, key)
        return refusal

    async def discard(self, actor: Actor, key: SubjectKey, *, ticket: str, reason: str) -> Refusal | None:
        """Begin one account anew whose record cannot be read, under a ticket, as ``reset`` does with one that can."""
        refusal = await self.permit(actor, "reset", key, changing=True)
        return refusal or await discard(self.engine, self.moment(actor), key, ticket=ticket, reason=reason)

    async def give_ticket(self, actor: Actor, key: SubjectKey, *, reason: str) -> str | Refusal:
        """An enrollment ticket, shown this once: 130 bits, one use, one day."""
        moment, hold = self.moment(actor), int(self.engine.rules(key.tenant).recovery.hold)
        raw = self.engine.wiring.entropy(TICKET_CHARS)
        text = "".join(ALPHABET[byte % len(ALPHABET)] for byte in raw)
        digest = self.engine.keyring.digest("ticket", key.tenant, key.id, text)
        refusal = await self.act(
            actor,
            "reset",
            key,
            lambda account: steps.give_ticket(
                account, moment, digest=digest, life=TICKET_LIFE, reason=reason, hold=hold
            ),
            unknown=True,
        )
        return refusal or "-".join(text[at : at + 5] for at in range(0, len(text), 5))

    async def refuse_recovery(self, actor: Actor, key: SubjectKey, *, reason: str) -> Refusal | None:
        """Answer a recovery request with no."""
        moment = self.moment(actor)
        return await self.act(
            actor, "reset", key, lambda account: steps.refuse_recovery(account, moment, reason=reason)
        )

    async def act(
        self,
        actor: Actor,
        right: Right,
        key: SubjectKey,
        step: Callable[[Account], changes.Change[Refusal | None]],
        *,
        unknown: bool = False,
    ) -> Refusal | None:
        """One step on somebody's account, if the actor may. ``unknown``: also where nobody knows that person yet."""
        refusal = await self.permit(actor, right, key, changing=True)
        if refusal is not None:
            return refusal

        def known(account: Account) -> changes.Change[Refusal | None]:
            if not account.version and not unknown:
                return changes.keep(account, Refusal(reason="not_found"))
            return step(account)

        return await self.engine.change(key, known)

    def moment(self, actor: Actor) -> Moment:
        """Now, by this actor."""
        return self.engine.moment(network=actor.caller.network if actor.caller else "", actor=actor.name)

    # -- the tenant ------------------------------------------------------------------------------------------------

    async def desk(self, actor: Actor, tenant: str) -> TenantDesk | Refusal:
        """Settings, checklist and counts of a tenant."""
        refusal = await self.permit(actor, "look", SubjectKey(tenant, ""), changing=False)
        if refusal is not None:
            return refusal
        store, rules = self.engine.store, self.engine.rules(tenant)
        settings = await store.settings(tenant)
        counts = await store.counts(tenant)
        return TenantDesk(
            settings=settings,
            rules=rules,
            checklist=await self._checklist(tenant, rules, settings, counts),
            counts=counts,
            history=await self.chart.history(tenant, counts),
            pickable=pickable(rules),
        )

    async def _checklist(
        self, tenant: str, rules: Rules, settings: TenantSettings, counts: dict[str, int]
    ) -> tuple[Check, ...]:
        senders = self.engine.wiring.senders
        enrolled = sum(count for status, count in counts.items() if status != "not_enrolled")
        known = self.engine.factors.traits
        needed = [known[kind].sends for kind in rules.factors.allowed if kind in known and known[kind].sends]
        return (
            *await self.tenant_setup.people_lines(tenant, enrolled),
            Check(
                id="senders",
                ok=all(senders.for_channel(channel) is not None for channel in needed),
                text="Everything that sends codes is connected.",
            ),
            Check(id="message", ok=bool(settings.tested_at), text="A test message has arrived."),
            Check(id="announced", ok=bool(settings.announced_at), text="The date was announced to everybody."),
        )

    async def set_tenant(
        self, actor: Actor, tenant: str, *, enabled: bool | None, factors: tuple[str, ...] | None, confirm: str
    ) -> Refusal | None:
        """Turn the second factor on for the whole tenant, for good, or choose its factors. Nothing here turns it off."""
        refusal = await self.permit(actor, "tenant", SubjectKey(tenant, ""), changing=True)
        if refusal is not None:
            return refusal
        rules = self.engine.rules(tenant)
        if enabled is False:
            return await self._denied(actor, SubjectKey(tenant, ""), Refusal(reason="not_allowed"))
        if confirm != tenant:
            return Refusal(reason="malformed", detail="Type the organization's name to confirm.")
        if enabled and rules.enrollment.stage != "admin":
            return Refusal(reason="not_allowed", detail="The policy file decides when it is on.")
        if factors is not None:
            if rules.factors.choice != "tenant":
                return Refusal(reason="not_allowed", detail="The policy file decides which factors there are.")
            if not factors or any(kind not in pickable(rules) for kind in factors) or len(set(factors)) != len(factors):
                return Refusal(reason="not_enrollable")
            picked = factors_for(rules, TenantSettings(tenant=tenant, factors=factors))
            if ends := dead_ends(rules, picked, self.engine.factors.traits):
                return Refusal(reason="not_enrollable", detail="; ".join(end.text for end in ends))
        return await self._swap_tenant(actor, tenant, enabled=bool(enabled), factors=factors)

    async def mark_tenant(
        self, actor: Actor, tenant: str, *, announced: bool = False, tested: bool = False
    ) -> Refusal | None:
        """Tick a line of the checklist: the date was announced, a test message has arrived."""
        refusal = await self.permit(actor, "tenant", SubjectKey(tenant, ""), changing=True)
        if refusal is not None:
            return refusal
        return await self._swap_tenant(actor, tenant, announced=announced, tested=tested)

    async def _swap_tenant(
        self,
        actor: Actor,
        tenant: str,
        *,
        enabled: bool = False,
        factors: tuple[str, ...] | None = None,
        announced: bool = False,
        tested: bool = False,
    ) -> Refusal | None:
        moment, store = self.moment(actor), self.engine.store
        key = SubjectKey(tenant, "")
        for _ in range(MAX_TURNS):
            old = await store.settings(tenant)
            new = replace(
                old,
                enabled_at=old.enabled_at or (moment.now if enabled else 0),
                factors=old.factors if factors is None else factors,
                announced_at=moment.now if announced else old.announced_at,
                tested_at=moment.now if tested else old.tested_at,
            )
            if new == old:
                return None
            events = []
            if new.enabled_at != old.enabled_at:
                events.append(moment.event("tenant.enabled", key))
            if new.factors != old.factors:
                events.append(moment.event("tenant.changed", key, factors=" ".join(new.factors)))
            if (new.announced_at, new.tested_at) != (old.announced_at, old.tested_at):
                events.append(moment.event("tenant.message", key, reason="announced" if announced else "tested"))
            if await store.swap_settings(new, events):
                for event in events:
                    self.engine.effects.tell(event, committed=True)
                return None
        return Refusal(reason="too_soon", retry_after=1)


def _can_exist(key: SubjectKey) -> bool:
    """Tell if a host could ever say this id; nothing is written for, or looked up by, others."""
    try:
        Subject(key.id or "anybody", key.tenant)
    except ValueError:
        return False
    return True


def pickable(rules: Rules) -> tuple[str, ...]:
    """The factors that an administrator may pick from: what the policy allows and offers first."""
    return tuple(kind for kind in rules.factors.allowed if kind in rules.factors.order)


__all__ = ["AccountDesk", "Actor", "Check", "TenantDesk", "pickable"]
