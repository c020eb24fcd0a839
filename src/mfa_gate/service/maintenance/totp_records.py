"""Check one authenticator app from another system: its secret must be strong enough."""

from __future__ import annotations

import binascii
from base64 import b32decode
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from ...core.model import Subject

WEAK, SHORT = 10, 16
"""Bytes. A secret below 80 bits is refused; one below 128 bits (RFC 4226 R6) is imported with a warning."""
KNOWN = frozenset((b"Hello!\xde\xad\xbe\xef", b"12345678901234567890", b"Hello World", b"Hello world!"))
"""Secrets from standards and documentation, which anybody may know."""
DIGITS = (6, 7, 8)
PERIODS = range(15, 121)
ALGORITHMS = {"": "sha1", "SHA1": "sha1", "SHA256": "sha256", "SHA512": "sha512"}
"""The algorithms, by the letters and digits of their names without ``HMAC``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unusable:
    """A line that is not imported, with a stable word and a sentence without the secret.

    ``line`` counts from 1.
    """

    line: int
    reason: str
    text: str
    user: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One app to import.

    ``step`` is the last time step that the other system accepted. No code of that step, or of one before it, counts
    again.
    """

    line: int
    user: str
    tenant: str
    secret: bytes = field(repr=False)
    digits: int = 6
    period: int = 30
    algorithm: str = "sha1"
    step: int = 0
    label: str = ""

    @property
    def is_short(self) -> bool:
        """Tell if the secret has fewer bits than the standard recommends."""
        return len(self.secret) < SHORT


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """The unchecked text of one app. ``secret`` is base32 unless ``is_hex``."""

    line: int
    user: str
    tenant: str
    secret: str = field(repr=False)
    is_hex: bool = False
    kind: str = "totp"
    algorithm: str = "SHA1"
    digits: str = "6"
    period: str = "30"
    step: str = "0"
    label: str = ""


def judged(raw: Raw) -> Record | Unusable:
    """Turn ``raw`` into a record, or into the reason for not importing it."""

    def no(reason: str, text: str) -> Unusable:
        return Unusable(line=raw.line, reason=reason, text=text, user=raw.user)

    try:
        Subject(raw.user, raw.tenant)
    except ValueError as error:
        return no("user", str(error))
    if raw.kind.lower() != "totp":
        return no("kind", f"{raw.kind[:20]!r} is not supported: only time-based codes (totp)")
    algorithm = ALGORITHMS.get("".join(filter(str.isalnum, raw.algorithm.upper())).removeprefix("HMAC"))
    if algorithm is None:
        return no(
            "algorithm",
            f"{raw.algorithm[:20]!r} is not supported: only SHA1, SHA256, SHA512; this app must be enrolled anew",
        )
    secret = _decoded(raw.secret, is_hex=raw.is_hex)
    if secret is None:
        return no("secret", "the secret cannot be read")
    if len(secret) < WEAK:
        return no(
            "weak", f"the secret has {8 * len(secret)} bits, fewer than {8 * WEAK}: this app must be enrolled anew"
        )
    if secret in KNOWN or len(set(secret)) < len(secret) // 4:
        return no("weak", "the secret is a well-known or patterned one: this app must be enrolled anew")
    numbers = [_number(text) for text in (raw.digits, raw.period, raw.step)]
    digits, period, step = (number if number is not None else -1 for number in numbers)
    if digits not in DIGITS:
        return no("digits", f"{raw.digits[:20]!r} digits: only {', '.join(map(str, DIGITS))}")
    if period not in PERIODS:
        return no("period", f"a period of {raw.period[:20]!r}: only {PERIODS.start} to {PERIODS.stop - 1} seconds")
    return Record(
        line=raw.line,
        user=raw.user,
        tenant=raw.tenant,
        secret=secret,
        digits=digits,
        period=period,
        algorithm=algorithm,
        step=max(step, 0),
        label=raw.label,
    )


def from_uri(uri: str, *, line: int, user: str, tenant: str) -> Raw | Unusable:
    """Read the app in an ``otpauth:`` address (Key Uri Format).

    Without ``user``, its label names the user.
    """
    try:
        parts = urlsplit(uri)
    except ValueError as error:
        return Unusable(line=line, reason="uri", text=f"this is no otpauth: address: {error}", user=user)
    if parts.scheme.lower() != "otpauth":
        return Unusable(line=line, reason="uri", text="this is no otpauth: address", user=user)
    issuer, colon, account = unquote(parts.path.lstrip("/")).partition(":")
    asked = {name.lower(): values[-1] for name, values in parse_qs(parts.query).items()}
    return Raw(
        line=line,
        user=user or (account if colon else issuer).strip(),
        tenant=tenant,
        secret=asked.get("secret", ""),
        kind=parts.netloc,
        algorithm=asked.get("algorithm", "SHA1"),
        digits=asked.get("digits", "6"),
        period=asked.get("period", "30"),
        label=asked.get("issuer", issuer if colon else ""),
    )


def _decoded(text: str, *, is_hex: bool) -> bytes | None:
    plain = "".join(char for char in text if char not in " -\t").rstrip("=")
    try:
        if is_hex:
            return bytes.fromhex(plain)
        return b32decode(plain.upper() + "=" * (-len(plain) % 8))
    except (ValueError, binascii.Error):
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 20 else None
