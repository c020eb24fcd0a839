"""Requests and answers of a person's own device, signed with a key bound at enrollment."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..core import changes
from ..core.changes import Charge
from ..core.events import Moment
from ..core.model import Account, Authenticator, Caller, Challenge, Enrollment, Fields, Subject
from ..core.push_subscription import MAX_SUBSCRIPTION, read_subscription
from ..core.reasons import Refusal
from ..core.rules import Rules
from ..factors.base import Context, Rejected
from ..factors.optional_parts import Approves
from ..factors.tokens import Named, is_digest_of, make_token, read_token
from ..ports import TakesDestination
from .accounts import Engine
from .attempt import Guess
from .challenges import Challenges
from .refusals import tell_refused
from .verification import Verification

JOIN, DEVICE, NONCE = "join", "device", "nonce"
VERBS = ("approve", "deny", "cancel")
NONCE_LIFE = 120
"""Seconds in which a device may sign the value that it was given."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device as its owner sees it, with the token that names it from now on.

    ``person`` is the owner's name; ``service`` is the name of the service; ``tenant`` is the owner's.
    """

    token: str
    person: str
    service: str
    tenant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request that waits for an answer on the device.

    It says the purpose, the place and the browser of the sign-in, and its times. It never holds the number: the
    person reads that on the other screen (S-95).
    """

    id: str
    purpose: str
    where: str
    agent: str
    at: int
    expires_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """The requests that wait for one device.

    ``subject`` is part of the text that the device signs. ``nonce`` is for its next question.
    """

    device: Device
    subject: str
    nonce: str
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """A device that named itself: its account, and its authenticator or draft."""

    named: Named
    account: Account
    holder: Authenticator | Enrollment
    context: Context
    rules: Rules


class OutOfBand:
    """Use cases of the phone's page.

    Nobody is signed in there: the device's key stands for the person.
    """

    def __init__(
        self, engine: Engine, challenges: Challenges, verification: Verification, *, kind: str, part: Approves
    ) -> None:
        self.engine = engine
        self.challenges = challenges
        self.verification = verification
        self.kind = kind
        self.part = part

    @classmethod
    def of(cls, engine: Engine, challenges: Challenges, verification: Verification) -> OutOfBand | None:
        """Make the use cases of the first factor whose device answers.

        None: the gate knows no such factor.
        """
        for kind, part in engine.factors.items():
            if isinstance(part, Approves):
                return cls(engine, challenges, verification, kind=kind, part=part)
        return None

    def nonce(self) -> str:
        """Make a fresh value to sign. Its age can be checked without storing it."""
        now = str(self.engine.now())
        return f"{now}.{self.engine.keyring.digest(NONCE, now)}"

    def tenant_of(self, token: str) -> str | None:
        """Return the tenant in a picture's token; None for one that we did not make."""
        named = read_token(self.engine.keyring, JOIN, token)
        return None if named is None else named.key.tenant

    async def join(self, *, token: str, key: str, signature: str, label: str, address: str = "") -> Device | Refusal:
        """Bind a device's key to the draft that the token was made for.

        It works once. The binding is not a proof yet.
        """
        named = read_token(self.engine.keyring, JOIN, token)
        if named is None:
            return await tell_refused(self.engine, None, self.kind, "not_found", shown="code_expired", address=address)
        account = await self.engine.load(named.key)
        draft = next((e for e in account.enrollments if self._is(e, JOIN, named)), None)
        if draft is None:
            return await tell_refused(
                self.engine, named, self.kind, "code_expired", shown="code_expired", address=address
            )
        context, _ = self._context(named, account)
        joined = await asyncio.to_thread(
            self.part.join, context, data=draft.data, token=token, key=key, signature=signature, label=label
        )
        if isinstance(joined, Rejected):
            return await tell_refused(
                self.engine, named, self.kind, joined.reason, shown=joined.reason, address=address
            )
        moment = self.engine.moment()
        bound = await self.engine.change(
            named.key, lambda current: changes.amend_draft(current, moment, seen=draft, data=joined.data)
        )
        if isinstance(bound, Refusal):
            return bound
        return _device(joined.device, context)

    async def waiting(self, *, device: str, nonce: str, signature: str, address: str = "") -> Waiting | Refusal:
        """List the requests that wait for this device.

        A caller without the device's key learns nothing. It writes only if another key of ours seals the device's
        token now.
        """
        known = await self._known(device)
        if known is None:
            return Refusal(reason="not_found")
        if not self._is_fresh(nonce):
            return Refusal(reason="code_expired")
        if not await self._is_signed(known, signature, ("waiting", device, nonce)):
            return await tell_refused(self.engine, known.named, self.kind, "not_allowed", address=address)
        await self._note_key(known, device)
        now, seen_at = known.context.now, known.context.seen_at
        mine = [c for c in known.account.challenges if self._is_for(c, known) and c.is_live(now, seen_at)]
        return Waiting(
            device=_device(self._renewed(known, device), known.context),
            subject=str(known.account.key),
            nonce=self.nonce(),
            requests=tuple(_request(c) for c in mine if c.status not in ("approved", "denied")),
        )

    async def wake_at(
        self, *, device: str, nonce: str, signature: str, subscription: str, address: str = ""
    ) -> Refusal | None:
        """Store the address of the push service that reaches this device; "" removes it."""
        known = await self._known(device)
        if known is None or not isinstance(known.holder, Authenticator):
            return Refusal(reason="not_found")
        if not self._is_fresh(nonce):
            return Refusal(reason="code_expired")
        if len(subscription) > MAX_SUBSCRIPTION:
            return Refusal(reason="malformed", member="subscription")
        if not await self._is_signed(known, signature, ("wake", device, nonce, subscription)):
            return await tell_refused(self.engine, known.named, self.kind, "not_allowed", address=address)
        if subscription and not self._can_wake(subscription):
            return Refusal(reason="malformed", member="subscription")
        changed = await self._amend(
            known, known.holder, lambda data: self.part.waking(known.context, data=data, subscription=subscription)
        )
        return changed if isinstance(changed, Refusal) else None

    async def _amend(
        self, known: _Known, seen: Authenticator, amended: Callable[[Fields], Fields]
    ) -> Authenticator | Refusal:
        """Change a device's data, computed from the account that is written."""
        moment = self.engine.moment()
        return await self.engine.change(
            known.named.key, lambda current: changes.amend_authenticator(current, moment, seen=seen, amend=amended)
        )

    async def _note_key(self, known: _Known, device: str) -> None:
        """Store the id of the key that seals the phone's token, once for each key.

        ``keys rotate`` counts these ids.
        """
        ids, used, holder = self.engine.keyring.ids, self.engine.keyring.key_of(device), known.holder
        this_or_newer = ids[: ids.index(used) + 1]
        if not isinstance(holder, Authenticator) or self.part.key_id_of(holder.data) in this_or_newer:
            return
        await self._amend(known, holder, lambda data: self.part.naming(data=data, key_id=used))

    def _can_wake(self, subscription: str) -> bool:
        """Tell if our sender would call this address. The phone chose it."""
        sender = self.engine.wiring.senders.push
        if isinstance(sender, TakesDestination):
            return sender.takes(subscription)
        return read_subscription(subscription) is not None

    async def answer(
        self, *, device: str, request: str, verb: str, number: str, signature: str, address: str
    ) -> Refusal | None:
        """Take the device's answer: yes with the typed number, or no.

        The verbs are "approve", "deny" for a request of somebody else, and "cancel" for one of the person's own, which
        alarms nobody. It runs to its end even if the phone hangs up. The signature covers verb, request, number, subject and end
        time, so it can answer this request once and no other. A wrong number costs an attempt. An answer that the key
        did not sign is no guess and costs nothing (S-96, S-98).
        """
        return await self.verification.attempts.to_its_end(
            self._answer(device, request, verb, number, signature, address)
        )

    async def _answer(
        self, device: str, request: str, verb: str, number: str, signature: str, address: str
    ) -> Refusal | None:
        known = await self._known(device, fresh=True)
        if known is None:
            return Refusal(reason="not_found")
        challenge = next((c for c in known.account.challenges if c.id == request and self._is_for(c, known)), None)
        if challenge is None:
            return await tell_refused(
                self.engine, known.named, self.kind, "code_expired", shown="code_expired", address=address
            )
        words = (verb, request, number, str(known.account.key), str(challenge.expires_at))
        if verb not in VERBS or not await self._is_signed(known, signature, words):
            return await tell_refused(self.engine, known.named, self.kind, "not_allowed", address=address)
        reason = _ended(challenge, known.context, verb)
        if reason:
            return await tell_refused(self.engine, known.named, self.kind, reason, shown=reason, address=address)
        caller = Caller(subject=_subject(known.named), handle="", network=known.rules.network_of(address))
        if verb != "approve":
            moment, is_own = self.engine.moment_of(caller), verb == "cancel"
            denied = await self.engine.change(
                caller.subject.key, lambda account: self._written(account, moment, challenge, None, is_own=is_own)
            )
            return denied if isinstance(denied, Refusal) else None
        typed = self.part.read_number(known.context, challenge=challenge, number=number)
        if typed is None:
            return self.verification.malformed(caller)
        return await self._guess(known, caller, challenge, typed)

    async def _guess(self, known: _Known, caller: Caller, challenge: Challenge, typed: str) -> Refusal | None:
        """Record a right number and give its attempt back; a wrong number costs the attempt."""

        def verify() -> bool | Rejected:
            is_right = self.part.is_number(known.context, challenge=challenge, number=typed)
            return is_right or Rejected(reason="wrong_code")

        def settle(account: Account, moment: Moment, taken: Charge, _: bool) -> changes.Change[Challenge | Refusal]:
            written = self._written(account, moment, challenge, taken)
            if not isinstance(written.answer, Refusal):
                return written
            return changes.settle_failure(
                account, moment, known.rules, taken=taken, factor=self.kind, reason=written.answer.reason, free=True
            )

        guess: Guess[bool, Challenge] = Guess(
            caller=caller,
            rules=known.rules,
            factor=self.kind,
            answer="",
            prepare=lambda _: verify,
            settle=settle,
        )
        answered = await self.verification.attempts.attempt(guess)
        return answered if isinstance(answered, Refusal) else None

    def _written(
        self, account: Account, moment: Moment, challenge: Challenge, taken: Charge | None, *, is_own: bool = False
    ) -> changes.Change[Challenge | Refusal]:
        return changes.answer_elsewhere(
            account,
            moment,
            seen=challenge,
            status="approved" if taken else "denied",
            data=challenge.data,
            taken=taken,
            is_own=is_own,
        )

    # -- who asks ----------------------------------------------------------------------------------------------------

    async def _known(self, device: str, *, fresh: bool = False) -> _Known | None:
        """Find the device that this token names, if it is still bound; else None.

        ``fresh``: load the account from the store, not from the cache.
        """
        named = read_token(self.engine.keyring, DEVICE, device)
        if named is None:
            return None
        if fresh:
            account = await self.engine.load(named.key)
        else:
            self.engine.notice()
            account = (await self.engine.entry(named.key)).account
        holders: Sequence[Authenticator | Enrollment] = (*account.authenticators, *account.enrollments)
        holder = next((h for h in holders if self._is(h, DEVICE, named)), None)
        if holder is None:
            return None
        context, rules = self._context(named, account)
        if isinstance(holder, Enrollment) and context.now >= holder.expires_at:
            return None
        return _Known(named=named, account=account, holder=holder, context=context, rules=rules)

    def _is(self, holder: Authenticator | Enrollment, purpose: str, named: Named) -> bool:
        mine = holder.factor == self.kind
        return mine and is_digest_of(purpose, holder.data.get(purpose), named)

    def _is_for(self, challenge: Challenge, known: _Known) -> bool:
        return challenge.factor == self.kind and challenge.target == known.holder.id and challenge.waits

    def _context(self, named: Named, account: Account) -> tuple[Context, Rules]:
        caller = Caller(subject=_subject(named), handle="", network="")
        rules = self.engine.rules(named.key.tenant)
        return self.challenges.context(caller, rules, purpose="sign-in", account=account), rules

    async def _is_signed(self, known: _Known, signature: str, words: Sequence[str]) -> bool:
        if any("\n" in word for word in words):
            return False
        return await asyncio.to_thread(
            self.part.is_signed, known.context, data=known.holder.data, signature=signature, words=words
        )

    def _is_fresh(self, nonce: str) -> bool:
        now, _, digest = nonce.partition(".")
        if not now.isascii() or not now.isdecimal() or len(now) > 12:
            return False
        age = self.engine.now() - int(now)
        return 0 <= age < NONCE_LIFE and self.engine.keyring.matches(NONCE, digest, now)

    def _renewed(self, known: _Known, device: str) -> str:
        """Seal the same token with the newest key, so that a device outlives the rotation of keys."""
        keyring = self.engine.keyring
        if keyring.key_of(device) == keyring.newest:
            return device
        return make_token(known.context, DEVICE, known.named)


def _device(token: str, context: Context) -> Device:
    return Device(token=token, person=context.person, service=context.service, tenant=context.key.tenant)


def _request(challenge: Challenge) -> Request:
    return Request(
        id=challenge.id,
        purpose=challenge.purpose,
        where=str(challenge.data.get("where", "")),
        agent=str(challenge.data.get("agent", "")),
        at=challenge.issued_at,
        expires_at=challenge.expires_at,
    )


def _ended(challenge: Challenge, context: Context, verb: str) -> str:
    """Return the reason if a request cannot be answered any more, else "".

    A denial counts until the request is forgotten (S-97).
    """
    if challenge.status in ("approved", "denied"):
        return "code_already_used"
    if verb == "deny":
        return ""
    if challenge.spent_at:
        return "code_already_used"
    return "" if challenge.is_live(context.now, context.seen_at) else "code_expired"


def _subject(named: Named) -> Subject:
    return Subject(id=named.key.id, tenant=named.key.tenant)


__all__ = ["Device", "OutOfBand", "Request", "Waiting"]
