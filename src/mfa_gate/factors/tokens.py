"""Opaque tokens that name an account and a secret.

They are for addresses that are asked while nobody is signed in.
"""

from __future__ import annotations

import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, field

from ..core.entropy import handle_digest
from ..core.model import SubjectKey
from ..keyring import Keyring, Unopened
from .base import Context

MAX_TOKEN = 2048
SECRET_BYTES = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """The content of a token: an account, and a secret of 128 bits.

    One entry of the account has the digest of the secret.
    """

    key: SubjectKey
    secret: str = field(repr=False)


def name_anew(context: Context, purpose: str) -> Named:
    """Name the context's account with 128 fresh bits."""
    secret = urlsafe_b64encode(context.draw(f"secret/{purpose}", SECRET_BYTES)).decode().rstrip("=")
    return Named(key=context.key, secret=secret)


def make_token(context: Context, purpose: str, named: Named) -> str:
    """Seal a token: without our key it can be neither read nor made."""
    plain = json.dumps([named.key.tenant, named.key.id, named.secret], ensure_ascii=False).encode()
    return context.keyring.seal(f"token/{purpose}", plain, row=(purpose,), nonce=context.draw(f"token/{purpose}", 12))


def read_token(keyring: Keyring, purpose: str, token: str) -> Named | None:
    """Read a token of this purpose; None for anything that we did not make."""
    if not token.isascii() or len(token) > MAX_TOKEN:
        return None
    try:
        tenant, id, secret = json.loads(keyring.open(f"token/{purpose}", token, row=(purpose,)))
    except (Unopened, ValueError, TypeError):
        return None
    return Named(key=SubjectKey(tenant, id), secret=secret)


def digest_of(purpose: str, named: Named) -> str:
    """Make the digest of a token's secret that is stored.

    The secret is random, so no key is needed, and no key that ends can end a device.
    """
    return handle_digest("\n".join((purpose, named.key.tenant, named.key.id, named.secret)))


def is_digest_of(purpose: str, digest: object, named: Named) -> bool:
    """Check that ``digest`` was stored for this token."""
    return isinstance(digest, str) and hmac.compare_digest(digest_of(purpose, named).encode(), digest.encode())
