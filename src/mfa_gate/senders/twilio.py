"""Senders of text messages and calls through Twilio's REST API.

Other providers with the same API work as well.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from ..errors import SettingsError
from ..ports import Message
from .addresses import is_number, private_address, provider_address
from .delivery import DELIVERED, Breaker, Outcome, header_safe
from .posting import Answer, Courier

if TYPE_CHECKING:
    import ssl

BASE_URL = "https://api.twilio.com"
RING_SECONDS = 30

OPTED_OUT = frozenset({21610})
BAD_DESTINATION = frozenset({21211, 21214, 21215, 21216, 21217, 21219, 21408, 21612, 21614, 21635, 13223, 13224})
"""No number, not reachable from this sender, no mobile, or in a region that the account does not serve."""

_ACCOUNT = re.compile(r"[A-Za-z0-9]{2,64}")
_SERVICE = re.compile(r"MG[0-9a-f]{32}")


class TwilioSender:
    """A sender of text messages: POST ``/2010-04-01/Accounts/{sid}/Messages.json``.

    ``sender`` is a number in E.164, a short code, or a messaging service (``MG…``). ``base_url`` is another server with
    the same API. ``timeout`` is the seconds to connect; the whole takes at most two more. ``clock`` is monotonic.

    Raises ``SettingsError``, and ``MissingExtra`` without the extra ``sms``.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        sender: str,
        base_url: str = BASE_URL,
        timeout: float = 3.0,
        tls_context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = _Account(
            what="TwilioSender",
            account_sid=account_sid,
            auth_token=auth_token,
            base_url=base_url,
            timeout=timeout,
            tls_context=tls_context,
        )
        self._sender = {"MessagingServiceSid" if _SERVICE.fullmatch(sender) else "From": _named(sender, "TwilioSender")}
        self._breaker = Breaker(clock=clock)

    def __repr__(self) -> str:
        return f"TwilioSender(base_url={self._account.base_url!r})"

    @property
    def available(self) -> bool:
        """Return False during the pause after repeated failures."""
        return not self._breaker.is_open

    async def send(self, message: Message) -> None:
        """Hand ``message`` to the provider, once. Raises ``SendFailed``."""
        await self._breaker.deliver(lambda: self._attempt(message))

    async def aclose(self) -> None:
        """Stop the threads that look names up. No connection is held."""
        self._account.close()

    async def check(self) -> str:
        """Return "" if the provider is reached and takes the credentials.

        Otherwise returns one sentence without secrets.
        """
        return await self._account.check()

    async def _attempt(self, message: Message) -> Outcome:
        if not is_number(message.to):
            return Outcome(reason="rejected-destination", detail="not a number in E.164")
        form = {"To": message.to, **self._sender, "Body": message.text}
        return await self._account.post("Messages", form, key=message.key)


class TwilioVoiceSender:
    """A sender that places calls: POST ``/2010-04-01/Accounts/{sid}/Calls.json``.

    The provider gets the spoken words from ``message.callback``. They ask for a key before they read a code (S-56), so a
    voice mailbox never gets one. Parameters and errors are those of ``TwilioSender``; ``sender`` is a number in E.164.
    """

    def __init__(
        self,
        account_sid: str,
        auth_token: str,
        *,
        sender: str,
        base_url: str = BASE_URL,
        timeout: float = 3.0,
        tls_context: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._account = _Account(
            what="TwilioVoiceSender",
            account_sid=account_sid,
            auth_token=auth_token,
            base_url=base_url,
            timeout=timeout,
            tls_context=tls_context,
        )
        self._sender = _named(sender, "TwilioVoiceSender")
        self._token = auth_token
        self._breaker = Breaker(clock=clock)

    def __repr__(self) -> str:
        return f"TwilioVoiceSender(base_url={self._account.base_url!r})"

    @property
    def available(self) -> bool:
        """Return False during the pause after repeated failures."""
        return not self._breaker.is_open

    async def send(self, message: Message) -> None:
        """Ask the provider to call, once. Raises ``SendFailed``."""
        await self._breaker.deliver(lambda: self._attempt(message))

    async def aclose(self) -> None:
        """Stop the threads that look names up. No connection is held."""
        self._account.close()

    async def check(self) -> str:
        """Return "" if the provider is reached and takes the credentials.

        Otherwise returns one sentence without secrets.
        """
        return await self._account.check()

    def verify_callback(self, url: str, params: Mapping[str, str], headers: Mapping[str, str], /) -> bool:
        """Tell whether the provider signed a request for ``url`` with the form ``params``.

        ``X-Twilio-Signature`` must have been made with this account's token.
        """
        shown = headers.get("x-twilio-signature", "").encode()
        return any(
            hmac.compare_digest(callback_signature(self._token, spelled, params).encode(), shown)
            for spelled in _spellings(url)
        )

    async def _attempt(self, message: Message) -> Outcome:
        if not is_number(message.to):
            return Outcome(reason="rejected-destination", detail="not a number in E.164")
        if private_address(message.callback) is None:
            return Outcome(reason="refused", detail="a call needs an https callback")
        form = {
            "To": message.to,
            "From": self._sender,
            "Url": message.callback,
            "Method": "POST",
            "Timeout": str(RING_SECONDS),
        }
        return await self._account.post("Calls", form, key=message.key)


def callback_signature(auth_token: str, url: str, params: Mapping[str, str]) -> str:
    """Sign a request as the provider does.

    The signature is HMAC-SHA-1 over the address and the sorted fields of the form, in base64.
    """
    text = url + "".join(name + params[name] for name in sorted(params))
    return base64.b64encode(hmac.digest(auth_token.encode(), text.encode(), hashlib.sha1)).decode("ascii")


def _spellings(url: str) -> tuple[str, ...]:
    """Spell the address as given, without a port, and with one.

    Providers sign different forms.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return url, parts._replace(netloc=host).geturl(), parts._replace(netloc=f"{host}:{port}").geturl()


class _Account:
    """One account at the provider: the addresses of its resources, and the credentials."""

    def __init__(
        self,
        *,
        what: str,
        account_sid: str,
        auth_token: str,
        base_url: str,
        timeout: float,
        tls_context: ssl.SSLContext | None,
    ) -> None:
        if not _ACCOUNT.fullmatch(account_sid):
            raise SettingsError(f"{what}: account_sid must be letters and digits")
        if not auth_token:
            raise SettingsError(f"{what}: auth_token is empty")
        address = provider_address(base_url, what=f"{what}: base_url")
        if "?" in address.rest:
            raise SettingsError(f"{what}: base_url must have no ?query")
        self.base_url = address.url.rstrip("/")
        self._root = f"{self.base_url}/2010-04-01/Accounts/{account_sid}"
        credentials = base64.b64encode(f"{account_sid}:{auth_token}".encode()).decode("ascii")
        self._headers = {"Authorization": f"Basic {credentials}", "Accept": "application/json"}
        self._courier = Courier(what=what, timeout=timeout, tls_context=tls_context)

    async def post(self, resource: str, form: Mapping[str, str], *, key: str) -> Outcome:
        headers = {
            **self._headers,
            "Content-Type": "application/x-www-form-urlencoded",
            "Idempotency-Key": header_safe(key),
        }
        answer = await self._courier.request(
            "POST", f"{self._root}/{resource}.json", headers=headers, body=urlencode(form).encode("ascii")
        )
        return answer if isinstance(answer, Outcome) else _outcome(answer)

    def close(self) -> None:
        self._courier.close()

    async def check(self) -> str:
        answer = await self._courier.request("GET", f"{self._root}.json", headers=self._headers)
        failure = answer if isinstance(answer, Outcome) else answer.outcome()
        return f"{self.base_url}: {failure.reason}, {failure.detail}" if failure else ""


def _outcome(answer: Answer) -> Outcome:
    failure = answer.outcome()
    code = _error_code(answer.body)
    if failure is not None and failure.transient:
        return failure
    if code in OPTED_OUT:
        return Outcome(reason="opted-out", detail=f"provider's code {code}")
    if code in BAD_DESTINATION:
        return Outcome(reason="rejected-destination", detail=f"provider's code {code}")
    if failure is None and code:
        return Outcome(reason="refused", detail=f"provider's code {code}")
    return failure or DELIVERED


def _error_code(body: bytes) -> int:
    """Read the provider's error code; 0 if there is none.

    It is ``code`` in a problem, and ``error_code`` in a message that was taken and failed at once.
    """
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        return 0
    if not isinstance(said, dict):
        return 0
    code = said.get("code") or said.get("error_code")
    return code if isinstance(code, int) else 0


def _named(sender: str, what: str) -> str:
    if not sender or not sender.isprintable():
        raise SettingsError(f"{what}: sender must be a number, a short code or a messaging service")
    return sender
