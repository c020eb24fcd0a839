"""A sender that wakes phones through their browsers' push services (RFC 8030, 8291, 8292).

What it sends is encrypted for the phone.
"""

from __future__ import annotations

import asyncio
import base64
import json
import time
from collections.abc import Callable, Sequence

from ..core.push_subscription import Subscription, read_subscription
from ..errors import MissingExtra, SettingsError
from ..ports import Message
from ..thread_pool import ThreadPool
from .delivery import DELIVERED, Breakers, Outcome

SERVICES = (
    "fcm.googleapis.com",
    "updates.push.services.mozilla.com",
    "push.services.mozilla.com",
    "web.push.apple.com",
    "push.apple.com",
    "notify.windows.com",
)
"""The push services of the known browsers. A phone names its own service; no other host is ever asked (S-127)."""
TTL = 60
DECLARATIVE = 8030
"""The number by which a browser knows a declarative push: that of the RFC."""
MEDIA = "application/notification+json"
KEY_BYTES = 32
THREADS = 4
"""Messages to one service at the same time. A service that does not answer delays nothing else."""


def make_vapid_key() -> str:
    """Make a new private key (P-256), as 32 bytes in base64url."""
    from cryptography.hazmat.primitives.asymmetric import ec

    number = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    return _b64(number.to_bytes(KEY_BYTES))


def public_vapid_key(private: str) -> str:
    """Return the public key of ``private``, for browsers. Raises ``SettingsError``.

    ``private`` is a key that ``make_vapid_key`` made.
    """
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    try:
        raw = base64.urlsafe_b64decode(private + "=" * (-len(private) % 4))
        if len(raw) != KEY_BYTES:
            raise ValueError("another length")
        key = ec.derive_private_key(int.from_bytes(raw), ec.SECP256R1())
    except ValueError:
        raise SettingsError(
            "WebPushSender: vapid_private_key is no private key; make one with: mfa-gate keys vapid"
        ) from None
    return _b64(key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def declared(message: Message) -> dict[str, object]:
    """Write the push as a declarative one (Push API): a browser shows it without a script.

    A browser that does not know the form hands the same text to the page's service worker. Without a page to open it is
    only for the worker.
    """
    shown = {"title": message.subject, "body": message.text, "navigate": message.url, "tag": "waiting"}
    if not message.url:
        return {"notification": {name: value for name, value in shown.items() if name != "navigate"}}
    return {"web_push": DECLARATIVE, "notification": shown}


class WebPushSender:
    """A sender that wakes a phone.

    ``vapid_private_key`` is the key that ``mfa-gate keys vapid`` printed. ``subject`` is a ``mailto:`` or ``https:`` address
    at which the push services reach you. ``services`` are the hosts that may be asked, with their subdomains, by https at
    port 443. This machine's own name may have any port, for tests. ``timeout`` is seconds. ``clock`` is monotonic.

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
        self._breakers = Breakers(clock=clock)
        self._threads = {service: ThreadPool("push", THREADS) for service in self._services}

    def __repr__(self) -> str:
        return "WebPushSender()"

    @property
    def available(self) -> bool:
        """Return True always: after failures each host is paused alone."""
        return True

    def takes(self, to: str, /) -> bool:
        """Tell whether ``to`` is a subscription at one of the services."""
        return self._read(to) is not None

    async def send(self, message: Message) -> None:
        """Wake the phone whose subscription is ``message.to``, once. Raises ``SendFailed``."""
        found = self._read(message.to)
        place = (found[0].address.host, found[0].address.port) if found else ("", 0)
        await self._breakers.at(place).deliver(lambda: self._attempt(message, found))

    async def aclose(self) -> None:
        """Stop the threads. A later message starts new ones."""
        for threads in self._threads.values():
            threads.close()

    async def check(self) -> str:
        """Return "": a push service cannot be tested without a phone."""
        return ""

    async def _attempt(self, message: Message, found: tuple[Subscription, str] | None) -> Outcome:
        if found is None:
            return Outcome(reason="rejected-destination", detail="no subscription at a known push service")
        subscription, service = found
        data = json.dumps(declared(message), ensure_ascii=False)
        begun: list[bool] = []

        def post() -> Outcome:
            begun.append(True)
            return self._post(subscription, data)

        try:
            async with asyncio.timeout(2 * self._timeout + 2):
                return await self._threads[service].run(post)
        except TimeoutError:
            if not begun:
                return Outcome(reason="unreachable", transient=True, detail="too many wait for this push service")
            return Outcome(reason="timeout", transient=True, detail="no answer in time", provider_down=True)

    def _read(self, text: str) -> tuple[Subscription, str] | None:
        """Read the subscription and its service. Returns None if the service is not a known one.

        The phone chose the address, so it could be anything.
        """
        subscription = read_subscription(text)
        host = subscription.address.host if subscription and subscription.p256dh and subscription.auth else ""
        service = next((name for name in self._services if host == name or host.endswith("." + name)), None)
        return (subscription, service) if subscription and service else None

    def _post(self, subscription: Subscription, data: str) -> Outcome:
        import requests

        with requests.Session() as session:
            session.trust_env = False
            session.max_redirects = 0
            try:
                self._library.webpush(
                    {
                        "endpoint": subscription.address.url,
                        "keys": {"p256dh": subscription.p256dh, "auth": subscription.auth},
                    },
                    data,
                    vapid_private_key=self._key,
                    vapid_claims={"sub": self._subject},
                    ttl=TTL,
                    timeout=self._timeout,
                    headers={"Urgency": "high", "Topic": "waiting", "Content-Type": MEDIA},
                    requests_session=session,
                )
            except self._library.WebPushException as error:
                return _outcome(error.response.status_code if error.response is not None else 0)
            except requests.ConnectionError:
                return Outcome(reason="unreachable", transient=True, detail="no connection", provider_down=True)
            except requests.Timeout:
                return Outcome(reason="timeout", transient=True, detail="no answer in time", provider_down=True)
            except Exception as error:
                # On an invented subscription the library raises other exceptions than its own class.
                return Outcome(reason="refused", detail=f"not a usable subscription or answer ({type(error).__name__})")
        return DELIVERED


def _outcome(status: int) -> Outcome:
    if status in (404, 410):
        return Outcome(reason="rejected-destination", detail=f"HTTP {status}")
    busy = status == 429 or status >= 500
    return Outcome(reason="refused", transient=busy, detail=f"HTTP {status}", provider_down=busy)
