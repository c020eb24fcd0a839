"""An authenticator and the browser around it, made by hand, so that every byte of an answer can be bent before it is sent."""

from __future__ import annotations

import hashlib
import json
import os
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

UP, UV, BE, BS, AT, ED = 0x01, 0x04, 0x08, 0x10, 0x40, 0x80
ORIGIN = "https://app.example"
AAGUID = bytes.fromhex("d548826e79b4db40a3d811116f7e8349")

Key = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def raw(text: str) -> bytes:
    """What ``b64`` encoded."""
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_key(algorithm: int) -> Key:
    """A fresh private key for a COSE algorithm."""
    if algorithm == -8:
        return ed25519.Ed25519PrivateKey.generate()
    if algorithm == -257:
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return ec.generate_private_key(ec.SECP256R1())


def cose_of(key: Key) -> dict[int, object]:
    """The public half as a COSE map (RFC 9053)."""
    public = key.public_key()
    if isinstance(public, ed25519.Ed25519PublicKey):
        return {1: 1, 3: -8, -1: 6, -2: public.public_bytes_raw()}
    if isinstance(public, rsa.RSAPublicKey):
        numbers = public.public_numbers()
        return {1: 3, 3: -257, -1: numbers.n.to_bytes((public.key_size + 7) // 8), -2: numbers.e.to_bytes(3)}
    assert isinstance(public, ec.EllipticCurvePublicKey)
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
    """A signature as WebAuthn wants it from this kind of key."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return key.sign(message)
    if isinstance(key, rsa.RSAPrivateKey):
        return key.sign(message, padding.PKCS1v15(), hashes.SHA256())
    return key.sign(message, ec.ECDSA(hashes.SHA256()))


@dataclass(slots=True, kw_only=True)
class Answer:
    """Everything that an answer is made of. A test changes what it likes; what is left alone fits the rest.

    ``client_bytes``, ``auth_bytes`` and ``attestation_bytes`` replace what would be made of the parts.
    """

    client: dict[str, Any]
    rp_id: str
    flags: int
    count: int
    id: bytes
    key: Key
    cose: dict[int, object] = field(default_factory=dict)
    aaguid: bytes = AAGUID
    id_size: int | None = None
    rest: bytes = b""
    format: str = "none"
    statement: Any = field(default_factory=dict)
    user: bytes | None = None
    transports: list[Any] = field(default_factory=lambda: ["usb"])
    client_bytes: bytes | None = None
    auth_bytes: bytes | None = None
    attestation_bytes: bytes | None = None
    signature: bytes | None = None
    edit: Callable[[dict[str, Any]], object] | None = None

    def client_data(self) -> bytes:
        """What the browser would collect."""
        return self.client_bytes if self.client_bytes is not None else json.dumps(self.client).encode()

    def auth_data(self) -> bytes:
        """What the authenticator would sign."""
        if self.auth_bytes is not None:
            return self.auth_bytes
        start = hashlib.sha256(self.rp_id.encode()).digest() + bytes([self.flags]) + self.count.to_bytes(4)
        if not self.flags & AT:
            return start + self.rest
        size = len(self.id) if self.id_size is None else self.id_size
        return start + self.aaguid + size.to_bytes(2) + self.id + cbor2.dumps(self.cose) + self.rest

    def attestation(self) -> bytes:
        """The attestation object around it."""
        if self.attestation_bytes is not None:
            return self.attestation_bytes
        return cbor2.dumps({"fmt": self.format, "attStmt": self.statement, "authData": self.auth_data()})

    def signed(self) -> bytes:
        """The signature over authenticator data and client data."""
        if self.signature is not None:
            return self.signature
        return sign(self.key, self.auth_data() + hashlib.sha256(self.client_data()).digest())

    def self_attested(self) -> None:
        """Attest with the credential's own key (packed, without a certificate)."""
        self.format = "packed"
        self.statement = {"alg": self.cose[3], "sig": self.signed()}

    def to_json(self, ceremony: str) -> dict[str, Any]:
        """What ``toJSON()`` gives."""
        inner: dict[str, Any] = {"clientDataJSON": b64(self.client_data())}
        if ceremony == "create":
            inner |= {"attestationObject": b64(self.attestation()), "transports": self.transports}
        else:
            inner |= {"authenticatorData": b64(self.auth_data()), "signature": b64(self.signed())}
            inner["userHandle"] = None if self.user is None else b64(self.user)
        answer = {
            "id": b64(self.id),
            "rawId": b64(self.id),
            "type": "public-key",
            "response": inner,
            "clientExtensionResults": {},
            "authenticatorAttachment": "cross-platform",
        }
        if self.edit is not None:
            self.edit(answer)
        return answer


Bend = Callable[[Answer], object]


@dataclass(slots=True, kw_only=True)
class SoftKey:
    """One authenticator with one credential. ``counts`` False is a synced passkey's counter: always 0."""

    algorithm: int = -7
    verifies: bool = True
    synced: bool = False
    counts: bool = True
    origin: str = ORIGIN
    count: int = 0
    id: bytes = field(default_factory=lambda: os.urandom(32))
    key: Key = field(init=False)
    user: bytes = b""

    def __post_init__(self) -> None:
        self.key = make_key(self.algorithm)

    @property
    def flags(self) -> int:
        """What it says about itself and its user."""
        return UP | (UV if self.verifies else 0) | (BE | BS if self.synced else 0)

    def create(self, options: Mapping[str, Any], bend: Bend | None = None) -> dict[str, Any]:
        """The answer to ``navigator.credentials.create()`` with the options' JSON form."""
        self.user = raw(options["user"]["id"])
        answer = Answer(
            client=self._client("webauthn.create", options["challenge"]),
            rp_id=options["rp"]["id"],
            flags=self.flags | AT,
            count=self.count,
            id=self.id,
            key=self.key,
            cose=cose_of(self.key),
        )
        if bend is not None:
            bend(answer)
        return answer.to_json("create")

    def get(self, options: Mapping[str, Any], bend: Bend | None = None) -> dict[str, Any]:
        """The answer to ``navigator.credentials.get()`` with the options' JSON form."""
        self.count += self.counts
        answer = Answer(
            client=self._client("webauthn.get", options["challenge"]),
            rp_id=options["rpId"],
            flags=self.flags,
            count=self.count if self.counts else 0,
            id=self.id,
            key=self.key,
            user=self.user,
        )
        if bend is not None:
            bend(answer)
        return answer.to_json("get")

    def _client(self, type: str, challenge: str) -> dict[str, Any]:
        return {"type": type, "challenge": challenge, "origin": self.origin, "crossOrigin": False}
