"""The JSON schemas of what the calls answer, for the OpenAPI document."""

from __future__ import annotations

from typing import Any, get_args

from ...core.decision import ChallengeReason, State
from ...core.people_search import SORTS
from ...core.reasons import REASONS
from ...core.summary import STATUSES

Schema = dict[str, Any]

TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
SWITCH: Schema = {"type": "boolean"}
TIME: Schema = {"type": "string", "format": "date-time"}
NO_TIME: Schema = {"type": ["string", "null"], "format": "date-time"}
NO_TEXT: Schema = {"type": ["string", "null"]}
TEXTS: Schema = {"type": "array", "items": TEXT}


def ref(name: str) -> Schema:
    """Refer to a schema by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def list_of(name: str) -> Schema:
    """Make the schema of a list."""
    return {"type": "array", "items": ref(name)}


def or_null(name: str) -> Schema:
    """Make the schema of what may be absent."""
    return {"anyOf": [ref(name), {"type": "null"}]}


def thing(about: str, optional: dict[str, Schema] | None = None, /, **always: Schema) -> Schema:
    """Make the schema of an object, of members ``always`` there and ``optional`` ones."""
    properties = {**always, **(optional or {})}
    return {"type": "object", "description": about, "properties": properties, "required": list(always)}


_DESCRIPTOR = {"transports": TEXTS}
_EXTENSIONS: Schema = {"type": "object", "additionalProperties": True}
_PASSKEYS: dict[str, Schema] = {
    "CredentialDescriptor": thing("A passkey that is known.", _DESCRIPTOR, id=TEXT, type=TEXT),
    "CreationOptions": thing(
        "What PublicKeyCredential.parseCreationOptionsFromJSON takes.",
        {
            "timeout": WHOLE,
            "excludeCredentials": list_of("CredentialDescriptor"),
            "authenticatorSelection": thing(
                "Which passkeys will do.",
                {
                    "authenticatorAttachment": TEXT,
                    "residentKey": TEXT,
                    "requireResidentKey": SWITCH,
                    "userVerification": TEXT,
                },
            ),
            "hints": TEXTS,
            "attestation": TEXT,
            "extensions": _EXTENSIONS,
        },
        rp=thing("The site.", id=TEXT, name=TEXT),
        user=thing("The person.", id=TEXT, name=TEXT, displayName=TEXT),
        challenge=TEXT,
        pubKeyCredParams={"type": "array", "items": thing("An algorithm.", type=TEXT, alg=WHOLE)},
    ),
    "RequestOptions": thing(
        "What PublicKeyCredential.parseRequestOptionsFromJSON takes.",
        {
            "timeout": WHOLE,
            "rpId": TEXT,
            "allowCredentials": list_of("CredentialDescriptor"),
            "userVerification": TEXT,
            "hints": TEXTS,
            "extensions": _EXTENSIONS,
        },
        challenge=TEXT,
    ),
    "PasskeyAttestation": thing(
        "What PublicKeyCredential.toJSON() gives after navigator.credentials.create.",
        {"authenticatorAttachment": NO_TEXT, "clientExtensionResults": _EXTENSIONS},
        id=TEXT,
        rawId=TEXT,
        type={"type": "string", "enum": ["public-key"]},
        response=thing(
            "The new passkey.",
            {
                "authenticatorData": TEXT,
                "transports": TEXTS,
                "publicKey": NO_TEXT,
                "publicKeyAlgorithm": WHOLE,
            },
            clientDataJSON=TEXT,
            attestationObject=TEXT,
        ),
    ),
    "PasskeyAssertion": thing(
        "What PublicKeyCredential.toJSON() gives after navigator.credentials.get.",
        {"authenticatorAttachment": NO_TEXT, "clientExtensionResults": _EXTENSIONS},
        id=TEXT,
        rawId=TEXT,
        type={"type": "string", "enum": ["public-key"]},
        response=thing(
            "The passkey's signature.",
            {"userHandle": NO_TEXT},
            clientDataJSON=TEXT,
            authenticatorData=TEXT,
            signature=TEXT,
        ),
    ),
}
_PERSONS: dict[str, Schema] = {
    "Authenticator": thing(
        "One authenticator, without anything secret.", id=TEXT, factor=TEXT, label=TEXT, hint=TEXT, default=SWITCH
    ),
    "AuthenticatorList": thing("All authenticators.", authenticators=list_of("Authenticator")),
    "Proof": thing("The proof that counts.", factor=TEXT, at=TIME, ends_at=TIME),
    "Standing": thing(
        "Where the caller stands. reason says why a challenge is needed, action what for, as the policy's rule names it.",
        {"proof_token": TEXT, "recovery": ref("OwnRecovery"), "action": TEXT},
        state={"type": "string", "enum": list(get_args(State))},
        reason={"enum": [*get_args(ChallengeReason), None]},
        authenticators=list_of("Authenticator"),
        enrollable=TEXTS,
        attempts_remaining=WHOLE,
        proof=or_null("Proof"),
        skippable=SWITCH,
    ),
    "IssuedChallenge": thing(
        "A challenge; challenge is null where nothing is sent or asked, and the code is simply typed.",
        {"public_key": ref("RequestOptions"), "number": TEXT},
        challenge=NO_TEXT,
        factor=TEXT,
        hint=TEXT,
        expires_at=NO_TIME,
        resend_at=NO_TIME,
    ),
    "ChallengeStatus": thing(
        "Whether it was answered elsewhere.",
        status={"type": "string", "enum": ["pending", "approved", "denied", "expired"]},
    ),
    "Draft": thing(
        "A draft: what the person needs to set it up.",
        {
            "secret": TEXT,
            "uri": TEXT,
            "qr_svg": TEXT,
            "hint": TEXT,
            "number": TEXT,
            "challenge": TEXT,
            "resend_at": TIME,
            "public_key": ref("CreationOptions"),
        },
        enrollment=TEXT,
        factor=TEXT,
        expires_at=TIME,
    ),
    "Enrolled": thing(
        "The new authenticator; with a first one the backup codes, shown this once.",
        {"backup_codes": TEXTS, "proof_token": TEXT},
        authenticator=ref("Authenticator"),
    ),
    "BackupCodeSet": thing("A new set, shown this once.", backup_codes=TEXTS),
    "Browser": thing(
        "A remembered browser or client. place is what the host knows of its network.",
        {"place": TEXT},
        id=TEXT,
        label=TEXT,
        network=TEXT,
        last_used_at=TIME,
        current=SWITCH,
    ),
    "BrowserList": thing("Remembered browsers and clients.", browsers=list_of("Browser")),
    "Agreement": thing("The agreement to accept.", id=TEXT, version=TEXT, title=TEXT, text=TEXT, digest=TEXT),
    "RecoveryRequest": thing(
        "The waiting request. From opens_at on the person may set up anew without an administrator; absent: never.",
        {"opens_at": TIME},
        ref=TEXT,
    ),
    "OwnRecovery": thing(
        "One's own waiting request. open: POST recovery/begin removes the lost authenticators now.",
        ref=TEXT,
        at=TIME,
        opens_at=NO_TIME,
        open=SWITCH,
    ),
}
_SUMMARY: dict[str, Schema] = {
    "id": TEXT,
    "tenant": TEXT,
    "name": TEXT,
    "status": {"type": "string", "enum": list(STATUSES)},
    "factors": TEXTS,
    "locked_at": NO_TIME,
    "last_proof_at": NO_TIME,
}
_ACCOUNT: dict[str, Schema] = dict(
    **_SUMMARY,
    attempts_remaining=WHOLE,
    lock=or_null("Lock"),
    authenticators=list_of("AccountAuthenticator"),
    browsers=list_of("AccountBrowser"),
    recovery=or_null("Recovery"),
    break_glass=or_null("BreakGlass"),
    holds_rights=SWITCH,
    asked=or_null("AskedAct"),
)
_DESK: dict[str, Schema] = {
    "Summary": thing(
        "One line of the list.",
        **_SUMMARY,
        **dict.fromkeys(("phishing_resistant", "texts_only"), SWITCH),
        **dict.fromkeys(("locked_by", "lock_cause", "agreement"), TEXT),
        break_glass={"type": "string", "enum": ["", "asked", "open"]},
        **dict.fromkeys(("recovery_at", "break_glass_ends_at", "disputed_until", "ticket_ends_at"), NO_TIME),
    ),
    "Report": thing(
        "A report. Each row has a member for each column.",
        name=TEXT,
        tenant=TEXT,
        at=TIME,
        columns=TEXTS,
        rows={"type": "array", "items": {"type": "object", "additionalProperties": True}},
    ),
    "People": thing(
        "The people of a tenant, as the host's directory lists them.",
        **dict.fromkeys(("known", "set_up", "missing", "exempt"), WHOLE),
    ),
    "AccountList": thing("A page of the list.", accounts=list_of("Summary"), next=NO_TEXT),
    "Lock": thing("Why an account is locked.", at=TIME, cause=TEXT, ref=TEXT, actor=TEXT),
    "AccountAuthenticator": thing(
        "An authenticator of an account.",
        id=TEXT,
        factor=TEXT,
        label=TEXT,
        created_at=TIME,
        last_used_at=NO_TIME,
        default=SWITCH,
    ),
    "AccountBrowser": thing("A browser of an account.", id=TEXT, label=TEXT, network=TEXT, last_used_at=TIME),
    "Recovery": thing("A waiting request for help.", at=TIME, about=TEXT, ref=TEXT, held_until=TIME, opens_at=NO_TIME),
    "BreakGlass": thing(
        "A break-glass grant, or the request for one.",
        ref=TEXT,
        status={"type": "string", "enum": ["granted", "asked"]},
        asked_by=TEXT,
        asked_at=TIME,
        confirmed_by=NO_TEXT,
        reason=TEXT,
        ticket=TEXT,
        hours=WHOLE,
        ends_at=NO_TIME,
        confirm_until=NO_TIME,
        browsers=WHOLE,
    ),
    "Account": thing("One account.", **_ACCOUNT),
    "PersonData": thing(
        "All that is known of one person.",
        **_ACCOUNT,
        language=TEXT,
        time_zone=TEXT,
        acceptances=list_of("Acceptance"),
        events=list_of("Event"),
    ),
    "Acceptance": thing(
        "The acceptance of an agreement.", **dict.fromkeys(("agreement", "version", "network"), TEXT), at=TIME
    ),
    "AskedAct": thing(
        "An act on a person who holds rights: it waits for a second administrator.",
        **dict.fromkeys(("act", "ref", "asked_by", "reason", "ticket", "item"), TEXT),
        asked_at=TIME,
        confirm_until=TIME,
    ),
    "Erased": thing("A person who was erased; the pseudonym is null where nothing was known.", pseudonym=NO_TEXT),
    "AccountName": thing("The account, for an actor who may not look at it.", id=TEXT, tenant=TEXT),
    "EnrollmentTicket": thing(
        "An enrollment ticket, shown this once; null where it was mailed.",
        dict.fromkeys(("mailed_to", "not_sent"), NO_TEXT),
        ticket=NO_TEXT,
        expires_at=TIME,
    ),
    "Check": thing("A line of the checklist.", id=TEXT, ok=SWITCH, text=TEXT),
    "Day": thing("One day.", date={"type": "string", "format": "date"}, enrolled=WHOLE, people=WHOLE),
    "TenantSettings": thing(
        "The settings of a tenant.",
        tenant=TEXT,
        enabled=SWITCH,
        enabled_at=NO_TIME,
        factors=TEXTS,
        pickable=TEXTS,
        checklist=list_of("Check"),
        counts={"type": "object", "additionalProperties": WHOLE},
        people=ref("People"),
        history=list_of("Day"),
    ),
    "TenantName": thing("The tenant, for an actor who may not look at it any more.", tenant=TEXT),
    "Reminded": thing("How many people were told.", people=WHOLE),
    "Delivery": thing("A message went out.", sent=SWITCH),
    "Event": thing(
        "One line of the trail.",
        **dict.fromkeys(("id", "kind", "actor", "account", "tenant", "app", "factor", "network"), TEXT),
        at=TIME,
        **dict.fromkeys(
            ("reason", "ticket", "ref", "policy", "address", "browser", "agent", "session", "request"), TEXT
        ),
        ms=WHOLE,
        detail={"type": "object", "additionalProperties": True},
    ),
    "PolicyEntry": thing(
        "A policy that came into force at a time. looser names what let more pass.",
        **dict.fromkeys(("app", "name", "digest", "by"), TEXT),
        at=TIME,
        differences={"type": ["integer", "null"]},
        looser=TEXTS,
    ),
    "PolicyApproval": thing("The word of one person.", by=TEXT, at=TIME, reason=TEXT, ends_at=TIME),
    "PolicyChange": thing(
        "One change; witness is a request that shows it.",
        **dict.fromkeys(("tenant", "path", "old", "new", "witness"), TEXT),
        change={"type": "string", "enum": ["looser", "stricter", "no request", "neutral"]},
    ),
    "WaitingPolicy": thing(
        "A looser policy that waits for approvals; more counts the changes that are not listed.",
        **dict.fromkeys(("app", "name", "digest"), TEXT),
        since=TIME,
        compared=SWITCH,
        changes=list_of("PolicyChange"),
        more=WHOLE,
        needed=WHOLE,
        approvals=list_of("PolicyApproval"),
        approved_by_you=SWITCH,
    ),
    "PolicyInForce": thing(
        "The policy in force, those before it, and what waits. text is null for who may not read all of it.",
        **dict.fromkeys(("name", "digest", "mode"), TEXT),
        since=NO_TIME,
        by=NO_TEXT,
        text=NO_TEXT,
        history=list_of("PolicyEntry"),
        waiting=list_of("WaitingPolicy"),
        differing=TEXTS,
        may_approve=SWITCH,
    ),
    "ImpactLine": thing(
        "One line of a table of an impact.",
        name=TEXT,
        **dict.fromkeys(("asked", "stops", "enroll", "walled_out", "held", "people", "requests"), WHOLE),
    ),
    "ImpactPerson": thing(
        "A person who would be stopped.",
        **dict.fromkeys(("tenant", "id", "walled_out", "helps"), TEXT),
        groups={"type": ["array", "null"], "items": TEXT},
        requests=WHOLE,
        asked=WHOLE,
        enrolls=SWITCH,
        rules=TEXTS,
        first_at=NO_TIME,
    ),
    "ImpactUnknown": thing("Something that could not be known.", what=TEXT, count=WHOLE),
    "Impact": thing(
        "The people who would be asked, sent to enroll or walled out.",
        policy=thing("The policy in force.", name=TEXT, digest=TEXT),
        recorded_under=TEXTS,
        **{"from": NO_TIME, "to": NO_TIME},
        **dict.fromkeys(("asked", "stops", "enroll", "walled_out", "held", "people", "requests"), WHOLE),
        tables={"type": "object", "additionalProperties": list_of("ImpactLine")},
        persons=list_of("ImpactPerson"),
        unknown=list_of("ImpactUnknown"),
    ),
    "EventList": thing("A page of the trail, newest first.", events=list_of("Event"), next=NO_TEXT),
}
PROBLEM = thing(
    "A refusal (RFC 9457). member names the member, the parameter or the header that is wrong; ref an event of the trail.",
    {
        "ref": TEXT,
        "member": TEXT,
        "open": TEXTS,
        "state": {"type": "string", "enum": list(get_args(State))},
        "why": TEXT,
        "methods": TEXTS,
        "challenge_url": TEXT,
        "api_url": TEXT,
        "attempts_remaining": WHOLE,
        "retry_after": WHOLE,
        "max_age": WHOLE,
        "user_verification": {"type": "boolean"},
        "challenge": TEXT,
        "enrollment": TEXT,
        "cause": TEXT,
    },
    type=TEXT,
    title=TEXT,
    status=WHOLE,
    detail=TEXT,
    reason={"type": "string", "enum": sorted(REASONS)},
)
SIGN: Schema = {"type": "string", "enum": ["1"], "description": "The one value of the header X-MFA-Gate."}
SCHEMAS: dict[str, Schema] = {"Problem": PROBLEM, "Sign": SIGN, **_PERSONS, **_PASSKEYS, **_DESK}
"""Every schema by its name."""

_COUNT: Schema = {"type": "integer", "minimum": 1, "maximum": 200}
QUERIES: dict[str, Schema] = {
    "limit": _COUNT,
    "status": {"type": "string", "enum": list(STATUSES)},
    "sort": {"type": "string", "enum": list(SORTS)},
}
"""The schemas of query parameters that are no plain text."""
