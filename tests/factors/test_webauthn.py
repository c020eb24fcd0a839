"""Passkeys: right answers, and a hundred ways in which an answer can be wrong."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from mfa_gate.factors import BUILT_IN
from mfa_gate.factors.aaguids import NAMES
from mfa_gate.factors.base import Accepted, Rejected
from mfa_gate.factors.passkey_checks import credential_of
from mfa_gate.factors.passkey_response import (
    MAX_CLIENT_DATA,
    MAX_CREDENTIAL_ID,
    MAX_RESPONSE,
    from_base64url,
    read_response,
)

from .ceremony import FACTOR, NOW, Ceremony, enrolled
from .softkey import AAGUID, AT, BE, BS, ED, UP, UV, Answer, Bend, SoftKey, b64, cose_of, make_key, raw, sign

P384 = ec.generate_private_key(ec.SECP384R1())
TWICE = [cbor2.CBORTag(28, ["x" * 40]), cbor2.CBORTag(29, 1)]
"""A list that stands at two places; eight such levels of sixteen places each would be written four billion times."""
SMALL_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)


def client(**fields: Any) -> Bend:
    """Other client data; None takes a field away."""

    def bend(answer: Answer) -> None:
        answer.client |= fields
        answer.client = {name: value for name, value in answer.client.items() if value is not None}

    return bend


def part(**fields: Any) -> Bend:
    """Other parts of the answer; a function is given the old value."""

    def bend(answer: Answer) -> None:
        for name, value in fields.items():
            old = getattr(answer, name)
            setattr(answer, name, value(old) if callable(value) else value)

    return bend


def edit(change: Callable[[dict[str, Any]], object]) -> Bend:
    """A change of the finished JSON."""
    return lambda answer: setattr(answer, "edit", change)


def inner(**fields: Any) -> Bend:
    """Other fields of the JSON's ``response``; None takes one away."""

    def change(body: dict[str, Any]) -> None:
        body["response"] |= fields
        for name in [name for name, value in fields.items() if value is None]:
            del body["response"][name]

    return edit(change)


def outer(**fields: Any) -> Bend:
    """Other fields of the JSON; None takes one away."""

    def change(body: dict[str, Any]) -> None:
        body |= fields
        for name in [name for name, value in fields.items() if value is None]:
            del body[name]

    return edit(change)


def raw_client(make: Callable[[bytes], bytes]) -> Bend:
    """Other bytes of client data."""
    return lambda answer: setattr(answer, "client_bytes", make(answer.client_data()))


def raw_auth(make: Callable[[bytes], bytes]) -> Bend:
    """Other bytes of authenticator data."""
    return lambda answer: setattr(answer, "auth_bytes", make(answer.auth_data()))


def raw_attestation(make: Callable[[bytes], bytes]) -> Bend:
    """Other bytes of the attestation object."""
    return lambda answer: setattr(answer, "attestation_bytes", make(answer.attestation()))


def self_attested_by_another(answer: Answer) -> None:
    """Packed attestation whose signature is another key's."""
    answer.self_attested()
    answer.statement["sig"] = sign(make_key(-7), b"something else")


def flags_after_signing(answer: Answer) -> None:
    """A right signature, then other flags."""
    answer.signature = answer.signed()
    answer.flags = UP


def tagged(make: Callable[[Answer, bytes], None], tag: int, value: object) -> Bend:
    """An answer in which ``make`` puts a CBOR tag somewhere."""
    return lambda answer: make(answer, cbor2.dumps(cbor2.CBORTag(tag, value)))


def in_extensions(answer: Answer, item: bytes) -> None:
    """Extensions in which an item stands."""
    answer.flags |= ED
    answer.rest = cbor2.dumps({"x": 0})[:-1] + item


def in_key(answer: Answer, item: bytes) -> None:
    """One member more in the key, in which an item stands."""
    key = cbor2.dumps(answer.cose)
    answer.auth_bytes = answer.auth_data().removesuffix(key) + bytes([key[0] + 1]) + key[1:] + cbor2.dumps(100) + item


def in_attestation(answer: Answer, item: bytes) -> None:
    """One member more in the attestation, in which an item stands."""
    whole = answer.attestation()
    answer.attestation_bytes = bytes([whole[0] + 1]) + whole[1:] + cbor2.dumps("x") + item


def in_miscounted_key(answer: Answer, item: bytes) -> None:
    """A key with one member more than it says, as some devices write it; an item stands there."""
    with_key(answer, bytes.fromhex("a301634f4b500327206745643235353139") + cbor2.dumps(-2) + item)


def behind_a_longer_key(answer: Answer, item: bytes) -> None:
    """A key that is six bytes longer when it is written again.

    Behind it are extensions that are a plain item at their begin, and another one six bytes later.
    """
    key = cbor2.dumps(cose_of(answer.key))
    answer.flags |= ED
    extensions = b"\x59" + (len(item) + 3).to_bytes(2) + b"\0\0\0" + item
    with_key(answer, bytes([key[0] + 1]) + key[1:] + cbor2.dumps(100) + b"\xf9\x3c\x00" + extensions)


def with_key(answer: Answer, rest: bytes) -> None:
    """Credential data in the answer, with these bytes for its key and what follows."""
    start = answer.auth_data()[:37]
    credential = AAGUID + len(answer.id).to_bytes(2) + answer.id
    answer.auth_bytes = start[:32] + bytes([start[32] | AT]) + start[33:] + credential + rest


def key_of(key: Any, **fields: Any) -> Bend:
    """Return a change of the public key: another key, or other COSE fields.

    The names are kty, alg, crv, x, y, n, e. None takes a field away.
    """
    numbers = {"kty": 1, "alg": 3, "crv": -1, "x": -2, "y": -3, "n": -1, "e": -2}

    def bend(answer: Answer) -> None:
        answer.cose = cose_of(key) if key is not None else dict(answer.cose)
        for name, value in fields.items():
            answer.cose[numbers[name]] = value
            if value is None:
                del answer.cose[numbers[name]]

    return bend


BROKEN_CLIENT_DATA: dict[str, Bend] = {
    "type missing": client(type=None),
    "type no text": client(type=["webauthn.get"]),
    "type payment": client(type="payment.get"),
    "origin another host": client(origin="https://evil.example"),
    "origin a subdomain": client(origin="https://a.app.example"),
    "origin plain http": client(origin="http://app.example"),
    "origin another port": client(origin="https://app.example:8443"),
    "origin with a slash": client(origin="https://app.example/"),
    "origin in capitals": client(origin="https://APP.example"),
    "origin null": client(origin="null"),
    "origin missing": client(origin=None),
    "origin a list": client(origin=["https://app.example"]),
    "crossOrigin true": client(crossOrigin=True),
    "crossOrigin a word": client(crossOrigin="false"),
    "crossOrigin zero": client(crossOrigin=0),
    "topOrigin another": client(topOrigin="https://evil.example"),
    "topOrigin our own": client(topOrigin="https://app.example"),
    "topOrigin empty": client(topOrigin=""),
    "client data no JSON": raw_client(lambda _: b"not JSON"),
    "client data cut": raw_client(lambda b: b[:-2]),
    "client data a list": raw_client(lambda b: b"[" + b + b"]"),
    "client data UTF-16": raw_client(lambda b: b.decode().encode("utf-16")),
    "client data no UTF-8": raw_client(lambda b: b'{"\xff":1,' + b[1:]),
    "client data with a key twice": raw_client(lambda b: b[:-1] + b', "origin": "https://app.example"}'),
    "client data nested without end": raw_client(lambda _: b"[" * 8000),
    "challenge missing": client(challenge=None),
    "challenge a number": client(challenge=1),
}
"""What is wrong in either ceremony, and was examined."""

BROKEN_AUTH_DATA: dict[str, Bend] = {
    "relying party another": part(rp_id="evil.example"),
    "relying party a suffix": part(rp_id="example"),
    "relying party empty": part(rp_id=""),
    "user not present": part(flags=lambda f: f & ~UP),
    "no flags": part(flags=0),
    "BS without BE": part(flags=lambda f: (f & ~BE) | BS),
    "36 bytes": raw_auth(lambda b: b[:36]),
    "1 byte": raw_auth(lambda _: b"\0"),
    "leftover bytes": part(rest=b"\0"),
    "extensions promised, none there": part(flags=lambda f: f | ED),
    "extensions no CBOR": part(flags=lambda f: f | ED, rest=b"\xff"),
    "extensions cut": part(flags=lambda f: f | ED, rest=b"\xa1\x61"),
    "extensions nested without end": part(flags=lambda f: f | ED, rest=b"\x81" * 5000),
    "extensions with a list that stands twice": tagged(in_extensions, 28, TWICE),
    "extensions with a pattern": tagged(in_extensions, 35, "(?i)[a-z]"),
    "extensions with a number of a million digits": tagged(in_extensions, 4, [1_000_000, 1]),
    "credential data with a miscounted key and a pattern": tagged(in_miscounted_key, 35, "(?i)[a-z]"),
    "credential data with a longer key and a pattern": tagged(behind_a_longer_key, 35, "[a-z]" * 60),
    "extensions of a petabyte": part(flags=lambda f: f | ED, rest=b"\x9b\x00\x04" + b"\0" * 6),
}

BROKEN_REGISTRATIONS: dict[str, Bend] = {
    **BROKEN_CLIENT_DATA,
    **BROKEN_AUTH_DATA,
    "type of an assertion": client(type="webauthn.get"),
    "no credential in it": part(flags=lambda f: f & ~AT),
    "another id inside": edit(lambda body: body.update(id=b64(b"\1" * 32), rawId=b64(b"\1" * 32))),
    "id longer than it says": part(id_size=5),
    "id shorter than it says": part(id_size=60),
    "id without end": part(id_size=65535),
    "id empty inside": part(id_size=0),
    "key algorithm ES384": key_of(P384, alg=-35),
    "key on P-384 that says ES256": key_of(P384),
    "key algorithm PS256": key_of(SMALL_RSA, alg=-37),
    "key RSA of 1024 bits": key_of(SMALL_RSA),
    "key algorithm unknown": key_of(None, alg=-65535),
    "key algorithm a text": key_of(None, alg="ES256"),
    "key algorithm EdDSA with a P-256 point": key_of(None, alg=-8),
    "key algorithm missing": key_of(None, alg=None),
    "key type missing": key_of(None, kty=None),
    "key type unknown": key_of(None, kty=9),
    "key curve missing": key_of(None, crv=None),
    "key curve secp256k1": key_of(None, crv=8),
    "key point missing": key_of(None, y=None),
    "key point not on the curve": key_of(None, y=b"\1" * 32),
    "key point empty": key_of(None, x=b""),
    "key point a text": key_of(None, x="x" * 32),
    "key with a list that stands twice": tagged(in_key, 28, TWICE),
    "key with a pattern": tagged(in_key, 35, "(?i)[a-z]"),
    "key no map": part(cose=[1, 2, 3]),
    "key the number 4": part(cose=4),
    "key null": part(cose=None),
    "key cut": raw_auth(lambda b: b[:-20]),
    "attestation cut": raw_attestation(lambda b: b[:-20]),
    "attestation one byte": raw_attestation(lambda _: b"\xa3"),
    "attestation a list": raw_attestation(lambda b: cbor2.dumps([cbor2.loads(b)])),
    "attestation null": raw_attestation(lambda _: b"\xf6"),
    "attestation with bytes behind it": raw_attestation(lambda b: b + b"\0"),
    "attestation nested without end": raw_attestation(lambda _: b"\x81" * 30_000),
    "attestation of a petabyte": raw_attestation(lambda _: b"\x5b\x00\x04" + b"\0" * 6),
    "attestation tags without end": raw_attestation(lambda _: b"\xc1" * 30_000),
    "attestation with a pattern": tagged(in_attestation, 35, "(?i)[a-z]"),
    "attestation with a message": tagged(in_attestation, 36, "Subject: x"),
    "attestation without format": raw_attestation(lambda b: cbor2.dumps({**cbor2.loads(b), "fmt": None})),
    "attestation without authData": raw_attestation(lambda _: cbor2.dumps({"fmt": "none", "attStmt": {}})),
    "attestation authData a text": raw_attestation(lambda b: cbor2.dumps({**cbor2.loads(b), "authData": "x" * 200})),
    "attestation authData a number": raw_attestation(lambda b: cbor2.dumps({**cbor2.loads(b), "authData": 7})),
    "attestation statement null": raw_attestation(lambda b: cbor2.dumps({**cbor2.loads(b), "attStmt": None})),
    "attestation none with a statement": part(statement={"sig": b"x"}),
    "attestation none with an unknown statement": part(statement={"note": "x"}),
    "attestation none with a list": part(statement=[]),
    "attestation of an unknown format": part(format="tin-foil"),
    "attestation format a number": part(format=1),
    "attestation packed without a signature": part(format="packed"),
    "attestation packed by another key": self_attested_by_another,
    "attestation packed with a broken certificate": part(
        format="packed", statement={"alg": -7, "sig": b"x" * 70, "x5c": [b"no certificate"]}
    ),
    "attestation packed with a signature that is a number": part(format="packed", statement={"alg": -7, "sig": 5}),
    "attestation packed with one certificate for a list": part(
        format="packed", statement={"alg": -7, "sig": b"x" * 70, "x5c": 5}
    ),
    "attestation fido-u2f without anything": part(format="fido-u2f"),
    "attestation fido-u2f with a text for a certificate": part(
        format="fido-u2f", aaguid=bytes(16), statement={"sig": b"x" * 70, "x5c": ["no certificate"]}
    ),
    "attestation tpm without anything": part(format="tpm"),
    "attestation tpm with rubbish": part(
        format="tpm",
        statement={"ver": "2.0", "alg": -7, "sig": b"", "x5c": [b"x"], "certInfo": b"x", "pubArea": b"y"},
    ),
    "attestation tpm with a list for a key": part(
        format="tpm",
        statement={"ver": "2.0", "alg": -7, "sig": b"x", "x5c": [b"x"], "certInfo": b"x", "pubArea": [1]},
    ),
    "attestation apple without anything": part(format="apple"),
    "attestation apple with a number for certificates": part(format="apple", statement={"x5c": 5}),
    "attestation android-key without anything": part(format="android-key"),
    "attestation android-safetynet with rubbish": part(
        format="android-safetynet", statement={"ver": "1", "response": b"a.b.c"}
    ),
    "attestation android-safetynet with a text": part(
        format="android-safetynet", statement={"ver": "1", "response": "a.b.c"}
    ),
    "attestation android-safetynet nested without end": part(
        format="android-safetynet", statement={"ver": "1", "response": b64(b"[" * 20_000).encode() + b".b.c"}
    ),
    "an assertion in its place": inner(attestationObject=None, authenticatorData=b64(b"x" * 37), signature=b64(b"x")),
}

BROKEN_ASSERTIONS: dict[str, Bend] = {
    **BROKEN_CLIENT_DATA,
    **BROKEN_AUTH_DATA,
    "type of a registration": client(type="webauthn.create"),
    "signature by another key": lambda a: setattr(a, "key", make_key(-7)),
    "signature of nothing": part(signature=b"\0" * 70),
    "signature one byte": part(signature=b"\0"),
    "signature cut": lambda a: setattr(a, "signature", a.signed()[:-3]),
    "signature over other client data": lambda a: setattr(
        a, "signature", sign(a.key, a.auth_data() + hashlib.sha256(b"{}").digest())
    ),
    "signature by an RSA key": lambda a: setattr(a, "key", SMALL_RSA),
    "signature over flags that changed": flags_after_signing,
    "unlisted id": part(id=b"\1" * 32),
    "unlisted id of one byte": part(id=b"\1"),
    "foreign user handle": part(user=b"\1" * 64),
    "user handle cut": part(user=lambda u: u[:-1]),
    "user handle one byte": part(user=b"\0"),
    "BE that was not": part(flags=lambda f: f | BE),
    "BE and BS that were not": part(flags=lambda f: f | BE | BS),
    "counter the same": part(count=1),
    "counter back": part(count=0),
    "credential data promised, none there": raw_auth(lambda b: b[:32] + bytes([b[32] | AT]) + b[33:]),
    "a registration in its place": inner(authenticatorData=None, signature=None, attestationObject=b64(b"\xa0")),
}

MALFORMED: dict[str, Bend] = {
    "id is not rawId": outer(rawId=b64(b"\2" * 32)),
    "id missing": outer(id=None),
    "rawId missing": outer(rawId=None),
    "id empty": outer(id="", rawId=""),
    "id a number": outer(id=1, rawId=1),
    "id padded": lambda a: outer(id=b64(a.id) + "=", rawId=b64(a.id) + "=")(a),
    "id in plain base64": outer(id="+/" * 8, rawId="+/" * 8),
    "id of 1024 bytes": outer(id=b64(b"x" * 1024), rawId=b64(b"x" * 1024)),
    "id with bits left over": outer(id="AB", rawId="AB"),
    "id of an impossible length": outer(id="AAAAA", rawId="AAAAA"),
    "type missing": outer(type=None),
    "type another": outer(type="password"),
    "response missing": outer(response=None),
    "response a list": outer(response=[]),
    "response a text": outer(response="{}"),
    "attachment a number": outer(authenticatorAttachment=7),
    "client data missing": inner(clientDataJSON=None),
    "client data empty": inner(clientDataJSON=""),
    "client data no base64url": inner(clientDataJSON="{}"),
    "client data a list": inner(clientDataJSON=["e30"]),
    "client data over 8 KiB": inner(clientDataJSON=b64(b"x" * 8193)),
    "client data with a newline": lambda a: inner(clientDataJSON=b64(a.client_data()) + "\n")(a),
    "neither ceremony": inner(attestationObject=None, signature=None),
}

MALFORMED_CREATE: dict[str, Bend] = {
    "attestation empty": inner(attestationObject=""),
    "attestation no base64url": inner(attestationObject="!!!!"),
    "attestation a number": inner(attestationObject=5),
    "both ceremonies": inner(signature="AA", authenticatorData="AA"),
    "transports a text": inner(transports="usb"),
    "attestation over the size": inner(attestationObject=b64(b"x" * MAX_RESPONSE)),
}

MALFORMED_GET: dict[str, Bend] = {
    "authenticator data missing": inner(authenticatorData=None),
    "authenticator data empty": inner(authenticatorData=""),
    "authenticator data no base64url": inner(authenticatorData="a b"),
    "signature empty": inner(signature=""),
    "signature a number": inner(signature=5),
    "both ceremonies": inner(attestationObject="oA"),
    "user handle a number": inner(userHandle=5),
    "user handle no base64url": inner(userHandle="Ä"),
    "signature over the size": inner(signature=b64(b"x" * MAX_RESPONSE)),
}


@pytest.mark.parametrize("algorithm", [-7, -8, -257])
@pytest.mark.parametrize("synced", [False, True], ids=["one device", "synced"])
def test_enroll_and_prove(algorithm: int, synced: bool) -> None:
    """Each allowed algorithm works, on one device or synced.

    The stored data says which of the two (S-76, U-46).
    """
    key = SoftKey(algorithm=algorithm, synced=synced, counts=not synced)
    ceremony = enrolled(key)
    data = ceremony.known[0].data
    assert (data["eligible"], data["synced"], data["uv"]) == (synced, synced, True)
    assert data["claim"] == f"webauthn:{b64(key.id)}"
    for _ in range(3):
        proven = ceremony.prove(key)
        assert isinstance(proven, Accepted)
        assert proven.user_verified
        assert (proven.target, proven.challenge) == ("a0", ceremony.challenges[-1].id)
    assert ceremony.known[0].data["count"] == (0 if synced else 3)


@pytest.mark.parametrize("name", BROKEN_REGISTRATIONS)
def test_broken_registration(name: str) -> None:
    """A broken registration is never accepted and never raises an error.

    It costs an attempt and ends its challenge (S-37, S-67, S-70 to S-76, S-80).
    """
    ceremony = Ceremony()
    outcome = ceremony.enroll(SoftKey(), BROKEN_REGISTRATIONS[name])
    assert outcome == Rejected(reason="wrong_code", challenge="c0")


@pytest.mark.parametrize("name", BROKEN_ASSERTIONS)
def test_broken_assertion(name: str) -> None:
    """A broken assertion is never accepted and never raises an error.

    It costs an attempt and ends its challenge (S-37, S-67 to S-75, S-80).
    """
    key = SoftKey()
    ceremony = enrolled(key)
    ceremony.prove(key)
    outcome = ceremony.prove(key, BROKEN_ASSERTIONS[name])
    assert isinstance(outcome, Rejected)
    assert (outcome.reason, outcome.free, outcome.challenge) == ("wrong_code", False, "c2")
    assert isinstance(ceremony.prove(key), Accepted), "the same key, unbent, is accepted"


@pytest.mark.parametrize("name", [*MALFORMED, *MALFORMED_CREATE])
def test_malformed_registration(name: str) -> None:
    """A registration of the wrong shape, base64url or size is no answer at all (S-38)."""
    bend = {**MALFORMED, **MALFORMED_CREATE}[name]
    bend = inner(attestationObject=None) if name == "neither ceremony" else bend
    assert Ceremony().enroll(SoftKey(), bend) is None


@pytest.mark.parametrize("name", [*MALFORMED, *MALFORMED_GET])
def test_malformed_assertion(name: str) -> None:
    """An assertion of the wrong shape, base64url or size is no answer at all (S-38)."""
    key = SoftKey()
    bend = {**MALFORMED, **MALFORMED_GET}[name]
    bend = inner(signature=None) if name == "neither ceremony" else bend
    assert enrolled(key).prove(key, bend) is None


@pytest.mark.parametrize(
    "response",
    [
        None,
        "",
        "123456",
        "{",
        "[]",
        "null",
        '{"a":1,"a":2}',
        "[" * 60_000,
        '{"a":' * 10_000,
        "\ud800",
        b"{}",
        5,
        [],
        {},
        {"id": "AA"},
        {1: 2},
        "{" + " " * MAX_RESPONSE + "}",
    ],
    ids=lambda value: f"{type(value).__name__} {str(value)[:12]!r}",
)
def test_no_answer(response: object) -> None:
    """A response that is no passkey's answer is read as none, whatever its type (S-38, S-80)."""
    assert FACTOR.read(response, Ceremony().rules) is None


def test_text_and_object() -> None:
    """The form's text and the API's object are the same answer, and spell the same."""
    key = SoftKey()
    ceremony = enrolled(key)
    answer = key.get(ceremony.ask("sign-in", ceremony.known[0].data))
    text = FACTOR.read(json.dumps(answer), ceremony.rules)
    assert text == FACTOR.read(answer, ceremony.rules)
    assert text is not None
    assert str(text) == str(FACTOR.read(json.dumps(answer, indent=2), ceremony.rules))


def test_verify_of_anything() -> None:
    """``verify`` raises on no input whatever."""
    ceremony = enrolled(SoftKey())
    for response in (None, "x", 5, object()):
        outcome = FACTOR.verify(ceremony.context("sign-in"), data={}, challenges=ceremony.challenges, response=response)
        assert outcome == Rejected(reason="malformed", free=True)


# -- the challenge -------------------------------------------------------------------------------------------------


def test_challenge() -> None:
    """32 bytes, fresh each time, for five minutes, three at once (S-67)."""
    ceremony = enrolled(SoftKey())
    issue = FACTOR.issue(ceremony.context("sign-in"), ceremony.known[0].data)
    again = FACTOR.issue(ceremony.context("sign-in"), ceremony.known[0].data)
    assert issue is not None
    assert again is not None
    assert not isinstance(issue, Rejected)
    assert not isinstance(again, Rejected)
    assert (issue.ttl, issue.live) == (300, 3)
    assert len(raw(str(issue.data["challenge"]))) == 32
    assert issue.data["challenge"] != again.data["challenge"]


@pytest.mark.parametrize(("seconds", "accepted"), [(0, True), (299, True), (300, False), (301, False), (86_400, False)])
def test_expiry(seconds: int, accepted: bool) -> None:
    """At exactly five minutes the challenge is dead, and an answer to it costs nothing (S-67)."""
    key = SoftKey()
    ceremony = enrolled(key)
    answer = key.get(ceremony.ask("sign-in", ceremony.known[0].data))
    ceremony.now += seconds
    outcome = ceremony.judge("sign-in", ceremony.known[0].data, answer)
    if accepted:
        assert isinstance(outcome, Accepted)
    else:
        assert outcome == Rejected(reason="code_expired", free=True)


def test_spent() -> None:
    """A challenge that was answered is no challenge any more, right or wrong (S-67)."""
    key = SoftKey()
    ceremony = enrolled(key)
    answer = key.get(ceremony.ask("sign-in", ceremony.known[0].data))
    ceremony.challenges[-1] = replace(ceremony.challenges[-1], spent_at=NOW)
    outcome = ceremony.judge("sign-in", ceremony.known[0].data, answer)
    assert outcome == Rejected(reason="code_already_used", free=True)


@pytest.mark.parametrize(
    "challenge",
    [b64(os.urandom(32)), "", "A", "=", "Ä", b64(bytes(32)), "A" * 5000],
    ids=["random", "empty", "short", "padding", "umlaut", "zeros", "long"],
)
def test_unknown_challenge(challenge: str) -> None:
    """A challenge that was not issued here costs no attempt, and ends no other."""
    key = SoftKey()
    ceremony = enrolled(key)
    assert ceremony.prove(key, client(challenge=challenge)) == Rejected(reason="code_expired", free=True)


def test_padded_challenge() -> None:
    """The challenge is compared as it was spelled."""
    key = SoftKey()
    ceremony = enrolled(key)
    outcome = ceremony.prove(key, lambda a: a.client.update(challenge=a.client["challenge"] + "="))
    assert outcome == Rejected(reason="code_expired", free=True)


def test_ceremonies_are_not_exchanged() -> None:
    """The challenge of a registration proves nothing at sign-in, nor the other way round.

    S-73.
    """
    key = SoftKey()
    ceremony = enrolled(key)
    data = ceremony.known[0].data
    options = ceremony.ask("enroll", ceremony.draft())
    answer = key.get({"challenge": options["challenge"], "rpId": "app.example"})
    assert ceremony.judge("sign-in", data, answer) == Rejected(reason="wrong_code", challenge="c1")
    shown = ceremony.ask("sign-in", data)
    other = SoftKey().create({"challenge": shown["challenge"], "rp": {"id": "app.example"}, "user": {"id": "AA"}})
    assert ceremony.judge("enroll", ceremony.draft(), other) == Rejected(reason="wrong_code", challenge="c2")


# -- whose credential ----------------------------------------------------------------------------------------------


def test_another_of_mine() -> None:
    """All passkeys of a subject are offered, the one asked for first.

    The answer counts for the passkey that gave it.
    """
    first, second = SoftKey(), SoftKey(algorithm=-8)
    ceremony = enrolled(first)
    ceremony.enroll(second)
    shown = ceremony.ask("sign-in", ceremony.known[1].data)
    assert [c["id"] for c in shown["allowCredentials"]] == [b64(second.id), b64(first.id)]
    proven = ceremony.prove(second)
    assert isinstance(proven, Accepted)
    assert proven.target == "a1"
    assert credential_of(proven.data) == b64(second.id)
    assert ceremony.known[0].data["count"] == 0


def test_not_offered() -> None:
    """A passkey that was added after the challenge was issued does not answer it (S-68)."""
    first, second = SoftKey(), SoftKey()
    ceremony = enrolled(first)
    shown = ceremony.ask("sign-in", ceremony.known[0].data)
    ceremony.enroll(second)
    outcome = ceremony.judge("sign-in", ceremony.known[0].data, second.get(shown))
    assert outcome == Rejected(reason="wrong_code", challenge="c1")


def test_removed_meanwhile() -> None:
    """A passkey that was removed after the challenge was issued does not answer it (S-68)."""
    key = SoftKey()
    ceremony = enrolled(key)
    data = ceremony.known[0].data
    answer = key.get(ceremony.ask("sign-in", data))
    ceremony.known.clear()
    assert ceremony.judge("sign-in", data, answer) == Rejected(reason="wrong_code", challenge="c1")


def test_key_of_the_row() -> None:
    """Another person's credential with its own right signature is unknown here.

    The key comes from the subject's row (S-68).
    """
    mine, foreign = SoftKey(), SoftKey()
    ceremony = enrolled(mine)
    enrolled(foreign, id="bob")
    outcome = ceremony.prove(foreign)
    assert isinstance(outcome, Rejected)
    assert not outcome.free
    assert isinstance(ceremony.prove(mine, lambda a: setattr(a, "key", foreign.key)), Rejected)


@pytest.mark.parametrize("handle", [None, b""])
def test_handle_absent(handle: bytes | None) -> None:
    """Security keys leave the user handle out; then there is nothing to compare (S-69)."""
    key = SoftKey()
    assert isinstance(enrolled(key).prove(key, part(user=handle)), Accepted)


def test_enrolled_twice() -> None:
    """A credential that the subject already has is refused at no cost.

    It ends its challenge (S-77, D-56).
    """
    key = SoftKey()
    ceremony = enrolled(key)
    assert ceremony.enroll(key) == Rejected(reason="already_enrolled", free=True, challenge="c1")


@pytest.mark.parametrize("error", [TypeError("unexpected keyword"), RuntimeError("no"), KeyError("x"), ValueError("x")])
def test_what_is_no_refusal_of_the_library_is_a_fault(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """An error of the library that is no refusal goes up.

    A library that does not work is no wrong answer. So nobody is charged for it.
    """
    import webauthn

    def fail(**_: object) -> None:
        raise error

    key = SoftKey()
    ceremony = enrolled(key)
    monkeypatch.setattr(webauthn, "verify_authentication_response", fail)
    monkeypatch.setattr(webauthn, "verify_registration_response", fail)
    with pytest.raises(type(error)):
        ceremony.prove(key)
    with pytest.raises(type(error)):
        ceremony.enroll(SoftKey())


def test_libraries_that_do_not_fit_are_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    """A decoder that cannot read an empty map is a fault, not a wrong answer.

    The library wraps the errors of its decoder in its own words. So the decoder is tried once on its own.
    """
    from mfa_gate.factors import passkey_checks

    def refuse(*_: object, **__: object) -> None:
        raise TypeError("got an unexpected keyword argument")

    ceremony = Ceremony()
    monkeypatch.setattr(cbor2, "loads", refuse)
    passkey_checks._try_libraries.cache_clear()
    try:
        with pytest.raises(Exception, match="CBOR"):
            ceremony.enroll(SoftKey())
    finally:
        passkey_checks._try_libraries.cache_clear()


# -- flags, counter, policy ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "verified", "accepted"),
    [
        ("required", True, True),
        ("required", False, False),
        ("preferred", True, True),
        ("preferred", False, True),
        ("discouraged", False, True),
    ],
)
def test_user_verification(policy: Any, verified: bool, accepted: bool) -> None:
    """The server's policy decides if the user must be verified.

    It does so at enrollment and at sign-in. The flag is kept (S-74).
    """
    ceremony = Ceremony(user_verification=policy)
    outcome = ceremony.enroll(SoftKey(verifies=verified))
    assert isinstance(outcome, Accepted) is accepted
    if isinstance(outcome, Accepted):
        assert (outcome.user_verified, outcome.data["uv"]) == (verified, verified)
    key = SoftKey()
    later = enrolled(key)
    later.user_verification = policy
    proven = later.prove(key, part(flags=UP | (UV if verified else 0)))
    assert isinstance(proven, Accepted) is accepted
    assert not isinstance(proven, Accepted) or proven.user_verified is verified


@pytest.mark.parametrize(
    ("options", "selection"),
    [
        ({}, {"residentKey": "preferred", "requireResidentKey": False, "userVerification": "preferred"}),
        (
            {"resident_key": "required", "attachment": "platform"},
            {
                "residentKey": "required",
                "requireResidentKey": True,
                "userVerification": "preferred",
                "authenticatorAttachment": "platform",
            },
        ),
        (
            {"resident_key": "discouraged", "attachment": "cross-platform"},
            {
                "residentKey": "discouraged",
                "requireResidentKey": False,
                "userVerification": "preferred",
                "authenticatorAttachment": "cross-platform",
            },
        ),
    ],
)
def test_the_policy_selects_authenticators(options: Any, selection: dict[str, object]) -> None:
    """The browser is asked for the kind of passkey that the policy wants."""
    ceremony = Ceremony(options=options)
    assert ceremony.ask("enroll", ceremony.draft())["authenticatorSelection"] == selection


@pytest.mark.parametrize("told", ["platform", "cross-platform", "elsewhere", None])
@pytest.mark.parametrize("wanted", ["any", "platform", "cross-platform"])
def test_another_kind_than_the_policys(wanted: str, told: str | None) -> None:
    """A passkey that the browser says is of another kind than asked for is refused at no cost.

    A browser that says nothing is believed to have obeyed (S-76).
    """
    ceremony = Ceremony(options={"attachment": wanted})
    outcome = ceremony.enroll(SoftKey(), outer(authenticatorAttachment=told))
    if wanted != "any" and told in ("platform", "cross-platform") and told != wanted:
        assert outcome == Rejected(reason="not_enrollable", free=True, challenge="c0")
    else:
        assert isinstance(outcome, Accepted)


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ({"credProps": {"rk": False}}, False),
        ({"credProps": {"rk": True}}, True),
        ({"credProps": {}}, True),
        ({"credProps": {"rk": "false"}}, True),
        ({"credProps": []}, True),
        ({}, True),
        ([], True),
        (None, True),
    ],
)
@pytest.mark.parametrize("wanted", ["required", "preferred"])
def test_a_passkey_that_is_not_kept_where_the_policy_wants_it(wanted: str, told: object, kept: bool) -> None:
    """A browser that was asked, and says no, has not obeyed: refused at no cost.

    A browser that says nothing is believed, and nobody is asked where the policy lets the browser choose (10.1.3).
    """
    ceremony = Ceremony(options={"resident_key": wanted})
    asked = ceremony.ask("enroll", ceremony.draft())
    assert asked.get("extensions") == ({"credProps": True} if wanted == "required" else None)
    outcome = ceremony.enroll(SoftKey(), outer(clientExtensionResults=told))
    if wanted == "required" and not kept:
        assert outcome == Rejected(reason="not_enrollable", free=True, challenge="c1")
    else:
        assert isinstance(outcome, Accepted)


def test_hints_of_the_policy() -> None:
    """The hints of the policy are told at enrollment and at sign-in, if there are any."""
    plain, key = Ceremony(), SoftKey()
    assert "hints" not in plain.ask("enroll", plain.draft())
    ceremony = Ceremony(options={"hints": ("security-key", "hybrid")})
    assert ceremony.ask("enroll", ceremony.draft())["hints"] == ["security-key", "hybrid"]
    later = enrolled(key)
    later.options = {"hints": ("client-device",)}
    assert later.ask("sign-in", later.known[0].data)["hints"] == ["client-device"]


@pytest.mark.parametrize(
    ("bend", "alarm"),
    [
        (part(count=3), "counter_back"),
        (part(count=0), "counter_back"),
        (part(flags=lambda f: f | BE), "backup_eligibility_changed"),
    ],
)
def test_alarm(bend: Bend, alarm: str) -> None:
    """A counter that goes back is refused with an alarm, though the signature is right.

    The same holds for eligibility that changes (S-75).
    """
    key = SoftKey(count=9)
    ceremony = enrolled(key)
    assert ceremony.prove(key, bend) == Rejected(reason="wrong_code", alarm=alarm, challenge="c1")


def test_no_alarm_without_the_key() -> None:
    """A sender without the key raises no alarm with a counter of their own making (S-75)."""
    key = SoftKey(count=9)
    ceremony = enrolled(key)

    def forged(answer: Answer) -> None:
        answer.count, answer.key = 0, make_key(-7)

    assert ceremony.prove(key, forged) == Rejected(reason="wrong_code", challenge="c1")


def test_eligibility_lost() -> None:
    """A synced passkey that says it never could be synced is refused (S-75)."""
    key = SoftKey(synced=True, counts=False)
    ceremony = enrolled(key)
    outcome = ceremony.prove(key, part(flags=UP | UV))
    assert outcome == Rejected(reason="wrong_code", alarm="backup_eligibility_changed", challenge="c1")


def test_backup_state_follows() -> None:
    """The backup state of a passkey may change, and the stored data follows."""
    key = SoftKey(synced=True, counts=False)
    ceremony = enrolled(key)
    ceremony.prove(key, part(flags=UP | UV | BE))
    assert ceremony.known[0].data["synced"] is False
    assert FACTOR.hint(ceremony.context("sign-in"), ceremony.known[0].data) == "Not synced yet"


def test_origins_come_from_settings() -> None:
    """Each listed origin is accepted, exactly; none listed, none accepted (S-71)."""
    key = SoftKey(origin="https://other.example")
    assert isinstance(Ceremony(origins=("https://app.example", "https://other.example")).enroll(key), Accepted)
    assert isinstance(Ceremony(origins=()).enroll(SoftKey()), Rejected)


@pytest.mark.parametrize("algorithm", [-7, -8, -257])
def test_self_attestation(algorithm: int) -> None:
    """An attestation by the credential's own key is checked and adds nothing."""
    assert isinstance(Ceremony().enroll(SoftKey(algorithm=algorithm), Answer.self_attested), Accepted)


def test_typed_result_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the library's own result type is a success.

    This holds whatever else the library may return one day (S-72).
    """
    import webauthn

    def another_type(verify: Callable[..., object]) -> Callable[..., object]:
        return lambda **given: SimpleNamespace(**vars(verify(**given)))

    key = SoftKey()
    ceremony = enrolled(key)
    for name in ("verify_registration_response", "verify_authentication_response"):
        monkeypatch.setattr(webauthn, name, another_type(getattr(webauthn, name)))
    assert isinstance(ceremony.prove(key), Rejected)
    assert isinstance(ceremony.enroll(SoftKey()), Rejected)


# -- what the browser is told --------------------------------------------------------------------------------------


def test_creation_options() -> None:
    """The options of a registration have a handle of 64 random bytes without personal data.

    All passkeys of a subject have one handle. Enrolled passkeys are excluded (S-78). The algorithms and the
    user verification are those of the policy (S-74, S-76).
    """
    first = SoftKey()
    ceremony = enrolled(first, user_verification="required")
    shown = ceremony.ask("enroll", ceremony.draft())
    assert shown["user"]["id"] == ceremony.known[0].data["user"]
    assert len(raw(shown["user"]["id"])) == 64
    assert (shown["user"]["name"], shown["user"]["displayName"]) == ("alice@t.example", "Alice Example")
    assert shown["rp"] == {"id": "app.example", "name": "App"}
    assert shown["excludeCredentials"] == [{"id": b64(first.id), "type": "public-key", "transports": ["usb"]}]
    assert [p["alg"] for p in shown["pubKeyCredParams"]] == [-8, -7, -257]
    assert shown["attestation"] == "none"
    assert shown["timeout"] == 300_000
    assert shown["authenticatorSelection"]["userVerification"] == "required"
    assert raw(Ceremony().draft()["user"]) != raw(Ceremony().draft()["user"])  # type: ignore[arg-type]


def test_draft_keeps_no_plain_name() -> None:
    """A draft holds the person's name only sealed, and it is gone once the passkey counts."""
    draft = Ceremony().draft()
    assert "alice" not in json.dumps(draft).casefold()
    assert "who" not in enrolled(SoftKey()).known[0].data


def test_request_options() -> None:
    """The options of a request name the relying party of the settings.

    They also name the passkeys that may answer, and the policy's user verification.
    """
    key = SoftKey()
    ceremony = enrolled(key, user_verification="discouraged")
    shown = ceremony.ask("sign-in", ceremony.known[0].data)
    assert shown["rpId"] == "app.example"
    assert shown["userVerification"] == "discouraged"
    assert shown["allowCredentials"] == [{"id": b64(key.id), "type": "public-key", "transports": ["usb"]}]
    assert json.loads(json.dumps(shown)) == shown


@pytest.mark.parametrize(
    ("aaguid", "transports", "label"),
    [
        (AAGUID, ["internal"], "Bitwarden"),
        (bytes(16), ["usb", "nfc"], "Security key"),
        (bytes(16), ["internal", "hybrid"], "Passkey"),
        (bytes(16), [], "Passkey"),
        (bytes(16), ["telepathy", 7, None], "Passkey"),
    ],
)
def test_label(aaguid: bytes, transports: list[Any], label: str) -> None:
    """A passkey is called after its provider, else after its kind (U-45)."""
    outcome = Ceremony().enroll(SoftKey(), part(aaguid=aaguid, transports=transports))
    assert isinstance(outcome, Accepted)
    assert outcome.label == label
    assert all(t in ("usb", "nfc", "internal", "hybrid") for t in outcome.data["transports"])  # type: ignore[attr-defined]


def test_names() -> None:
    """The table's ids are AAGUIDs, and its names fit a label."""
    for aaguid, name in NAMES.items():
        assert [len(part) for part in aaguid.split("-")] == [8, 4, 4, 4, 12]
        bytes.fromhex(aaguid.replace("-", ""))
        assert 0 < len(name) <= 40


def test_registered() -> None:
    """The passkey is one of the factors, with its traits.

    It is phishing resistant and challenged, is not typed, and a person may have several.
    """
    traits = BUILT_IN.traits["webauthn"]
    assert BUILT_IN["webauthn"].traits is traits
    assert (traits.phishing_resistant, traits.needs_challenge, traits.typed, traits.single) == (
        True,
        True,
        False,
        False,
    )
    assert traits.sends == ""


@pytest.mark.parametrize("text", ["A", "AB", "AA==", "A A", "AA\n", "+/", "é", 5, None, b"AA"])
def test_base64url(text: object) -> None:
    """Only the one canonical spelling without padding is base64url."""
    assert from_base64url(text) is None


def test_enough_is_broken() -> None:
    """The tables hold at least sixty broken registrations and sixty broken assertions."""
    assert len(BROKEN_REGISTRATIONS) + len(MALFORMED) + len(MALFORMED_CREATE) >= 60
    assert len(BROKEN_ASSERTIONS) + len(MALFORMED) + len(MALFORMED_GET) >= 60


@pytest.mark.parametrize(("prompt", "at_once"), [("at-once", True), ("button", False)])
def test_the_prompt_is_the_policys(prompt: str, at_once: bool) -> None:
    """U-41: the browser asks by itself only where the policy says so."""
    assert FACTOR.prompts(Ceremony(options={"prompt": prompt}).rules) is at_once


def test_nothing_is_sent_for_a_passkey() -> None:
    """So no limit of sends keeps anybody waiting."""
    assert FACTOR.limits(Ceremony().rules) is None


def test_a_browser_hears_which_passkeys_are_left() -> None:
    """U-47: the passkeys of this owner alone, so that the browser forgets the removed ones."""
    ceremony = enrolled(SoftKey())
    owner = FACTOR.owner(ceremony.known[0].data)
    assert owner == ceremony.known[0].data["user"]
    assert FACTOR.owner({}) == ""
    left = FACTOR.accepted(ceremony.context("sign-in"), owner)
    assert left == {
        "rpId": "app.example",
        "userId": owner,
        "allAcceptedCredentialIds": [credential_of(ceremony.known[0].data)],
    }
    ceremony.known.clear()
    assert FACTOR.accepted(ceremony.context("sign-in"), owner)["allAcceptedCredentialIds"] == []


def test_where_a_passkey_is_kept() -> None:
    """U-46: one of an older release says nothing."""
    data = enrolled(SoftKey()).known[0].data
    mine = Ceremony().context("sign-in")
    assert FACTOR.hint(mine, {}) == ""
    assert FACTOR.hint(mine, {**data, "eligible": False}) == "On one device only"
    assert FACTOR.hint(mine, {**data, "eligible": True, "synced": True}) == "Synced"
    assert FACTOR.hint(mine, {**data, "eligible": True, "synced": False}) == "Not synced yet"


def test_a_stored_key_that_cannot_be_read() -> None:
    """A damaged row is no right answer, and raises nothing."""
    key = SoftKey()
    ceremony = enrolled(key)
    ceremony.known[0] = replace(ceremony.known[0], data={**ceremony.known[0].data, "key": "="})
    assert isinstance(ceremony.prove(key), Rejected)


@pytest.mark.parametrize(("id_more", "client_more", "read"), [(0, 0, True), (1, 0, False), (0, 1, False)])
def test_the_largest_parts_of_an_answer(id_more: int, client_more: int, read: bool) -> None:
    """S-80: an id and client data of exactly the limit are read, one byte more is malformed."""
    id, client_data = b64(b"i" * (MAX_CREDENTIAL_ID + id_more)), b64(b"c" * (MAX_CLIENT_DATA + client_more))
    answer = {
        "type": "public-key",
        "id": id,
        "rawId": id,
        "response": {"clientDataJSON": client_data, "attestationObject": b64(b"a")},
    }
    assert (read_response(answer) is not None) is read


@pytest.mark.parametrize(
    ("attachment", "kept"),
    [("platform", "platform"), ("cross-platform", "cross-platform"), ("elsewhere", ""), (None, ""), (7, None)],
)
def test_where_a_browser_says_that_the_passkey_is(attachment: object, kept: str | None) -> None:
    """The two known words are kept, any other says nothing, and what is no word is malformed."""
    for parts in ({"attestationObject": b64(b"a")}, {"authenticatorData": b64(b"a"), "signature": b64(b"s")}):
        found = read_response(
            {
                "type": "public-key",
                "id": b64(b"id"),
                "rawId": b64(b"id"),
                "authenticatorAttachment": attachment,
                "response": {"clientDataJSON": b64(b"c"), **parts},
            }
        )
        assert (found.attachment if found else None) == kept
