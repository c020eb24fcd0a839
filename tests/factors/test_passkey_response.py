"""The bounds of a passkey's answer, to the byte: what is just small enough is read."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mfa_gate.factors.passkey_response import from_base64url, read_client_data, read_response, to_base64url


def answer(*, id: int = 16, client: int = 10, attestation: int = 0, authenticator: int = 0, signature: int = 0) -> Any:
    """Make an answer whose parts have so many bytes."""
    name = to_base64url(b"i" * id)
    inner: dict[str, Any] = {"clientDataJSON": to_base64url(b"c" * client)}
    if attestation:
        inner["attestationObject"] = to_base64url(b"a" * attestation)
    else:
        inner |= {"authenticatorData": to_base64url(b"d" * authenticator), "signature": to_base64url(b"s" * signature)}
    return {"type": "public-key", "id": name, "rawId": name, "response": inner}


LIMIT = 48 * 1024


@pytest.mark.parametrize(
    ("parts", "is_read"),
    [
        ({"attestation": LIMIT}, True),
        ({"attestation": LIMIT + 1}, False),
        ({"authenticator": LIMIT - 5, "signature": 5}, True),
        ({"authenticator": LIMIT - 5, "signature": 6}, False),
        ({"authenticator": 5, "signature": LIMIT - 5}, True),
        ({"attestation": 1, "client": 8192}, True),
        ({"attestation": 1, "client": 8193}, False),
        ({"attestation": 1, "id": 1023}, True),
        ({"attestation": 1, "id": 1024}, False),
        ({"attestation": 1, "id": 1}, True),
    ],
)
def test_the_size_of_an_answer(parts: dict[str, int], is_read: bool) -> None:
    """Nobody makes the gate check megabytes, and no real authenticator is refused."""
    assert (read_response(answer(**parts)) is not None) is is_read


@pytest.mark.parametrize(("size", "is_read"), [(65_536, True), (65_537, False)])
def test_the_size_of_the_text_of_a_form(size: int, is_read: bool) -> None:
    """It is measured in bytes before it is read."""
    text = json.dumps(answer(attestation=1))
    assert (read_response(text + " " * (size - len(text))) is not None) is is_read


@pytest.mark.parametrize(
    ("text", "raw"),
    [
        ("", b""),
        ("AA", b"\x00"),
        ("AAA", b"\x00\x00"),
        ("AAAA", b"\x00\x00\x00"),
        ("AAAAA", None),
        ("AB", None),
        (5, None),
    ],
)
def test_one_spelling(text: object, raw: bytes | None) -> None:
    """Bytes have one text, and a text that is none has no bytes."""
    assert from_base64url(text) == raw
    assert raw is None or to_base64url(raw) == text


@pytest.mark.parametrize(
    ("more", "is_embedded"),
    [
        ({}, False),
        ({"crossOrigin": False}, False),
        ({"crossOrigin": True}, True),
        ({"crossOrigin": None}, True),
        ({"crossOrigin": False, "topOrigin": "https://a.example"}, True),
        ({"topOrigin": "https://a.example"}, True),
    ],
)
def test_a_request_from_inside_another_site(more: dict[str, Any], is_embedded: bool) -> None:
    """Browsers before Level 2 name no ``crossOrigin``: their request is one's own (S-70)."""
    told = {"type": "webauthn.get", "challenge": "c", "origin": "https://b.example", **more}
    read = read_client_data(json.dumps(told).encode())
    assert read is not None
    assert read.embedded is is_embedded
