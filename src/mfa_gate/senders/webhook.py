"""A sender that hands messages of any channel to a service of the host, with a signature.

The service can check by the signature that the message is from the gate.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errors import SettingsError
from ..ports import Message
from .addresses import provider_address
from .delivery import DELIVERED, Breaker, Outcome, header_safe
from .posting import Answer, Courier

if TYPE_CHECKING:
    import ssl

MIN_SECRET = 16
TIMESTAMP_HEADER = "X-MFA-Gate-Timestamp"
SIGNATURE_HEADER = "X-MFA-Gate-Signature"


class WebhookSender:
    """A sender that POSTs each message to ``url`` as JSON.

    The JSON is ``{channel, to, tenant, subject, text, key, code?, callback?}``.
    ``X-MFA-Gate-Signature`` is ``v1=`` and the hexadecimal HMAC-SHA256, under ``secret``, of ``X-MFA-Gate-Timestamp``
    (UTC seconds), a full stop and the raw body. Receivers must refuse old time stamps, and a ``key`` that they have seen.
    2xx is delivered. A 4xx may say ``{"reason": "opted-out"}`` or ``{"reason": "rejected-destination"}``.

    ``timeout`` is the seconds to connect; the whole takes at most two more. ``now`` is UTC seconds, ``clock`` monotonic
    ones. Raises ``SettingsError`` unless ``url`` is https (or this machine) and ``secret`` has 16 bytes.
    """

    def __init__(
        self,
        url: str,
        *,
        secret: str | bytes,
        timeout: float = 3.0,
        tls_context: ssl.SSLContext | None = None,
        now: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        address = provider_address(url, what="WebhookSender: url")
        self._url, self._host = address.url, address.host
        self._secret = secret.encode() if isinstance(secret, str) else secret
        if len(self._secret) < MIN_SECRET:
            raise SettingsError(f"WebhookSender: secret must have {MIN_SECRET} bytes or more")
        self._courier = Courier(what="WebhookSender", timeout=timeout, tls_context=tls_context)
        self._now = now
        self._breaker = Breaker(clock=clock)

    def __repr__(self) -> str:
        # Only the host is shown: many receivers have their secret in the path.
        return f"WebhookSender(host={self._host!r})"

    @property
    def available(self) -> bool:
        """Return False during the pause after repeated failures."""
        return not self._breaker.is_open

    async def send(self, message: Message) -> None:
        """Hand ``message`` to the receiver, once. Raises ``SendFailed``."""
        await self._breaker.deliver(lambda: self._attempt(message))

    async def aclose(self) -> None:
        """Stop the threads that look names up. No connection is held."""
        self._courier.close()

    async def check(self) -> str:
        """Return "" if the receiver answers at all, else one sentence.

        It is asked with ``OPTIONS``, which delivers no message.
        """
        answer = await self._courier.request("OPTIONS", self._url, headers={})
        if isinstance(answer, Answer):
            return ""
        return f"{self._host}: {answer.reason}, {answer.detail}"

    async def _attempt(self, message: Message) -> Outcome:
        body = _document(message)
        timestamp = str(int(self._now()))
        headers = {
            "Content-Type": "application/json",
            "Idempotency-Key": header_safe(message.key),
            TIMESTAMP_HEADER: timestamp,
            SIGNATURE_HEADER: signature_of(self._secret, timestamp=timestamp, body=body),
        }
        answer = await self._courier.request("POST", self._url, headers=headers, body=body)
        return answer if isinstance(answer, Outcome) else _outcome(answer)


def signature_of(secret: bytes, *, timestamp: str, body: bytes) -> str:
    """Return the value of the signature header. A receiver must compare it in constant time."""
    return "v1=" + hmac.new(secret, timestamp.encode("ascii") + b"." + body, hashlib.sha256).hexdigest()


def _document(message: Message) -> bytes:
    fields = {
        "channel": message.channel,
        "to": message.to,
        "tenant": message.tenant,
        "subject": message.subject,
        "text": message.text,
        "key": message.key,
    }
    if message.code:
        fields["code"] = message.code
    if message.callback:
        fields["callback"] = message.callback
    return json.dumps(fields, separators=(",", ":")).encode("ascii")


def _outcome(answer: Answer) -> Outcome:
    failure = answer.outcome()
    if failure is None:
        return DELIVERED
    if not 400 <= answer.status < 500 or failure.transient:
        return failure
    try:
        said = json.loads(answer.body)
    except (ValueError, RecursionError):
        return failure
    reason = said.get("reason") if isinstance(said, dict) else None
    if reason in ("opted-out", "rejected-destination"):
        return Outcome(reason=reason, detail=failure.detail)
    return failure
