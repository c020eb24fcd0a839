"""Signed heads that leave the gate once an hour.

There is one for every trail in which something happened.

They go to the log, to the host's hook, and to the policy's owner by mail where ``[audit] mail_heads`` says so. Whoever keeps
them finds out if the whole store was put back to an earlier state: nothing in the store itself can tell that.
"""

from __future__ import annotations

import logging

from ..core.messages.alarms import head_mail
from ..core.messages.letter import Letter, Translate
from ..core.model import SubjectKey
from .accounts import Engine
from .admin_alerts import Alarms
from .trail_notes import ForgedNote
from .trail_reader import TrailReader
from .trail_signer import AlteredTrail, TrailSigner

log = logging.getLogger("mfa_gate")

HEAD = "audit.head"


class HeadReports:
    """The hourly report of heads.

    A trail that does not follow its signed head has none: the log says that it was altered.
    """

    def __init__(self, engine: Engine, signer: TrailSigner, reader: TrailReader, alarms: Alarms) -> None:
        self.engine = engine
        self.signer = signer
        self.reader = reader
        self.alarms = alarms

    async def send(self) -> None:
        """Report the heads of all trails that have grown since they were reported."""
        for tenant in await self.reader.tenants():
            try:
                await self._send(tenant)
            except (AlteredTrail, ForgedNote) as error:
                log.error("no head of the trail of %s is reported: %s", tenant, error)

    async def _send(self, tenant: str) -> None:
        store, note = self.engine.store, f"trail-told:{tenant}"
        point = (await self.signer.sign(tenant)).point
        if (await store.meta(note) or b"").decode("ascii", "replace") == point.digest:
            return
        word = self.reader.sign(tenant, point)
        event = self.engine.moment(actor="mfa_gate").event(HEAD, SubjectKey(tenant, ""), head=word, lines=point.lines)
        self.engine.effects.tell(event)
        log.info("the trail of %s has %d lines: %s", tenant, point.lines, word)
        rules = self.engine.rules(tenant)
        owner = rules.owner.strip()
        if rules.audit.mail_heads and "@" in owner and " " not in owner:

            def write(when: str, service: str, translate: Translate) -> Letter:
                return head_mail(service=service, tenant=tenant, lines=point.lines, head=word, translate=translate)

            self.alarms.send_to(owner, tenant, write, at=event.at, key=f"head-{tenant}-{point.lines}")
        await store.put_meta(note, point.digest.encode())
