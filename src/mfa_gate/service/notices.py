"""Telling people what happened to their factors, at the contacts that they or their host have on file."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from ..core.events import Event
from ..core.messages import NOTICE_KINDS, notice
from ..core.model import Account, Subject
from ..errors import SendFailed
from ..factors import TRAITS
from ..ports import Message
from .engine import Engine, log


class Notices:
    """Listens to what was committed. A notice that cannot be sent is logged; it never undoes anything (S-87, U-37)."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        engine.listeners.append(self)

    async def __call__(self, events: Sequence[Event], account: Account) -> None:
        """Send one e-mail for each event that people are told of."""
        first = any(e.kind == "factor.enrolled" for e in events) and len(account.authenticators) == 1
        for event in events:
            kind = _notice_kind(event)
            if kind in NOTICE_KINDS and not (first and kind == "browser.new_network"):
                await self._send(kind, event)

    async def _send(self, kind: str, event: Event) -> None:
        sender = self.engine.wiring.senders.email
        if sender is None:
            return
        contacts = await self.engine.contacts(Subject(id=event.account, tenant=event.tenant))
        if not contacts.email:
            return
        rules = self.engine.rules(event.tenant)
        words = notice(
            kind,
            service=rules.brand.name or self.engine.wiring.relying_party.name,
            when_text=datetime.fromtimestamp(event.at, UTC).strftime("%d %b %Y, %H:%M UTC"),
            where=event.network,
            label=TRAITS[event.factor].name if event.factor in TRAITS else event.factor,
            owner=rules.owner,
            translate=str,
        )
        message = Message(
            channel="email",
            to=contacts.email,
            tenant=event.tenant,
            text=words.text,
            key=f"notice-{event.id}",
            subject=words.subject,
            html=words.html,
        )
        try:
            await sender.send(message)
        except SendFailed as error:
            log.warning("a notice (%s, ref %s) was not delivered: %s", kind, event.id, error.reason)


def _notice_kind(event: Event) -> str:
    """An event's notice: its kind, but a success with a backup code is a notice of its own (S-92)."""
    if event.kind == "proof.granted":
        backup = event.factor in TRAITS and TRAITS[event.factor].backup
        return "backup_code.used" if backup else ""
    if event.kind == "enrollment.ticket" and event.reason == "redeemed":
        return ""
    return event.kind
