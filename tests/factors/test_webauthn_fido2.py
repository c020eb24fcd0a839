"""Passkeys against an independent client and data model (python-fido2).

We accept the answers that it makes of our options.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import Event
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from fido2 import cbor
from fido2.client import ClientError, DefaultClientDataCollector, Fido2Client
from fido2.cose import ES256
from fido2.ctap import STATUS, CtapDevice, CtapError
from fido2.ctap2.base import AttestationResponse, Ctap2
from fido2.hid import CAPABILITY, CTAPHID
from fido2.utils import sha256
from fido2.webauthn import Aaguid, AttestedCredentialData, AuthenticatorData

from mfa_gate.factors.base import Accepted, Rejected

from .ceremony import Ceremony
from .softkey import ORIGIN

FLAG = AuthenticatorData.FLAG


@dataclass(slots=True, eq=False)
class Token(CtapDevice):
    """A CTAP2 authenticator in memory: get info, make credential, get assertion.

    The client in front of it is the one of fido2.
    """

    verifies: bool = False
    count: int = 0
    keys: dict[bytes, tuple[ec.EllipticCurvePrivateKey, str, dict[str, Any]]] = field(default_factory=dict)

    @property
    def capabilities(self) -> int:
        return int(CAPABILITY.CBOR)

    @classmethod
    def list_devices(cls) -> Iterator[CtapDevice]:
        return iter(())

    def call(
        self,
        cmd: int,
        data: bytes = b"",
        event: Event | None = None,
        on_keepalive: Callable[[STATUS], None] | None = None,
    ) -> bytes:
        assert cmd == CTAPHID.CBOR
        arguments: Any = cbor.decode(data[1:]) if data[1:] else {}
        match data[0]:
            case Ctap2.CMD.GET_INFO:
                options = {"rk": True, "up": True} | ({"uv": True} if self.verifies else {})
                answer: dict[int, Any] = {1: ["FIDO_2_0"], 3: bytes(16), 4: options, 5: 8192, 6: [1], 7: 20, 8: 255}
            case Ctap2.CMD.MAKE_CREDENTIAL:
                answer = self._make(arguments)
            case Ctap2.CMD.GET_ASSERTION:
                try:
                    answer = self._get(arguments)
                except LookupError:
                    return bytes([CtapError.ERR.NO_CREDENTIALS])
            case _:
                return bytes([CtapError.ERR.INVALID_COMMAND])
        if not answer:
            return bytes([CtapError.ERR.CREDENTIAL_EXCLUDED])
        return b"\0" + cbor.encode(answer)

    def _flags(self, options: dict[str, bool]) -> FLAG:
        return FLAG(0) | (FLAG.UP if options.get("up", True) else 0) | (FLAG.UV if options.get("uv") else 0)

    def _make(self, arguments: dict[int, Any]) -> dict[int, Any]:
        if any(known["id"] in self.keys for known in arguments.get(5, [])):
            return {}
        id, key = os.urandom(48), ec.generate_private_key(ec.SECP256R1())
        self.keys[id] = (key, arguments[2]["id"], arguments[3])
        credential = AttestedCredentialData.create(Aaguid.NONE, id, _public(key))
        flags = self._flags(arguments.get(7, {})) | FLAG.AT
        data = AuthenticatorData.create(sha256(arguments[2]["id"].encode()), flags, self.count, credential)
        statement = {"alg": -7, "sig": key.sign(data + arguments[1], ec.ECDSA(hashes.SHA256()))}
        made = AttestationResponse(fmt="packed", auth_data=data, att_stmt=statement)
        return {1: made.fmt, 2: bytes(made.auth_data), 3: dict(made.att_stmt)}

    def _get(self, arguments: dict[int, Any]) -> dict[int, Any]:
        offered = [known["id"] for known in arguments.get(3, [])] or list(self.keys)
        id = next((id for id in offered if id in self.keys and self.keys[id][1] == arguments[1]), None)
        if id is None:
            raise LookupError
        key, rp_id, user = self.keys[id]
        flags = self._flags(arguments.get(5, {}))
        self.count += bool(flags & FLAG.UP)
        data = AuthenticatorData.create(sha256(rp_id.encode()), flags, self.count)
        signature = key.sign(data + arguments[2], ec.ECDSA(hashes.SHA256()))
        return {1: {"id": id, "type": "public-key"}, 2: bytes(data), 3: signature, 4: {"id": user["id"]}}


def _public(key: ec.EllipticCurvePrivateKey) -> ES256:
    public = ES256.from_cryptography_key(key.public_key())  # type: ignore[no-untyped-call]
    assert isinstance(public, ES256)
    return public


def browser(token: Token, origin: str = ORIGIN) -> Fido2Client:
    """A WebAuthn client at ``origin`` with the token plugged in."""
    return Fido2Client(token, DefaultClientDataCollector(origin))


def enroll(ceremony: Ceremony, client: Fido2Client) -> Accepted | Rejected | None:
    """A registration through fido2's client; the options and the answer pass as JSON."""
    data = ceremony.draft()
    options = json.loads(json.dumps(ceremony.ask("enroll", data)))
    answer = json.loads(json.dumps(dict(client.make_credential(options))))
    outcome = ceremony.judge("enroll", data, answer)
    if isinstance(outcome, Accepted):
        ceremony.keep(outcome.data)
    return outcome


def prove(ceremony: Ceremony, client: Fido2Client) -> Accepted | Rejected | None:
    """An assertion through fido2's client."""
    data = ceremony.known[0].data
    options = json.loads(json.dumps(ceremony.ask("sign-in", data)))
    answer = json.loads(json.dumps(dict(client.get_assertion(options).get_response(0))))
    return ceremony.judge("sign-in", data, answer)


@pytest.mark.parametrize("verifies", [False, True])
def test_enroll_and_prove(verifies: bool) -> None:
    """fido2's client reads our options, and its answers are accepted."""
    ceremony, client = Ceremony(), browser(Token(verifies=verifies))
    enrolled = enroll(ceremony, client)
    assert isinstance(enrolled, Accepted)
    assert enrolled.user_verified is verifies
    proven = prove(ceremony, client)
    assert isinstance(proven, Accepted)
    assert (proven.user_verified, proven.data["count"]) == (verifies, 1)


def test_required() -> None:
    """The client verifies the user if the policy requires it, or does not even begin (S-74)."""
    ceremony = Ceremony(user_verification="required")
    assert isinstance(enroll(ceremony, browser(Token(verifies=True))), Accepted)
    with pytest.raises(ClientError) as caught:
        enroll(ceremony, browser(Token()))
    assert caught.value.code is ClientError.ERR.CONFIGURATION_UNSUPPORTED


def test_excluded() -> None:
    """A token that holds a passkey of this person is refused by the client itself (S-78)."""
    ceremony, client = Ceremony(), browser(Token())
    assert isinstance(enroll(ceremony, client), Accepted)
    with pytest.raises(ClientError) as caught:
        enroll(ceremony, client)
    assert caught.value.code is ClientError.ERR.DEVICE_INELIGIBLE


def test_only_what_was_offered() -> None:
    """A token without one of the offered passkeys does not answer."""
    ceremony = Ceremony()
    enroll(ceremony, browser(Token()))
    with pytest.raises(ClientError) as caught:
        prove(ceremony, browser(Token()))
    assert caught.value.code is ClientError.ERR.DEVICE_INELIGIBLE


def test_another_site() -> None:
    """The client refuses our relying party at another site.

    At a subdomain the client does not refuse, and we do (S-71).
    """
    ceremony, token = Ceremony(), Token()
    enroll(ceremony, browser(token))
    with pytest.raises(ClientError):
        prove(ceremony, browser(token, "https://evil.example"))
    assert prove(ceremony, browser(token, "https://evil.app.example")) == Rejected(reason="wrong_code", challenge="c2")


def test_two_tokens() -> None:
    """Either of two tokens answers a challenge for both."""
    ceremony, tokens = Ceremony(), [Token(), Token()]
    for token in tokens:
        assert isinstance(enroll(ceremony, browser(token)), Accepted)
    for place, token in enumerate(tokens):
        proven = prove(ceremony, browser(token))
        assert isinstance(proven, Accepted)
        assert proven.target == f"a{place}"
