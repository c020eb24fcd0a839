"""Describe the keys of ``[factors]`` and of the sections below it, one row a key."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.rules import (
    BackupCodeRules,
    CodeRules,
    CountRules,
    EmailRules,
    FactorRules,
    PhoneRules,
    PushRules,
    ResendRules,
    TotpRules,
    VoiceRules,
    WebAuthnRules,
)
from . import predicates as is_
from .bounds import Key, length, number, some_of, text, words
from .shape import factor_kinds

PHONE_TYPES = (
    *PhoneRules().refuse_types,
    *("fixed-line", "fixed-line-or-mobile", "mobile", "personal-number", "uan", "unknown", "voicemail", "voip"),
)

FACTOR_KEYS: Mapping[type, Mapping[str, Key]] = {
    FactorRules: {
        "allowed": some_of("The factors that people can enroll and use.", factor_kinds(), stricter="fewer"),
        "order": some_of("The order in which factors are offered, the first one first.", factor_kinds()),
        "choice": words('"user": people pick among the allowed factors; "tenant": the tenant\'s administrators pick.'),
        "first_offer": words(
            'The factor that a challenge offers first: "strongest" follows "order", "last-used" is the one last used here.'
        ),
        "auto_send": words("true: a code is sent at once when a page load leads to a factor that sends one."),
        "mask": words("true: addresses and phone numbers are shown in part only.", False, True),
        "email": Key(about="Codes by e-mail, to the address that the host has on file."),
        "sms": Key(about="Codes by text message."),
        "voice": Key(about="Phone calls: the keys of [factors.sms], and how a call is confirmed."),
        "totp": Key(about="Codes of authenticator apps (RFC 6238)."),
        "push": Key(about="Approval on the phone, by a number that is typed there."),
        "webauthn": Key(about="Passkeys and security keys (WebAuthn)."),
        "backup_code": Key(about="Printed codes, each good for one use, that stand in for another factor."),
    },
    EmailRules: {
        "code": Key(about="The code that is sent."),
        "resend": Key(about="How often a code may be sent to one person."),
    },
    CodeRules: {
        "digits": number("Digits of a code.", 6, 10, "higher"),
        "ttl": length("Time for which a code is good.", "30s", "1h", "lower"),
        "live": number("Codes of one person that are good at the same time.", 1, 5, "lower"),
    },
    ResendRules: {
        "wait": length("Shortest time between two sends to one person.", "0s", "1h", "higher"),
        "per_hour": number("Sends to one person in an hour.", 1, 60, "lower"),
        "per_day": number("Sends to one person in a day.", 1, 200, "lower"),
    },
    PhoneRules: {
        "code": Key(about="The code that is sent."),
        "resend": Key(about="How often a code may be sent to one person."),
        "phone": words('"typed": people enter their number; "on-file": the host\'s record has it.', "typed", "on-file"),
        "regions": Key(
            about="Regions (ISO 3166) that a number itself may belong to, whatever its country code; absent: any.",
            says='it must be a non-empty array of regions in two capital letters, like "US", each once',
            holds=lambda v: is_.distinct(v) and len(v) > 0 and all(is_.region(r) for r in v),
            stricter="fewer",
        ),
        "refuse_types": some_of("Types of numbers that are refused.", PHONE_TYPES, empty=True, stricter="more"),
        "consent_text": text("The sentence about costs beside the field for the number.", 300, empty=True),
    },
    VoiceRules: {
        "confirm": words(
            'How a call is confirmed: "pound" by a key of the phone, "code" by a code that is typed on the page.',
            "pound",
            "code",
        )
    },
    TotpRules: {
        "digits": number("Digits of a code.", 6, 8, "higher"),
        "period": length("Time for which the app shows one code.", "15s", "2m", "lower"),
        "drift_steps": number("Periods before and after the current one whose codes count, too.", 0, 1, "lower"),
        "apps": Key(
            about="Names of apps that the enrollment page recommends.",
            says="it must be an array of names, each once and at most 60 characters",
            holds=lambda v: is_.distinct(v) and all(is_.printable(a) and 0 < len(a.strip()) <= 60 for a in v),
        ),
    },
    PushRules: {
        "digits": number("Digits of the number that is typed on the phone.", 2, 6, "higher"),
        "ttl": length("Time for which a request can be approved.", "15s", "10m", "lower"),
        "max_per": Key(about="How many requests one person's phone may get."),
    },
    CountRules: {
        "count": number("Requests in one window.", 1, 20, "lower"),
        "window": length("Length of the window.", "1m", "1d", "higher"),
    },
    WebAuthnRules: {
        "user_verification": words(
            "Whether the authenticator checks the person by PIN, face or fingerprint (WebAuthn).",
            "discouraged",
            "preferred",
            "required",
        )
    },
    BackupCodeRules: {
        "count": number("Codes in a set.", 1, 20, "lower"),
        "warn_at": number("Codes left at which a person is warned.", 0, 20),
    },
}
