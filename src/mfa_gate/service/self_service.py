"""Changes that people make to their own factors, browsers and agreement."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from typing import TypeVar

from ..core import changes
from ..core.assurance import meeting
from ..core.changes.base import refuse
from ..core.model import Account, Authenticator, Caller
from ..core.reasons import Refusal
from ..core.rules import DAY
from ..storage import take_one
from .access import Access, Judgement, owed
from .accounts import Engine
from .slow_recovery import SlowRecovery

Answer = TypeVar("Answer")
REQUESTS_PER_DAY = 5
"""The requests for help of one person in a day. Each of them tells every contact."""


class SelfService:
    """Use cases of one's own settings. Each works on the caller's account and no other."""

    def __init__(self, engine: Engine, access: Access, slow: SlowRecovery) -> None:
        self.engine = engine
        self.access = access
        self.slow = slow

    async def _fresh(
        self,
        caller: Caller,
        step: Callable[[Account, Judgement], changes.Change[Authenticator | Refusal]],
        *,
        only_resistant: bool = False,
    ) -> Authenticator | Refusal:
        """Run ``step`` if the caller may change factors now.

        The check looks at the very account that the swap writes (S-84). With ``only_resistant``, of the floors only
        those count that ask for phishing resistance.
        """
        judgement = await self.access.own(caller)
        pending, requirement = owed(judgement, self.engine.now()), judgement.requirement
        if only_resistant:
            requirement = replace(requirement, floors=tuple(f for f in requirement.floors if f.phishing_resistant))

        def guarded(account: Account) -> changes.Change[Authenticator | Refusal]:
            now = max(self.engine.now(), account.seen_at)
            evidence = self.access.evidence(caller, account, requirement, now)
            refusal = changes.may_change(evidence, requirement, now) or pending
            if refusal is not None:
                return changes.keep(account, refusal)
            return step(account, judgement)

        return await self.engine.change(caller.subject.key, guarded)

    async def rename(self, caller: Caller, *, id: str, label: str) -> Authenticator | Refusal:
        """Give one of the caller's authenticators another name.

        A name opens nothing. So of the floors only phishing resistance counts here, which keeps strangers from
        swapping the names of keys.
        """
        moment = self.engine.moment_of(caller)
        return await self._fresh(
            caller, lambda account, _: changes.rename(account, moment, id=id, label=label), only_resistant=True
        )

    async def set_default(self, caller: Caller, *, id: str) -> Authenticator | Refusal:
        """Choose the authenticator that is offered first."""
        moment = self.engine.moment_of(caller)
        return await self._fresh(
            caller, lambda account, _: changes.set_default(account, moment, id=id, traits=self.engine.factors.traits)
        )

    async def remove(self, caller: Caller, *, id: str) -> Authenticator | Refusal:
        """Remove one authenticator, unless the policy keeps it."""
        moment = self.engine.moment_of(caller)
        removed = await self._fresh(
            caller,
            lambda account, judgement: changes.remove(
                account,
                moment,
                id=id,
                traits=self.engine.factors.traits,
                stage=judgement.requirement.stage,
                permanent=judgement.requirement.rules.enrollment.permanent,
            ),
        )
        if isinstance(removed, Authenticator):
            claim = removed.data.get("claim")
            if isinstance(claim, str):
                await self.engine.store.release(claim, caller.subject.key)
        return removed

    async def forget(self, caller: Caller, *, ids: Collection[str]) -> int | Refusal:
        """Forget some of the caller's own browsers. It needs a proof that meets the floors.

        Returns how many they were.
        """
        moment = self.engine.moment_of(caller)
        return await self._of_browsers(caller, lambda account: changes.forget_browsers(account, moment, ids=ids))

    async def forget_others(self, caller: Caller) -> int | Refusal:
        """Forget all of the caller's browsers but this one. Returns how many they were."""
        moment = self.engine.moment_of(caller)
        return await self._of_browsers(
            caller, lambda account: changes.forget_others(account, moment, handle=caller.handle)
        )

    async def sign_out_everywhere(self, caller: Caller) -> int | Refusal:
        """End all proofs of the caller, in this browser as well.

        Returns how many browsers were known.
        """
        moment = self.engine.moment_of(caller)
        return await self._of_browsers(caller, lambda account: changes.end_everywhere(account, moment))

    async def _of_browsers(
        self, caller: Caller, act: Callable[[Account], changes.Change[Answer | Refusal]]
    ) -> Answer | Refusal:
        """Change the list of browsers.

        It needs a proof that meets the floors, and is as fresh as the policy asks.
        """
        judgement = await self.access.own(caller)
        if (refusal := owed(judgement, self.engine.now())) is not None:
            return refusal
        moment, requirement = self.engine.moment_of(caller), judgement.requirement
        max_age = int(requirement.rules.freshness.max_age)

        def step(account: Account) -> changes.Change[Answer | Refusal]:
            now = max(moment.now, account.seen_at)
            evidence = self.access.evidence(caller, account, requirement, now)
            demand = changes.change_demand(evidence, requirement, max_age=max_age)
            if not meeting(evidence.proofs, (demand,), now):
                return changes.keep(account, Refusal(reason="proof_required", max_age=max_age))
            return act(account)

        return await self.engine.change(caller.subject.key, step)

    async def sign_out(self, caller: Caller) -> None:
        """End the proofs and the leave to enroll later of the caller's sign-in.

        Raises ``StoreUnavailable``.
        """
        moment = self.engine.moment_of(caller)
        await self.engine.change(caller.subject.key, lambda account: changes.end_sign_in(account, moment, caller))

    async def accept(self, caller: Caller, *, version: str) -> Refusal | None:
        """Accept the agreement in the version that was shown."""
        judgement = await self.access.own(caller)
        agreement = judgement.requirement.rules.agreement
        moment = self.engine.moment_of(caller)

        def step(account: Account) -> changes.Change[Refusal | None]:
            if agreement is None:
                return refuse(account, "not_found")
            return changes.accept_agreement(account, moment, caller, agreement=agreement, version=version)

        return await self.engine.change(caller.subject.key, step)

    async def request_recovery(self, caller: Caller, *, about: str) -> str | Refusal:
        """Ask for a way back in. Returns the reference of the request.

        Administrators answer it. Where the policy has ``recovery.self_service``, it opens by itself after that wait. It
        changes nothing else, and an account has at most one such request. Every contact is told, so a person can make a few
        a day.
        """
        judgement = await self.access.own(caller)
        rules, moment = judgement.requirement.rules.recovery, self.engine.moment_of(caller)
        by_hand, wait = "request" in rules.ways, int(rules.self_service)
        if not by_hand and not wait:
            return Refusal(reason="not_allowed")
        if judgement.account is not None and judgement.account.recovery is None:
            bucket, now = self.engine.bucket("recovery", caller.subject.key), self.engine.now()
            if left := await take_one(self.engine.store, bucket, limit=REQUESTS_PER_DAY, window=DAY, now=now):
                return Refusal(reason="too_soon", retry_after=left)
        told = await self.slow.told_or_none(caller.subject) if wait else ""
        return await self.engine.change(
            caller.subject.key,
            lambda account: changes.request_recovery(
                account, moment, about=about, by_hand=by_hand, wait=wait, told=told
            ),
        )

    async def decline(self, caller: Caller) -> None:
        """Record that the agreement was declined, and end this browser's proofs.

        The app stays closed.
        """
        moment = self.engine.moment_of(caller)
        await self.engine.change(caller.subject.key, lambda account: changes.decline_agreement(account, moment, caller))
