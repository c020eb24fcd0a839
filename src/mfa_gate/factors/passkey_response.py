"""The answer of a browser's passkey call in one strict form: shape, base64url and size.

Nothing in it is believed yet.
"""

from __future__ import annotations

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

MAX_RESPONSE = 64 * 1024
MAX_CLIENT_DATA = 8 * 1024
MAX_CREDENTIAL_ID = 1023
"""Bytes (WebAuthn Level 3, 7.1 step 25)."""
_TRANSPORTS = ("ble", "hybrid", "internal", "nfc", "smart-card", "usb")
_BASE64URL = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)

Ceremony = Literal["create", "get"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyResponse:
    """The JSON that ``PublicKeyCredential.toJSON()`` gives, decoded once.

    ``id`` and ``user_handle`` stay base64url. ``create`` fills ``attestation``; ``get`` fills ``authenticator`` and
    ``signature``. ``elsewhere``: the browser says that the new passkey is not kept on the authenticator (Level 3, 10.1.3).
    """

    ceremony: Ceremony
    id: str
    client_data: bytes
    attestation: bytes = b""
    authenticator: bytes = b""
    signature: bytes = b""
    user_handle: str = ""
    transports: tuple[str, ...] = ()
    attachment: str = ""
    elsewhere: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientData:
    """The browser's word about the request: type, challenge, origin.

    ``embedded``: the request came from inside another site.
    """

    type: str
    challenge: str
    origin: str
    embedded: bool


def to_base64url(raw: bytes) -> str:
    """Encode base64url without padding (RFC 7515 2)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_base64url(text: object) -> bytes | None:
    """Decode base64url without padding, in its one canonical spelling; else None."""
    if not isinstance(text, str) or len(text) % 4 == 1 or not _BASE64URL.fullmatch(text):
        return None
    raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    return raw if to_base64url(raw) == text else None


def read_response(response: object) -> PasskeyResponse | None:
    """Read ``response`` in its one form; None: malformed (S-38, S-80).

    It is JSON text from a form, or an object from the JSON API.
    """
    if isinstance(response, str):
        response = _object(response) if len(response.encode("utf-8", "replace")) <= MAX_RESPONSE else None
    if not isinstance(response, Mapping):
        return None
    inner = response.get("response")
    if response.get("type") != "public-key" or not isinstance(inner, Mapping):
        return None
    raw_id = from_base64url(response.get("id"))
    client_data = from_base64url(inner.get("clientDataJSON"))
    if not raw_id or len(raw_id) > MAX_CREDENTIAL_ID or response.get("rawId") != response.get("id"):
        return None
    if not client_data or len(client_data) > MAX_CLIENT_DATA:
        return None
    read = _read_inner(inner, to_base64url(raw_id), client_data, response)
    if read is None or len(read.attestation) + len(read.authenticator) + len(read.signature) > MAX_RESPONSE * 3 // 4:
        return None
    return read


def _read_inner(
    inner: Mapping[str, Any], id: str, client_data: bytes, outer: Mapping[str, Any]
) -> PasskeyResponse | None:
    attachment = outer.get("authenticatorAttachment")
    if attachment is not None and not isinstance(attachment, str):
        return None
    place = str(attachment) if attachment in ("platform", "cross-platform") else ""
    if "attestationObject" in inner and "signature" not in inner:
        attestation = from_base64url(inner["attestationObject"])
        transports = inner.get("transports") or []
        if not attestation or not isinstance(transports, (list, tuple)):
            return None
        known = tuple(t for t in _TRANSPORTS if t in transports)
        return PasskeyResponse(
            ceremony="create",
            id=id,
            client_data=client_data,
            attestation=attestation,
            transports=known,
            attachment=place,
            elsewhere=_is_elsewhere(outer.get("clientExtensionResults")),
        )
    if "signature" not in inner or "attestationObject" in inner:
        return None
    authenticator, signature = from_base64url(inner.get("authenticatorData")), from_base64url(inner["signature"])
    handle = "" if inner.get("userHandle") is None else inner["userHandle"]
    if not authenticator or not signature or from_base64url(handle) is None:
        return None
    return PasskeyResponse(
        ceremony="get",
        id=id,
        client_data=client_data,
        authenticator=authenticator,
        signature=signature,
        user_handle=str(handle),
        attachment=place,
    )


def _is_elsewhere(results: object) -> bool:
    """Tell if ``credProps`` says no; most browsers say yes, and some say nothing."""
    told = results.get("credProps") if isinstance(results, Mapping) else None
    return isinstance(told, Mapping) and told.get("rk") is False


def read_client_data(raw: bytes) -> ClientData | None:
    """Read the client data (WebAuthn Level 3, 5.8.1); None where it is no such object.

    A browser before Level 2 does not name ``crossOrigin``. Whatever else is there and not false counts as another site.
    """
    try:
        told = _object(raw.decode("utf-8"))
    except UnicodeDecodeError:
        return None
    if told is None:
        return None
    type, challenge, origin = told.get("type"), told.get("challenge"), told.get("origin")
    if not isinstance(type, str) or not isinstance(challenge, str) or not isinstance(origin, str):
        return None
    embedded = told.get("crossOrigin", False) is not False or "topOrigin" in told
    return ClientData(type=type, challenge=challenge, origin=origin, embedded=embedded)


def _object(text: str) -> dict[str, Any] | None:
    """Read a JSON object; None for anything else, a repeated key, or nesting without end."""
    try:
        value = json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a key comes twice")
    return fields
