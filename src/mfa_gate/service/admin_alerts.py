"""Alarms: mail to the administrators of a tenant, a few an hour.

They are sent in the background, so no answer waits for them.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime

from ..core.events import Event, place_of
from ..core.messages.alarms import ALARMS, alarm
from ..core.messages.email_text import EmailText
from ..core.model import Account
from ..ports import Message
from ..storage import take_one
from .accounts import Engine
from .directory import people_of
from .hook_places import Hook
from .send_failures import cause_of

log = logging.getLogger("mfa_gate")

PER_HOUR = 10
MOST_TOLD = 20


class Alarms:
    """Mails about committed events, and about events that belong to no account.

    The trail has every such event. A mail that cannot be sent is logged.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.kinds = dict.fromkeys(ALARMS)
        engine.effects.listeners.append(self)

    async def __call__(self, events: Sequence[Event], account: Account) -> None:
        """Raise an alarm for each event that asks for one."""
        for event in events:
            if event.kind in ALARMS:
                await self.raise_for(event)
                self.engine.effects.heard("alarm", event, ok=True)

    def hooks(self) -> list[Hook]:
        """Make the hook for alarms that are raised from the trail, if there is a sender.

        These are events about grants and about damaged lines. A command that asks for a grant has no sender, and no
        code writes a damaged line.
        """
        if self.engine.wiring.senders.email is None:
            return []
        wants = _is_read_later
        return [Hook(name="alarm", wants=wants, call=self.raise_for, shared=True)]

    async def raise_for(self, event: Event) -> None:
        """Mail the administrators about ``event``, whose kind is in ``ALARMS``.

        After ``PER_HOUR`` events of a kind in a tenant's hour, further ones send no mail.
        """
        engine = self.engine
        bucket = f"alarm:{event.kind}:{event.tenant}"
        if await take_one(engine.store, bucket, limit=PER_HOUR, window=3600, now=engine.now()):
            return
        told = ALARMS[event.kind].details
        facts = {
            "Account": event.account,
            "Organization": event.tenant,
            "When": datetime.fromtimestamp(event.at, UTC).strftime("%d %b %Y, %H:%M UTC") if event.at else "",
            "Where": place_of(event),
            "Browser": event.agent,
            **{word.replace("_", " ").capitalize(): str(value) for word, value in event.detail.items() if word in told},
            "Reference": event.id,
        }
        service = engine.rules(event.tenant).brand.name or engine.wiring.relying_party.name
        words = alarm(event.kind, service=service, facts=facts, translate=engine.wiring.notice_words)
        self.send(event.tenant, words, key=f"alarm-{event.id}-{event.kind}")

    def send(self, tenant: str, words: EmailText, *, key: str) -> None:
        """Mail ``words`` to the tenant's administrators in the background."""
        if self.engine.wiring.senders.email is not None:
            self.engine.effects.later(self._send_to_all(tenant, words, key))

    def send_to(self, addresses: Sequence[str], tenant: str, words: EmailText, *, key: str) -> None:
        """Mail ``words`` to these addresses in the background."""
        if self.engine.wiring.senders.email is not None:
            self.engine.effects.later(self._send(addresses, tenant, words, key))

    async def _send_to_all(self, tenant: str, words: EmailText, key: str) -> None:
        await self._send(await self.addresses(tenant), tenant, words, key)

    async def _send(self, addresses: Sequence[str], tenant: str, words: EmailText, key: str) -> None:
        sender = self.engine.wiring.senders.email
        for place, address in enumerate(addresses):
            message = Message(
                channel="email",
                to=address,
                tenant=tenant,
                text=words.text,
                key=f"{key}-{place}",
                subject=words.subject,
                html=words.html,
            )
            try:
                if sender is not None:
                    await sender.send(message)
            except Exception as error:
                log.warning("an administrator was not told (%s): %s", key, cause_of(error))

    async def addresses(self, tenant: str) -> tuple[str, ...]:
        """List the addresses of a tenant's administrators.

        These are the policy's owner, if that is an address, and the people of the host's directory who have a right
        to act.
        """
        rules = self.engine.rules(tenant)
        owner = rules.owner.strip()
        found = [owner] if "@" in owner and " " not in owner else []
        acting = {*rules.roles.tenant, *rules.roles.unlock, *rules.roles.reset}
        found += [
            contacts.email.strip()
            for subject, contacts in await people_of(self.engine.wiring.directory, tenant) or ()
            if subject.tenant == tenant and acting & subject.groups and contacts.email.strip()
        ]
        return tuple({address.casefold(): address for address in found}.values())[:MOST_TOLD]


def _is_read_later(event: Event) -> bool:
    return event.kind in ALARMS and ALARMS[event.kind].from_trail
