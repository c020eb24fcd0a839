"""The bound on our cookies in a browser that many people share.

Each person has a cookie of about 110 bytes. A proxy usually refuses a header of more than 8 KiB, so the cookies that are
oldest in the browser go before that (F-31). Who used such a browser long ago is asked again.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .cookies import only_cookies
from .responses import Header
from .types import Scope

MAX_PEOPLE = 32
"""People whose cookies one browser keeps: less than 4 KiB in all."""
_OURS = re.compile(rb"((?:__Host-)?mfa-[a-z0-9]{10})(?:-[a-z]+)?")


def drop_crowd(scope: Scope, *, keep: Collection[bytes]) -> list[Header]:
    """Make the headers that forget the people who are too many, but none of ``keep``.

    Browsers send the cookies that they got first before all others (RFC 6265 5.4).
    """
    header = only_cookies(scope)
    names: dict[bytes, list[bytes]] = {}
    for part in header.split(b";"):
        name = part.partition(b"=")[0].strip()
        if found := _OURS.fullmatch(name):
            names.setdefault(found.group(1), []).append(name)
    others = [person for person in names if person not in keep]
    gone = [name for person in others[: max(0, len(names) - MAX_PEOPLE)] for name in names[person]]
    return [(b"set-cookie", _ended(name)) for name in gone]


def _ended(name: bytes) -> bytes:
    secure = b"; Secure" if name.startswith(b"__Host-") else b""
    return name + b"=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0" + secure
