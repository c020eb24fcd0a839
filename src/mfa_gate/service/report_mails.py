"""The mail with the numbers of a tenant that the owner of the policy gets.

The key ``[audit] mail_reports`` says how often.
"""

from __future__ import annotations

import logging

from ..core.messages.letter import Letter, Translate
from ..core.messages.report_mail import report_mail
from ..core.rules import DAY
from ..storage import take_one
from .admin.needs import SOON
from .admin.reports import Sources, adoption, stale
from .admin_alerts import Alarms

log = logging.getLogger("mfa_gate")

EVERY = {"weekly": 7 * DAY, "monthly": 30 * DAY}
"""Seconds between two mails, by the word of the policy."""


class ReportMails:
    """The job that sends the mails: one for each tenant with a trail, when it is due."""

    def __init__(self, sources: Sources, alarms: Alarms) -> None:
        self.sources = sources
        self.alarms = alarms

    async def send(self) -> None:
        """Send the mails that are due. A tenant that fails hinders no other."""
        for tenant in await self.sources.engine.store.trails():
            try:
                await self._send(tenant)
            except Exception as error:
                log.warning("the report of tenant %s was not mailed, and is tried again in an hour: %s", tenant, error)

    async def _send(self, tenant: str) -> None:
        engine = self.sources.engine
        rules, now = engine.rules(tenant), engine.now()
        every, owner = EVERY.get(rules.audit.mail_reports), rules.owner.strip()
        if every is None or "@" not in owner or " " in owner or engine.wiring.senders.email is None:
            return
        bucket = f"report-mail:{tenant}"
        if await engine.store.total(bucket, window=every, now=now):
            return
        # Counting may fail, and then the mail is still due. So the turn is taken after it.
        numbers = await self._numbers(tenant)
        if await take_one(engine.store, bucket, limit=1, window=every, now=now):
            return
        own = engine.own_address
        public = await own.look_up()
        url = f"{public}/admin/reports" if public else ""

        def write(when: str, service: str, translate: Translate) -> Letter:
            return report_mail(service=service, tenant=tenant, numbers=numbers, url=url, translate=translate)

        self.alarms.send_to(owner, tenant, write, at=now, key=f"report-{tenant}-{now // DAY}")

    async def _numbers(self, tenant: str) -> dict[str, int]:
        engine = self.sources.engine
        found: dict[str, int] = {}
        async for row in adoption.rows(self.sources, tenant):
            found[str(row["measure"])] = int(str(row["people"]))
        found["stale"] = len([row async for row in stale.rows(self.sources, tenant)])
        rules, now = engine.rules(tenant), engine.now()
        ends = [rule.expires_at for rule in rules.exempt] + [rule.expires_at for rule in rules.exempt_subjects]
        found["ending"] = sum(at is not None and now < at <= now + SOON for at in ends)
        return found
