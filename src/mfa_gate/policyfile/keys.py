"""What each key takes, and which way is stricter: one row a key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from ..core.durations import seconds_of
from ..core.rules import (
    METHODS,
    AgreementRules,
    AttemptRules,
    AuditRules,
    BackupCodeRules,
    BrandRules,
    CodeRules,
    CompareRules,
    CountRules,
    EmailRules,
    EnrollmentRules,
    Exemption,
    FactorRules,
    FreshnessRules,
    IPChangeRules,
    PhoneRules,
    PriceRules,
    PushRules,
    RecoveryRules,
    ResendRules,
    RoleRules,
    RollingRules,
    Rules,
    SendCount,
    SendRules,
    SkipRules,
    StepUpRule,
    SubjectExemption,
    TotpRules,
    UnansweredRules,
    VoiceRules,
    WebAuthnRules,
)
from . import predicates as is_
from .faults import listed
from .scenario import REASONS, Example, Expect, Given
from .shape import factor_kinds

Direction = Literal["", "lower", "higher", "fewer", "more"]

PHONE_TYPES = (
    *PhoneRules().refuse_types,
    *("fixed-line", "fixed-line-or-mobile", "mobile", "personal-number", "uan", "unknown", "voicemail", "voip"),
)

ONE_FACTOR = ("pwd", "kba", "pin", "user", "geo", "rba", "wia")
"""Words of RFC 8176, 2 that tell of a password, of a place or of mere presence, and so of no second factor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """One row: ``holds`` is the predicate, ``says`` its text. ``low`` and ``high`` are for the schema.

    ``stricter`` is the direction that gives less away; ``weakest_first`` the same for words and yes-or-no.
    """

    says: str = ""
    holds: Callable[[Any], bool] = is_.anything
    stricter: Direction = ""
    weakest_first: tuple[object, ...] = ()
    low: int | None = None
    high: int | None = None
    one_of: tuple[str, ...] = ()


def number(low: int, high: int, stricter: Direction = "") -> Key:
    """A whole number between two bounds."""
    says = f"it must be {low} or {high}" if high == low + 1 else f"it must be between {low} and {high}"
    return Key(says=says, holds=lambda v: low <= v <= high, stricter=stricter, low=low, high=high)


def length(low: str, high: str, stricter: Direction = "") -> Key:
    """A duration between two bounds."""
    first, last = seconds_of(low), seconds_of(high)
    says = f'it must be between "{low}" and "{high}"'
    return Key(says=says, holds=lambda v: first <= v <= last, stricter=stricter, low=first, high=last)


def text(longest: int, *, empty: bool = False) -> Key:
    """Printable text of a bounded length."""
    says = f"it must be {'at most' if empty else '1 to'} {longest} printable characters"
    return Key(says=says, holds=lambda v: is_.printable(v) and (empty or v.strip() != "") and len(v) <= longest)


def some_of(words: tuple[str, ...], *, empty: bool = False, stricter: Direction = "") -> Key:
    """An array whose entries are all among ``words``, each once."""
    return Key(
        says=f"it must name {'' if empty else 'one or more '}of {listed(words)}, each once",
        holds=lambda v: is_.distinct(v) and set(v) <= set(words) and (empty or len(v) > 0),
        stricter=stricter,
        one_of=words,
    )


def words(*weakest_first: object) -> Key:
    """One of a few words (or yes and no), the weakest first; nothing named: no order."""
    return Key(weakest_first=weakest_first)


def choice(words: tuple[str, ...]) -> Key:
    """Text that is one of ``words``."""
    return Key(says=f"it must be one of {listed(words)}", holds=lambda v: v in words, one_of=words)


def groups(*, empty: bool, stricter: Direction = "") -> Key:
    """Names of the host's groups."""
    return Key(
        says=f"it must be {'an array' if empty else 'a non-empty array'} of group names, each once",
        holds=lambda v: is_.distinct(v) and all(is_.printable(g) and g.strip() for g in v) and (empty or len(v) > 0),
        stricter=stricter,
    )


METHOD_KEY = some_of(METHODS)
LABEL = Key(
    says="it must be 1 to 64 letters, digits, spaces and -_.",
    holds=lambda v: is_.label(v),
)

KEYS: Mapping[type, Mapping[str, Key]] = {
    Rules: {"mode": words("report-only", "enforce"), "owner": text(200, empty=True)},
    FactorRules: {
        "allowed": some_of(factor_kinds(), stricter="fewer"),
        "order": some_of(factor_kinds()),
        "choice": words(),
        "first_offer": words(),
        "auto_send": words(),
        "mask": words(False, True),
    },
    EmailRules: {},
    CodeRules: {
        "digits": number(6, 10, "higher"),
        "ttl": length("30s", "1h", "lower"),
        "live": number(1, 5, "lower"),
    },
    ResendRules: {
        "wait": length("0s", "1h", "higher"),
        "per_hour": number(1, 60, "lower"),
        "per_day": number(1, 200, "lower"),
    },
    PhoneRules: {
        "phone": words("typed", "on-file"),
        "regions": Key(
            says='it must be a non-empty array of regions in two capital letters, like "US", each once',
            holds=lambda v: is_.distinct(v) and len(v) > 0 and all(is_.region(r) for r in v),
            stricter="fewer",
        ),
        "refuse_types": some_of(PHONE_TYPES, empty=True, stricter="more"),
        "consent_text": text(300, empty=True),
    },
    VoiceRules: {"confirm": words("pound", "code")},
    TotpRules: {
        "digits": number(6, 8, "higher"),
        "period": length("15s", "2m", "lower"),
        "drift_steps": number(0, 1, "lower"),
        "apps": Key(
            says="it must be an array of names, each once and at most 60 characters",
            holds=lambda v: is_.distinct(v) and all(is_.printable(a) and 0 < len(a.strip()) <= 60 for a in v),
        ),
    },
    PushRules: {"digits": number(2, 6, "higher"), "ttl": length("15s", "10m", "lower")},
    CountRules: {"count": number(1, 20, "lower"), "window": length("1m", "1d", "higher")},
    WebAuthnRules: {"user_verification": words("discouraged", "preferred", "required")},
    BackupCodeRules: {"count": number(1, 20, "lower"), "warn_at": number(0, 20)},
    SendRules: {"cap_per_day": number(1, 1_000_000_000, "lower"), "warn_at": number(1, 100)},
    SendCount: {"count": number(1, 1_000_000, "lower"), "window": length("1m", "1d", "higher")},
    PriceRules: {"sms": number(0, 1_000_000), "voice": number(0, 1_000_000)},
    UnansweredRules: {"below": number(0, 100), "after": number(1, 1_000_000)},
    EnrollmentRules: {
        "stage": words(),
        "optional_from": Key(stricter="lower"),
        "required_from": Key(stricter="lower"),
        "permanent": words(False, True),
        "first": words("open", "contact", "ticket"),
    },
    SkipRules: {
        "remind": Key(says='it must be "next-sign-in"', holds=lambda v: v == "next-sign-in"),
        "max": number(0, 1000),
    },
    FreshnessRules: {
        "max_age": length("1m", "365d", "lower"),
        "renew_early": length("0s", "1d"),
        "remember": words("browser", "session"),
        "outage_grace": length("0s", "15m", "lower"),
        "trust_amr": Key(
            says=f"it must be an array of words for a second factor (RFC 8176), each once; {listed(ONE_FACTOR)} tell of none",
            holds=lambda v: is_.distinct(v) and all(is_.label(w) for w in v) and not set(v) & set(ONE_FACTOR),
            stricter="fewer",
        ),
        "trust_acr": Key(
            says="it must be an array of class references (acr), each once",
            holds=lambda v: is_.distinct(v) and all(is_.printable(w) and 0 < len(w.strip()) <= 255 for w in v),
            stricter="fewer",
        ),
    },
    IPChangeRules: {
        "action": words("log", "challenge"),
        "known_networks": number(1, 5, "lower"),
        "trusted": Key(
            says="it must be an array of names from [networks], each once",
            holds=lambda v: is_.distinct(v),
            stricter="fewer",
        ),
    },
    CompareRules: {"v4": number(8, 32, "higher"), "v6": number(32, 128, "higher")},
    AttemptRules: {"max": number(1, 100, "lower"), "lock_ends_sessions": words(False, True)},
    RollingRules: {"max": number(1, 1000, "lower"), "window": length("1d", "365d", "higher")},
    RoleRules: {
        **dict.fromkeys(
            ("look", "unlock", "reset", "tenant", "audit", "everywhere"), groups(empty=True, stricter="fewer")
        ),
        "actor_max_age": length("30s", "12h", "lower"),
    },
    RecoveryRules: {
        "ways": some_of(RecoveryRules().ways, empty=True, stricter="fewer"),
        "contact": text(500, empty=True),
        "hold": length("0s", "30d", "higher"),
    },
    AuditRules: {"retention": length("30d", "10000d")},
    AgreementRules: {
        "id": LABEL,
        "version": LABEL,
        "title": text(200),
        "file": text(500),
        "again": words("new-version", "each-sign-in"),
    },
    BrandRules: {
        "name": text(80, empty=True),
        "accent": Key(
            says='it must be a color like "#0b5fff" that has a contrast of 4.5:1 or more against white (WCAG 1.4.3)',
            holds=is_.legible_color,
        ),
        "logo": text(500, empty=True),
        "help_url": Key(
            says='it must be an address that starts with "https://", "mailto:" or "/"',
            holds=lambda v: v == "" or is_.help_address(v),
        ),
    },
    Exemption: {
        "name": LABEL,
        "paths": Key(stricter="fewer"),
        "methods": some_of(METHODS, stricter="fewer"),
        "reason": text(300),
        "expires_at": Key(stricter="lower"),
    },
    SubjectExemption: {
        "name": LABEL,
        "groups_any": groups(empty=False, stricter="fewer"),
        "groups_none": groups(empty=True, stricter="more"),
        "reason": text(300),
        "expires_at": Key(stricter="lower"),
    },
    StepUpRule: {
        "name": LABEL,
        "paths": Key(stricter="more"),
        "methods": some_of(METHODS, stricter="more"),
        "max_age": length("1m", "365d", "lower"),
        "factors_any": some_of(factor_kinds(), stricter="fewer"),
        "phishing_resistant": words(False, True),
        "report_only": words(True, False),
        "groups_any": groups(empty=False, stricter="more"),
        "groups_none": groups(empty=True, stricter="fewer"),
    },
    Example: {"name": text(200)},
    Given: {
        "tenant": text(255),
        "groups": groups(empty=True),
        "enrolled": some_of(factor_kinds(), empty=True),
        "proof_factor": choice(("", *factor_kinds())),
    },
    Expect: {"reason": choice(REASONS), "factors": some_of(factor_kinds(), empty=True)},
}

PLAIN = Key()


def key_for(cls: type, name: str) -> Key:
    """The row of the field ``name`` of ``cls`` (its base's row, where it inherits the field)."""
    for owner in cls.__mro__:
        row = KEYS.get(owner, {}).get(name)
        if row is not None:
            return row
    return PLAIN
