"""The mail that brings a set-up code to the address that the host has on file."""

from __future__ import annotations

import logging

from ...core.messages.setup_mail import set_up_code
from ...core.model import Subject, SubjectKey
from ...core.reasons import Refusal
from ...core.rules import DAY
from ...factors.codes import masked_email
from ...storage import take_one
from ..accounts import Engine
from ..letters import Letters
from ..send_failures import cause_of, hand_over

log = logging.getLogger("mfa_gate")

PER_DAY = 5
"""Set-up codes that are mailed to one person in a day: no administrator floods a mailbox."""


class TicketMails:
    """The sender of set-up codes."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.letters = Letters(engine)

    @property
    def can_mail(self) -> bool:
        """Tell if there is a way to send a mail, and somebody who knows addresses."""
        return self.engine.wiring.senders.email is not None and self.engine.wiring.contacts is not None

    async def address(self, key: SubjectKey, *, is_dry: bool = False) -> str | Refusal:
        """Return the address that a code is mailed to.

        ``is_dry``: nothing is going to be sent. Refuses with ``no_contact`` or ``too_soon``.
        """
        address = (await self.engine.contacts(Subject(key.id, key.tenant))).email.strip() if self.can_mail else ""
        if not address:
            return Refusal(reason="no_contact")
        now = self.engine.now()
        wait = 0 if is_dry else await take_one(self.engine.store, f"ticket:{key}", limit=PER_DAY, window=DAY, now=now)
        return Refusal(reason="too_soon", retry_after=wait) if wait else address

    async def send(self, key: SubjectKey, ticket: str, *, to: str, ends_at: int, ref: str) -> tuple[str, str]:
        """Send a fresh code.

        Returns the masked address, or "" and the word of the fault: then the code is to be handed over otherwise.
        """
        sender, tenant = self.engine.wiring.senders.email, key.tenant
        reader, own = await self.letters.reader(Subject(key.id, tenant)), self.engine.own_address
        public = await own.look_up()
        letter = set_up_code(
            service=self.letters.service(tenant),
            code=ticket,
            ends=self.letters.time(ends_at, reader),
            url=f"{public}/enroll" if public else "",
            translate=self.letters.words(reader),
        )
        if sender is not None:
            message = self.letters.mail(letter, reader, to=to, tenant=tenant, key=f"ticket-{ref}")
            failed = await hand_over(self.engine.effects, sender, message)
            if failed is not None:
                log.warning("a set-up code for one person of tenant %s was not delivered: %s", tenant, cause_of(failed))
                return "", failed.reason
        return masked_email(to), ""
