"""Looking up a server's name, in threads of the senders' own.

The libraries look names up in the event loop's pool, which challenges, drafts and passkeys need. While the DNS does not
answer, nothing gets as far as that.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from ..thread_pool import ThreadPool

THREADS = 4


class Lookup:
    """Find out whether a name can be looked up at all."""

    def __init__(self) -> None:
        self._threads = ThreadPool("lookup", THREADS)

    async def require(self, host: str, port: int, *, within: float) -> None:
        """Wait ``within`` seconds for ``host`` to be found. Raises ``OSError`` (``TimeoutError``) where it is not."""
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
