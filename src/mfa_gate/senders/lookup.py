"""Name look-ups in threads that belong to the senders.

The libraries look names up in the event loop's own pool. Challenges, drafts and passkeys need that pool. If the DNS does
not answer here, a message goes no further, and that pool stays free.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from ..thread_pool import ThreadPool

THREADS = 4


class Lookup:
    """A check that a name can be looked up at all, before a library tries it."""

    def __init__(self) -> None:
        self._threads = ThreadPool("lookup", THREADS)

    async def require(self, host: str, port: int, *, within: float) -> None:
        """Look ``host`` up, within ``within`` seconds.

        Raises ``OSError`` if it is not found, and ``TimeoutError`` (which is one) if no answer came in time.
        """
        if _is_number(host):
            return
        async with asyncio.timeout(within):
            await self._threads.run(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))

    def close(self) -> None:
        """Let go of the threads."""
        self._threads.close()


def _is_number(host: str) -> bool:
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True
