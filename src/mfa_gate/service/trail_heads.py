"""Signed heads for people outside.

A head is one word that says how long a trail was, and what it said.

Whoever keeps one finds out later if a line before it was changed or removed. It is signed with Ed25519, so a key that can
only verify is enough to check it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..storage import ChainPoint
from .trail_keys import TrailKeys, b64, unb64

HEAD, KEY = "mfah1", "mfav1"


class NoHead(ValueError):
    """The error for text that is no signed head, or no verification key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExportTerms:
    """The part of a head that belongs to an export.

    ``plain`` is the running digest over its lines, ``words`` are the filters, ``ends``: the export ends here.
    """

    plain: str
    words: Mapping[str, str]
    ends: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of a trail: tenant, number of lines, digest of the last, and time.

    The time is in UTC seconds.

    ``key`` is the id of the key that signed it. ``export`` says more where the head stands in an export.
    """

    tenant: str
    lines: int
    digest: str
    at: int
    key: str
    export: ExportTerms | None = None

    @property
    def point(self) -> ChainPoint:
        """Return the point of the chain."""
        return ChainPoint(lines=self.lines, digest=self.digest)


def signed_head(keys: TrailKeys, tenant: str, point: ChainPoint, *, at: int, export: ExportTerms | None = None) -> str:
    """Sign a head under the newest key, as one word."""
    parts: dict[str, object] = {"t": tenant, "n": point.lines, "d": point.digest, "at": at, "k": keys.newest}
    if export is not None:
        parts["x"] = {"p": export.plain, "f": dict(export.words), "e": export.ends}
    text = json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()
    return f"{HEAD}.{b64(text)}.{b64(keys.sign_head(_signed(text)))}"


def read_head(word: str, verify_key: Callable[[str], bytes]) -> Head:
    """Read a head and verify its signature. Raises ``NoHead``.

    ``verify_key`` gives the public key (32 bytes) of a key's id, b"" for an unknown one.
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        name, text, signature = word.strip().split(".")
        raw = unb64(text)
        parts = json.loads(raw)
        head = Head(
            tenant=str(parts["t"]),
            lines=int(parts["n"]),
            digest=str(parts["d"]),
            at=int(parts["at"]),
            key=str(parts["k"]),
            export=_export_of(parts.get("x")),
        )
        made = unb64(signature)
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as error:
        raise NoHead("it is no head: copy it whole, as mfa-gate audit head printed it") from error
    public = verify_key(head.key)
    if name != HEAD or not public:
        raise NoHead(f"it was signed with the key {head.key}, which is not known here")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(made, _signed(raw))
    except (InvalidSignature, ValueError) as error:
        raise NoHead("its signature is wrong: it was altered, or is of somebody else") from error
    return head


def _export_of(parts: Any) -> ExportTerms | None:
    if parts is None:
        return None
    words = {str(name): str(value) for name, value in parts["f"].items()}
    return ExportTerms(plain=str(parts["p"]), words=words, ends=bool(parts["e"]))


def _signed(text: bytes) -> bytes:
    return b"mfa_gate/audit-head\n" + text


def key_to_text(id: str, public: bytes) -> str:
    """Write a verification key as one word.

    It has the id, the key, and four bytes that find a slip of the pen.
    """
    return f"{KEY}.{id}.{b64(public + hashlib.sha256(public).digest()[:4])}"


def key_from_text(word: str) -> tuple[str, bytes]:
    """Read a verification key: its id and the public key. Raises ``NoHead``."""
    try:
        name, id, text = word.strip().split(".")
        raw = unb64(text)
    except ValueError as error:
        raise NoHead("it is no verification key: copy it whole, as mfa-gate keys verify-key printed it") from error
    if name != KEY or len(raw) != 36 or hashlib.sha256(raw[:32]).digest()[:4] != raw[32:]:
        raise NoHead("the verification key is damaged: copy it whole, as mfa-gate keys verify-key printed it")
    return id, raw[:32]
