"""The life of the policy: it comes into force whole, with a trace, or not at all.

The one before stays in force on any fault.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..core.model import SubjectKey
from ..core.rules import ChangeRules, Policy
from ..errors import SettingsError
from ..policyfile import load_policy
from ..policyfile.tools.diff import Difference, differences, loosened
from ..storage import take_one
from .accounts import Engine
from .admin_alerts import Alarms
from .forgotten_tenants import forgotten_tenants, told_forgotten
from .policy_approvals import PolicyApprovals
from .policy_archive import Entry, Kept, PolicyArchive
from .retention_grace import RETENTIONS, RetentionGrace
from .waiting_policies import WaitingPolicies, WaitingPolicy, waiting_changes

log = logging.getLogger("mfa_gate")

MOST_TOLD = 10
"""Looser changes that an event names; the rest is counted."""
AT_START, ON_SIGNAL, ON_CHANGE, BY_HOST = "start", "signal", "file changed", "application"
LOOSENED = "policy.loosened"
ELSEWHERE = "the fault names other tenants, so only the log and the commands show it"
UNKNOWN_BEFORE = "the policy before cannot be read by this version, so it cannot be compared"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloaded:
    """The result of a reload.

    ``changed`` is False where the file says what is in force already. ``differences`` is -1 where the policy before is not known.
    """

    digest: str
    changed: bool
    differences: int = 0
    looser: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicySource:
    """The file of the policy.

    ``check`` lists the faults that a policy has with the parts of this gate.
    """

    path: str | os.PathLike[str]
    check: Callable[[Policy], Sequence[str]]


class PolicyLife:
    """Use cases of loading a policy.

    ``source`` is None for a policy that the host made itself.
    """

    def __init__(self, engine: Engine, alarms: Alarms) -> None:
        self.engine = engine
        self.alarms = alarms
        self.approvals = PolicyApprovals(engine)
        self.graces = [RetentionGrace(engine, note) for note in RETENTIONS]
        self.source: PolicySource | None = None
        self._turn = asyncio.Lock()
        self._last_refusal: tuple[str, ...] = ()
        self._retries = ""

    @property
    def archive(self) -> PolicyArchive:
        """The notes about policies in the store that the engine works on now."""
        return PolicyArchive(self.engine.store)

    @property
    def waiting(self) -> WaitingPolicies:
        """The notes about policies that wait for approvals."""
        return WaitingPolicies(self.engine.store)

    async def begin(self) -> str:
        """Record the policy of this start, if another one was in force before.

        Returns "", or the reason for which the start is refused. Raises ``StoreUnavailable``.
        """
        policy = self.engine.policy
        if not policy.text:
            return ""
        try:
            await self._load(policy, before=await self._before(), by=AT_START)
        except SettingsError as error:
            await self._refused(error, AT_START)
            return str(error)
        return ""

    async def reload(self, by: str) -> Reloaded:
        """Read the file again, and put it in force if nothing speaks against it.

        ``by`` says what asked for it. Raises ``SettingsError`` with every fault; the policy before stays in force then.
        """
        source = self.source
        if source is None:
            raise SettingsError("policy: the application gave a Policy and no file, so there is nothing to read again")
        async with self._turn:
            before = self.engine.policy
            try:
                policy = await asyncio.to_thread(load_policy, source.path, factors=self.engine.factors)
                if policy.digest == before.digest:
                    await self.waiting.drop(self.engine.wiring.app, now=self.engine.now())
                    self._last_refusal = ()
                    return Reloaded(digest=policy.digest, changed=False)
                faults = source.check(self.engine.factors.complete(policy))
                if faults:
                    raise SettingsError(faults)
                done = await self._load(policy, before=before, by=by)
            except SettingsError as error:
                await self._refused(error, by)
                raise
            self.engine.use_policy(policy)
            self._last_refusal = ()
            log.warning("mfa_gate: the policy %s (%s) is in force: %s", policy.name, policy.digest[:12], by)
            return done

    async def _before(self) -> Policy | None:
        """Return the policy that this application worked with before, as this version reads it."""
        latest = await self.archive.latest(self.engine.wiring.app)
        kept = None if latest is None else await self.archive.text_of(latest.digest)
        return None if kept is None else await self._read(kept)

    async def _read(self, kept: Kept) -> Policy | None:
        """Read a kept text as this version reads it; None where it does not any more."""
        if kept.digest == self.engine.policy.digest:
            return self.engine.policy
        try:
            return await asyncio.to_thread(kept.policy, self.engine.factors)
        except SettingsError:
            log.warning("mfa_gate: the policy before (%s) cannot be compared with this one", kept.digest[:12])
            return None

    async def _load(self, policy: Policy, *, before: Policy | None, by: str) -> Reloaded:
        """Keep the text, the history and the trace of a policy that comes into force.

        Raises ``SettingsError`` where it must be approved first.
        """
        latest = await self.archive.latest(self.engine.wiring.app)
        if latest is not None and latest.digest == policy.digest:
            # Another worker of this application has loaded it, and has asked for approvals.
            await self.waiting.drop(self.engine.wiring.app, now=self.engine.now())
            return Reloaded(
                digest=policy.digest, changed=True, differences=max(0, latest.differences), looser=latest.looser
            )
        await self._look_for_tenants(before, policy, by)
        found = () if before is None else await self._compared(before, policy)
        looser = tuple(told(entry) for entry in loosened(found))
        if before is None and latest is not None:
            looser = (UNKNOWN_BEFORE,)
        if looser:
            change = before.base.change if before is not None else await self._asked_before(latest, policy)
            await self._require_approvals(policy, change, looser, None if before is None else found)
        if latest is None:
            await self._look_at_others(policy)
        await self.archive.keep(policy)
        if before is not None or latest is not None:
            for grace in self.graces:
                await grace.note(before or Policy(name=""), policy)  # the unknown one may have kept every line
        count = -1 if before is None else len(found)
        entry = Entry(
            at=self.engine.now(),
            app=self.engine.wiring.app,
            name=policy.name,
            digest=policy.digest,
            by=by,
            differences=count,
            looser=looser,
        )
        # The trace comes first: what the history knows is in force without another question.
        await self._tell(entry, before, loosened(found))
        await self.archive.add(entry)
        await self.waiting.drop(entry.app, now=entry.at)
        return Reloaded(digest=policy.digest, changed=True, differences=count, looser=looser)

    async def _look_at_others(self, policy: Policy) -> None:
        """Refuse a first policy that is looser than that of another application.

        A new name of the application would else be the way around approvals. Raises ``SettingsError``.
        """
        for app in await self.archive.apps():
            other = await self.archive.latest(app)
            kept = None if other is None else await self.archive.text_of(other.digest)
            if kept is None or kept.digest == policy.digest or kept.change.looser != "approve":
                continue
            before = await self._read(kept)
            found = None if before is None else await self._compared(before, policy)
            looser = (UNKNOWN_BEFORE,) if found is None else tuple(told(entry) for entry in loosened(found))
            if looser:
                await self._require_approvals(policy, kept.change, looser, found, where=f' in "{app}"')

    async def _look_for_tenants(self, before: Policy | None, policy: Policy, by: str) -> None:
        """Refuse a reload that forgets a tenant whose people are in the store.

        A start may mean it, and is logged. Raises ``SettingsError``.
        """
        left = await forgotten_tenants(self.engine.store, before, policy)
        if left and by != AT_START:
            raise SettingsError(told_forgotten(left))
        if left:
            log.error(
                "mfa_gate: people of %s are refused: the policy is closed and does not name them", ", ".join(left)
            )

    async def _compared(self, before: Policy, policy: Policy) -> tuple[Difference, ...]:
        """Compare the two by their decisions, in a thread: large files take seconds."""
        factors, now = self.engine.factors, self.engine.now()
        old, new = factors.complete(before), factors.complete(policy)
        return await asyncio.to_thread(differences, old, new, now=now, factors=factors)

    async def _asked_before(self, latest: Entry | None, policy: Policy) -> ChangeRules:
        """Return the rules of approval where this version cannot read the policy before.

        These are the stricter ones of the new policy and of the text before. Else a file could ask for no approvals at all.
        """
        kept = None if latest is None else await self.archive.text_of(latest.digest)
        old, new = ChangeRules() if kept is None else kept.change, policy.base.change
        asking = [change.approvals for change in (old, new) if change.looser == "approve"]
        return ChangeRules(looser="approve", approvals=max(asking)) if asking else new

    async def _require_approvals(
        self,
        policy: Policy,
        change: ChangeRules,
        looser: tuple[str, ...],
        found: tuple[Difference, ...] | None,
        *,
        where: str = "",
    ) -> None:
        """Refuse a looser policy without the approvals that ``change`` asks for.

        It is kept, for the desk to show. The rules are those of the policy before, because the new one could ask for
        none. ``found`` are all differences from that one, None where it cannot be read. ``where`` names another application
        in which it is in force.
        """
        if change.looser != "approve":
            return
        app = self.engine.wiring.app
        have = len(await self.approvals.of(policy.digest, app))
        if have < change.approvals:
            changes, more = waiting_changes(found or ())
            waiting = WaitingPolicy(
                app=app,
                name=policy.name,
                digest=policy.digest,
                since=self.engine.now(),
                needed=change.approvals,
                changes=changes,
                more=more,
                is_compared=found is not None,
            )
            await self.waiting.note(waiting, policy)
            raise SettingsError(
                f'policy: "{policy.name}" ({policy.digest[:12]}) is looser than the one in force{where} ({_shortened(looser)}), '
                f"and {have} of {change.approvals} approvals are there: on the desk's page of the policy, "
                "or mfa-gate policy approve FILE --actor NAME --reason TEXT"
            )

    async def _tell(self, entry: Entry, before: Policy | None, found: Sequence[Difference]) -> None:
        """Write the events of a change into every trail, once for all workers, and tell the owner.

        ``found`` are the looser changes. A trail names those of the file and of its own tenant.
        """
        engine = self.engine
        bucket = f"policy:{entry.app}:{entry.digest}{self._retries}"
        if await take_one(engine.store, bucket, limit=1, window=60, now=entry.at):
            return
        # A trace that fails on its way is written by the next try, which must not be taken for another worker's.
        self._retries += "+"
        detail: dict[str, str | int] = {
            "name": entry.name,
            "digest": entry.digest[:12],
            "by": entry.by,
            "differences": entry.differences,
            "looser": len(entry.looser),
        }
        kinds = ("policy.loaded", LOOSENED) if entry.looser else ("policy.loaded",)
        for tenant in await engine.store.trails():
            moment = engine.moment(actor="mfa_gate")
            own = tuple(told(change) for change in found if change.tenant in ("", tenant)) if found else entry.looser
            shown = {**detail, "changes": _shortened(own)} if own else detail
            await engine.record([moment.event(kind, SubjectKey(tenant, ""), **shown) for kind in kinds])
        if entry.looser:
            owners = [engine.policy.base.owner, *([before.base.owner] if before is not None else [])]
            detail["changes"] = _shortened(entry.looser)
            event = engine.moment(actor="mfa_gate").event(LOOSENED, SubjectKey("", ""), **detail)
            await self.alarms.tell_owners(event, owners)
        self._retries = ""

    async def _refused(self, error: SettingsError, by: str) -> None:
        """Record a policy that did not come into force. A store that is away hinders nothing."""
        engine, count = self.engine, len(error.faults)
        if self._last_refusal == error.faults:
            return  # The watch tries again from time to time.
        self._last_refusal = error.faults
        log.error("mfa_gate: the policy was not loaded (%s), the one before stays in force: %s", by, error)
        try:
            if await take_one(engine.store, "policy:refused", limit=10, window=3600, now=engine.now()):
                return
            trails = await engine.store.trails()
            known = frozenset((*trails, *engine.policy.tenants))
            for tenant in trails:
                moment, key = engine.moment(actor="mfa_gate"), SubjectKey(tenant, "")
                first = _told_to(tenant, error.faults[0], known)
                event = moment.event("policy.refused", key, reason="faults", by=by, faults=count, first=first)
                await engine.record((event,))
        except Exception as fault:
            log.warning("mfa_gate: the refusal of the policy is in no trail: %s", fault)


def told(entry: Difference) -> str:
    """Write a change on one line: ``clinic: freshness.max_age: "1d" -> "7d"``."""
    where = f"{entry.tenant}: " if entry.tenant else ""
    return f"{where}{entry.path}: {entry.old or '-'} -> {entry.new or '-'}"


def _told_to(tenant: str, fault: str, known: frozenset[str]) -> str:
    """Return a fault for the trail of a tenant, without what names any other.

    ``known`` are the tenants of store and policy; the sections that the fault names count as well.
    """
    sections = re.findall(r'\btenants\."?([^\s."\]]+)', fault)
    others = {*known, *sections} - {"", tenant}
    is_told = not any(re.search(rf"(?<!\w){re.escape(name)}(?!\w)", fault) for name in others)
    return fault[:300] if is_told else ELSEWHERE


def _shortened(looser: tuple[str, ...]) -> str:
    more = f"; and {len(looser) - MOST_TOLD} more" if len(looser) > MOST_TOLD else ""
    return "; ".join(looser[:MOST_TOLD])[:1_000] + more
