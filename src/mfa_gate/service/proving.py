"""Sending challenges and judging responses: charge, verify, settle, for every factor alike."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..core import changes
from ..core.changes import Charge, Forwarded, Granted, InFlight
from ..core.decision import Allow, StepUp
from ..core.entropy import handle_digest
from ..core.model import Account, Authenticator, Caller, Challenge, Contacts, Fields
from ..core.reasons import Refusal
from ..core.rules import Rules
from ..errors import SendFailed
from ..factors import FACTORS, TRAITS
from ..factors.base import COLLECT, Accepted, Context, Delivery, Faces, Factor, Rejected, uncollected
from ..keyring import Unopened
from ..ports import Message
from .engine import Engine, log
from .judging import Judge, Judgement
from .sending import Sending

MALFORMED_PER_MINUTE = 60
IN_FLIGHT_TURNS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A challenge that waits for its response. ``failed`` is why it could not be delivered, "" when it was handed over.

    ``show`` is for the browser that asked. Times are UTC seconds.
    """

    challenge: Challenge
    factor: str
    hint: str
    resend_at: int
    show: Mapping[str, object]
    failed: str = ""


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
    """Use cases of the challenge."""

    def __init__(self, engine: Engine, judge: Judge, sending: Sending) -> None:
        self.engine = engine
        self.judge = judge
        self.sending = sending
        self._malformed: OrderedDict[str, tuple[int, int]] = OrderedDict()

    # -- what a factor is told -----------------------------------------------------------------------------------

    def context(
        self, caller: Caller, rules: Rules, *, purpose: str, account: Account, contacts: Contacts | None = None
    ) -> Context:
        """Everything that a factor may know, with fresh entropy."""
        engine, party = self.engine, self.engine.wiring.relying_party
        now = max(engine.now(), account.seen_at)
        return Context(
            key=caller.subject.key,
            now=now,
            nonce=engine.wiring.entropy(32),
            keyring=engine.keyring,
            rules=rules,
            contacts=contacts or Contacts(),
            browser=caller.handle,
            purpose=purpose,
            service=rules.brand.name or party.name,
            host=party.id,
            origins=tuple(party.origins),
            where=caller.network,
            public=engine.public(caller.root),
            lang=caller.lang,
            words=engine.wiring.words,
            agent=caller.label,
            person=account.name or account.key.id,
            user_handle=account.handle,
            known=account.authenticators,
            used_until=account.restored_at,
        )

    # -- sending -------------------------------------------------------------------------------------------------

    async def begin(self, caller: Caller, authenticator: str) -> Issued | Refusal:
        """Issue a challenge for one of the caller's own authenticators; what sends, sends now."""
        account = await self.engine.store.load(caller.subject.key)
        judgement = await self.judge.own(caller, account=account)
        mine = self._usable(account, judgement, authenticator)
        if isinstance(mine, Refusal):
            return mine
        rules = judgement.requirement.rules
        context = self.context(caller, rules, purpose="sign-in", account=account)
        return await self.issue(caller, context, factor=mine.factor, data=mine.data, target=mine.id)

    def _usable(self, account: Account, judgement: Judgement, id: str) -> Authenticator | Refusal:
        """The authenticator, if it is the caller's and may be answered with here; a foreign id is an unknown one."""
        mine = account.authenticator(id)
        if mine is None or mine.factor not in FACTORS:
            return Refusal(reason="not_found")
        if account.lock is not None and not isinstance(judgement.decision, Allow):
            return Refusal(reason="locked", ref=account.lock.ref, attempts_remaining=0)
        allowed = judgement.requirement.factors
        factors = [a for a in account.authenticators if a.factor not in TRAITS or not TRAITS[a.factor].backup]
        if mine.factor in allowed or not any(a.factor in allowed for a in factors):
            return mine
        return Refusal(reason="not_allowed")

    async def issue(
        self, caller: Caller, context: Context, *, factor: str, data: Fields, target: str
    ) -> Issued | Refusal:
        """Issue a challenge for ``data`` (of an authenticator, a draft or a contact), and hand over what is to be sent."""
        part, engine = FACTORS[factor], self.engine
        issue = await asyncio.to_thread(part.issue, context, data)
        if issue is None:
            return Refusal(reason="nothing_sent")
        if isinstance(issue, Rejected):
            return Refusal(reason=issue.reason)
        limits = part.limits(context.rules) if issue.delivery or issue.counts else None
        moment = engine.moment(network=caller.network)
        live, key = issue.live, caller.subject.key

        def step(account: Account) -> changes.Change[Challenge | Refusal]:
            return changes.issue(
                account,
                moment,
                factor=factor,
                purpose=context.purpose,
                target=target,
                browser=caller.handle,
                data=issue.data,
                ttl=issue.ttl,
                limits=limits,
                live=live,
            )

        async with engine.turn(key):
            if issue.delivery is not None:
                # What the account refuses must not use up the destination: others may share it (S-121).
                foreseen = step(await engine.store.load(key)).answer
                refusal = (
                    foreseen
                    if isinstance(foreseen, Refusal)
                    else await self.sending.permit(caller, context, issue.delivery, factor)
                )
                if refusal is not None:
                    return refusal
            answer = await engine.change(key, step)
        if isinstance(answer, Refusal):
            return answer
        failed = ""
        if issue.delivery is not None:
            failed = await self._deliver(caller, issue.delivery, answer, factor)
            failed = "" if TRAITS[factor].fetched else failed
        return Issued(
            challenge=answer,
            factor=factor,
            hint=part.hint(context, data),
            resend_at=answer.issued_at + (limits.wait if limits else 0),
            show=issue.show,
            failed=failed,
        )

    async def _deliver(self, caller: Caller, delivery: Delivery, challenge: Challenge, factor: str) -> str:
        """Hand over after the commit. A failure is told as one, and the code stays good: it may still arrive (F-21)."""
        sender = self.engine.wiring.senders.for_channel(delivery.channel)
        message = Message(
            channel=delivery.channel,  # type: ignore[arg-type]
            to=delivery.to,
            tenant=caller.subject.tenant,
            text=delivery.text,
            key=challenge.id,
            subject=delivery.subject,
            html=delivery.html,
            code=delivery.code,
            callback=delivery.callback,
        )
        try:
            if sender is None:
                raise SendFailed("refused", transient=False, detail="no sender")
            await sender.send(message)
        except SendFailed as error:
            reason = error.reason
        except Exception:
            log.exception("a sender failed with an exception of its own")
            reason = "unreachable"
        else:
            return ""
        if TRAITS[factor].fetched:
            log.info("a device was not woken (%s); it fetches the request when it is opened", reason)
            return reason
        moment = self.engine.moment(network=caller.network)
        await self.engine.change(
            caller.subject.key,
            lambda account: changes.send_failed(account, moment, challenge=challenge.id, factor=factor, reason=reason),
        )
        return reason

    def face(self, caller: Caller, account: Account, challenge: Challenge | None) -> Mapping[str, str]:
        """What a waiting challenge shows to the browser that asked for it; empty for every other one."""
        part = FACTORS.get(challenge.factor) if challenge else None
        if challenge is None or challenge.browser != caller.handle or not isinstance(part, Faces):
            return {}
        rules = self.engine.rules(caller.subject.tenant)
        return part.face(self.context(caller, rules, purpose=challenge.purpose, account=account), challenge)

    # -- answering -----------------------------------------------------------------------------------------------

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
        mine = self._usable(account, judgement, target)
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
            context = self.context(caller, rules, purpose="sign-in", account=account)
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
        key, minute = str(caller.subject.key), self.engine.now() // 60
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

    def reachable(self, judgement: Judgement) -> tuple[Authenticator, ...]:
        """The authenticators that would meet what is asked, the one to offer first at the head; backup codes last."""
        account = _account(judgement)
        decision = judgement.decision
        if isinstance(decision, StepUp):
            ids = decision.authenticators
        else:
            allowed = judgement.requirement.factors
            ids = tuple(a.id for a in account.authenticators if a.factor in allowed)
        mine = [a for a in account.authenticators if a.id in ids and a.factor in FACTORS]
        ways = judgement.requirement.rules.recovery.ways
        if "backup-code" not in ways:
            mine = [a for a in mine if not TRAITS[a.factor].backup]
        order = judgement.requirement.rules.factors.order
        rank = {kind: place for place, kind in enumerate(order)}
        mine.sort(key=lambda a: (TRAITS[a.factor].backup, rank.get(a.factor, len(order)), a.created_at))
        return tuple(mine)

    def first_offer(self, judgement: Judgement, *, off: frozenset[str] = frozenset()) -> Authenticator | None:
        """What to ask for first: pinned as default, else what worked last in this browser, else the strongest (U-21).

        What cannot be sent at the moment (``off``) comes first only where there is nothing else.
        """
        mine = self.reachable(judgement)
        usable = [a for a in mine if not TRAITS[a.factor].backup]
        usable = [a for a in usable if a.factor not in off] or usable
        if not usable:
            return mine[0] if mine else None
        standing = judgement.standing
        last = standing.browser.last_factor if standing and standing.browser else ""
        if judgement.requirement.rules.factors.first_offer == "last-used":
            for wanted in (last, _account(judgement).default):
                found = next((a for a in usable if a.id == wanted), None)
                if found is not None:
                    return found
        return usable[0]


MALFORMED_CACHE = 10_000


def _account(judgement: Judgement) -> Account:
    account = judgement.account
    if account is None:
        raise ValueError("this judgement looked at no account")
    return account


def _names(caller: Caller) -> tuple[str, str]:
    return (caller.subject.tenant, caller.subject.id)


def _is_code(challenge: Challenge) -> bool:
    return "code" in challenge.data
