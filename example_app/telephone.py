"""Play the telephone company: answer a call, and ask the gate for its words, like Twilio."""

from __future__ import annotations

import hashlib
from urllib.parse import urlencode
from xml.etree import ElementTree

import httpx2
from starlette.types import ASGIApp

from mfa_gate.senders.twilio import callback_signature

__all__ = ["RINGING", "answer_call"]

RINGING = 300
"""Seconds for which the demo offers to answer a call."""


async def answer_call(app: ASGIApp, callback: str, *, key: str, secret: str) -> bool:
    """Pick up, listen, and press ``key`` ("": hang up).

    Returns False if the gate had nothing to say: the call has ended.
    """
    sid = hashlib.sha256(callback.encode()).hexdigest()[:32]
    call = {"CallSid": f"CA{sid}", "CallStatus": "in-progress"}
    transport = httpx2.ASGITransport(app=app, client=("127.0.0.1", 0))
    async with httpx2.AsyncClient(transport=transport) as client:

        async def ask(url: str, params: dict[str, str]) -> httpx2.Response:
            headers = {
                "X-Twilio-Signature": callback_signature(secret, url, params),
                "Content-Type": "application/x-www-form-urlencoded",
            }
            return await client.post(url, content=urlencode(params), headers=headers)

        greeting = await ask(callback, call)
        if greeting.status_code != 200:
            return False
        gather = ElementTree.fromstring(greeting.text).find("Gather")
        if not key or gather is None:
            return True
        return (await ask(gather.attrib["action"], {**call, "Digits": key})).status_code == 200
