"""Keep everything that was "sent" for the demo page, and deliver nothing."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from mfa_gate.ports import Message
from mfa_gate.senders.twilio import callback_signature

from .clock import rfc3339
from .database import Database

__all__ = ["Outbox", "OutboxSender", "Sent"]

_KEEP = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """Hold one message as it was handed over. ``at`` is UTC seconds since 1970, demo time."""

    channel: str
    to: str
    tenant: str
    subject: str
    text: str
    code: str
    callback: str
    at: float
    id: int = 0

    def as_json(self) -> dict[str, str]:
        """Write the public form; ``code`` is there only if the message has one."""
        shown = {"channel": self.channel, "to": self.to, "tenant": self.tenant, "subject": self.subject}
        shown["text"] = self.text
        if self.code:
            shown["code"] = self.code
        return shown | {"at": rfc3339(self.at)}


class Outbox:
    """Keep the messages in the app's own file.

    All workers see them, whatever happens to the gate's store.
    """

    def __init__(self, database: Database, now: Callable[[], float]) -> None:
        self._database = database
        self._now = now

    def add(self, message: Message) -> None:
        """Keep ``message``; the oldest go if there are very many."""
        at = self._now()
        row = (
            message.channel,
            message.to,
            message.tenant,
            message.subject,
            message.text,
            message.code,
            message.callback,
            at,
        )
        with self._database.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO outbox (channel, recipient, tenant, subject, text, code, callback, at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                row,
            )
            connection.execute("DELETE FROM outbox WHERE id <= ?", ((cursor.lastrowid or 0) - _KEEP,))

    def newest_first(self) -> list[Sent]:
        """List all messages that are kept."""
        rows = self._database.rows(
            "SELECT channel, recipient, tenant, subject, text, code, callback, at, id FROM outbox ORDER BY id DESC"
        )
        return [
            Sent(
                channel=channel,
                to=to,
                tenant=tenant,
                subject=subject,
                text=text,
                code=code,
                callback=callback,
                at=at,
                id=id,
            )
            for channel, to, tenant, subject, text, code, callback, at, id in rows
        ]


class OutboxSender:
    """Deliver into the outbox, never to standard output.

    ``secret`` signs the callbacks of calls.
    """

    def __init__(self, outbox: Outbox, *, secret: str = "") -> None:
        self._outbox = outbox
        self._secret = secret

    def verify_callback(self, url: str, params: Mapping[str, str], headers: Mapping[str, str], /) -> bool:
        """Tell if our own "telephone company" (``telephone.py``) signed this."""
        shown = headers.get("x-twilio-signature", "").encode()
        return bool(self._secret) and hmac.compare_digest(callback_signature(self._secret, url, params).encode(), shown)

    async def send(self, message: Message, /) -> None:
        """Keep ``message``."""
        await asyncio.to_thread(self._outbox.add, message)

    async def aclose(self) -> None:
        """Do nothing: there is nothing to close."""
