"""The cookie that a phone keeps beside its key: it names the phone's organization.

Nobody is signed in on that page. A browser may lose the key and keep this cookie, which the server has set; so the page
can say that the key was lost. The cookie proves nothing.
"""

from __future__ import annotations

import re

from ..keyring import Keyring, Unopened
from ..ports import Entropy
from .cookies import cookie_value
from .responses import Header
from .types import Scope

NOTE, CARRIED = "mfa-phone", b"mfa-carry"
KEPT = 400 * 86_400
"""Seconds: the longest life that browsers give a cookie."""
MAX_NOTE = 1024
_TOKEN = re.compile(r"[A-Za-z0-9._-]{1,900}")


def read_note(scope: Scope, keyring: Keyring) -> str | None:
    """Return the tenant in the phone's cookie; None where it has none, or none of ours."""
    value = cookie_value(scope, _name(scope))
    if not value or not value.isascii() or len(value) > MAX_NOTE:
        return None
    try:
        return keyring.open(NOTE, value, row=(NOTE,)).decode()
    except (Unopened, ValueError):
        return None


def set_note(scope: Scope, keyring: Keyring, entropy: Entropy, *, path: str, tenant: str) -> Header:
    """Make the header that gives the phone its cookie, for the page at ``path`` alone."""
    value = keyring.seal(NOTE, tenant.encode(), row=(NOTE,), nonce=entropy(12))
    secure = "; Secure" if scope.get("scheme") == "https" else ""
    name = _name(scope).decode()
    text = f"{name}={value}; Path={path}; HttpOnly; SameSite=Lax; Max-Age={KEPT}{secure}"
    return b"set-cookie", text.encode("latin-1", "replace")


def carried_token(scope: Scope, *, https: bool) -> str:
    """Return the token that the page has put into a cookie; "" for none.

    On https, which ``https`` says of all origins, the name begins with ``__Host-``: another host of the same site could else
    let this phone join the account of somebody else.

    An iPhone keeps the storage of an installed page apart from that of its browser. Only the start address of the
    manifest leads from one to the other, and no address that a server logs has the token in it.
    """
    secure = https or scope.get("scheme") == "https"
    value = cookie_value(scope, b"__Host-" + CARRIED if secure else CARRIED)
    return value if _TOKEN.fullmatch(value) else ""


def _name(scope: Scope) -> bytes:
    return f"__Secure-{NOTE}".encode() if scope.get("scheme") == "https" else NOTE.encode()
