"""The limits of sending: counts that subjects share, the day's money, the host's answer.

A provider in trouble stops sending as well.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ..core.events import Event
from ..core.model import Account, Caller, SubjectKey
from ..core.reasons import Refusal
from ..core.rules import DAY, Rules, SendCount
from ..factors.base import Context, Delivery
from ..ports import Pauses, PhoneSend, Senders
from ..storage import Take, take_one
from .accounts import Engine
from .admin_alerts import Alarms
from .effects import HostCall

log = logging.getLogger("mfa_gate")

HOUR = 3600
HOOK_TIMEOUT = 2.0
HOOK_THREADS = 16
TOLD_PER_HOUR = 20
COARSE = 100
"""A limit of more sends than this is counted in hundredths of its window, so that counting stays cheap."""
NO_LIMIT = 2**53
LOOKED_AT_EVERY = 10
MAX_WORD = 64


class Sending:
    """Use cases of limits.

    A refused message was not sent and cost no attempt. A refusal by a limit uses up no limit.
    """

    def __init__(self, engine: Engine, alarms: Alarms) -> None:
        self.engine = engine
        self.alarms = alarms
        self.hook_within = HOOK_TIMEOUT
        self._before_send = HostCall("before_send", HOOK_THREADS)
        self._senders: Senders | None = None
        self._pausing: dict[str, Pauses] = {}
        self._telephones = frozenset(
            kind for kind, traits in engine.factors.traits.items() if traits.contact == "phone"
        )
        self.kinds = dict.fromkeys(
            ("proof.granted", "factor.enrolled", "factor.replaced", "contact.proven"), self._telephones
        )
        """The events that show an answered text or call."""
        engine.effects.closers.append(self._before_send.close)
        engine.effects.listeners.append(self)

    # -- before a message --------------------------------------------------------------------------------------------

    async def permit(self, caller: Caller, context: Context, delivery: Delivery, factor: str) -> Refusal | None:
        """Return the refusal if ``delivery`` may not go out now, else None.

        The message is counted in every limit that it falls under. After that the host's hook is asked about texts and
        calls.
        """
        if factor in self._paused():
            return Refusal(reason="factor_unavailable", retry_after=30)
        refusal = await self._count(caller, context, delivery, factor)
        if refusal is not None or factor not in self._telephones:
            return refusal
        word = await self._ask_host(caller, context, delivery, factor)
        if not word:
            return None
        moment = self.engine.moment_of(caller)
        event = moment.event(
            "challenge.refused",
            caller.subject.key,
            factor=factor,
            reason="before_send",
            word=word,
            purpose=context.purpose,
        )
        await self._record(event)
        return Refusal(reason="send_refused", ref=event.id)

    async def off(self, tenant: str) -> frozenset[str]:
        """List the kinds that cannot be sent at the moment.

        Their provider is in trouble, or the day's money is spent.
        """
        rules = self.engine.rules(tenant)
        found = self._paused()
        if rules.sends.cap_per_day is not None:
            spent = await self.engine.store.total(_money(tenant), window=DAY, now=_day(self.engine.now()))
            found |= {
                kind
                for kind in self._telephones
                if _price(rules, self.engine.factors.traits[kind].sends) > rules.sends.cap_per_day - spent
            }
        return frozenset(found)

    async def pay(self, tenant: str, channel: str) -> bool:
        """Pay for one more message from the day's money; False if there is not enough left.

        This is for messages that ask nothing of the person, such as notices.
        """
        rules, now = self.engine.rules(tenant), self.engine.now()
        takes = self._money(rules, tenant, channel, now)
        taken = await self.engine.store.take_all(takes) if takes else None
        if taken is not None and not taken.wait:
            await self._watch_money(rules, tenant, taken.totals[0])
        return taken is None or not taken.wait

    def paused_channels(self) -> set[str]:
        """List the channels whose provider is in trouble at the moment."""
        return {self.engine.factors.traits[kind].sends for kind in self._paused()}

    def _paused(self) -> set[str]:
        senders = self.engine.wiring.senders
        if senders is not self._senders:
            self._senders, self._pausing = senders, self._that_pause(senders)
        return {kind for kind, sender in self._pausing.items() if not sender.available}

    def _that_pause(self, senders: Senders) -> dict[str, Pauses]:
        """Map each kind that is sent to its sender, if that one can pause."""
        found: dict[str, Pauses] = {}
        for kind, traits in self.engine.factors.traits.items():
            sender = senders.for_channel(traits.sends) if traits.sends and not traits.fetched else None
            if isinstance(sender, Pauses):
                found[kind] = sender
        return found

    # -- counting ----------------------------------------------------------------------------------------------------

    async def _count(self, caller: Caller, context: Context, delivery: Delivery, factor: str) -> Refusal | None:
        """Take from every limit, or from none. Returns the refusal, or None."""
        tenant, now, rules = caller.subject.tenant, self.engine.now(), context.rules
        limits = self._limits(caller, context, delivery, factor)
        takes = [_take(bucket, limit, now) for bucket, limit in limits.values()]
        words = list(limits)
        money = self._money(rules, tenant, self.engine.factors.traits[factor].sends, now)
        phone = (
            [Take(bucket=_asked(tenant), limit=NO_LIMIT, window=DAY, at=_day(now))]
            if factor in self._telephones
            else []
        )
        taken = await self.engine.store.take_all([*takes, *money, *phone])
        if not taken.wait:
            if money:
                await self._watch_money(rules, tenant, taken.totals[len(takes)])
            if phone:
                await self._watch_answers(rules, tenant, taken.totals[-1])
            return None
        if taken.refused >= len(takes):
            await self._tell_refused(caller, factor, "cap_per_day")
            await self._reached(rules, tenant)
            return Refusal(reason="factor_unavailable", retry_after=_day(now) + DAY - now)
        await self._tell_refused(caller, factor, words[taken.refused])
        wait = taken.wait - (now - takes[taken.refused].at)
        return Refusal(reason="too_soon", retry_after=max(1, wait))

    def _limits(
        self, caller: Caller, context: Context, delivery: Delivery, factor: str
    ) -> dict[str, tuple[str, SendCount]]:
        """Return the limits of this message, by their names in the policy.

        The names of buckets hold digests, so nobody can read a number or a network in them (S-121).
        """
        digest, sends, tenant = self.engine.keyring.digest, context.rules.sends, caller.subject.tenant
        phone = factor in self._telephones
        kind = "phone" if phone else delivery.channel
        limits = {"per_destination": (f"to:{digest('destination', kind, delivery.to)}", sends.per_destination)}
        if self.engine.factors.traits[factor].fetched:
            return limits
        if phone:
            limits["per_range"] = (f"range:{digest('range', delivery.to[:-4])}", sends.per_range)
        limits["per_network"] = (f"from:{digest('network', tenant, caller.network)}", sends.per_network)
        limits["per_tenant"] = (f"sends:{tenant}", sends.per_tenant)
        return limits

    def _money(self, rules: Rules, tenant: str, channel: str, now: int) -> list[Take]:
        price, cap = _price(rules, channel), rules.sends.cap_per_day
        if cap is None or not price:
            return []
        return [Take(bucket=_money(tenant), limit=cap, window=DAY, at=_day(now), count=price)]

    # -- alarms ------------------------------------------------------------------------------------------------------

    async def _watch_money(self, rules: Rules, tenant: str, spent: int) -> None:
        """Raise one alarm near the day's limit, and one at the end of the money."""
        cap = rules.sends.cap_per_day or 0
        allowed = [self.engine.factors.traits[kind].sends for kind in self._telephones if kind in rules.factors.allowed]
        dearest = max((_price(rules, channel) for channel in allowed), default=0)
        if spent > cap - dearest:
            await self._reached(rules, tenant, spent=spent)
        elif spent * 100 >= cap * rules.sends.warn_at:
            await self._alarm("sends.cap_near", tenant, spent=spent, cap=cap)

    async def _reached(self, rules: Rules, tenant: str, *, spent: int | None = None) -> None:
        if spent is None:
            spent = await self.engine.store.total(_money(tenant), window=DAY, now=_day(self.engine.now()))
        await self._alarm("sends.cap_reached", tenant, spent=spent, cap=rules.sends.cap_per_day or 0)

    async def _watch_answers(self, rules: Rules, tenant: str, asked: int) -> None:
        """Raise an alarm if many messages are sent and few are answered (S-129).

        Then somebody earns money by them, or the provider delivers nothing.
        """
        watched = rules.sends.unanswered
        if not watched.below or asked < watched.after or (asked - watched.after) % LOOKED_AT_EVERY:
            return
        answered = await self.engine.store.total(_answered(tenant), window=DAY, now=_day(self.engine.now()))
        if answered * 100 < asked * watched.below:
            await self._alarm("sends.unanswered", tenant, asked=asked, answered=answered)

    async def _alarm(self, kind: str, tenant: str, **detail: int) -> None:
        """Record and log an event of ``kind`` and mail the administrators.

        This happens once a day for a tenant.
        """
        now = self.engine.now()
        if await take_one(self.engine.store, f"told:{kind}:{tenant}", limit=1, window=DAY, now=_day(now)):
            return
        event = self.engine.moment(actor="policy").event(kind, SubjectKey(tenant, ""), **detail)
        log.warning("%s: tenant %s, %s", kind, tenant, ", ".join(f"{word} {count}" for word, count in detail.items()))
        await self.engine.record((event,))
        await self.alarms.raise_for(event)

    async def _tell_refused(self, caller: Caller, factor: str, limit: str) -> None:
        moment = self.engine.moment_of(caller)
        await self._record(moment.event("challenge.refused", caller.subject.key, factor=factor, reason=limit))

    async def _record(self, event: Event) -> None:
        """Report a refusal to the log and the hook; to the trail at a bounded rate.

        Pressing a button many times must not fill the trail of a tenant.
        """
        bucket = f"refused-sends:{event.tenant}"
        if await take_one(self.engine.store, bucket, limit=TOLD_PER_HOUR, window=HOUR, now=event.at):
            self.engine.effects.tell(event)
        else:
            await self.engine.record((event,))

    async def __call__(self, events: Sequence[Event], account: Account) -> None:
        """Count an answered message, once for each change."""
        tenant = account.key.tenant
        take = Take(bucket=_answered(tenant), limit=NO_LIMIT, window=DAY, at=_day(self.engine.now()))
        await self.engine.store.take_all([take])

    # -- the host's word ---------------------------------------------------------------------------------------------

    async def _ask_host(self, caller: Caller, context: Context, delivery: Delivery, factor: str) -> str:
        """Ask the host's hook. Returns "" for yes, else the host's word.

        Any answer but a clear yes within two seconds counts as no.
        """
        hook = self.engine.wiring.before_send
        if hook is None:
            return ""
        asked = PhoneSend(subject=caller.subject, factor=factor, number=delivery.to, purpose=context.purpose)
        try:
            said = await self._before_send.run(hook, asked, within=self.hook_within)
        except TimeoutError:
            log.warning("the before_send hook took longer than %s s: the message is not sent", self.hook_within)
            return "timeout"
        except Exception:
            log.exception("the before_send hook failed: the message is not sent")
            return "failed"
        if said is True:
            return ""
        return said[:MAX_WORD] if isinstance(said, str) and said.isprintable() and said else "refused"


def _take(bucket: str, limit: SendCount, now: int) -> Take:
    coarse = max(1, limit.window // COARSE) if limit.count > COARSE else 1
    return Take(bucket=bucket, limit=limit.count, window=limit.window, at=now - now % coarse)


def _day(now: int) -> int:
    """Return the beginning of the UTC day. Counts of that day disappear at its end."""
    return now - now % DAY


def _price(rules: Rules, channel: str) -> int:
    return int(getattr(rules.sends.price, channel, 0))


def _money(tenant: str) -> str:
    return f"money:{tenant}"


def _asked(tenant: str) -> str:
    return f"asked:{tenant}"


def _answered(tenant: str) -> str:
    return f"answered:{tenant}"
