"""Issue a challenge: ask the factor, store its data, send the message after the commit."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from ..core import changes
from ..core.entropy import draw_id
from ..core.messages.facts import near
from ..core.model import NOTHING_ON_FILE, Account, Caller, Challenge, Contacts, Fields
from ..core.readable_ids import readable_id
from ..core.reasons import Refusal
from ..core.rules import Rules
from ..errors import SendFailed, StoreContention, StoreUnavailable
from ..factors.base import Context, Delivery, Rejected, UserVerification
from ..factors.optional_parts import Faces
from ..ports import APP_ORIGIN, Message
from .access import Access, Judgement
from .accounts import Engine
from .factor_choice import usable
from .request_limits import CHALLENGES, too_many
from .send_failures import cause_of, hand_over, is_unknown
from .send_limits import Sending

log = logging.getLogger("mfa_gate")

SENT_TO = "sent_to"
"""The member of a challenge's data with the digest of its destination."""
PAUSES = (0, 1, 2, 4, 8, 16)
"""Seconds before each try to withdraw a challenge, while the store does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A challenge that waits for its response.

    ``failed`` is the reason if the message could not be delivered, and ``ref`` the line of the trail about it; "" otherwise.
    ``show`` is for the browser that asked. Times are UTC seconds.
    """

    challenge: Challenge
    factor: str
    hint: str
    resend_at: int
    show: Mapping[str, object]
    failed: str = ""
    ref: str = ""


class Challenges:
    """Use cases of a challenge before its response."""

    def __init__(self, engine: Engine, access: Access, sending: Sending) -> None:
        self.engine = engine
        self.access = access
        self.sending = sending

    def context(
        self,
        caller: Caller,
        rules: Rules,
        *,
        purpose: str,
        account: Account,
        contacts: Contacts | None = None,
        user_verification: UserVerification = "",
    ) -> Context:
        """Gather the data that a factor may know, with fresh entropy."""
        engine, party = self.engine, self.engine.wiring.relying_party
        return Context(
            key=caller.subject.key,
            now=engine.now(),
            nonce=engine.wiring.entropy(32),
            keyring=engine.keyring,
            rules=rules,
            contacts=contacts or NOTHING_ON_FILE,
            purpose=purpose,
            service=rules.brand.name or party.name,
            host=party.id,
            origins=tuple(sorted(party.origins, key=lambda origin: origin.startswith(APP_ORIGIN))),
            where=caller.network,
            public=engine.public(caller.root),
            lang=caller.lang,
            zone=caller.zone or account.zone,
            words=engine.wiring.words,
            letter_form=engine.wiring.letter_form,
            text_form=engine.wiring.text_form,
            agent=caller.label,
            person=account.name or readable_id(account.key.id),
            user_handle=account.handle,
            known=account.authenticators,
            used_until=account.restored_at,
            seen_at=account.seen_at,
            clock_apart=engine.clock_apart,
            user_verification=user_verification,
        )

    async def begin(self, caller: Caller, authenticator: str, *, user_verification: bool = False) -> Issued | Refusal:
        """Issue a challenge for one of the caller's own authenticators, and send its message.

        With ``user_verification``, only the answer of a verified user will be accepted.
        """
        account = await self.engine.load(caller.subject.key)
        judgement = await self.access.own(caller, account=account)
        mine = usable(account, judgement, authenticator)
        if isinstance(mine, Refusal):
            return mine
        rules = judgement.requirement.rules
        wanted = "required" if user_verification else wanted_verification(judgement)
        context = self.context(caller, rules, purpose="sign-in", account=account, user_verification=wanted)
        return await self.issue(caller, context, factor=mine.factor, data=mine.data, target=mine.id)

    async def issue(
        self, caller: Caller, context: Context, *, factor: str, data: Fields, target: str, sent_to: str = ""
    ) -> Issued | Refusal:
        """Issue a challenge for ``data`` and send the message that belongs to it.

        ``data`` is the data of an authenticator, a draft or a contact; ``target`` is its id. ``sent_to`` is a digest of the
        destination, where the answer counts only for as long as the host's record has it.
        """
        part, engine = self.engine.factors[factor], self.engine
        if engine.places is not None:
            place = await engine.places.of(context.where)
            context = replace(context, where=near(context.where, place, context.translate))
        issue = await asyncio.to_thread(part.issue, context, data)
        if issue is None:
            return Refusal(reason="nothing_sent")
        if isinstance(issue, Rejected):
            return Refusal(reason=issue.reason)
        limits = part.limits(context.rules) if issue.delivery or issue.counts else None
        moment = engine.moment_of(caller)
        live, key = issue.live, caller.subject.key

        def step(account: Account) -> changes.Change[Challenge | Refusal]:
            return changes.issue(
                account,
                moment,
                factor=factor,
                purpose=context.purpose,
                target=target,
                browser=caller.handle,
                data={**issue.data, SENT_TO: sent_to} if sent_to else issue.data,
                ttl=issue.ttl,
                limits=limits,
                live=live,
            )

        async with engine.turn(key):
            if issue.delivery is not None:
                # A request that the account refuses must not use up the limit of the destination: others may share it (S-121).
                loaded = await engine.load(key)
                foreseen = step(loaded)
                if isinstance(foreseen.answer, Refusal) and foreseen.account != loaded:
                    await engine.change(key, lambda account: changes.put_in_time(account, moment))
                refusal = (
                    foreseen.answer
                    if isinstance(foreseen.answer, Refusal)
                    else await self.sending.permit(caller, context, issue.delivery, factor)
                )
                if refusal is not None:
                    return refusal
            elif limits is None:
                account = await engine.load(key)
                refusal = await too_many(engine.store, caller, account, CHALLENGES, now=moment.now)
                if refusal is not None:
                    return refusal
            try:
                answer = await engine.change(key, step)
            except BaseException:
                self._withdraw_soon(caller, draw_id(moment.nonce, "challenge"))
                raise
        if isinstance(answer, Refusal):
            return answer
        failed, ref, wait = "", "", int(limits.wait) if limits else 0
        if issue.delivery is not None:
            error, ref = await self._deliver(caller, issue.delivery, answer, factor, wait)
            if error is not None:
                failed, wait = error.reason, wait if is_unknown(error) else 0
        return Issued(
            challenge=answer,
            factor=factor,
            hint=part.hint(context, data),
            resend_at=answer.issued_at + wait,
            show=issue.show,
            failed=failed,
            ref=ref,
        )

    async def _deliver(
        self, caller: Caller, delivery: Delivery, challenge: Challenge, factor: str, wait: int
    ) -> tuple[SendFailed | None, str]:
        """Send the message after the commit.

        Returns the failure, or None, and the reference of the line of the trail about it.

        The code stays valid after a failure, because the message may still arrive (F-21). The person must wait
        ``wait`` seconds for the next message only if this one may be on its way.
        """
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
            url=delivery.url,
        )
        failed: SendFailed | None = SendFailed("refused", transient=False, detail="no sender")
        if sender is not None:
            failed = await hand_over(self.engine.effects, sender, message)
        if failed is None:
            return None, ""
        told = "a message by %s was not delivered (ref %s): %s"
        if self.engine.factors.traits[factor].fetched:  # the phone fetches it, woken or not
            log.warning(told, delivery.channel, challenge.id, cause_of(failed))
            return None, ""
        ref, reason, waived = "", failed.reason, 0 if is_unknown(failed) else wait
        moment = self.engine.moment_of(caller)
        try:
            ref = await self.engine.change(
                caller.subject.key,
                lambda account: changes.send_failed(
                    account, moment, challenge=challenge.id, factor=factor, reason=reason, waived=waived
                ),
            )
        except BaseException:
            if waived:
                self._withdraw_soon(caller, challenge.id)
            raise
        finally:
            log.warning(told, delivery.channel, ref or challenge.id, cause_of(failed))
        return failed, ref

    def _withdraw_soon(self, caller: Caller, challenge: str) -> None:
        """Withdraw a challenge in the background: its message went nowhere.

        The store failed at that moment, and may have stored it all the same. Then the page would speak of a message on its
        way, and the person would wait for the next one by our own fault (decision 41).
        """
        self.engine.effects.later(self._withdraw(caller, challenge))

    async def _withdraw(self, caller: Caller, challenge: str) -> None:
        for pause in PAUSES:
            await asyncio.sleep(pause)
            withdraw = partial(changes.withdraw, moment=self.engine.moment_of(caller), challenge=challenge)
            try:
                await self.engine.change(caller.subject.key, withdraw)
            except (StoreUnavailable, StoreContention):
                continue
            except Exception:
                log.exception("a challenge without a message could not be withdrawn (ref %s)", challenge)
            return

    def face(self, caller: Caller, account: Account, challenge: Challenge | None) -> Mapping[str, str]:
        """Return the texts that a waiting challenge shows to the browser that asked for it.

        Any other browser gets an empty mapping.
        """
        part = self.engine.factors.get(challenge.factor) if challenge else None
        if challenge is None or challenge.browser != caller.handle or not isinstance(part, Faces):
            return {}
        rules = self.engine.rules(caller.subject.tenant)
        return part.face(self.context(caller, rules, purpose=challenge.purpose, account=account), challenge)


def wanted_verification(judgement: Judgement) -> UserVerification:
    """Return how to ask for user verification if no demand of this request needs it.

    If a rule for this person needs it somewhere in the app, every challenge asks for it. So we learn which authenticators
    can give it, and that rule need not ask again.
    """
    return "preferred" if any(floor.user_verification for floor in judgement.requirement.floors) else ""
