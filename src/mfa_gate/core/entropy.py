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


MARK, LETTERS = 10, str.maketrans("-_", "xy")
"""``handle[:MARK].translate(LETTERS)`` of a handle's digest is the id of its browser in the trail, and becomes its id in the
account with the first proof. So the answers before that proof name the browser, too."""


@lru_cache(maxsize=4096)
def session_id(session: str) -> str:
    """Return a mark of the host's sign-in session, for the trail; "" for ""."""
    return handle_digest(session)[:MARK].translate(LETTERS)


def handle_digest(handle: str) -> str:
    """Return the digest that is stored for a browser's handle or a host's session; "" for "".

    It needs no key, because the value is random and has 128 bits.
    """
    return urlsafe_b64encode(hashlib.blake2b(handle.encode(), digest_size=16).digest())[:22].decode() if handle else ""
