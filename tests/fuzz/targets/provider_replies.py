"""Replies over HTTP of providers of texts, of webhooks, and of a phone's push service."""

from __future__ import annotations

import asyncio
import contextlib

from mfa_gate.errors import SendFailed
from mfa_gate.senders import TwilioSender, WebhookSender
from tests.senders.servers import text_message

from ..server import listening
from ..target import Check, Target

_runners: list[asyncio.Runner] = []


def close() -> None:
    """Close what was made."""
    while _runners:
        _runners.pop().close()


async def _deliver(data: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(data)
        await writer.drain()

    async with listening(serve) as port:
        url = f"http://127.0.0.1:{port}"
        senders = (
            WebhookSender(url, secret="s" * 32, timeout=1.0),
            TwilioSender("AC" + "0" * 32, "t" * 32, sender="+12025550100", base_url=url, timeout=1.0),
        )
        for sender in senders:
            with contextlib.suppress(SendFailed):
                async with asyncio.timeout(8):
                    await sender.send(text_message())
            await sender.aclose()


def made() -> Check:
    """Make the check."""
    runner = asyncio.Runner()
    _runners.append(runner)
    return lambda data: runner.run(_deliver(data))


SEEDS = (
    b'HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: 14\r\n\r\n{"sid": "SM1"}',
    b'HTTP/1.1 400 Bad\r\nContent-Type: application/json\r\nConnection: close\r\n\r\n{"code": 21211, "message": "no"}',
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    b"HTTP/1.1 429 X\r\nRetry-After: 9\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 302 X\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
)
TARGET = Target(
    "provider-replies",
    "a provider's answer is a delivery or a failure that says why",
    made,
    lambda: SEEDS,
    (b"\r\n", b"Content-Length: ", b'"code":', b"1e999"),
    quick=20,
    close=close,
)
