"""Account <-> bytes: a compact, versioned document; older ones are upgraded, newer ones are refused, never half read."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import MISSING, fields
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

_ONE: dict[tuple[type, str], type] = {
    (Account, "attempts"): Attempts,
    (Account, "lock"): Lock,
    (Account, "ticket"): Ticket,
    (Account, "recovery"): Recovery,
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
_PAIRS = {(Account, "skips"), (Attempts, "days")}
_NOT_WRITTEN = {(Account, "key"), (Account, "version")}

UPGRADES: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From format N to N + 1: how a document of format N is rewritten."""


class UnreadableAccount(ValueError):
    """The bytes are no account document that this version can read whole."""


@cache
def _short_names(cls: type[Any]) -> dict[str, tuple[str, Any]]:
    """field -> (short name, default): the shortest prefix that no earlier field of the class has."""
    taken: set[str] = set()
    names: dict[str, tuple[str, Any]] = {}
    for item in fields(cls):
        name = next((item.name[:n] for n in range(1, len(item.name) + 1) if item.name[:n] not in taken), item.name)
        taken.add(name)
        if item.default is not MISSING:
            default = item.default
        else:
            default = MISSING if item.default_factory is MISSING else item.default_factory()
        names[item.name] = (name, default)
    return names


def _pack(value: Any) -> dict[str, Any]:
    cls: type = type(value)
    packed: dict[str, Any] = {}
    for name, (short, default) in _short_names(cls).items():
        part = getattr(value, name)
        if part == default or (cls, name) in _NOT_WRITTEN:
            continue
        if (cls, name) in _ONE:
            part = _pack(part)
        elif (cls, name) in _MANY:
            part = [_pack(item) for item in part]
        packed[short] = part
    return packed


def _unpack(cls: type, packed: dict[str, Any]) -> dict[str, Any]:
    if not isinstance(packed, dict):
        raise UnreadableAccount(f"{cls.__name__} is no object")
    values: dict[str, Any] = {}
    left = dict(packed)
    for name, (short, _) in _short_names(cls).items():
        if short not in left:
            continue
        part = left.pop(short)
        if (cls, name) in _ONE:
            part = _ONE[cls, name](**_unpack(_ONE[cls, name], part))
        elif (cls, name) in _MANY:
            inner = _MANY[cls, name]
            part = tuple(inner(**_unpack(inner, item)) for item in part)
        elif (cls, name) in _PAIRS:
            part = tuple((item[0], item[1]) for item in part)
        elif isinstance(part, list):
            part = tuple(part)
        values[name] = part
    if left:
        raise UnreadableAccount(f"{cls.__name__} has parts that this version does not know: {sorted(left)}")
    return values


def encode(account: Account) -> bytes:
    """The account as bytes (JSON, UTF-8), without its key and version, which are the store's."""
    document = {"f": FORMAT, "a": _pack(account)}
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()


def decode(key: SubjectKey, version: int, body: bytes) -> Account:
    """The account in ``body``. Raises ``UnreadableAccount`` for bytes that are damaged or of a newer format."""
    try:
        document = json.loads(body)
        written = document["f"]
        if not isinstance(written, int) or not 1 <= written <= FORMAT:
            raise UnreadableAccount(f"the account document has format {written!r}; this version reads up to {FORMAT}")
        packed = document["a"]
        for step in range(written, FORMAT):
            packed = UPGRADES[step](packed)
        return Account(key=key, version=version, **_unpack(Account, packed))
    except UnreadableAccount:
        raise
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UnreadableAccount(f"the account document is damaged ({type(error).__name__})") from error
