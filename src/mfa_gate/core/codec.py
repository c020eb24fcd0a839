"""The bytes of an account: a compact document with a format number.

An older document is upgraded. A newer one is refused, and never read in part.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields
from functools import cache, partial
from operator import attrgetter
from typing import Any

from .model import (
    Acceptance,
    Account,
    Asked,
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
        "logins": "lo",
        "logins_from": "lf",
        "restored_at": "rs",
        "replaced": "re",
        "uncounted": "un",
        "drifted": "dr",
        "sign_outs": "so",
        "forgotten_at": "fo",
        "lang": "la",
        "zone": "z",
        "nudges": "nu",
        "nudged_at": "na",
        "holds_rights": "hr",
        "asked": "as",
        "undo_by": "ub",
        "tenant_epoch": "te",
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
        "mark": "m",
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
    Sent: {"factor": "f", "at": "a", "free": "fr", "mark": "m"},
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
    Asked: {
        "act": "a",
        "ref": "r",
        "asked_by": "b",
        "asked_at": "at",
        "reason": "re",
        "asked_in": "ai",
        "ticket": "t",
        "item": "i",
    },
    Recovery: {"ref": "r", "at": "a", "about": "ab", "network": "n", "opens_at": "o", "told": "t", "reminded": "re"},
}
"""The short name of each field in format 1. Never edit a row: a new field is a new row, in any place of its class.
Parts that equal their default are left out, so a change of a default needs a new format as well."""

_ONE: dict[tuple[type, str], type] = {
    (Account, "attempts"): Attempts,
    (Account, "lock"): Lock,
    (Account, "ticket"): Ticket,
    (Account, "recovery"): Recovery,
    (Account, "grant"): Grant,
    (Account, "asked"): Asked,
    (Account, "leave"): Leave,
    (Browser, "twin"): Twin,
}
_MANY: dict[tuple[type, str], type] = {
    (Account, "authenticators"): Authenticator,
    (Account, "challenges"): Challenge,
    (Account, "enrollments"): Enrollment,
    (Account, "replaced"): Enrollment,
    (Account, "browsers"): Browser,
    (Account, "sent"): Sent,
    (Account, "acceptances"): Acceptance,
    (Browser, "proofs"): Proof,
}
_PAIRS: dict[tuple[type, str], tuple[type, type]] = {
    (Account, "skips"): (str, int),
    (Account, "logins"): (int, int),
    (Account, "uncounted"): (str, int),
    (Account, "drifted"): (str, int),
    (Account, "sign_outs"): (str, int),
    (Account, "undo_by"): (str, int),
    (Attempts, "days"): (int, int),
    (Grant, "browsers"): (str, int),
}
_PLAIN: dict[str, type] = {"int": int, "str": str, "bool": bool, "Fields": dict}
_NOT_WRITTEN = {(Account, "key"), (Account, "version"), (Account, "stamp")}

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""The function, by N, that rewrites a document of format N as one of format N + 1."""


class UnreadableAccount(ValueError):
    """The error for bytes that are no account document that this version can read whole."""


class NewerDocument(UnreadableAccount):
    """The error for a document that a newer release wrote. Nothing is wrong with it."""


@dataclass(frozen=True, slots=True)
class _Layout:
    """The parts of a class and their written form, looked up once.

    Every challenge reads and writes them several times.
    """

    parts: Callable[[Any], tuple[Any, ...]]
    writes: tuple[tuple[str, Any, Callable[[Any], Any] | None], ...]
    reads: dict[str, tuple[str, type | None, Callable[[Any], Any] | None]]


@cache
def _layout(cls: type[Any]) -> _Layout:
    writes: list[tuple[str, Any, Callable[[Any], Any] | None]] = []
    reads: dict[str, tuple[str, type | None, Callable[[Any], Any] | None]] = {}
    written = [item for item in fields(cls) if (cls, item.name) not in _NOT_WRITTEN]
    for item in written:
        place, short = (cls, item.name), _NAMES[cls][item.name]
        default = item.default if item.default_factory is MISSING else item.default_factory()
        writes.append((short, default, _pack if place in _ONE else _pack_all if place in _MANY else None))
        reads[short] = (item.name, _PLAIN.get(str(item.type)), _reader(place))
    return _Layout(attrgetter(*(item.name for item in written)), tuple(writes), reads)


def _reader(place: tuple[type, str]) -> Callable[[Any], Any] | None:
    """Return the function that reads the records of a written part; None for a plain value."""
    if place in _ONE:
        return partial(_unpack, _ONE[place])
    if place in _MANY:
        return partial(_unpack_all, _MANY[place])
    return partial(_unpack_pairs, _PAIRS[place]) if place in _PAIRS else None


def _pack(value: Any) -> dict[str, Any]:
    layout = _layout(type(value))  # type: ignore[arg-type]
    packed: dict[str, Any] = {}
    for part, (short, default, pack) in zip(layout.parts(value), layout.writes, strict=True):
        if part is not default and part != default:
            packed[short] = part if pack is None else pack(part)
    return packed


def _pack_all(values: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [_pack(value) for value in values]


def _unpack(cls: type, packed: object) -> Any:
    values = _parts_of(cls, packed)
    return cls(**values)


def _parts_of(cls: type, packed: object) -> dict[str, Any]:
    """Read the fields of a record by their names.

    Raises ``UnreadableAccount`` for a value of another type than its field's, ``NewerDocument`` for an unknown part.
    """
    if type(packed) is not dict:
        raise UnreadableAccount(f"{cls.__name__} is no object")
    reads = _layout(cls).reads
    values: dict[str, Any] = {}
    for short, part in packed.items():
        known = reads.get(short)
        if known is None:
            unknown = sorted(packed.keys() - reads.keys())
            raise NewerDocument(f"{cls.__name__} has parts that this version does not know: {unknown}")
        name, plain, read = known
        if read is not None:
            values[name] = read(part)
        elif type(part) is plain:
            values[name] = part
        else:
            raise UnreadableAccount(f"{cls.__name__}.{name} has another type")
    return values


def _unpack_all(cls: type, packed: object) -> tuple[Any, ...]:
    if type(packed) is not list:
        raise UnreadableAccount(f"records of {cls.__name__} are no list")
    return tuple([_unpack(cls, one) for one in packed])


def _unpack_pairs(types: tuple[type, type], packed: object) -> tuple[tuple[Any, Any], ...]:
    if type(packed) is not list or not all(type(one) is list and tuple(map(type, one)) == types for one in packed):
        raise UnreadableAccount("pairs have another type")
    return tuple([(one[0], one[1]) for one in packed])


_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
_latest: tuple[Account | None, bytes] = (None, b"")
"""The account that was encoded last, and its bytes: a change is first measured and then stored."""


def encode(account: Account) -> bytes:
    """Return the account as bytes (JSON, UTF-8).

    Key, version and stamp are left out, because the store keeps them itself.
    """
    global _latest
    known, body = _latest
    if known is not account:
        body = _to_json({"f": FORMAT, "a": _pack(account)}).encode("utf-8", "surrogatepass")
        _latest = (account, body)
    return body


def decode(key: SubjectKey, version: int, body: bytes) -> Account:
    """Read the account in ``body``.

    Raises ``NewerDocument`` for bytes that a newer release wrote, ``UnreadableAccount`` for damaged ones.
    """
    try:
        document = json.loads(body)
        written = document["f"]
        if type(written) is not int or not 1 <= written <= FORMAT:
            kind = NewerDocument if type(written) is int and written > FORMAT else UnreadableAccount
            raise kind(f"the account document has format {written!r}; this version reads up to {FORMAT}")
        packed = document["a"]
        for step in range(written, FORMAT):
            packed = UPGRADES[step](packed)
        return Account(key=key, version=version, **_parts_of(Account, packed))
    except UnreadableAccount:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableAccount(f"the account document is damaged ({type(error).__name__})") from error
