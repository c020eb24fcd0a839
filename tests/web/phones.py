"""A phone that approves, in Python.

It has a key, and signs the words that it is given, right or wrong.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mfa_gate.core.rules import Policy
from mfa_gate.factors.push import PushRules
from mfa_gate.ports import DirectoryOf
from tests.harness import FETCH, JSON, ORIGIN, Browser, Reply, World, call, http_scope, make_world, with_rules

PHONE_ADDRESS = "198.51.100.77"


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).decode().rstrip("=")


def push_policy(**rules: Any) -> Policy:
    """Everybody may approve on the phone."""
    push = replace(PushRules(), **rules)
    allowed = ("totp", "push", "email", "backup-code")
    return with_rules(
        lambda r: replace(
            r, factors=replace(r.factors, allowed=allowed, order=("push", "totp", "email"), options={"push": push})
        )
    )


def push_world(*, directory: DirectoryOf | None = None, **rules: Any) -> World:
    """A host whose people approve on the phone; nothing wakes their phones."""
    return make_world(policy=push_policy(**rules), directory=directory)


@dataclass(slots=True)
class Phone:
    """One phone. ``host`` is the relying party that it believes to talk to."""

    world: World
    key: ec.EllipticCurvePrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    device: str = ""
    host: str = "localhost"
    address: str = PHONE_ADDRESS

    @property
    def public(self) -> str:
        """The public key as WebCrypto exports it."""
        return b64(self.key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))

    def sign(self, *words: str) -> str:
        """Sign the text as WebCrypto does: r and s, 32 bytes each."""
        text = "\n".join(("mfa-gate 1", self.host, *words)).encode()
        r, s = decode_dss_signature(self.key.sign(text, ec.ECDSA(SHA256())))
        return b64(r.to_bytes(32) + s.to_bytes(32))

    async def post(self, name: str, body: Any, *, headers: Any = None) -> Reply:
        """One request of the page's script."""
        sent = headers if headers is not None else [*FETCH, ("origin", ORIGIN), ("x-mfa-gate", "1"), JSON]
        agent = ("user-agent", "Mozilla/5.0 (Linux; Android 16) Chrome/156.0")
        scope = http_scope("POST", f"/mfa/approve/{name}", headers=[*sent, agent], address=self.address)
        return await call(self.world.app, scope, body if isinstance(body, bytes) else json.dumps(body).encode())

    async def join(self, uri: str, **more: str) -> Reply:
        """Scan the picture: show a key and sign with it."""
        token = more.pop("token", uri.rpartition("#e=")[2])
        body = {"token": token, "key": self.public, "signature": self.sign("join", token, self.public)} | more
        reply = await self.post("join", body)
        if reply.status == 201:
            self.device = reply.json()["device"]
        return reply

    async def look(self) -> dict[str, Any]:
        """Return the requests that wait for this phone."""
        nonce = (await self.post("nonce", {})).json()["nonce"]
        signature = self.sign("waiting", self.device, nonce)
        reply = await self.post("waiting", {"device": self.device, "nonce": nonce, "signature": signature})
        found: dict[str, Any] = reply.json()
        return found

    def body(self, found: dict[str, Any], number: str, *, verb: str = "approve", place: int = 0) -> dict[str, str]:
        """The answer to a request that waits, signed."""
        request = found["requests"][place]
        signature = self.sign(verb, request["id"], number, found["subject"], request["expires"])
        return {
            "device": self.device,
            "request": request["id"],
            "verb": verb,
            "number": number,
            "signature": signature,
        }

    async def approve(self, number: str) -> Reply:
        """Type the number and approve the waiting request."""
        return await self.post("answer", self.body(await self.look(), number))

    async def wake(self, subscription: str) -> Reply:
        """Say where this phone can be woken."""
        nonce = (await self.post("nonce", {})).json()["nonce"]
        signature = self.sign("wake", self.device, nonce, subscription)
        body = {"device": self.device, "nonce": nonce, "signature": signature, "subscription": subscription}
        return await self.post("wake", body)

    async def deny(self, *, verb: str = "deny") -> Reply:
        """Deny the waiting request; the verb "cancel" says that it was one's own."""
        return await self.post("answer", self.body(await self.look(), "", verb=verb))


async def enrolled(world: World, id: str = "ann") -> tuple[Browser, Phone, str]:
    """Set up a person's phone one day ago, in another browser.

    Returns the person's browser of now, the phone, and the authenticator's id.
    """
    browser, phone = await world.browser(id), Phone(world)
    begun = (await browser.api("POST", "enroll", {"factor": "push"})).json()
    assert (await phone.join(begun["uri"])).status == 201
    approved = await phone.approve(begun["number"])
    assert approved.status == 200, approved.text
    done = await browser.api("POST", "enroll/confirm", {"enrollment": begun["enrollment"], "response": ""})
    assert done.status == 201, done.text
    world.clock.advance(86_400)
    return await world.browser(id, sid=f"later-{id}"), phone, done.json()["authenticator"]["id"]


async def begin(browser: Browser, id: str) -> dict[str, Any]:
    """Ask the phone, and return the document that the browser gets."""
    reply = await browser.api("POST", "challenge", {"authenticator": id})
    assert reply.status == 201, reply.text
    found: dict[str, Any] = reply.json()
    return found


def other(number: str) -> str:
    """Another number of the same length."""
    return str((int(number) + 1) % 10 ** len(number)).zfill(len(number))
