"""Judge a response at sign-in: find its authenticator and grant the proof."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from ..core import changes
from ..core.changes import Forwarded, Granted
from ..core.entropy import handle_digest
from ..core.model import Account, Authenticator, Caller, Challenge, SubjectKey
from ..core.reasons import Refusal
from ..core.rules import Rules
from ..factors.base import COLLECT, Accepted, Rejected, uncollected
from .access import Access, Judgement
from .accounts import Engine
from .attempt import Attempts, Guess
from .challenges import Challenges
from .factor_choice import behind_lock, usable

MALFORMED_PER_MINUTE = 60
MALFORMED_CACHE = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """A proven second factor.

    ``handle`` is the browser's new handle; the old one is no longer valid. ``again``: this was a copy of the answer
    that had just succeeded, so nothing was granted a second time.
    """

    handle: str
    granted: Granted | None = None
    remembered: bool = True
    again: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A right response, and the authenticator that it came from."""

    outcome: Accepted
    seen: Authenticator


class Verification:
    """Use cases of answering a challenge."""

    def __init__(self, engine: Engine, access: Access, challenges: Challenges, attempts: Attempts) -> None:
        self.engine = engine
        self.access = access
        self.challenges = challenges
        self.attempts = attempts
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
        judgement: Judgement | None = None,
    ) -> Verified | Refusal:
        """Judge one response.

        ``handle`` is the browser's own value; the caller carries its digest. ``judgement`` is of this very request, if it
        was judged already. Nothing is granted by it: the attempt is taken from the store's present account. A challenge that
        the judged account does not know is looked for there once, before it is refused.
        """
        judgement = judgement or await self.access.own(caller)
        account = judgement.looked_at.account
        if challenge and not any(c.id == challenge for c in account.challenges):
            # Another worker may have issued it a moment ago, and the store's notice of that is not here yet.
            account = await self.engine.load(caller.subject.key)
            judgement = await self.access.own(caller, account=account)
        if account.lock is not None and (locked := behind_lock(account, judgement)) is not None:
            # It comes first: a lock drops the challenges, and a right answer to one of them is not unknown.
            return locked
        rules = judgement.requirement.rules
        target = authenticator
        if challenge and not authenticator:
            issued = next((c for c in account.challenges if c.id == challenge and c.purpose == "sign-in"), None)
            target = issued.target if issued and caller.asked(issued) else ""
        mine = usable(account, judgement, target)
        if isinstance(mine, Refusal):
            return mine
        read = self.engine.factors[mine.factor].read(response, rules)
        if read is None or read == COLLECT:
            mine, read = self._spare_code(account, judgement, response) or (mine, read)
        if read is None:
            return self.malformed(caller)
        answer = self.engine.keyring.digest("answer", *_names(caller), mine.factor, challenge, str(read))
        next_handle = self.next_handle(caller, self.fresh_handle(handle), answer)
        if read == COLLECT:
            asked = [c for c in account.challenges if c.id == challenge and c.target == target]
            waiting = self.uncollected(caller, account, asked, answer)
            if waiting is not None:
                return waiting
        guess = Guess(
            caller=caller,
            rules=rules,
            factor=mine.factor,
            answer=answer,
            prepare=lambda current: self._verification(caller, rules, current, mine, read, challenge),
            settle=lambda current, moment, taken, found: changes.settle_success(
                current,
                moment,
                rules,
                caller,
                taken=taken,
                seen=found.seen,
                data=found.outcome.data,
                challenge=found.outcome.challenge,
                user_verified=found.outcome.user_verified,
                phishing_resistant=self.engine.factors.traits[found.seen.factor].phishing_resistant,
                remember=remember,
                new_handle=handle_digest(next_handle),
                answer=answer,
            ),
            target=mine.id,
            loaded=account,
        )
        granted = await self.attempts.attempt(guess)
        if isinstance(granted, Refusal):
            return granted
        if isinstance(granted, Forwarded):
            newest = max(granted.browser.proofs, key=lambda proof: proof.at, default=None)
            return Verified(handle=next_handle, again=True, remembered=newest is None or not newest.session)
        return Verified(handle=next_handle, granted=granted, remembered=not granted.proof.session)

    def _spare_code(
        self, account: Account, judgement: Judgement, response: object
    ) -> tuple[Authenticator, object] | None:
        """Read a response as a backup code, whatever authenticator was asked (contract 8).

        Returns the set of codes and the code, if the person has a set that may be used here.
        """
        kind = self.engine.factors.backup
        backup = next((a for a in account.authenticators if a.factor == kind), None)
        if backup is None or isinstance(usable(account, judgement, backup.id), Refusal):
            return None
        read = self.engine.factors[kind].read(response, judgement.requirement.rules)
        return None if read is None else (backup, read)

    def uncollected(self, caller: Caller, account: Account, asked: Sequence[Challenge], answer: str) -> Refusal | None:
        """Return the refusal if this browser has no result to collect of ``asked``, else None.

        Looking costs no attempt and writes nothing (S-98).
        """
        now, seen_at = self.engine.now(), account.seen_at
        if caller.handle and changes.twin_of(account, caller.handle, answer, max(now, seen_at)) is not None:
            return None
        reason = uncollected([c for c in asked if caller.asked(c)], now, seen_at)
        return Refusal(reason=reason) if reason else None

    def _verification(
        self, caller: Caller, rules: Rules, account: Account, mine: Authenticator, read: object, challenge: str
    ) -> Callable[[], _Found | Rejected] | Rejected:
        """Prepare the check of the response against the account after the charge.

        Returns the function that checks, or a rejection.
        """
        seen = account.authenticator(mine.id)
        if seen is None:
            return Rejected(reason="not_found", free=True)
        context = self.challenges.context(caller, rules, purpose="sign-in", account=account)
        recognized = changes.recognized(account, seen.id)
        if recognized:
            context = replace(context, recognized=recognized)
        open_ones = [
            c
            for c in account.challenges
            if c.purpose == "sign-in" and caller.asked(c) and (c.target == seen.id or _is_code(c))
        ]
        elsewhere = [str(c.data["code"]) for c in account.challenges if c.target == seen.id and _is_code(c)]
        if read == COLLECT or (challenge and not self.engine.factors.traits[seen.factor].typed):
            # A code fits any of its kind that lives (decision 2). Everything else answers one challenge: the named one.
            open_ones = [c for c in open_ones if c.id == challenge]
        verify = partial(
            self.engine.factors[seen.factor].verify, context, data=seen.data, challenges=open_ones, response=read
        )

        def judge() -> _Found | Rejected:
            found = _found(account, seen, verify())
            if isinstance(found, Rejected) and not found.free:
                # A worker with a newer key may have sent one of these codes. It knows the browser by another digest.
                self.engine.keyring.require(elsewhere)
            return found

        return judge

    def malformed(self, caller: Caller) -> Refusal:
        """Refuse input of the wrong shape, at a bounded rate (S-38).

        Nothing was reserved or read for it.
        """
        key, minute = caller.subject.key, self.engine.now() // 60
        since, count = self._malformed.get(key, (minute, 0))
        count = count + 1 if since == minute else 1
        self._malformed[key] = (minute, count)
        self._malformed.move_to_end(key)
        while len(self._malformed) > MALFORMED_CACHE:
            self._malformed.popitem(last=False)
        if count > MALFORMED_PER_MINUTE:
            return Refusal(reason="too_soon", retry_after=60)
        return Refusal(reason="malformed", member="response")

    def next_handle(self, caller: Caller, handle: str, answer: str) -> str:
        """Derive the browser's handle after this success.

        A copy of the answer gets the same handle. Nobody can guess it without the key.
        """
        return self.engine.keyring.digest("handle", handle, *_names(caller), answer)

    def fresh_handle(self, handle: str) -> str:
        """Return ``handle``, or a new one for a browser that has none."""
        return handle or self.engine.wiring.entropy(24).hex()


def _found(account: Account, seen: Authenticator, outcome: Accepted | Rejected) -> _Found | Rejected:
    """Attribute a right response to the caller's authenticator that gave it."""
    if isinstance(outcome, Rejected):
        return outcome
    if not outcome.target or outcome.target == seen.id:
        return _Found(outcome=outcome, seen=seen)
    other = account.authenticator(outcome.target)
    if other is None:
        return Rejected(reason="wrong_code")
    changed = outcome.data if outcome.data != seen.data else other.data
    return _Found(outcome=replace(outcome, data=changed), seen=other)


def _names(caller: Caller) -> tuple[str, str]:
    return (caller.subject.tenant, caller.subject.id)


def _is_code(challenge: Challenge) -> bool:
    return "code" in challenge.data
