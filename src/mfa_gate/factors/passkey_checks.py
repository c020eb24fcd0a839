"""Checks of a passkey's answer besides its shape (WebAuthn Level 3, 7.1 and 7.2).

They add the checks that the library leaves to us.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from ..core.assurance import VERIFIED
from ..core.model import Authenticator, Challenge, Fields
from ..core.options import option, some_of, words
from ..core.rules import Rules
from .aaguids import provider_name
from .base import Accepted, Context, Rejected, options_in
from .cbor_items import BadItem, end_of_item
from .passkey_response import MAX_CREDENTIAL_ID, Ceremony, ClientData, PasskeyResponse, from_base64url, to_base64url

if TYPE_CHECKING:
    from webauthn.registration.verify_registration_response import VerifiedRegistration

KIND = "webauthn"
NAME = "Passkey"
SECURITY_KEY = "Security key"
UNASKED = "unasked"
"""In the data of a draft and of a challenge: the browser may answer without a press of the person."""
ALGORITHMS = (-8, -7, -257)
"""EdDSA, ECDSA on P-256, RSA PKCS#1 v1.5 with SHA-256 (S-76)."""
RSA_BITS = range(2048, 8193)
FLAGS_AT, ITEMS_AT, KEY_AT, ATTESTED, EXTENDED = 32, 37, 55, 0x40, 0x80
"""Where the flags, the first item and the credential id stand in authenticator data, and the flags of the two items that
it may have (WebAuthn Level 3, 6.1, 6.5.1)."""
_KEY_PARTS: dict[int, dict[int, type]] = {
    1: {-1: int, -2: bytes},
    2: {-1: int, -2: bytes, -3: bytes},
    3: {-1: bytes, -2: bytes},
}
"""By the kind of key (octet, two coordinates, RSA): what it must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebAuthnRules:
    """``[factors.webauthn]``."""

    user_verification: Literal["required", "preferred", "discouraged"] = option(
        "preferred",
        words("discouraged", "preferred", "required"),
        "Whether the authenticator checks the person by PIN, face or fingerprint (WebAuthn).",
    )
    resident_key: Literal["required", "preferred", "discouraged"] = option(
        "preferred",
        words(),
        "Whether a new passkey is kept on the authenticator itself; security keys have few places for such keys.",
        stricter="none",
    )
    attachment: Literal["any", "platform", "cross-platform"] = option(
        "any",
        words("any", "platform", "cross-platform"),
        'Authenticators that can be enrolled: those of the device ("platform"), those that are plugged in or elsewhere '
        '("cross-platform"), or "any".',
        stricter="either",
    )
    prompt: Literal["button", "at-once"] = option(
        "button",
        words("button", "at-once"),
        '"at-once": the browser asks for the passkey as soon as the page is there, once, where the last proof in this browser '
        "was by one.",
        stricter="none",
    )
    hints: tuple[str, ...] = option(
        (),
        some_of(("security-key", "client-device", "hybrid"), empty=True, stricter="none"),
        "The kinds of authenticator that the browser offers first, the best one first.",
        stricter="none",
    )


def webauthn_rules(rules: Rules) -> WebAuthnRules:
    """Read ``[factors.webauthn]``; the defaults where ``rules`` have none."""
    return options_in(rules, KIND, WebAuthnRules)


def passkeys(context: Context) -> list[Authenticator]:
    """List the subject's confirmed passkeys."""
    return [a for a in context.known if a.factor == KIND]


class Unreadable(Exception):
    """An answer whose bytes are not of the right form; our own word for it."""


def refusals() -> tuple[type[Exception], ...]:
    """Name the exceptions by which the libraries say that an answer is wrong.

    Every other one is a fault of ours. Raises ``RuntimeError`` where the libraries here cannot read a right answer: then
    their refusals are worth nothing.
    """
    from cbor2 import CBORError
    from webauthn.helpers.exceptions import WebAuthnException

    _try_libraries()
    return WebAuthnException, CBORError, Unreadable, BadItem


@cache
def _try_libraries() -> None:
    """Have both libraries read an empty map, once.

    Versions that do not fit each other refuse even that.
    """
    from webauthn.helpers.parse_cbor import parse_cbor

    if parse_cbor(b"\xa0") != {} or not _is_one_item(b"\xa0"):
        raise RuntimeError(
            "the installed webauthn and cbor2 do not fit each other and cannot read a passkey's answer: install newer ones, "
            "e.g. pip install --upgrade webauthn cbor2"
        )


def credential_of(data: Fields) -> str:
    """Read the credential's id in base64url from its claim.

    Data of earlier releases has the id a second time.
    """
    return str(data.get("claim", "")).removeprefix(f"{KIND}:")


def was_asked(context: Context, told: ClientData, response: PasskeyResponse, asked: Challenge) -> bool:
    """Check that client data and response are of the ceremony that was asked for (S-70, S-73).

    An answer from inside another site is not.
    """
    ceremony: Ceremony = "create" if context.purpose == "enroll" else "get"
    return (
        asked.data.get("type") == response.ceremony == ceremony
        and told.type == f"webauthn.{ceremony}"
        and not told.embedded
    )


def registered(
    context: Context, data: Fields, asked: Challenge, response: PasskeyResponse
) -> Accepted | Rejected | None:
    """Check a new credential; None where something is wrong.

    Attestation is checked where there is one, and trusted never. A credential that the browser made by itself was touched
    by nobody (WebAuthn Level 3, 7.1 step 15).
    """
    import webauthn
    from webauthn.helpers.cose import COSEAlgorithmIdentifier
    from webauthn.helpers.structs import AuthenticatorAttestationResponse, RegistrationCredential
    from webauthn.registration.verify_registration_response import VerifiedRegistration

    raw_id, challenge = from_base64url(response.id), from_base64url(asked.data["challenge"])
    if raw_id is None or challenge is None or not _is_one_item(response.attestation):
        return None
    form = _attestation_form(response.attestation)
    try:
        done = webauthn.verify_registration_response(
            credential=RegistrationCredential(
                id=response.id,
                raw_id=raw_id,
                response=AuthenticatorAttestationResponse(
                    client_data_json=response.client_data, attestation_object=response.attestation
                ),
            ),
            expected_challenge=challenge,
            expected_rp_id=context.host,
            expected_origin=list(context.origins),
            require_user_presence=not asked.data.get(UNASKED),
            require_user_verification=_demands_user(context, asked),
            supported_pub_key_algs=[COSEAlgorithmIdentifier(number) for number in ALGORITHMS],
        )
    except Exception as error:
        if form == "none" or isinstance(error, refusals()):
            raise
        # The library takes for granted that each part of a statement has its own type, and hands certificates and tokens
        # to parsers that have words of their own.
        raise Unreadable("the attestation statement cannot be read") from error
    if type(done) is not VerifiedRegistration or done.credential_id != raw_id or len(raw_id) > MAX_CREDENTIAL_ID:
        return None
    if not _is_usable_key(done.credential_public_key):
        return None
    if any(credential_of(a.data) == response.id for a in passkeys(context)):
        return Rejected(reason="already_enrolled", free=True, challenge=asked.id)
    rules = webauthn_rules(context.rules)
    another_kind = response.attachment and rules.attachment not in ("any", response.attachment)
    if another_kind or (response.elsewhere and rules.resident_key == "required"):
        # A password manager may answer in the place of the browser, and pass over what was asked for.
        return Rejected(reason="not_enrollable", free=True, challenge=asked.id)
    claim = f"{KIND}:{response.id}"
    fields = {
        "key": to_base64url(done.credential_public_key),
        "count": done.sign_count,
        "eligible": done.credential_device_type == "multi_device",
        "synced": done.credential_backed_up,
        VERIFIED: done.user_verified,
        "transports": list(response.transports),
        "aaguid": done.aaguid,
        "user": data["user"],
        "claim": claim,
    }
    return Accepted(
        data=fields, challenge=asked.id, user_verified=done.user_verified, claim=claim, label=_label(done, response)
    )


def asserted(context: Context, asked: Challenge, response: PasskeyResponse) -> Accepted | Rejected | None:
    """Check a proof by the credential that the response names; None where something is wrong.

    The key comes from the subject's own row, and that row must have been offered (S-68).
    """
    import webauthn
    from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
    from webauthn.helpers.structs import AuthenticationCredential, AuthenticatorAssertionResponse

    mine = next((a for a in passkeys(context) if credential_of(a.data) == response.id), None)
    offered = asked.data.get("offered")
    if mine is None or not isinstance(offered, (list, tuple)) or mine.id not in offered:
        return None
    if response.user_handle and response.user_handle != mine.data["user"]:
        return None
    raw_id, challenge, key = (from_base64url(text) for text in (response.id, asked.data["challenge"], mine.data["key"]))
    if raw_id is None or challenge is None or key is None:
        return None
    _key_in(response.authenticator)
    done = webauthn.verify_authentication_response(
        credential=AuthenticationCredential(
            id=response.id,
            raw_id=raw_id,
            response=AuthenticatorAssertionResponse(
                client_data_json=response.client_data,
                authenticator_data=response.authenticator,
                signature=response.signature,
            ),
        ),
        expected_challenge=challenge,
        expected_rp_id=context.host,
        expected_origin=list(context.origins),
        credential_public_key=key,
        credential_current_sign_count=0,  # compared below, after the signature: only a real copy of a key raises an alarm
        require_user_verification=_demands_user(context, asked),
    )
    if type(done) is not VerifiedAuthentication or done.credential_id != raw_id:
        return None
    if (done.credential_device_type == "multi_device") is not mine.data["eligible"]:
        return Rejected(reason="wrong_code", alarm="backup_eligibility_changed", challenge=asked.id)
    last = int(str(mine.data["count"]))
    if (done.new_sign_count or last) and done.new_sign_count <= last:
        return Rejected(reason="wrong_code", alarm="counter_back", challenge=asked.id)
    verified = done.user_verified or bool(mine.data.get(VERIFIED))
    fields = {**mine.data, "count": done.new_sign_count, "synced": done.credential_backed_up, VERIFIED: verified}
    return Accepted(data=fields, target=mine.id, challenge=asked.id, user_verified=done.user_verified)


def _demands_user(context: Context, asked: Challenge) -> bool:
    """Tell if the answer must be of a verified user, by the policy or by the challenge.

    The library's default is off, so it is always said (S-74).
    """
    return "required" in (webauthn_rules(context.rules).user_verification, asked.data.get("user_verification"))


def _is_one_item(raw: bytes) -> bool:
    """Check that ``raw`` is one CBOR item to its last byte.

    Raises the decoder's errors, and ``BadItem``.
    """
    from cbor2 import loads

    end = end_of_item(raw)
    loads(raw[:end])
    return end == len(raw)


def _attestation_form(raw: bytes) -> str:
    """Read the attestation's form from ``raw``, which is one CBOR item.

    Raises ``Unreadable`` for a value that is no attestation. The new key is looked at as well: the library takes for
    granted that it has every part, each of its own type.
    """
    from cbor2 import loads

    told = loads(raw)
    if not isinstance(told, dict):
        raise Unreadable("the attestation is no map")
    form, data = told.get("fmt"), told.get("authData")
    if not isinstance(form, str) or not isinstance(data, bytes) or not isinstance(told.get("attStmt"), dict):
        raise Unreadable("the attestation lacks a part")
    if form == "none" and told["attStmt"]:
        raise Unreadable("the statement of no attestation is not empty")  # WebAuthn Level 3, 8.7
    if key := _key_in(data):
        _require_key(loads(key))
    return form


def _key_in(data: bytes) -> bytes:
    """Check the items of authenticator data, and cut out the new key.

    The key is empty where there is none. Raises ``BadItem``. Call it before the library: that decodes key and extensions
    before it looks at a signature, and encodes them again to learn where they end. It must find the same ends.
    """
    at, key = ITEMS_AT, b""
    if len(data) < at:
        return key
    if data[FLAGS_AT] & ATTESTED:
        begin = KEY_AT + int.from_bytes(data[KEY_AT - 2 : KEY_AT])
        key = _plain_item(data, begin)
        at = begin + len(key)
    if data[FLAGS_AT] & EXTENDED:
        at += len(_plain_item(data, at))
    if at != len(data):
        raise BadItem("bytes are left over")
    return key


def _plain_item(data: bytes, at: int) -> bytes:
    """Cut out the item that begins at ``at``.

    Raises ``BadItem`` for one that the decoder's encoder would write in another way, and the decoder's errors.
    """
    from cbor2 import dumps, loads

    item = data[at : end_of_item(data, at)]
    if dumps(loads(item)) != item:
        raise BadItem("an item is not in its one form")
    return item


def _require_key(key: object) -> None:
    """Raise ``Unreadable`` for a COSE key of a kind that is not asked for (RFC 9053 7)."""
    if not isinstance(key, dict):
        raise Unreadable("the key is no map")
    kind = key.get(1)
    parts = _KEY_PARTS.get(kind) if type(kind) is int else None
    if parts is None or type(key.get(3)) is not int:
        raise Unreadable("the key is of no kind that was asked for")
    if any(type(key.get(name)) is not kind for name, kind in parts.items()):
        raise Unreadable("the key lacks a part, or one has another type")


def _is_usable_key(cose: bytes) -> bool:
    """Check that the key is a point or modulus that its own algorithm can use."""
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography

    decoded = decode_credential_public_key(cose)
    try:
        key = decoded_public_key_to_cryptography(decoded)
    except (ValueError, UnsupportedAlgorithm):
        return False
    match key:
        case EllipticCurvePublicKey():
            return decoded.alg == -7 and isinstance(key.curve, SECP256R1)
        case Ed25519PublicKey():
            return decoded.alg == -8
        case RSAPublicKey():
            return decoded.alg == -257 and key.key_size in RSA_BITS
    return False


def _label(done: VerifiedRegistration, response: PasskeyResponse) -> str:
    """Name the passkey by its provider, else by its kind (U-45)."""
    known = provider_name(done.aaguid)
    if known:
        return known
    plugged = "internal" not in response.transports and {"usb", "nfc", "ble"} & {*response.transports}
    return SECURITY_KEY if plugged else NAME
