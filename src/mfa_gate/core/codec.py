"""Account <-> bytes: a compact, versioned document; older ones are upgraded, newer ones are refused, never half read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import cache
from typing import Any

from .model import (
    Acceptance,
    Account,
    Attempts,
    Authenticator,
    Browser,
    Challenge,
    Enrollment,
    Grant,
    Leave,
    Lock,
    Proof,
    Recovery,
    Sent,
    SubjectKey,
    Ticket,
    Twin,
)

FORMAT = 1

_NAMES: dict[type, dict[str, str]] = {
    Account: {
        "epoch": "e",
        "seen_at": "s",
        "attempts": "a",
        "lock": "l",
        "authenticators": "au",
        "default": "d",
        "challenges": "c",
        "enrollments": "en",
        "browsers": "b",
        "skips": "sk",
        "skip_count": "ski",
        "leave": "le",
        "sent": "se",
        "ticket": "t",
        "acceptances": "ac",
        "recovery": "r",
        "grant": "g",
        "frozen_until": "f",
        "quiet_until": "q",
        "handle": "h",
        "name": "n",
    },
    Attempts: {"used": "u", "series": "s", "charged_at": "c", "days": "d"},
    Lock: {"at": "a", "cause": "c", "ref": "r", "actor": "ac"},
    Authenticator: {
        "id": "i",
        "factor": "f",
        "label": "l",
        "created_at": "c",
        "data": "d",
        "last_used_at": "la",
        "last_network": "las",
        "revision": "r",
    },
    Challenge: {
        "id": "i",
        "factor": "f",
        "purpose": "p",
        "target": "t",
        "browser": "b",
        "issued_at": "is",
        "expires_at": "e",
        "data": "d",
        "spent_at": "s",
        "status": "st",
    },
    Enrollment: {
        "id": "i",
        "factor": "f",
        "label": "l",
        "browser": "b",
        "started_at": "s",
        "expires_at": "e",
        "data": "d",
    },
    Browser: {
        "id": "i",
        "handle": "h",
        "label": "l",
        "created_at": "c",
        "proofs": "p",
        "last_used_at": "la",
        "twin": "t",
        "last_factor": "las",
        "kind": "k",
    },
    Proof: {
        "factor": "f",
        "authenticator": "a",
        "at": "at",
        "network": "n",
        "epoch": "e",
        "phishing_resistant": "p",
        "user_verified": "u",
        "session": "s",
    },
    Twin: {"answer": "a", "handle": "h", "at": "at"},
    Sent: {"factor": "f", "at": "a", "free": "fr"},
    Ticket: {"digest": "d", "expires_at": "e", "actor": "a", "ref": "r"},
    Leave: {"kind": "k", "browser": "b", "at": "a"},
    Acceptance: {"agreement": "a", "version": "v", "digest": "d", "at": "at", "network": "n", "session": "s"},
    Grant: {
        "ref": "r",
        "asked_by": "a",
        "asked_at": "at",
        "reason": "re",
        "ticket": "t",
        "life": "l",
        "epoch": "e",
        "asked_in": "ai",
        "confirmed_by": "c",
        "confirmed_in": "ci",
        "ends_at": "en",
        "browsers": "b",
    },
    Recovery: {"ref": "r", "at": "a", "about": "ab", "network": "n"},
}
"""How each field is called in format 1. A row is never edited: a new field is a new row, whatever its place in the class.
Parts that equal their default are left out, so changing a default needs a new format as well."""

_ONE: dict[tuple[type, str], type] = {
    (Account, "attempts"): Attempts,
    (Account, "lock"): Lock,
    (Account, "ticket"): Ticket,
    (Account, "recovery"): Recovery,
    (Account, "grant"): Grant,
    (Account, "leave"): Leave,
    (Browser, "twin"): Twin,
}
_MANY: dict[tuple[type, str], type] = {
    (Account, "authenticators"): Authenticator,
    (Account, "challenges"): Challenge,
    (Account, "enrollments"): Enrollment,
    (Account, "browsers"): Browser,
    (Account, "sent"): Sent,
    (Account, "acceptances"): Acceptance,
    (Browser, "proofs"): Proof,
}
_PAIRS: dict[tuple[type, str], tuple[type, type]] = {
    (Account, "skips"): (str, int),
    (Attempts, "days"): (int, int),
    (Grant, "browsers"): (str, int),
}
_PLAIN: dict[str, type] = {"int": int, "str": str, "bool": bool, "Fields": dict}
_NOT_WRITTEN = {(Account, "key"), (Account, "version")}

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From format N to N + 1: how a document of format N is rewritten."""


class UnreadableAccount(ValueError):
    """The bytes are no account document that this version can read whole."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """One field of a class as it is written: its names, its default, the type of a plain value (None: a record)."""

    name: str
    short: str
    default: Any
    plain: type | None


@cache
def _parts(cls: type[Any]) -> tuple[_Part, ...]:
    parts: list[_Part] = []
    for item in fields(cls):
        if (cls, item.name) in _NOT_WRITTEN:
            continue
        default = item.default if item.default_factory is MISSING else item.default_factory()
        plain = _PLAIN.get(str(item.type))
        parts.append(_Part(name=item.name, short=_NAMES[cls][item.name], default=default, plain=plain))
    return tuple(parts)


def _pack(value: Any) -> dict[str, Any]:
    cls: type = type(value)
    packed: dict[str, Any] = {}
    for item in _parts(cls):
        part = getattr(value, item.name)
        if part == item.default:
            continue
        if (cls, item.name) in _ONE:
            part = _pack(part)
        elif (cls, item.name) in _MANY:
            part = [_pack(one) for one in part]
        packed[item.short] = part
    return packed


def _unpack(cls: type, packed: object) -> Any:
    if type(packed) is not dict:
        raise UnreadableAccount(f"{cls.__name__} is no object")
    values: dict[str, Any] = {}
    left = dict(packed)
    for item in _parts(cls):
        if item.short in left:
            values[item.name] = _value(cls, item, left.pop(item.short))
    if left:
        raise UnreadableAccount(f"{cls.__name__} has parts that this version does not know: {sorted(left)}")
    return values if cls is Account else cls(**values)


def _value(cls: type, item: _Part, part: Any) -> Any:
    """What was written of one field. Another type than the field's is damage, never a value to reckon with."""
    place = (cls, item.name)
    if item.plain is not None and type(part) is item.plain:
        return part
    if place in _ONE:
        return _unpack(_ONE[place], part)
    if type(part) is list:
        if place in _MANY:
            return tuple(_unpack(_MANY[place], one) for one in part)
        if place in _PAIRS and all(type(one) is list and tuple(map(type, one)) == _PAIRS[place] for one in part):
            return tuple((one[0], one[1]) for one in part)
    raise UnreadableAccount(f"{cls.__name__}.{item.name} has another type")


def encode(account: Account) -> bytes:
    """The account as bytes (JSON, UTF-8), without its key and version, which are the store's."""
    document = {"f": FORMAT, "a": _pack(account)}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogatepass")


def decode(key: SubjectKey, version: int, body: bytes) -> Account:
    """The account in ``body``. Raises ``UnreadableAccount`` for bytes that are damaged or of a newer format."""
    try:
        document = json.loads(body)
        written = document["f"]
        if type(written) is not int or not 1 <= written <= FORMAT:
            raise UnreadableAccount(f"the account document has format {written!r}; this version reads up to {FORMAT}")
        packed = document["a"]
        for step in range(written, FORMAT):
            packed = UPGRADES[step](packed)
        return Account(key=key, version=version, **_unpack(Account, packed))
    except UnreadableAccount:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableAccount(f"the account document is damaged ({type(error).__name__})") from error
