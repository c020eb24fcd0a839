"""The bound on our cookies in a browser that many people share.

Each person has a cookie of about 110 bytes, and on the way a note of where they were going. A proxy usually refuses a header
of more than 8 KiB, so the cookies that are oldest in the browser go before that (F-31). Who used such a browser long ago is
asked again; who left it half-way is led to the start page.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from .cookies import only_cookies
from .responses import Header
from .types import Scope

MAX_PEOPLE = 32
"""People whose cookies one browser keeps: less than 4 KiB in all."""
MAX_BYTES = 4096
"""Bytes of our cookies beyond which the notes of others go. A person who stopped half-way leaves up to 3 KiB."""
CROWDED = 2048
"""Bytes of all cookies below which nobody need be looked for."""
_OURS = re.compile(rb"((?:__Host-)?mfa-[a-z0-9]{10})(?:-[a-z]+)?")


def drop_crowd(scope: Scope, *, keep: Collection[bytes]) -> list[Header]:
    """Make the headers that forget people who are too many, and notes that take too much room.

    None of ``keep`` is forgotten. Browsers send the cookies that they got first before all others (RFC 6265 5.4).
    """
    header = only_cookies(scope)
    people: dict[bytes, dict[bytes, int]] = {}
    for part in header.split(b";"):
        name = part.partition(b"=")[0].strip()
        if found := _OURS.fullmatch(name):
            people.setdefault(found.group(1), {})[name] = len(part) + 1
    others = [person for person in people if person not in keep]
    leaving = others[: max(0, len(people) - MAX_PEOPLE)]
    gone = [name for person in leaving for name in people[person]]
    size = sum(sum(its.values()) for person, its in people.items() if person not in leaving)
    for person in others[len(leaving) :]:
        for name in people[person].keys() - {person} if size > MAX_BYTES else ():
            gone.append(name)
            size -= people[person][name]
    return [(b"set-cookie", _ended(name)) for name in gone]


def _ended(name: bytes) -> bytes:
    secure = b"; Secure" if name.startswith(b"__Host-") else b""
    return name + b"=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0" + secure
