"""One HTTP request to a provider: limited in time and size (S-127).

It follows no redirect and is never repeated.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from ..core.web_address import read_address
from ..errors import MissingExtra
from .delivery import Outcome
from .lookup import Lookup

if TYPE_CHECKING:
    import ssl

ANSWER_TIME = 2.0
MAX_ANSWER = 64 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The provider's answer. ``body`` is at most the first 64 KiB."""

    status: int
    body: bytes

    def outcome(self) -> Outcome | None:
        """Return the failure that the status tells; None for 2xx."""
        if 200 <= self.status < 300:
            return None
        busy = self.status == 429 or self.status >= 500
        return Outcome(reason="refused", transient=busy, detail=f"HTTP {self.status}", provider_down=busy)


class Courier:
    """A client for requests, with no cookies, proxies, redirects or credentials of its own.

    It uses the transport below the library's client: the client writes addresses to the log and obeys the environment.
    ``timeout`` is the seconds to connect; a whole request takes at most ``answer_time`` seconds more. No connection is
    kept open. A connection that died while idle would make it unknown whether a message was sent, although it was not.

    Raises ``MissingExtra`` without the extra ``sms``.
    """

    def __init__(self, *, what: str, timeout: float, tls_context: ssl.SSLContext | None = None) -> None:
        try:
            import httpx2
        except ImportError:
            raise MissingExtra(what, "sms") from None
        self._httpx = httpx2
        self._timeout = timeout
        self.answer_time = ANSWER_TIME
        self._tls = tls_context or _default_tls()
        self._lookup = Lookup()

    def close(self) -> None:
        """Stop the threads that look names up."""
        self._lookup.close()

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], body: bytes = b""
    ) -> Answer | Outcome:
        """Send one request. Returns the ``Answer``, or an ``Outcome`` if it failed.

        The reason ``unreachable`` means never sent. ``timeout`` means that it may have been sent. A bad ``url`` is ``refused``.
        """
        httpx = self._httpx
        address = read_address(url)
        if address is None:
            return Outcome(reason="refused", detail="not a usable address")
        try:
            await self._lookup.require(address.host, address.port, within=self._timeout)
        except OSError:
            return Outcome(
                reason="unreachable", transient=True, detail="no such host, or no answer", provider_down=True
            )
        phases = {"connect": self._timeout, "pool": self._timeout, "read": None, "write": None}
        # Without the header any coding may come (RFC 9110 12.5.3), and the provider's reason would not be read.
        sent = {"Accept-Encoding": "identity", **headers}
        request = httpx.Request(method, address.url, headers=sent, content=body, extensions={"timeout": phases})
        try:
            async with (
                asyncio.timeout(self._timeout + self.answer_time),
                httpx.AsyncHTTPTransport(verify=self._tls, trust_env=False, retries=0) as transport,
            ):
                response = await transport.handle_async_request(request)
                try:
                    return Answer(status=response.status_code, body=await _first_bytes(response.aiter_raw()))
                finally:
                    await response.aclose()
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return Outcome(reason="unreachable", transient=True, detail="no connection", provider_down=True)
        except (httpx.TransportError, TimeoutError):
            return Outcome(reason="timeout", transient=True, detail="no answer in time", provider_down=True)


@cache
def _default_tls() -> ssl.SSLContext:
    """Read the trusted authorities, once for all senders: it takes a tenth of a second."""
    import httpx2

    return httpx2.create_ssl_context()


async def _first_bytes(stream: AsyncIterator[bytes]) -> bytes:
    received = b""
    async for part in stream:
        received += part
        if len(received) >= MAX_ANSWER:
            break
    return received[:MAX_ANSWER]
