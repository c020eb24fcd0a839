"""Signatures of a device's key: ECDSA over P-256 with SHA-256, as WebCrypto makes them."""

from __future__ import annotations

from collections.abc import Sequence

from .passkey_response import from_base64url

FORM = "mfa-gate 1"
POINT_BYTES = 65
HALF = 32


def signed_text(host: str, words: Sequence[str]) -> bytes:
    """Write the text under a signature.

    Its lines begin with our name and the relying party's. No word holds a line break.
    """
    return "\n".join((FORM, host, *words)).encode()


def is_key(key: str) -> bool:
    """Check that ``key`` is a point of P-256, uncompressed, in base64url."""
    return _public_key(key) is not None


def is_signed(key: str, signature: str, text: bytes) -> bool:
    """Check that ``signature`` over ``text`` was made with ``key``. It never raises.

    The signature is r and s, 32 bytes each, in base64url.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
    from cryptography.hazmat.primitives.hashes import SHA256

    public, raw = _public_key(key), from_base64url(signature)
    if public is None or raw is None or len(raw) != 2 * HALF:
        return False
    both = encode_dss_signature(int.from_bytes(raw[:HALF]), int.from_bytes(raw[HALF:]))
    try:
        public.verify(both, text, ECDSA(SHA256()))
    except (InvalidSignature, ValueError):
        return False
    return True


def _public_key(key: str):  # type: ignore[no-untyped-def]
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey

    raw = from_base64url(key)
    if raw is None or len(raw) != POINT_BYTES or raw[0] != 4:
        return None
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), raw)
    except ValueError:
        return None
