"""Passkeys: client data, authenticator data, CBOR and keys, right up to the signature."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from mfa_gate.testing.softkey import ED, SoftKey, b64, raw, sign
from tests.harness import ORIGIN, with_rules

from ..stage import Stage
from ..target import Check, Target

_stages: list[Stage] = []
AAGUID = bytes(16)
EVERY = 30
"""Answers after which the locked or crowded person is given up for another."""
TRIES = 6
"""Answers at sign-in of one person; the seventh would lock the account."""


def close() -> None:
    """Close what was made."""
    while _stages:
        _stages.pop().close()


def _policy() -> Any:
    return with_rules(
        lambda rules: replace(
            rules,
            factors=replace(rules.factors, allowed=("totp", "webauthn", "backup-code"), order=("webauthn", "totp")),
        )
    )


class Attacker:
    """Somebody who enrolls passkeys and signs in again and again, and answers with any bytes."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.count = 0
        self.people = 0
        self.browser: Any = None
        self.enrolled: Any = None
        self.key = SoftKey(origin=ORIGIN)
        self.tries = 0

    async def _begun(self) -> dict[str, Any]:
        if self.browser is None or self.count % EVERY == 0:
            self.people += 1
            self.browser = await self.stage.world.browser(f"p{self.people}")
        self.count += 1
        self.stage.world.clock.advance(3601)
        begun = await self.browser.api("POST", "enroll", {"factor": "webauthn"})
        assert begun.status in (201, 403, 429), begun.text
        return dict(begun.json()) if begun.status == 201 else {}

    async def _sign_in(self, data: bytes) -> None:
        """Answer a challenge with these bytes for authenticator data, rightly signed."""
        if self.enrolled is None or self.tries == TRIES:
            self.people, self.tries = self.people + 1, 0
            self.enrolled, self.key = await self.stage.world.browser(f"p{self.people}"), SoftKey(origin=ORIGIN)
            begun = (await self.enrolled.api("POST", "enroll", {"factor": "webauthn"})).json()
            body = {"enrollment": begun["enrollment"], "response": self.key.create(begun["public_key"])}
            assert (await self.enrolled.api("POST", "enroll/confirm", body)).status == 201
        self.tries += 1
        asked = {"authenticator": await self.enrolled.authenticator("webauthn")}
        issued = (await self.enrolled.api("POST", "challenge", asked)).json()
        whole = self.key.get(issued["public_key"])
        client = raw(whole["response"]["clientDataJSON"])
        signature = sign(self.key.key, data + hashlib.sha256(client).digest())
        whole["response"] |= {"authenticatorData": b64(data), "signature": b64(signature)}
        reply = await self.enrolled.api("POST", "verify", {"challenge": issued["challenge"], "response": whole})
        assert reply.status < 500, reply.text

    async def answer(self, data: bytes) -> None:
        """Put the bytes in the place of one part of a sound answer."""
        if data[:1] == b"s":
            await self._sign_in(data[1:])
            return
        begun = await self._begun()
        if not begun:
            self.browser = None
            return
        key = SoftKey(origin=ORIGIN, id=b"k" * 32)
        whole = key.create(begun["public_key"])
        part, rest = data[:1], data[1:]
        inner = whole["response"]
        challenge = begun["public_key"]["challenge"].encode()
        if part == b"c":
            inner["clientDataJSON"] = b64(rest.replace(b"{challenge}", challenge))
        elif part == b"j":
            whole = _json(rest.replace(b"{challenge}", challenge))
        else:
            inner["attestationObject"] = b64(rest)
        body = {"enrollment": begun["enrollment"], "response": whole}
        reply = await self.browser.api("POST", "enroll/confirm", body)
        assert reply.status < 500, reply.text
        if reply.status == 201:
            self.browser = None


def _json(raw: bytes) -> Any:
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode("latin-1")


def made() -> Check:
    """Make the host."""

    async def nobody(_: Stage) -> None:
        return

    stage = Stage.make(nobody, policy=_policy())
    _stages.append(stage)
    attacker = Attacker(stage)
    return lambda data: stage.runner.run(attacker.answer(data))


def _seeds() -> tuple[bytes, ...]:
    options = {"user": {"id": b64(b"u" * 64)}, "rp": {"id": "localhost"}, "challenge": "{challenge}"}
    found = []
    for algorithm in (-7, -8, -257):
        whole = SoftKey(origin=ORIGIN, algorithm=algorithm).create(options)
        inner = whole["response"]
        found += [
            b"a" + raw(inner["attestationObject"]),
            b"c" + raw(inner["clientDataJSON"]),
            b"j" + json.dumps(whole).encode(),
        ]
    proven = SoftKey(origin=ORIGIN).get({"rpId": "localhost", "challenge": "x"})
    data = raw(proven["response"]["authenticatorData"])
    return (*found, b"s" + data, b"s" + data[:32] + bytes([data[32] | ED]) + data[33:] + b"\xa1\x61x\x81\x01")


TARGET = Target(
    "passkeys",
    "bytes of a key are a key or a refusal",
    made,
    _seeds,
    words=(
        b"\xa0",
        b"\xbf",
        b"\xff",
        b"\x9f",
        b"\x5f",
        b"\x1b" + b"\xff" * 8,
        b"\xd8\x18",
        b"\xd8\x1c",
        b"\xd8\x1d\x00",
        b"\xd8\x23\x61(",
        b"\xa1\x01\x02",
        b"\xf9\x7e\x00",
        b"\x3b" + b"\xff" * 8,
    ),
    fresh_every=900,
    quick=75,
    close=close,
)
