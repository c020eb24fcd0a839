"""The keys that seal, open, sign and digest.

Each purpose has a derived key of its own, and each ciphertext is bound to its row.
"""

from __future__ import annotations

import hashlib
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

PREFIX = "mfa1_"
CHAIN = "trail/chain"
"""The purpose of the key that chains the lines of the trail."""
KEY_BYTES = 32
_CHECK_BYTES = 4
_ID_BYTES = 3
_NONCE_BYTES = 12
_DIGEST_BYTES = 16
_DIGEST_LENGTH = 26
"""Characters: the key's id and 16 bytes."""


class KeyFault(ValueError):
    """A key that is not usable; the message says why and never shows the key."""


class Unopened(ValueError):
    """A ciphertext of an unlisted key, of another row or purpose, or one that was altered."""


def _b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _raw(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def make_key(entropy: bytes) -> str:
    """Write a new key as text. Raises ``KeyFault`` unless ``entropy`` has 32 bytes.

    They must be fresh from the system.
    """
    if len(entropy) != KEY_BYTES:
        raise KeyFault(f"a key is made of {KEY_BYTES} random bytes, not {len(entropy)}")
    return PREFIX + _b64(entropy + hashlib.sha256(entropy).digest()[:_CHECK_BYTES])


def join(parts: Sequence[str]) -> bytes:
    """Join ``parts`` to bytes that no other list of parts gives."""
    joined = b""
    for part in parts:
        encoded = part.encode("utf-8", "surrogatepass")
        joined += len(encoded).to_bytes(4) + encoded
    return joined


@dataclass(frozen=True, slots=True)
class _Key:
    id: str
    secret: bytes

    def derived(self, purpose: str) -> bytes:
        return _derive(self.secret, purpose)


@lru_cache(maxsize=256)
def _derive(secret: bytes, purpose: str) -> bytes:
    """Derive one block of a uniform key by HKDF-Expand (RFC 5869 2.3)."""
    return hmac.digest(secret, b"mfa_gate/" + purpose.encode() + b"\x01", "sha256")


@lru_cache(maxsize=256)
def _digester(secret: bytes, purpose: str) -> hmac.HMAC:
    """Make the HMAC-SHA-256 of one purpose.

    It is copied for each digest, so the key is prepared once.
    """
    return hmac.new(_derive(secret, "digest/" + purpose), digestmod="sha256")


@lru_cache(maxsize=64)
def _cipher(secret: bytes, purpose: str) -> AESGCM:
    """Make the cipher of one purpose; it keeps nothing between two messages."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    return AESGCM(_derive(secret, "seal/" + purpose))


def _parse(text: str, place: str) -> _Key:
    if not isinstance(text, str) or not text.startswith(PREFIX):
        raise KeyFault(f'{place} is no key: it does not begin with "{PREFIX}"; make one with: mfa-gate keys new')
    try:
        raw = _raw(text[len(PREFIX) :].strip())
    except ValueError:
        raw = b""
    secret, check = raw[:KEY_BYTES], raw[KEY_BYTES:]
    if len(secret) != KEY_BYTES or hashlib.sha256(secret).digest()[:_CHECK_BYTES] != check:
        raise KeyFault(f"{place} is damaged (its checksum is wrong); copy it whole, as mfa-gate keys new printed it")
    if len(set(secret)) < KEY_BYTES // 2:
        raise KeyFault(f"{place} is weak (too few different bytes); make one with: mfa-gate keys new")
    return _Key(_b64(hashlib.sha256(b"id" + secret).digest()[:_ID_BYTES]), secret)


class Keyring:
    """The listed keys, newest first.

    The newest seals, signs and digests; all listed ones open and verify. Raises ``KeyFault`` when there is none, one is
    damaged or weak, or one is listed twice.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        if isinstance(keys, str):
            keys = [keys]
        if not keys:
            raise KeyFault("there is no key; make one with: mfa-gate keys new")
        self._keys = [_parse(text, f"keys[{index}]") for index, text in enumerate(keys)]
        if len({key.id for key in self._keys}) != len(self._keys):
            raise KeyFault("the same key is listed twice; list each once, newest first")
        self._by_id = {key.id: key for key in self._keys}

    def __repr__(self) -> str:
        return f"Keyring({', '.join(key.id for key in self._keys)})"

    @property
    def newest(self) -> str:
        """Give the id of the key that seals."""
        return self._keys[0].id

    @property
    def ids(self) -> tuple[str, ...]:
        """List the ids of all listed keys, newest first."""
        return tuple(key.id for key in self._keys)

    def key_of(self, sealed: str) -> str:
        """Read the id of the key that made a ciphertext or digest."""
        return sealed[: _ID_BYTES * 4 // 3]

    def seal(self, purpose: str, plain: bytes, *, row: Sequence[str], nonce: bytes) -> str:
        """Seal ``plain`` under AES-256-GCM, readable only for this purpose and row.

        ``nonce`` is 12 fresh random bytes. Raises ``ValueError`` for another length.
        """
        if len(nonce) != _NONCE_BYTES:
            raise ValueError("a nonce has 12 bytes")
        key = self._keys[0]
        return key.id + _b64(nonce + _cipher(key.secret, purpose).encrypt(nonce, plain, join(row)))

    def open(self, purpose: str, sealed: str, *, row: Sequence[str]) -> bytes:
        """Open a sealed text. Raises ``Unopened``."""
        from cryptography.exceptions import InvalidTag

        key = self._by_id.get(self.key_of(sealed))
        if key is None:
            raise Unopened("sealed with a key that is not listed")
        try:
            raw = _raw(sealed[len(key.id) :])
            return _cipher(key.secret, purpose).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], join(row))
        except (InvalidTag, ValueError) as error:
            raise Unopened("altered, or sealed for another row or purpose") from error

    def digest(self, purpose: str, *parts: str, key_id: str = "") -> str:
        """Make a keyed digest (HMAC-SHA-256, 128 bits) of ``parts``.

        It is by the newest key, or by the named one ("" if that is not listed).
        """
        key = self._by_id.get(key_id) if key_id else self._keys[0]
        if key is None:
            return ""
        digester = _digester(key.secret, purpose).copy()
        digester.update(join(parts))
        return key.id + _b64(digester.digest()[:_DIGEST_BYTES])

    def matches(self, purpose: str, digest: str, *parts: str) -> bool:
        """Check in constant time that ``digest`` was made of ``parts``."""
        mine = self.digest(purpose, *parts, key_id=self.key_of(digest))
        return bool(mine) and digest.isascii() and hmac.compare_digest(mine, digest)

    def require(self, digests: Iterable[str]) -> None:
        """Raise ``Unopened`` where one of ``digests`` is of a key that is not listed.

        Nobody can judge by such a digest.
        """
        ids = {self.key_of(digest) for digest in digests if len(digest) == _DIGEST_LENGTH}
        unknown = sorted(ids - self._by_id.keys())
        if unknown:
            raise Unopened(f"a digest was made with a key that is not listed ({', '.join(unknown)})")

    def secret_of(self, purpose: str, key_id: str = "") -> bytes:
        """Return the derived key (32 bytes) of a purpose, by the newest key or the named one.

        Raises ``Unopened`` for a key that is not listed.
        """
        key = self._by_id.get(key_id) if key_id else self._keys[0]
        if key is None:
            raise Unopened(f"the key {key_id} is not listed")
        return key.derived(purpose)

    def secrets_for(self, purpose: str) -> list[bytes]:
        """List the derived keys of a purpose, oldest first (the order that itsdangerous wants)."""
        return [key.derived("sign/" + purpose) for key in reversed(self._keys)]
