"""Prepare a tenant, choose its factors, and turn it on for good."""

from __future__ import annotations

from dataclasses import replace

from ...core.changes.tenant_end import ended as end_all
from ...core.messages.letter import N_
from ...core.model import SubjectKey
from ...core.policy import factors_for
from ...core.reasons import Refusal
from ...core.rules import DAY, Rules, TenantSettings
from ...core.text_safety import stated
from ...policyfile.checks import dead_ends
from ...storage import take_one
from ..accounts import Engine
from .chart import EnrollmentChart
from .documents import Check, TenantDocument
from .people import PeopleCounts, TenantPeople, all_reachable
from .rights import Actor, Rights

MAX_TURNS = 50
ENDS_A_DAY = 5
"""How often a day administrators end all proofs of a tenant. Each time everybody confirms again, by paid messages too."""
ON_ALL = N_("This also affects people with administrator rights, so only a privileged administrator can do it.")
REACHABLE = "Everybody has their own email address or a mobile number on file."
TWO_ADMINISTRATORS = "At least two administrators have set up two-step sign-in."
TWO_PEOPLE = "At least two people, administrators among them, have set up two-step sign-in."


class TenantDesk:
    """Use cases of the settings of a tenant."""

    def __init__(self, engine: Engine, rights: Rights, people: TenantPeople, chart: EnrollmentChart) -> None:
        self.engine = engine
        self.rights = rights
        self.people = people
        self.chart = chart

    async def look(self, actor: Actor, tenant: str) -> TenantDocument | Refusal:
        """Return the settings, the checklist and the counts of a tenant."""
        refusal = await self.rights.permit(actor, "look", SubjectKey(tenant, ""), changing=False)
        if refusal is not None:
            return refusal
        store, rules = self.engine.store, self.engine.rules(tenant)
        settings = await store.settings(tenant)
        counts = await self.people.counts(tenant)
        return TenantDocument(
            settings=settings,
            rules=rules,
            checklist=await self._checklist(tenant, rules, settings, counts),
            people=counts,
            history=await self.chart.history(tenant, counts),
            pickable=pickable(rules),
            can_end=self.rights.has(actor, "unlock", tenant) and self.rights.is_privileged(actor),
        )

    async def set(
        self, actor: Actor, tenant: str, *, enabled: bool | None, factors: tuple[str, ...] | None, confirm: str
    ) -> Refusal | None:
        """Turn the second factor on for the whole tenant, or choose its factors.

        Nothing here turns it off. So it waits for the checklist, unless the policy calls that advice, and a choice of
        factors that would leave somebody without a way is refused.
        """
        refusal = await self.rights.permit(actor, "tenant", SubjectKey(tenant, ""), changing=True)
        if refusal is not None:
            return refusal
        rules = self.engine.rules(tenant)
        if enabled is False:
            return await self.rights.deny(actor, SubjectKey(tenant, ""), Refusal(reason="not_allowed"))
        if confirm != tenant:
            return Refusal(reason="malformed", member="confirm", detail="Type the organization's name to confirm.")
        if enabled and rules.enrollment.stage != "admin":
            return Refusal(
                reason="not_allowed",
                member="enabled",
                detail=N_("The security team’s policy file decides from when two-step sign-in is required."),
            )
        if factors is not None:
            if rules.factors.choice != "tenant":
                return Refusal(
                    reason="not_allowed",
                    member="factors",
                    detail=N_("The policy file decides which sign-in methods there are."),
                )
            if not factors or any(kind not in pickable(rules) for kind in factors) or len(set(factors)) != len(factors):
                return Refusal(reason="not_enrollable", member="factors")
        settings = await self.engine.store.settings(tenant)
        picked = factors_for(rules, settings if factors is None else replace(settings, factors=factors))
        if ends := dead_ends(rules, picked, self.engine.factors.traits):
            return Refusal(reason="not_enrollable", member="factors", detail="; ".join(end.text for end in ends))
        lines: tuple[Check, ...] = ()
        if enabled and not settings.enabled_at:
            lines = await self._checklist(tenant, rules, settings, await self.people.counts(tenant))
        missing = tuple(line for line in lines if not line.ok)
        if missing and rules.enrollment.checklist == "required":
            told = " ".join(line.text for line in missing)
            detail = f"The checklist has open items: {told}"
            ids = tuple(line.id for line in missing)
            return Refusal(reason="not_allowed", member="enabled", detail=detail, items=ids)
        return await self._swap(actor, tenant, enabled=bool(enabled), factors=factors, missing=missing)

    async def mark(self, actor: Actor, tenant: str, *, announced: bool = False, tested: bool = False) -> Refusal | None:
        """Tick a line of the checklist: the date was announced, or a test message has arrived."""
        refusal = await self.rights.permit(actor, "tenant", SubjectKey(tenant, ""), changing=True)
        if refusal is not None:
            return refusal
        return await self._swap(actor, tenant, announced=announced, tested=tested)

    async def end_proofs(self, actor: Actor, tenant: str, *, reason: str, confirm: str) -> Refusal | None:
        """End every proof of the tenant's people, and their break-glass grants, by one write.

        Nothing is locked and nothing is removed. ``confirm`` is the tenant's name, as the actor has typed it. It falls on
        everybody, people who hold rights included, so it takes a privileged actor besides the right to do it to one person.
        All but the operator do it a few times a day at most.
        """
        key = SubjectKey(tenant, "")
        refusal = await self.rights.permit(actor, "unlock", key, changing=True)
        if refusal is not None:
            return refusal
        if not self.rights.is_privileged(actor):
            return await self.rights.deny(actor, key, Refusal(reason="not_allowed", detail=ON_ALL))
        if confirm != tenant:
            return Refusal(reason="malformed", member="confirm", detail="Type the organization's name to confirm.")
        if not stated(reason):
            return Refusal(reason="malformed", member="reason")
        if not actor.is_operator:
            bucket, now = f"ends:{tenant}", self.engine.now()
            if wait := await take_one(self.engine.store, bucket, limit=ENDS_A_DAY, window=DAY, now=now):
                return Refusal(reason="too_soon", retry_after=wait)
        return await self._swap(actor, tenant, ended=stated(reason))

    async def _swap(
        self,
        actor: Actor,
        tenant: str,
        *,
        enabled: bool = False,
        factors: tuple[str, ...] | None = None,
        announced: bool = False,
        tested: bool = False,
        missing: tuple[Check, ...] = (),
        ended: str = "",
    ) -> Refusal | None:
        """Write the settings anew.

        ``ended`` is the reason why all proofs end, "" where they do not.
        """
        moment, store = self.rights.moment(actor), self.engine.store
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
            new = end_all(new, moment.now) if ended else new
            if new == old:
                return None
            events = []
            if new.enabled_at != old.enabled_at:
                left = {"open": " ".join(line.id for line in missing)} if missing else {}
                events.append(moment.event("tenant.enabled", key, **left))
            if new.factors != old.factors:
                events.append(moment.event("tenant.changed", key, factors=" ".join(new.factors)))
            if (new.announced_at, new.tested_at) != (old.announced_at, old.tested_at):
                events.append(moment.event("tenant.message", key, reason="announced" if announced else "tested"))
            if new.epoch != old.epoch:
                events.append(moment.event("tenant.proofs_ended", key, reason=ended))
            if await store.swap_settings(new, self.engine.chained(events)):
                for event in events:
                    self.engine.effects.tell(event, committed=True)
                return None
        return Refusal(reason="too_soon", retry_after=1)

    async def _checklist(
        self, tenant: str, rules: Rules, settings: TenantSettings, counts: PeopleCounts
    ) -> tuple[Check, ...]:
        senders = self.engine.wiring.senders
        known = self.engine.factors.traits
        needed = [known[kind].sends for kind in rules.factors.allowed if kind in known and known[kind].sends]
        return (
            *await self._people_lines(tenant, counts.set_up),
            Check(
                id="senders",
                ok=all(senders.for_channel(channel) is not None for channel in needed),
                text="Everything that sends codes is connected.",
            ),
            Check(id="message", ok=bool(settings.tested_at), text="A test message has arrived."),
            Check(id="announced", ok=bool(settings.announced_at), text="The date was announced to everybody."),
        )

    async def _people_lines(self, tenant: str, enrolled: int) -> tuple[Check, ...]:
        """Make the lines of the checklist about people.

        With a directory: can each person be reached, and could two administrators let each other in again? Without
        one: do any two people have a second step?
        """
        if self.engine.wiring.directory is None:
            return (Check(id="administrators", ok=enrolled >= 2, text=TWO_PEOPLE),)
        people = await self.people.known(tenant)
        reachable = people is not None and all_reachable(people)
        return (
            Check(id="contacts", ok=reachable, text=REACHABLE),
            Check(
                id="administrators",
                ok=await self.people.two_administrators(tenant, people or ()),
                text=TWO_ADMINISTRATORS,
            ),
        )


def pickable(rules: Rules) -> tuple[str, ...]:
    """List the factors that an administrator may pick: the policy allows and offers them."""
    return tuple(kind for kind in rules.factors.allowed if kind in rules.factors.order)
