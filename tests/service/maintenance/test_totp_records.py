"""An app from another system is imported as it is, or refused with a reason and no secret."""

from __future__ import annotations

from base64 import b32encode
from dataclasses import replace

import pytest

from mfa_gate.service.maintenance.totp_records import Raw, Record, Unusable, from_uri, judged

SECRET = bytes(range(40, 60))
RAW = Raw(line=7, user="ann", tenant="alpha", secret=b32encode(SECRET).decode(), label="phone")
RECORD = Record(line=7, user="ann", tenant="alpha", secret=SECRET, label="phone")


@pytest.mark.parametrize(
    ("given", "made"),
    [
        ({}, {}),
        ({"secret": RAW.secret.lower()}, {}),
        ({"secret": f" {RAW.secret[:4]}-{RAW.secret[4:]}\t===="}, {}),
        ({"secret": SECRET.hex(), "is_hex": True}, {}),
        ({"kind": "TOTP"}, {}),
        ({"algorithm": ""}, {}),
        ({"algorithm": "HmacSHA256"}, {"algorithm": "sha256"}),
        ({"algorithm": "sha-512"}, {"algorithm": "sha512"}),
        ({"digits": "8", "period": "15"}, {"digits": 8, "period": 15}),
        ({"digits": "7", "period": "120"}, {"digits": 7, "period": 120}),
        ({"step": "58333333"}, {"step": 58333333}),
        ({"step": "-4"}, {"step": 0}),
        ({"step": "1" * 19}, {"step": int("1" * 19)}),
        ({"step": "1" * 20}, {"step": 0}),
        ({"secret": bytes(range(10)).hex(), "is_hex": True}, {"secret": bytes(range(10))}),
        ({"secret": (bytes([1, 2, 3, 4, 5] * 4)).hex(), "is_hex": True}, {"secret": bytes([1, 2, 3, 4, 5] * 4)}),
    ],
)
def test_what_is_imported(given: dict[str, object], made: dict[str, object]) -> None:
    """Every usual spelling is read."""
    assert judged(replace(RAW, **given)) == replace(RECORD, **made)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("given", "reason", "text"),
    [
        ({"user": ""}, "user", "id"),
        ({"kind": "hotp" + "x" * 30}, "kind", f"'hotp{'x' * 16}' is not supported: only time-based codes (totp)"),
        (
            {"algorithm": "MD5" + "y" * 30},
            "algorithm",
            f"'MD5{'y' * 17}' is not supported: only SHA1, SHA256, SHA512; this app must be enrolled anew",
        ),
        ({"secret": "0189"}, "secret", "the secret cannot be read"),
        ({"secret": "xyz", "is_hex": True}, "secret", "the secret cannot be read"),
        (
            {"secret": bytes(range(9)).hex(), "is_hex": True},
            "weak",
            "the secret has 72 bits, fewer than 80: this app must be enrolled anew",
        ),
        (
            {"secret": b"12345678901234567890".hex(), "is_hex": True},
            "weak",
            "the secret is a well-known or patterned one: this app must be enrolled anew",
        ),
        (
            {"secret": bytes([1, 2, 3, 4] * 5).hex(), "is_hex": True},
            "weak",
            "the secret is a well-known or patterned one: this app must be enrolled anew",
        ),
        ({"digits": "5"}, "digits", "'5' digits: only 6, 7, 8"),
        ({"digits": "9" * 30}, "digits", f"'{'9' * 20}' digits: only 6, 7, 8"),
        ({"digits": "٧"}, "digits", "'٧' digits: only 6, 7, 8"),
        ({"period": "14"}, "period", "a period of '14': only 15 to 120 seconds"),
        ({"period": "121"}, "period", "a period of '121': only 15 to 120 seconds"),
        ({"period": "p" * 30}, "period", f"a period of '{'p' * 20}': only 15 to 120 seconds"),
    ],
)
def test_what_is_refused(given: dict[str, object], reason: str, text: str) -> None:
    """The reason is a stable word, and the sentence is bounded and tells no secret."""
    found = judged(replace(RAW, **given))  # type: ignore[arg-type]
    assert isinstance(found, Unusable)
    assert (found.line, found.reason, found.user) == (7, reason, given.get("user", "ann"))
    assert found.text == text if reason != "user" else text in found.text


@pytest.mark.parametrize(("size", "short"), [(15, True), (16, False)])
def test_a_short_secret_is_told(size: int, short: bool) -> None:
    """Below 128 bits it is imported with a warning."""
    assert replace(RECORD, secret=bytes(size)).is_short is short


@pytest.mark.parametrize(
    ("uri", "user", "made"),
    [
        (
            "otpauth://totp/Shop:ann%40x.example?secret=ABC&issuer=Other",
            "",
            {"user": "ann@x.example", "secret": "ABC", "label": "Other"},
        ),
        ("otpauth://totp/Shop:%20ann?secret=ABC", "", {"user": "ann", "secret": "ABC", "label": "Shop"}),
        ("otpauth://totp/ann?secret=ABC", "", {"user": "ann", "secret": "ABC", "label": ""}),
        ("otpauth://totp/Shop:ann?secret=A&secret=ABC", "bob", {"user": "bob", "secret": "ABC", "label": "Shop"}),
        (
            "OTPAUTH://hotp/ann?Secret=ABC&ALGORITHM=SHA256&digits=8&period=60",
            "",
            {
                "user": "ann",
                "secret": "ABC",
                "label": "",
                "kind": "hotp",
                "algorithm": "SHA256",
                "digits": "8",
                "period": "60",
            },
        ),
        ("otpauth://totp/ann", "", {"user": "ann", "secret": "", "label": ""}),
    ],
)
def test_an_address(uri: str, user: str, made: dict[str, str]) -> None:
    """The label names the user where no other word does.

    It names the service where no ``issuer`` does.
    """
    assert from_uri(uri, line=3, user=user, tenant="alpha") == Raw(line=3, tenant="alpha", **made)  # type: ignore[arg-type]


@pytest.mark.parametrize("uri", ["https://x.example", "", "otpauth://[", "totp/ann"])
def test_what_is_no_address(uri: str) -> None:
    """It is refused with the line and the user."""
    found = from_uri(uri, line=3, user="ann", tenant="alpha")
    assert isinstance(found, Unusable)
    assert (found.line, found.reason, found.user) == (3, "uri", "ann")
    assert found.text.startswith("this is no otpauth: address")
