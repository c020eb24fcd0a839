"""An authenticator and the browser around it, made by hand.

A test can change every byte of an answer before it is sent.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import cbor2

from mfa_gate.testing.softkey import AT, BE, BS, ED, UP, UV, Key, b64, cose_of, make_key, raw, sign

__all__ = [
    "AT",
    "BE",
    "BS",
    "ED",
    "ORIGIN",
    "UP",
    "UV",
    "Answer",
    "Bend",
    "SoftKey",
    "b64",
    "cose_of",
    "make_key",
    "raw",
    "sign",
]

ORIGIN = "https://app.example"
AAGUID = bytes.fromhex("d548826e79b4db40a3d811116f7e8349")


@dataclass(slots=True, kw_only=True)
class Answer:
    """All parts of an answer, for a test to change; the unchanged parts fit the changed ones.

    ``client_bytes``, ``auth_bytes`` and ``attestation_bytes`` replace the bytes that the parts would give.
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
        """Return the client data that the browser would collect."""
        return self.client_bytes if self.client_bytes is not None else json.dumps(self.client).encode()

    def auth_data(self) -> bytes:
        """Return the authenticator data that the authenticator would sign."""
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
        """Return the object that ``toJSON()`` of the browser gives."""
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
    """One authenticator with one credential.

    ``counts`` False is the counter of a synced passkey: always 0.
    """

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
        """The flags of the authenticator about itself and its user."""
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
