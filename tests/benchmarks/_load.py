"""The load: keep-alive connections that ask for one page over and over.

It prints the microseconds that each answer took.
"""

from __future__ import annotations

import asyncio
import sys
import time

CONNECTIONS = 16


async def ask(port: int, request: bytes, until: float, took: list[int]) -> None:
    """One connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (started := time.monotonic()) < until:
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise SystemExit(head.decode())
        await reader.readexactly(5)
        took.append(int((time.monotonic() - started) * 1e6))
    writer.close()


async def main() -> None:
    """Port, seconds and cookies come from the command line."""
    port, seconds, cookies = int(sys.argv[1]), float(sys.argv[2]), sys.argv[3]
    request = f"GET / HTTP/1.1\r\nhost: localhost\r\naccept: */*\r\nuser-agent: bench/1\r\ncookie: {cookies}\r\n\r\n"
    took: list[int] = []
    until = time.monotonic() + seconds
    await asyncio.gather(*(ask(port, request.encode(), until, took) for _ in range(CONNECTIONS)))
    print(*took)


if __name__ == "__main__":
    asyncio.run(main())
