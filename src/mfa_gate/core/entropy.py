"""Values derived from given random bytes: the same seed and label give the same value."""

from __future__ import annotations

import hashlib
from base64 import b32encode, urlsafe_b64encode
from functools import lru_cache


def expand(seed: bytes, label: str, size: int) -> bytes:
    """Derive ``size`` bytes from ``seed`` for ``label`` (SHAKE-256).

    Each label gives independent bytes. Nobody can tell them without the seed.
    """
    return hashlib.shake_256(len(seed).to_bytes(2) + seed + label.encode()).digest(size)


def draw_id(seed: bytes, label: str) -> str:
    """Derive an id of 96 bits, as text that is safe in web addresses."""
    return urlsafe_b64encode(expand(seed, label, 12)).decode()


def draw_ref(seed: bytes, label: str) -> str:
    """Derive a reference that people can read out: ten capital letters and digits."""
    return b32encode(expand(seed, "ref/" + label, 7)).decode()[:10]


@lru_cache(maxsize=4096)
def browser_mark(handle: str) -> str:
    """Return a short id for a browser, made of the digest of its handle; "" for "".

    Of a session it is a mark.

    The id becomes the id of the browser in the account with the first proof. So the answers before that proof name it, too.
    """
    return b32encode(hashlib.blake2b(handle.encode(), digest_size=7).digest()).decode()[:10].lower() if handle else ""


def handle_digest(handle: str) -> str:
    """Return the digest that is stored for a browser's handle or a host's session; "" for "".

    It needs no key, because the value is random and has 128 bits.
    """
    return urlsafe_b64encode(hashlib.blake2b(handle.encode(), digest_size=16).digest())[:22].decode() if handle else ""
