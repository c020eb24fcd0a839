"""Callbacks of a telephone provider: signed with any fields, and with any token."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from mfa_gate.senders.twilio import callback_signature
from tests.harness import FORM, call, http_scope
from tests.web.calls import TOKEN, Phones

from ..target import Check, Target

_open: list[tuple[asyncio.Runner, Phones]] = []
NUMBER = "+1 202-555-0142"


def close() -> None:
    """Close what was made."""
    while _open:
        runner, phones = _open.pop()
        runner.run(phones.world.gate.web.aclose())
        runner.close()


def made() -> Check:
    """Make a host that has just called somebody."""
    runner, phones = asyncio.Runner(), Phones.make()
    _open.append((runner, phones))
    runner.run(phones.world.gate.web.open())
    browser = runner.run(phones.world.browser())
    begun: Any = runner.run(browser.api("POST", "enroll", {"factor": "voice", "phone": NUMBER}))
    assert begun.status == 201, begun.text
    url = phones.provider.last.callback

    async def send(data: bytes) -> None:
        line, _, body = data.partition(b"\n")
        target = line.decode("latin-1").replace("{hook}", urlsplit(url).path)
        if not target.startswith("/"):
            return
        try:
            params = dict(parse_qsl(body.decode(), keep_blank_values=True))
            signature = callback_signature(TOKEN, url, params)
        except ValueError:
            signature = "x"
        headers = [FORM, ("x-twilio-signature", signature)]
        reply = await call(phones.world.app, http_scope("POST", target, headers=headers, address="192.0.2.99"), body)
        assert reply.status < 500, reply.text

    return lambda data: runner.run(send(data))


SEEDS = tuple(
    b"{hook}\n" + body
    for body in (
        b"CallSid=CA0123456789abcdef0123456789abcdef&CallStatus=in-progress",
        b"CallSid=CA0123456789abcdef0123456789abcdef&CallStatus=in-progress&Digits=%23",
        b"CallSid=CA0123456789abcdef0123456789abcdef&CallStatus=completed&Digits=7&AnsweredBy=machine_start",
        b"CallStatus=no-answer&SipResponseCode=486",
    )
)
TARGET = Target(
    "callbacks",
    "a provider's form is heard or refused",
    made,
    lambda: SEEDS,
    (b"Digits=", b"&", b"%23"),
    600,
    150,
    close,
)
