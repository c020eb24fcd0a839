"""Recovery without an administrator, after a wait that nobody stopped."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncIterator

from ..core.changes import slow_recovery as steps
from ..core.model import Account, Caller, Contacts, Recovery, Subject, SubjectKey, replace
from ..core.reasons import Refusal
from ..core.slow_recovery import opens_at
from ..factors.base import Context
from ..keyring import Unopened
from .accounts import Engine
from .admin.account_changes import change_and_release

log = logging.getLogger("mfa_gate")

PURPOSE = "recovery"
MOST = 4
"""The most pairs of contacts that are kept for one request: the newest one, and the oldest ones.

So a thief who changes the contacts again and again does not push those of the owner out.
"""
CHANGED = "contacts changed"


class SlowRecovery:
    """Use cases of the wait, for the person who asked and for the work from time to time."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def wait_of(self, tenant: str) -> int:
        """Return the policy's wait in seconds; 0 where it is off."""
        return int(self.engine.rules(tenant).recovery.self_service)

    async def told(self, subject: Subject, waiting: Recovery | None = None) -> str:
        """Seal the contacts on file now, and those of ``waiting`` behind them.

        Returns "" where nobody could be told: then nothing opens by itself.
        """
        found = await self.engine.contacts(subject)
        senders = self.engine.wiring.senders
        if not (found.email and senders.email) and not (found.phone and senders.sms):
            return ""
        pairs = [[found.email, found.phone]]
        pairs += [p for p in self._pairs(subject.key, waiting.told if waiting else "") if p not in pairs]
        kept = [pairs[0], *pairs[1:][1 - MOST :]]
        plain = json.dumps(kept, ensure_ascii=False).encode()
        return self.engine.keyring.seal(PURPOSE, plain, row=_row(subject.key), nonce=self.engine.wiring.entropy(12))

    async def told_or_none(self, subject: Subject) -> str:
        """Seal the contacts on file now; "" also where the host does not tell them."""
        try:
            return await self.told(subject)
        except Exception as error:
            log.warning("a request for help opens nothing by itself, because the host's contacts failed: %s", error)
            return ""

    def sealed_anew(self, context: Context, waiting: Recovery | None) -> Recovery | None:
        """Seal the contacts of a request under the newest key.

        Contacts of a key that is gone stay as they are: the wait begins again when they are next looked at.
        """
        keyring = self.engine.keyring
        if waiting is None or not waiting.told or keyring.key_of(waiting.told) == keyring.newest:
            return waiting
        try:
            plain = keyring.open(PURPOSE, waiting.told, row=_row(context.key))
        except Unopened:
            return waiting
        nonce = context.draw(f"reseal/{PURPOSE}/{waiting.told}", 12)
        return replace(waiting, told=keyring.seal(PURPOSE, plain, row=_row(context.key), nonce=nonce))

    def earlier(self, account: Account) -> tuple[Contacts, ...]:
        """Return the contacts that were on file since the wait began, the newest first."""
        pairs = self._pairs(account.key, account.recovery.told if account.recovery else "")
        return tuple(Contacts(email=email, phone=phone) for email, phone in pairs)

    def _pairs(self, key: SubjectKey, sealed: str) -> list[list[str]]:
        """Open the contacts of a request. Returns [] for those of a key that is gone."""
        try:
            plain = self.engine.keyring.open(PURPOSE, sealed, row=_row(key)) if sealed else b"[]"
            return [[str(email), str(phone)] for email, phone in json.loads(plain)]
        except (Unopened, ValueError, TypeError):
            return []

    async def set_up_anew(self, caller: Caller) -> Refusal | None:
        """Remove every factor of the caller after the wait.

        So a first enrollment opens. Where the contacts on file have changed, the wait begins again, and the
        earlier contacts are told.
        """
        key, wait, moment = caller.subject.key, self.wait_of(caller.subject.tenant), self.engine.moment_of(caller)
        now_on_file = await self.engine.contacts(caller.subject)

        def is_told(sealed: str) -> bool:
            return self._is_told(key, sealed, now_on_file)

        made = await change_and_release(
            self.engine, key, lambda account: steps.set_up_anew(account, moment, wait=wait, is_told=is_told)
        )
        if made.answer is not None and made.answer.reason == "too_soon":
            await self._look_at_contacts(made.account, wait)
        return made.answer

    async def keep(self) -> int:
        """Remind, begin again and end what is due, in every tenant that has such a wait.

        Returns the number of requests that it looked at.
        """
        count = 0
        for tenant in await self.engine.store.trails():
            if not self.wait_of(tenant):
                continue
            async for key in self._asking(tenant):
                count += 1
                try:
                    await self._keep(key)
                except Exception as error:
                    log.warning("the recovery of %s could not be looked at and is looked at later: %s", key, error)
        return count

    async def _asking(self, tenant: str) -> AsyncIterator[SubjectKey]:
        after = ""
        while True:
            page = await self.engine.store.page(tenant, status="recovery", after=after, limit=200)
            for row in page.items:
                yield row.key
            after = page.next
            if not after:
                return

    async def _keep(self, key: SubjectKey) -> None:
        account, wait = await self.engine.load(key), self.wait_of(key.tenant)
        if not opens_at(account.recovery, wait):
            return
        await self._look_at_contacts(account, wait)
        moment = self.engine.moment(actor="mfa_gate")
        await self.engine.change(key, lambda account: steps.remind(account, moment, wait=wait))

    async def _look_at_contacts(self, account: Account, wait: int) -> None:
        """Begin the wait again if the contacts on file are others than those that were told.

        While nobody at all is on file it does not: the earlier contacts are reminded.
        """
        subject, waiting = Subject(id=account.key.id, tenant=account.key.tenant), account.recovery
        found = await self.engine.contacts(subject)
        if waiting is None or self._is_told(account.key, waiting.told, found):
            return
        told, moment = await self.told(subject, waiting), self.engine.moment(actor="mfa_gate")
        if told:
            await self.engine.change(
                account.key,
                lambda current: steps.begin_again(current, moment, wait=wait, seen=waiting, told=told, reason=CHANGED),
            )

    def _is_told(self, key: SubjectKey, sealed: str, found: Contacts) -> bool:
        """Tell if the newest contacts in ``sealed`` are those on file now.

        They may be written in another way.
        """
        return [_spelled(*pair) for pair in self._pairs(key, sealed)[:1]] == [_spelled(found.email, found.phone)]


def _row(key: SubjectKey) -> tuple[str, str, str]:
    return (PURPOSE, key.tenant, key.id)


def _spelled(email: str, phone: str) -> tuple[str, str]:
    """Write contacts in one way, so that another spelling is no change."""
    return email.strip().casefold(), "".join(char for char in phone if char.isdecimal())
