"""Judging a response: charge, verify, settle, for every factor alike."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..core import changes
from ..core.changes import Charge, Forwarded, Granted, InFlight
from ..core.entropy import handle_digest
from ..core.model import Account, Authenticator, Caller, Challenge, SubjectKey
from ..core.reasons import Refusal
from ..core.rules import Rules
from ..factors import FACTORS, TRAITS
from ..factors.base import COLLECT, Accepted, Context, Factor, Rejected, uncollected
from ..keyring import Unopened
from .engine import Engine
from .issuing import Issuing
from .judging import Judge
from .offering import usable

MALFORMED_PER_MINUTE = 60
MALFORMED_CACHE = 10_000
IN_FLIGHT_TURNS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The second factor is proven. ``handle`` is the browser's new handle: the old one is dead.

    ``again``: this was a copy of the answer that had just succeeded; nothing was granted a second time.
    """

    handle: str
    granted: Granted | None = None
    remembered: bool = True
    again: bool = False


class Proving:
    """Use cases of answering; whoever else takes a guess charges and fails here too."""

    def __init__(self, engine: Engine, judge: Judge, issuing: Issuing) -> None:
        self.engine = engine
        self.judge = judge
        self.issuing = issuing
        self._malformed: OrderedDict[SubjectKey, tuple[int, int]] = OrderedDict()

    async def verify(
        self,
        caller: Caller,
        *,
        handle: str,
        authenticator: str = "",
        challenge: str = "",
        response: object,
        remember: bool = True,
    ) -> Verified | Refusal:
        """Judge one response. ``handle`` is the browser's own value, whose digest the caller carries.

        The whole runs to its end even if the client hangs up (F-12).
        """
        task = asyncio.create_task(self._verify(caller, handle, authenticator, challenge, response, remember=remember))
        return await asyncio.shield(task)

    async def _verify(
        self, caller: Caller, handle: str, authenticator: str, challenge: str, response: object, *, remember: bool
    ) -> Verified | Refusal:
        account = await self.engine.store.load(caller.subject.key)
        judgement = await self.judge.own(caller, account=account)
        rules = judgement.requirement.rules
        target = authenticator
        if challenge and not authenticator:
            issued = next((c for c in account.challenges if c.id == challenge and c.purpose == "sign-in"), None)
            target = issued.target if issued and issued.browser == caller.handle else ""
        mine = usable(account, judgement, target)
        if isinstance(mine, Refusal):
            return mine
        part = FACTORS[mine.factor]
        read = part.read(response, rules)
        if read is None:
            return self.malformed(caller)
        answer = self.engine.keyring.digest("answer", *_names(caller), mine.factor, challenge, str(read))
        if read == COLLECT:
            asked = [c for c in account.challenges if c.id == challenge and c.target == target]
            waiting = self.uncollected(caller, account, asked, answer)
            if waiting is not None:
                return waiting
        async with self.engine.turn(caller.subject.key):
            self.engine.seen(account)
            taken = await self.charge(caller, rules, answer)
            if isinstance(taken, Refusal):
                return taken
            if isinstance(taken, Forwarded):
                return self._again(caller, handle, answer)
            account = await self.engine.latest(caller.subject.key)
            seen = account.authenticator(mine.id)
            if seen is None:
                return await self.fail(caller, rules, taken, mine.factor, Rejected(reason="not_found", free=True))
            context = self.issuing.context(caller, rules, purpose="sign-in", account=account)
            open_ones = [
                c
                for c in account.challenges
                if c.purpose == "sign-in" and c.browser == caller.handle and (c.target == seen.id or _is_code(c))
            ]
            if read == COLLECT:
                open_ones = [c for c in open_ones if c.id == challenge]
            outcome, seen = await self._compare(caller, part, context, account, seen, open_ones, read, taken, rules)
            if isinstance(outcome, Rejected):
                return await self.fail(caller, rules, taken, seen.factor, outcome)
            new_handle = self.next_handle(caller, handle, answer)
            moment = self.engine.moment(network=caller.network)
            granted = await self.engine.change(
                caller.subject.key,
                lambda current: changes.settle_success(
                    current,
                    moment,
                    rules,
                    caller,
                    taken=taken,
                    seen=seen,
                    data=outcome.data,
                    challenge=outcome.challenge,
                    user_verified=outcome.user_verified,
                    phishing_resistant=TRAITS[seen.factor].phishing_resistant,
                    remember=remember,
                    new_handle=handle_digest(new_handle),
                    answer=answer,
                ),
            )
        if isinstance(granted, Refusal):
            return granted
        bound = bool(granted.proof.session)
        return Verified(handle=new_handle, granted=granted, remembered=not bound)

    def uncollected(self, caller: Caller, account: Account, asked: Sequence[Challenge], answer: str) -> Refusal | None:
        """Why this browser has nothing to collect of ``asked``, or None. Looking costs and writes nothing (S-98)."""
        now = max(self.engine.now(), account.seen_at)
        if caller.handle and changes.twin_of(account, caller.handle, answer, now) is not None:
            return None
        reason = uncollected([c for c in asked if c.browser == caller.handle], now)
        return Refusal(reason=reason) if reason else None

    async def _compare(
        self,
        caller: Caller,
        part: Factor,
        context: Context,
        account: Account,
        seen: Authenticator,
        open_ones: Sequence[Challenge],
        read: object,
        taken: Charge,
        rules: Rules,
    ) -> tuple[Accepted | Rejected, Authenticator]:
        """Verify; what takes long, off the loop. An answer that belongs to another of the caller's authenticators counts as
        that one's."""
        verify = partial(part.verify, context, data=seen.data, challenges=open_ones, response=read)
        try:
            outcome = await asyncio.to_thread(verify) if part.traits.slow else verify()
        except Unopened:
            await self.fail(caller, rules, taken, seen.factor, Rejected(reason="fault", free=True))
            raise
        if isinstance(outcome, Accepted) and outcome.target and outcome.target != seen.id:
            other = account.authenticator(outcome.target)
            if other is None:
                return Rejected(reason="wrong_code"), seen
            changed = outcome.data if outcome.data != seen.data else other.data
            return replace(outcome, data=changed), other
        return outcome, seen

    async def charge(self, caller: Caller, rules: Rules, answer: str) -> Charge | Forwarded | Refusal:
        """Take an attempt. A copy of a success of a moment ago is led to it; attempts in flight are waited for."""
        moment = self.engine.moment(network=caller.network)

        def step(account: Account) -> changes.Change[Charge | Forwarded | InFlight | Refusal]:
            now = max(moment.now, account.seen_at)
            twin = changes.twin_of(account, caller.handle, answer, now) if caller.handle else None
            if twin is not None:
                return changes.keep(account, twin)
            return changes.charge(account, moment, rules)

        for _ in range(IN_FLIGHT_TURNS):
            outcome = await self.engine.change(caller.subject.key, step)
            if not isinstance(outcome, InFlight):
                return outcome
            await asyncio.sleep(0.025)
        return Refusal(reason="locked", attempts_remaining=0)

    async def fail(self, caller: Caller, rules: Rules, taken: Charge, factor: str, rejected: Rejected) -> Refusal:
        """Settle a response that was not accepted."""
        moment = self.engine.moment(network=caller.network)
        return await self.engine.change(
            caller.subject.key,
            lambda account: changes.settle_failure(
                account,
                moment,
                rules,
                taken=taken,
                factor=factor,
                reason=rejected.reason,
                free=rejected.free,
                alarm=rejected.alarm,
                spent=rejected.challenge,
            ),
        )

    def malformed(self, caller: Caller) -> Refusal:
        """Input of the wrong shape: refused before anything is reserved or read, at a bounded rate (S-38)."""
        key, minute = caller.subject.key, self.engine.now() // 60
        since, count = self._malformed.get(key, (minute, 0))
        count = count + 1 if since == minute else 1
        self._malformed[key] = (minute, count)
        self._malformed.move_to_end(key)
        while len(self._malformed) > MALFORMED_CACHE:
            self._malformed.popitem(last=False)
        if count > MALFORMED_PER_MINUTE:
            return Refusal(reason="too_soon", retry_after=60)
        return Refusal(reason="malformed")

    def next_handle(self, caller: Caller, handle: str, answer: str) -> str:
        """The browser's handle after this success: the same for a copy of the answer, unguessable without the key."""
        fresh = handle or self.engine.wiring.entropy(24).hex()
        return self.engine.keyring.digest("handle", fresh, *_names(caller), answer)

    def _again(self, caller: Caller, handle: str, answer: str) -> Verified:
        return Verified(handle=self.next_handle(caller, handle, answer), again=True)


def _names(caller: Caller) -> tuple[str, str]:
    return (caller.subject.tenant, caller.subject.id)


def _is_code(challenge: Challenge) -> bool:
    return "code" in challenge.data
