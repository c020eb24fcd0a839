"""Drawing from entropy that somebody else made: the same seed and label give the same bytes."""

from __future__ import annotations

import hashlib
from base64 import b32encode, urlsafe_b64encode


def expand(seed: bytes, label: str, size: int) -> bytes:
    """``size`` bytes that only who has ``seed`` can tell (SHAKE-256), others for every label."""
    return hashlib.shake_256(len(seed).to_bytes(2) + seed + label.encode()).digest(size)


def draw_id(seed: bytes, label: str) -> str:
    """An id of 96 bits, safe in addresses."""
    return urlsafe_b64encode(expand(seed, label, 12)).decode()


def draw_ref(seed: bytes, label: str) -> str:
    """A reference that people can read out: ten characters in capitals."""
    return b32encode(expand(seed, "ref/" + label, 7)).decode()[:10]


def handle_digest(handle: str) -> str:
    """What is stored of a browser's handle or of a host's session (a random value of 128 bits needs no key)."""
    return urlsafe_b64encode(hashlib.blake2b(handle.encode(), digest_size=16).digest())[:22].decode() if handle else ""
