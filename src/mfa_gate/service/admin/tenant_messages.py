"""Messages to the people of a tenant before it is turned on: a test, and reminders."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from ...core.messages.setup_mail import reminder, trial
from ...core.model import NOTHING_ON_FILE, Subject, SubjectKey
from ...core.reasons import Refusal
from ...core.rules import DAY
from ...storage import take_one
from ..accounts import Engine
from ..letters import Letters, Reader
from ..send_failures import cause_of, hand_over
from .people import TenantPeople
from .rights import Actor, Rights

log = logging.getLogger("mfa_gate")

TRIALS_PER_HOUR = 5


class TenantMessages:
    """Use cases of messages to the people of a tenant."""

    def __init__(self, engine: Engine, rights: Rights, people: TenantPeople) -> None:
        self.engine = engine
        self.rights = rights
        self.people = people
        self.letters = Letters(engine)

    async def send_trial(self, actor: Actor, tenant: str) -> Refusal | None:
        """Send a test message to the administrator's own address.

        The administrator then says if it arrived (``TenantDesk.mark``).
        """
        key = SubjectKey(tenant, "")
        refusal = await self.rights.permit(actor, "tenant", key, changing=True)
        if refusal is not None:
            return refusal
        sender, subject = self.engine.wiring.senders.email, actor.caller.subject if actor.caller else None
        contacts = await self.engine.contacts(subject) if subject else NOTHING_ON_FILE
        if sender is None or not contacts.email:
            return Refusal(reason="no_contact")
        now = self.engine.now()
        wait = await take_one(self.engine.store, f"trial:{tenant}", limit=TRIALS_PER_HOUR, window=3600, now=now)
        if wait:
            return Refusal(reason="too_soon", retry_after=wait)
        moment = self.rights.moment(actor)
        # The language is that of the page on which the button was pressed.
        reader = Reader(actor.caller.lang, actor.caller.zone) if actor.caller else Reader()
        letter = trial(service=self.letters.service(tenant), translate=self.letters.words(reader))
        ref = moment.event("tenant.message", key).id
        message = self.letters.mail(letter, reader, to=contacts.email, tenant=tenant, key=f"trial-{ref}")
        failed = await hand_over(self.engine.effects, sender, message)
        if failed is not None:
            log.warning("the test message of tenant %s was not delivered: %s", tenant, cause_of(failed))
            return Refusal(reason="send_failed", detail=failed.reason)
        await self.engine.record((moment.event("tenant.message", key, reason="trial"),))
        return None

    @property
    def can_remind(self) -> bool:
        """Tell if there is a way to send reminders."""
        return self.engine.wiring.senders.email is not None

    async def remind(self, actor: Actor, tenant: str, *, ids: Sequence[str] | None = None) -> int | Refusal:
        """Send a mail to all known people who have nothing set up, or to those of ``ids``.

        Each gets one a day.

        Returns their number. The mails go out later.
        """
        key = SubjectKey(tenant, "")
        refusal = await self.rights.permit(actor, "tenant", key, changing=True)
        if refusal is not None:
            return refusal
        if self.engine.wiring.senders.email is None:
            return Refusal(reason="no_contact")
        if ids is not None and not ids:
            return Refusal(reason="malformed", member="ids")
        # The people are listed first: where that fails, nobody has got a mail, and the day is not used up.
        missing = await self.people.missing(tenant) if ids is None else await self.people.missing_among(tenant, ids)
        if ids is None and (wait := await self._take(f"remind:{tenant}")):
            return Refusal(reason="too_soon", retry_after=wait)
        if ids:
            waits = {key: await self._take(self.engine.bucket("remind", key)) for key in missing}
            missing = tuple(key for key in missing if not waits[key])
            if waits and not missing:
                return Refusal(reason="too_soon", retry_after=min(waits.values()))
        moment = self.rights.moment(actor)
        await self.engine.record((moment.event("tenant.message", key, reason="reminder", people=len(missing)),))
        self.engine.effects.later(self._remind(tenant, missing, moment.now))
        return len(missing)

    async def _take(self, bucket: str) -> int:
        return await take_one(self.engine.store, bucket, limit=1, window=DAY, now=self.engine.now())

    async def _remind(self, tenant: str, missing: tuple[SubjectKey, ...], at: int) -> None:
        sender = self.engine.wiring.senders.email
        own = self.engine.own_address
        public = await own.look_up()
        url = f"{public}/enroll" if public else ""
        for key in missing:
            try:
                subject = Subject(id=key.id, tenant=key.tenant)
                contacts = await self.engine.contacts(subject)
                if sender is None or not contacts.email:
                    continue
                reader = await self.letters.reader(subject)
                letter = reminder(service=self.letters.service(tenant), url=url, translate=self.letters.words(reader))
                message = self.letters.mail(letter, reader, to=contacts.email, tenant=tenant, key=f"remind-{key}-{at}")
                failed = await hand_over(self.engine.effects, sender, message)
                if failed is not None:
                    log.warning("a reminder to one person of tenant %s was not delivered: %s", tenant, cause_of(failed))
            except Exception:
                log.exception("a reminder to one person of tenant %s was not sent; the others go on", tenant)
