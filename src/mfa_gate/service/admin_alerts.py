"""Alarms: mail to the administrators of a tenant, a few an hour.

They are sent in the background, so no answer waits for them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence

from ..core.events import Event, place_of
from ..core.messages.alarms import ALARMS, alarm
from ..core.messages.facts import near
from ..core.messages.letter import Letter, Translate
from ..core.model import Account, Subject
from ..storage import take_one
from .accounts import Engine
from .directory import people_of
from .hook_places import Hook
from .letters import Letters, Reader
from .send_failures import cause_of, hand_over

log = logging.getLogger("mfa_gate")

PER_HOUR = 10
MOST_TOLD = 20

Write = Callable[[str, str, Translate], Letter]
"""Write a mail from the time in words, the service's name, and the translation into the reader's language."""


class Alarms:
    """Mails about committed events, and about events that belong to no account.

    The trail has every such event. A mail that cannot be sent is logged.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.letters = Letters(engine)
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
        if engine.wiring.senders.email is not None:
            engine.effects.later(self._raise(event, f"alarm-{event.id}-{event.kind}"))

    async def tell_owners(self, event: Event, owners: Sequence[str]) -> None:
        """Mail the owners of a policy about ``event``, which belongs to no tenant. A few an hour."""
        engine = self.engine
        if await take_one(engine.store, f"alarm:{event.kind}:", limit=PER_HOUR, window=3600, now=engine.now()):
            return
        found: dict[str, tuple[str, Subject | None]] = {
            owner.casefold(): (owner, None) for owner in map(_address, owners) if owner
        }
        if found and engine.wiring.senders.email is not None:
            key = f"alarm-{event.id}-{event.kind}"
            engine.effects.later(self._mail(dict(found.values()), event.tenant, _about(event, ""), event.at, key))

    def send(self, tenant: str, write: Write, *, at: int, key: str) -> None:
        """Mail the tenant's administrators in the background, each in the own language.

        ``write`` makes the letter from the time of the event (``at``) in words, the service's name, and a translation.
        """
        if self.engine.wiring.senders.email is not None:
            self.engine.effects.later(self._send(tenant, write, at, key))

    def send_to(self, address: str, tenant: str, write: Write, *, at: int, key: str) -> None:
        """Mail one address in the background."""
        if self.engine.wiring.senders.email is not None:
            self.engine.effects.later(self._mail({address: None}, tenant, write, at, key))

    async def _raise(self, event: Event, key: str) -> None:
        place = await self.engine.place_of(event.network)
        await self._send(event.tenant, _about(event, place), event.at, key)

    async def _send(self, tenant: str, write: Write, at: int, key: str) -> None:
        await self._mail(await self.people(tenant), tenant, write, at, key)

    async def _mail(self, people: Mapping[str, Subject | None], tenant: str, write: Write, at: int, key: str) -> None:
        sender, letters = self.engine.wiring.senders.email, self.letters
        for place, (address, subject) in enumerate(people.items()):
            try:
                reader = await letters.reader(subject) if subject else Reader()
                letter = write(letters.time(at, reader), letters.service(tenant), letters.words(reader))
                message = letters.mail(letter, reader, to=address, tenant=tenant, key=f"{key}-{place}")
                if sender is not None and (failed := await hand_over(self.engine.effects, sender, message)):
                    raise failed
            except Exception as error:
                log.warning("an administrator was not told (%s): %s", key, cause_of(error))

    async def addresses(self, tenant: str) -> tuple[str, ...]:
        """List the addresses of a tenant's administrators."""
        return tuple(await self.people(tenant))

    async def people(self, tenant: str) -> dict[str, Subject | None]:
        """Return the addresses of a tenant's administrators, with the person where that is known.

        These are the policy's owner, if that is an address, and the people of the host's directory who have a right
        to act.
        """
        rules = self.engine.rules(tenant)
        found: dict[str, tuple[str, Subject | None]] = {}
        if owner := _address(rules.owner):
            found[owner.casefold()] = owner, None
        acting = {*rules.roles.tenant, *rules.roles.unlock, *rules.roles.reset}
        for subject, contacts in await people_of(self.engine.wiring.directory, tenant) or ():
            address = contacts.email.strip()
            if subject.tenant == tenant and acting & subject.groups and address:
                found[address.casefold()] = address, subject
        return dict(list(found.values())[:MOST_TOLD])


def _about(event: Event, place: str) -> Write:
    """Make the writer of the mail about ``event``, which came from ``place``."""
    told = ALARMS[event.kind].details
    facts = {
        "account": event.account,
        "tenant": event.tenant,
        "agent": event.agent,
        "ref": event.id,
        **{word: str(value) for word, value in event.detail.items() if word in told},
    }

    def write(when: str, service: str, translate: Translate) -> Letter:
        where = near(place_of(event), place, translate)
        return alarm(event.kind, service=service, facts={**facts, "where": where, "when": when}, translate=translate)

    return write


def _address(owner: str) -> str:
    """Return the owner of a policy if it is an e-mail address, else ""."""
    text = owner.strip()
    return text if "@" in text and " " not in text else ""


def _is_read_later(event: Event) -> bool:
    return event.kind in ALARMS and ALARMS[event.kind].from_trail
