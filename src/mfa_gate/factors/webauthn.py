"""Passkeys and security keys (WebAuthn Level 3).

They are bound to this site, so a success cannot be relayed by another one.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import TYPE_CHECKING

from ..core.assurance import Traits
from ..core.model import Challenge, Fields
from ..core.rules import ResendRules, Rules
from .base import Accepted, CodeShape, Context, Draft, Issue, Rejected
from .passkey_checks import (
    ALGORITHMS,
    KIND,
    NAME,
    UNASKED,
    WebAuthnRules,
    asserted,
    credential_of,
    passkeys,
    refusals,
    registered,
    was_asked,
    webauthn_rules,
)
from .passkey_response import PasskeyResponse, from_base64url, read_client_data, read_response, to_base64url

if TYPE_CHECKING:
    from webauthn.helpers.structs import (
        AuthenticatorSelectionCriteria,
        PublicKeyCredentialDescriptor,
        UserVerificationRequirement,
    )

PURPOSE = "webauthn"
CHALLENGE_BYTES = 32
CHALLENGE_TTL = 300
"""Seconds (ASVS 6.7.2, S-67)."""
HANDLE_BYTES = 64
STRICTNESS = ("", "discouraged", "preferred", "required")


class WebAuthn:
    """Check ``webauthn``. Nothing of its data is secret.

    Data: public key (COSE), signature counter, backup eligibility and state, if the user was verified, transports, AAGUID,
    the user handle, the claim on the credential id (which holds that id).
    """

    traits = Traits(
        kind=KIND, name=NAME, phishing_resistant=True, needs_challenge=True, typed=False, verifies_user=True
    )
    options = WebAuthnRules
    template = files("mfa_gate.factors").joinpath("webauthn.html")
    about = "Passkeys and security keys (WebAuthn)."
    sealed: Mapping[str, str] = {"who": PURPOSE}

    def code(self, rules: Rules, data: Fields | None = None, /) -> CodeShape | None:
        """Describe nothing: no code is typed."""
        return None

    def draft(self, context: Context, /, *, phone: str = "", region: str = "") -> Draft | Rejected:
        """Make the user handle, one for all of a subject's passkeys (S-78).

        It is 64 random bytes without personal data.
        """
        known = [str(a.data["user"]) for a in passkeys(context)]
        handle = known[0] if known else context.user_handle or to_base64url(context.draw("user", HANDLE_BYTES))
        who = _names(context)
        unasked = {UNASKED: True} if context.unasked else {}
        data = {"user": handle, "who": context.seal(PURPOSE, json.dumps(who)), **unasked}
        return Draft(data=data, label=NAME, user_handle=handle)

    def show(self, context: Context, data: Fields, /) -> Mapping[str, str]:
        """Show nothing: the browser asks."""
        return {}

    def hint(self, context: Context, data: Fields, /) -> str:
        """Say if it is synced or on one device only (U-46)."""
        if "eligible" not in data:
            return ""
        if self.is_on_one_device(data):
            return context.translate("On one device only")
        return context.translate("Synced") if data["synced"] else context.translate("Not synced yet")

    def is_on_one_device(self, data: Fields, /) -> bool:
        """Tell if it can not be synced: then a second one is suggested (U-46)."""
        return data.get("eligible") is False

    def limits(self, rules: Rules, /) -> ResendRules | None:
        """Set no limit: nothing is sent."""
        return None

    def issue(self, context: Context, data: Fields, /) -> Issue | Rejected | None:
        """Make a challenge, with the argument of ``parse…OptionsFromJSON`` in ``show``.

        All of the subject's passkeys are offered: a person picks the one at hand, not the one that a page names.
        """
        import webauthn
        from webauthn.helpers import options_to_json_dict
        from webauthn.helpers.cose import COSEAlgorithmIdentifier

        challenge = context.draw("challenge", CHALLENGE_BYTES)
        asked = {"challenge": to_base64url(challenge), "user_verification": _asked(context)}
        known = passkeys(context)
        timeout = CHALLENGE_TTL * 1000
        if context.purpose == "enroll":
            name, display_name = json.loads(context.open(PURPOSE, data["who"]))
            creation = webauthn.generate_registration_options(
                rp_id=context.host,
                rp_name=context.service or context.host,
                user_id=from_base64url(data["user"]),
                user_name=name,
                user_display_name=display_name or name,
                challenge=challenge,
                timeout=timeout,
                authenticator_selection=_selection(context),
                exclude_credentials=[_descriptor(a.data) for a in known],
                supported_pub_key_algs=[COSEAlgorithmIdentifier(number) for number in ALGORITHMS],
            )
            show = {**options_to_json_dict(creation), **_hints(context), **_properties(context)}
            unasked = {UNASKED: True} if data.get(UNASKED) else {}
            return Issue(data={**asked, **unasked, "type": "create"}, ttl=CHALLENGE_TTL, show={"public_key": show})
        known.sort(key=lambda a: a.data != data)
        request = webauthn.generate_authentication_options(
            rp_id=context.host,
            challenge=challenge,
            timeout=timeout,
            allow_credentials=[_descriptor(a.data) for a in known],
            user_verification=_user_verification(context),
        )
        offered = [a.id for a in known]
        show = {**options_to_json_dict(request), **_hints(context)}
        return Issue(data={**asked, "type": "get", "offered": offered}, ttl=CHALLENGE_TTL, show={"public_key": show})

    def prompts(self, rules: Rules, /) -> bool:
        """Read ``[factors.webauthn] prompt`` (U-41)."""
        return webauthn_rules(rules).prompt == "at-once"

    def owner(self, data: Fields, /) -> str:
        """Read the user handle."""
        return str(data.get("user", ""))

    def accepted(self, context: Context, owner: str, /) -> Mapping[str, object]:
        """List the ids that are left (WebAuthn Level 3, 5.1.10.4; U-47)."""
        mine = [credential_of(a.data) for a in passkeys(context)]
        return {"rpId": context.host, "userId": owner, "allAcceptedCredentialIds": mine}

    def details(self, context: Context, owner: str, /) -> Mapping[str, object]:
        """Tell the present names of the owner (WebAuthn Level 3, 5.1.10.5; U-47)."""
        name, display_name = _names(context)
        return {"rpId": context.host, "userId": owner, "name": name, "displayName": display_name or name}

    def read(self, response: object, rules: Rules, /) -> object | None:
        """Read a ``PasskeyResponse``, from JSON text or an object."""
        return read_response(response)

    def verify(
        self, context: Context, /, *, data: Fields, challenges: Sequence[Challenge], response: object
    ) -> Accepted | Rejected:
        """Check an answer by WebAuthn Level 3, 7.1 and 7.2.

        An unknown or ended challenge costs nothing. Every other fault costs an attempt and ends the challenge, for then
        something was examined (S-37, S-67). An answer that the libraries refuse in their own words is wrong. Any other
        exception of theirs is a fault of ours.
        """
        if not isinstance(response, PasskeyResponse):
            return Rejected(reason="malformed", free=True)
        mine = [c for c in challenges if c.factor == KIND]
        told = read_client_data(response.client_data)
        asked = next((c for c in mine if told and c.data.get("challenge") == told.challenge), None)
        if told is None:
            # Client data that cannot be read names no challenge. The newest was what the page asked with.
            asked = next((c for c in reversed(mine) if c.is_live(context.now, context.seen_at)), None)
        if asked is None:
            return Rejected(reason="code_expired", free=True)
        if not asked.is_live(context.now, context.seen_at):
            return Rejected(reason="code_already_used" if asked.spent_at else "code_expired", free=True)
        wrong = Rejected(reason="wrong_code", challenge=asked.id)
        if told is None or not was_asked(context, told, response, asked):
            return wrong
        try:
            if response.ceremony == "create":
                return registered(context, data, asked, response) or wrong
            return asserted(context, asked, response) or wrong
        except refusals():
            return wrong


def _names(context: Context) -> tuple[str, str]:
    """Return the names of account and person, as password managers show them."""
    return context.contacts.email or context.key.id, context.contacts.name


def _selection(context: Context) -> AuthenticatorSelectionCriteria:
    from webauthn.helpers.structs import (
        AuthenticatorAttachment,
        AuthenticatorSelectionCriteria,
        ResidentKeyRequirement,
    )

    rules = webauthn_rules(context.rules)
    return AuthenticatorSelectionCriteria(
        authenticator_attachment=None if rules.attachment == "any" else AuthenticatorAttachment(rules.attachment),
        resident_key=ResidentKeyRequirement(rules.resident_key),
        user_verification=_user_verification(context),
    )


def _hints(context: Context) -> dict[str, list[str]]:
    """Return the policy's hints, which the browser may follow (WebAuthn Level 3, 5.8.7)."""
    hints = webauthn_rules(context.rules).hints
    return {"hints": list(hints)} if hints else {}


def _properties(context: Context) -> dict[str, object]:
    """Ask where the new passkey is kept, if the policy has a word on it (10.1.3)."""
    return {"extensions": {"credProps": True}} if webauthn_rules(context.rules).resident_key == "required" else {}


def _user_verification(context: Context) -> UserVerificationRequirement:
    from webauthn.helpers.structs import UserVerificationRequirement

    return UserVerificationRequirement(_asked(context))


def _asked(context: Context) -> str:
    """Return the word for the browser: the stricter one of the policy's and the request's."""
    return max(webauthn_rules(context.rules).user_verification, context.user_verification, key=STRICTNESS.index)


def _descriptor(data: Fields) -> PublicKeyCredentialDescriptor:
    from webauthn.helpers.structs import AuthenticatorTransport, PublicKeyCredentialDescriptor

    ways = data.get("transports")
    transports = [AuthenticatorTransport(way) for way in ways] if isinstance(ways, (list, tuple)) else []
    return PublicKeyCredentialDescriptor(id=from_base64url(credential_of(data)) or b"", transports=transports or None)
