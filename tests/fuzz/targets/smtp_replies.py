"""Replies of a mail server, line by line."""

from __future__ import annotations

import asyncio
import contextlib

from mfa_gate.errors import SendFailed
from mfa_gate.senders import SMTPSender
from tests.senders.servers import email_message

from ..server import listening
from ..target import Check, Target

SENDER = "App <a@app.example>"
_runners: list[asyncio.Runner] = []


def close() -> None:
    """Close what was made."""
    while _runners:
        _runners.pop().close()


async def _deliver(data: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for reply in data.split(b"|"):
            writer.write(reply)
            await writer.drain()
            end = b"\r\n.\r\n" if reply.startswith(b"354") else b"\n"
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(reader.readuntil(end), 0.03)

    async with listening(serve) as port:
        sender = SMTPSender("127.0.0.1", port, sender=SENDER, username="u", password="p", security="none", timeout=1.0)
        try:
            async with asyncio.timeout(6):
                await sender.send(email_message())
        except SendFailed:
            pass
        finally:
            await sender.aclose()


def made() -> Check:
    """Make the check."""
    runner = asyncio.Runner()
    _runners.append(runner)
    return lambda data: runner.run(_deliver(data))


SEEDS = (
    b"220 x ESMTP\r\n|250-x\r\n250-SIZE 1000\r\n250-AUTH PLAIN LOGIN\r\n250 SMTPUTF8\r\n|235 ok\r\n|250 ok\r\n|250 ok\r\n"
    b"|354 go\r\n"
    b"|250 ok\r\n|221 bye\r\n",
    b"220 x\r\n|250-x\r\n250 AUTH CRAM-MD5\r\n|334 PDE+\r\n|235 ok\r\n|250 ok\r\n|550 5.1.1 nobody\r\n",
    b"220 x\r\n|250-x\r\n250 AUTH LOGIN\r\n|334 VXNlcm5hbWU6\r\n|334 UGFzc3dvcmQ6\r\n|535 5.7.8 no\r\n",
    b"421 busy\r\n",
)
TARGET = Target(
    "smtp-replies",
    "a server's words are a delivery or a failure that says why",
    made,
    lambda: SEEDS,
    (b"250-", b"334 ", b"|", b"\r\n", b"AUTH ", b"STARTTLS"),
    quick=20,
    close=close,
)
