"""Answer WebAuthn ceremonies as an honest authenticator would, without device or browser."""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

__all__ = ["Key", "SoftKey", "b64", "cose_of", "make_key", "raw", "sign"]

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
"""The flags of authenticator data (WebAuthn Level 3, 6.1): present, verified, backup eligible and state, attested, extended."""
AAGUID = bytes(16)

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def b64(raw: bytes) -> str:
    """Encode as base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    """Decode the text of ``b64``."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_key(algorithm: int) -> Key:
    """Make a private key for a COSE algorithm: -7 (ES256), -8 (Ed25519) or -257 (RS256)."""
    if algorithm == -8:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == -257:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def cose_of(key: Key) -> dict[int, object]:
    """Write the public half as a COSE map (RFC 9053)."""
    public = key.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {1: 1, 3: -8, -1: 6, -2: public.public_bytes_raw()}
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {1: 3, 3: -257, -1: numbers.n.to_bytes((public.key_size + 7) // 8), -2: numbers.e.to_bytes(3)}
    point = public.public_numbers()
    size = (public.curve.key_size + 7) // 8
    return {
        1: 2,
        3: -7,
        -1: {256: 1, 384: 2}[public.curve.key_size],
        -2: point.x.to_bytes(size),
        -3: point.y.to_bytes(size),
    }


def sign(key: Key, message: bytes) -> bytes:
    """Sign as WebAuthn wants it from this kind of key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


@dataclass(slots=True, kw_only=True)
class SoftKey:
    """Act as one authenticator with one credential, in a browser at ``origin``.

    ``verifies``: it verifies its user. ``synced``: a passkey that is kept in several places, whose counter stays 0.
    """

    origin: str
    algorithm: int = -7
    verifies: bool = True
    synced: bool = False
    count: int = 0
    id: bytes = field(default_factory=lambda: os.urandom(32))
    key: Key = field(init=False, repr=False)
    user: bytes = field(default=b"", repr=False)

    def __post_init__(self) -> None:
        self.key = make_key(self.algorithm)

    def create(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the ``public_key`` of an enrollment, as ``navigator.credentials.create()``.

        The answer is in the form of ``toJSON()``.
        """
        import cbor2

        self.user = raw(options["user"]["id"])
        data = self._authenticator_data(options["rp"]["id"], AT)
        data += AAGUID + len(self.id).to_bytes(2) + self.id + cbor2.dumps(cose_of(self.key))
        attestation = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        client = self._client_data("webauthn.create", options["challenge"])
        return self._answer(
            {"clientDataJSON": b64(client), "attestationObject": b64(attestation), "transports": ["usb"]}
        )

    def get(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """Answer the ``public_key`` of a challenge, as ``navigator.credentials.get()``.

        Raises ``LookupError`` if this credential is not among those that are asked for, as a browser would.
        """
        offered = [item["id"] for item in options.get("allowCredentials", ())]
        if offered and b64(self.id) not in offered:
            raise LookupError("this key is not asked for here")
        if not self.synced:
            self.count += 1
        data = self._authenticator_data(options["rpId"], 0)
        client = self._client_data("webauthn.get", options["challenge"])
        signature = sign(self.key, data + hashlib.sha256(client).digest())
        inner = {"clientDataJSON": b64(client), "authenticatorData": b64(data), "signature": b64(signature)}
        return self._answer({**inner, "userHandle": b64(self.user) if self.user else None})

    def _authenticator_data(self, rp_id: str, more: int) -> bytes:
        flags = UP | (UV if self.verifies else 0) | (BE | BS if self.synced else 0) | more
        return hashlib.sha256(rp_id.encode()).digest() + bytes([flags]) + self.count.to_bytes(4)

    def _client_data(self, type: str, challenge: str) -> bytes:
        told = {"type": type, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
        return json.dumps(told).encode()

    def _answer(self, inner: dict[str, Any]) -> dict[str, Any]:
        return {
            "id": b64(self.id),
            "rawId": b64(self.id),
            "type": "public-key",
            "response": inner,
            "clientExtensionResults": {},
            "authenticatorAttachment": "cross-platform",
        }
