"""Wakes phones through their browsers' push services (RFC 8030, 8291, 8292); what it sends is encrypted for the phone."""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..errors import MissingExtra, SettingsError
from ..ports import Message
from .addresses import is_private_url
from .delivery import DELIVERED, Breaker, Outcome

SERVICES = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "push.services.mozilla.com",
    "web.push.apple.com",
    "push.apple.com",
    "notify.windows.com",
)
"""The push services of the browsers there are: the phone names its own, and no other host is ever asked (S-127)."""
TTL = 60
KEY_BYTES = 32


def make_vapid_key() -> str:
    """A new private key (P-256) as 32 bytes in base64url."""
    from cryptography.hazmat.primitives.asymmetric import ec

    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return _b64(number.to_bytes(KEY_BYTES))


def public_vapid_key(private: str) -> str:
    """The public key that browsers are shown, of what ``make_vapid_key`` made. Raises ``SettingsError``."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        raw = base64.urlsafe_b64decode(private + "=" * (-len(private) % 4))
        if len(raw) != KEY_BYTES:
            raise ValueError("another length")
        key = ec.derive_private_key(int.from_bytes(raw), ec.SECP256R1())
    except ValueError:
        raise SettingsError("WebPushSender: vapid_private_key is none; make one with: mfa-gate keys vapid") from None
    return _b64(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


class WebPushSender:
    """Wakes a phone. ``vapid_private_key`` is what ``mfa-gate keys vapid`` printed, ``subject`` a ``mailto:`` or ``https:``
    address at which the push services reach you. ``services`` are the hosts (and their subdomains) that may be asked.
    ``timeout`` is seconds. ``clock`` is monotonic.

    Raises ``SettingsError``, and ``MissingExtra`` without the extra ``push``.
    """

    def __init__(
        self,
        vapid_private_key: str,
        *,
        subject: str,
        services: Sequence[str] = SERVICES,
        timeout: float = 3.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        try:
            import pywebpush
        except ImportError:
            raise MissingExtra("WebPushSender", "push") from None
        if not subject.startswith(("mailto:", "https://")):
            raise SettingsError("WebPushSender: subject must be a mailto: or https: address of yours")
        self.application_server_key = public_vapid_key(vapid_private_key)
        self._library = pywebpush
        self._key = vapid_private_key
        self._subject = subject
        self._services = tuple(services)
        self._timeout = timeout
        self._breaker = Breaker(clock=clock)

    def __repr__(self) -> str:
        return "WebPushSender()"

    @property
    def available(self) -> bool:
        """False while the push services are left in peace after repeated failures."""
        return not self._breaker.is_open

    async def send(self, message: Message) -> None:
        """Wake the phone whose subscription is ``message.to``, once. Raises ``SendFailed``."""
        await self._breaker.deliver(lambda: self._attempt(message))

    async def aclose(self) -> None:
        """Nothing is held between messages."""

    async def check(self) -> str:
        """The push services have nothing that could be asked without a phone."""
        return ""

    async def _attempt(self, message: Message) -> Outcome:
        subscription = self._read(message.to)
        if subscription is None:
            return Outcome(reason="rejected-destination", detail="no subscription at a known push service")
        data = json.dumps({"title": message.subject, "body": message.text}, ensure_ascii=False)
        try:
            async with asyncio.timeout(2 * self._timeout + 2):
                return await asyncio.to_thread(self._post, subscription, data)
        except TimeoutError:
            return Outcome(reason="timeout", transient=True, detail="no answer in time", provider_down=True)

    def _read(self, text: str) -> dict[str, Any] | None:
        """The subscription, if its address is one of the services'. The phone chose it, so it could be anything."""
        try:
            found = json.loads(text)
            endpoint, keys = found["endpoint"], found["keys"]
            kept = {"endpoint": endpoint, "keys": {"p256dh": str(keys["p256dh"]), "auth": str(keys["auth"])}}
            host = (urlsplit(endpoint).hostname or "").lower() if is_private_url(endpoint) else ""
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
        known = any(host == service or host.endswith("." + service) for service in self._services)
        return kept if known else None

    def _post(self, subscription: dict[str, Any], data: str) -> Outcome:
        import requests

        with requests.Session() as session:
            session.trust_env = False
            session.max_redirects = 0
            try:
                self._library.webpush(
                    subscription,
                    data,
                    vapid_private_key=self._key,
                    vapid_claims={"sub": self._subject},
                    ttl=TTL,
                    timeout=self._timeout,
                    headers={"Urgency": "high", "Topic": "waiting"},
                    requests_session=session,
                )
            except self._library.WebPushException as error:
                return _outcome(error.response.status_code if error.response is not None else 0)
            except requests.ConnectionError:
                return Outcome(reason="unreachable", transient=True, detail="no connection", provider_down=True)
            except requests.Timeout:
                return Outcome(reason="timeout", transient=True, detail="no answer in time", provider_down=True)
            except Exception:
                # The library raises more than its own class on a subscription that somebody made up.
                return Outcome(reason="refused", detail="not a usable subscription or answer")
        return DELIVERED


def _outcome(status: int) -> Outcome:
    if status in (404, 410):
        return Outcome(reason="rejected-destination", detail=f"HTTP {status}")
    busy = status == 429 or status >= 500
    return Outcome(reason="refused", transient=busy, detail=f"HTTP {status}", provider_down=busy)
