"""Describe the keys of ``[factors]`` and of the sections below it, one row a key."""

from __future__ import annotations

from collections.abc import Mapping

from ..core.options import Key, key, length, number, some_of, text, words
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
from .shape import factor_kinds

PHONE_TYPES = (
    *PhoneRules().refuse_types,
    *("fixed-line", "fixed-line-or-mobile", "mobile", "personal-number", "uan", "unknown", "voicemail", "voip"),
)

FACTOR_KEYS: Mapping[type, Mapping[str, Key]] = {
    FactorRules: {
        "allowed": key("The factors that people can enroll and use.", some_of(factor_kinds(), stricter="fewer")),
        "order": key("The order in which factors are offered, the first one first.", some_of(factor_kinds())),
        "choice": key('"user": people pick among the allowed factors; "tenant": the tenant\'s administrators pick.'),
        "first_offer": key(
            'The factor that a challenge offers first: "strongest" follows "order", "last-used" is the one last used here.'
        ),
        "auto_send": key("true: a code is sent at once when a page load leads to a factor that sends one."),
        "mask": key("true: addresses and phone numbers are shown in part only.", words(False, True)),
        "email": key("Codes by e-mail, to the address that the host has on file."),
        "sms": key("Codes by text message."),
        "voice": key("Phone calls: the keys of [factors.sms], and how a call is confirmed."),
        "totp": key("Codes of authenticator apps (RFC 6238)."),
        "push": key("Approval on the phone, by a number that is typed there."),
        "webauthn": key("Passkeys and security keys (WebAuthn)."),
        "backup_code": key("Printed codes, each good for one use, that stand in for another factor."),
    },
    EmailRules: {
        "code": key("The code that is sent."),
        "resend": key("How often a code may be sent to one person."),
    },
    CodeRules: {
        "digits": key("Digits of a code.", number(6, 10, "higher")),
        "ttl": key("Time for which a code is good.", length("30s", "1h", "lower")),
        "live": key("Codes of one person that are good at the same time.", number(1, 5, "lower")),
    },
    ResendRules: {
        "wait": key("Shortest time between two sends to one person.", length("0s", "1h", "higher")),
        "per_hour": key("Sends to one person in an hour.", number(1, 60, "lower")),
        "per_day": key("Sends to one person in a day.", number(1, 200, "lower")),
    },
    PhoneRules: {
        "code": key("The code that is sent."),
        "resend": key("How often a code may be sent to one person."),
        "phone": key(
            '"typed": people enter their number; "on-file": the host\'s record has it.', words("typed", "on-file")
        ),
        "regions": key(
            "Regions (ISO 3166) that a number itself may belong to, whatever its country code; absent: any.",
            Key(
                says='it must be a non-empty array of regions in two capital letters, like "US", each once',
                holds=lambda v: is_.distinct(v) and len(v) > 0 and all(is_.region(r) for r in v),
                stricter="fewer",
            ),
        ),
        "refuse_types": key("Types of numbers that are refused.", some_of(PHONE_TYPES, empty=True, stricter="more")),
        "consent_text": key("The sentence about costs beside the field for the number.", text(300, empty=True)),
    },
    VoiceRules: {
        "confirm": key(
            'How a call is confirmed: "pound" by a key of the phone, "code" by a code that is typed on the page.',
            words("pound", "code"),
        )
    },
    TotpRules: {
        "digits": key("Digits of a code.", number(6, 8, "higher")),
        "period": key("Time for which the app shows one code.", length("15s", "2m", "lower")),
        "drift_steps": key("Periods before and after the current one whose codes count, too.", number(0, 1, "lower")),
        "apps": key(
            "Names of apps that the enrollment page recommends.",
            Key(
                says="it must be an array of names, each once and at most 60 characters",
                holds=lambda v: is_.distinct(v) and all(is_.printable(a) and 0 < len(a.strip()) <= 60 for a in v),
            ),
        ),
    },
    PushRules: {
        "digits": key("Digits of the number that is typed on the phone.", number(2, 6, "higher")),
        "ttl": key("Time for which a request can be approved.", length("15s", "10m", "lower")),
        "max_per": key("How many requests one person's phone may get."),
    },
    CountRules: {
        "count": key("Requests in one window.", number(1, 20, "lower")),
        "window": key("Length of the window.", length("1m", "1d", "higher")),
    },
    WebAuthnRules: {
        "user_verification": key(
            "Whether the authenticator checks the person by PIN, face or fingerprint (WebAuthn).",
            words("discouraged", "preferred", "required"),
        )
    },
    BackupCodeRules: {
        "count": key("Codes in a set.", number(1, 20, "lower")),
        "warn_at": key("Codes left at which a person is warned.", number(0, 20)),
    },
}
