"""Opaque tokens that name an account and a secret: for addresses that are asked without anybody being signed in."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass

from ..core.model import SubjectKey
from ..keyring import Keyring, Unopened
from .base import Context

MAX_TOKEN = 2048
SECRET_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a token says: whose account, and a secret of 128 bits that one entry of it has the digest of."""

    key: SubjectKey
    secret: str


def make_secret(context: Context, label: str) -> str:
    """128 fresh bits as text."""
    return urlsafe_b64encode(context.draw(label, SECRET_BYTES)).decode().rstrip("=")


def make_token(context: Context, purpose: str, secret: str) -> str:
    """A sealed token: without our key it can be neither read nor made."""
    plain = json.dumps([context.key.tenant, context.key.id, secret], ensure_ascii=False).encode()
    return context.keyring.seal(f"token/{purpose}", plain, row=(purpose,), nonce=context.draw(f"token/{purpose}", 12))


def read_token(keyring: Keyring, purpose: str, token: str) -> Named | None:
    """What a token of this purpose says; None for anything that we did not make."""
    if not token.isascii() or len(token) > MAX_TOKEN:
        return None
    try:
        tenant, id, secret = json.loads(keyring.open(f"token/{purpose}", token, row=(purpose,)))
    except (Unopened, ValueError, TypeError):
        return None
    return Named(key=SubjectKey(tenant, id), secret=secret)


def digest_of(keyring: Keyring, purpose: str, key: SubjectKey, secret: str) -> str:
    """What is stored of a token's secret."""
    return keyring.digest(f"token/{purpose}", key.tenant, key.id, secret)


def is_digest_of(keyring: Keyring, purpose: str, digest: object, named: Named) -> bool:
    """Whether ``digest`` was stored for this token."""
    parts = (named.key.tenant, named.key.id, named.secret)
    return isinstance(digest, str) and keyring.matches(f"token/{purpose}", digest, *parts)
