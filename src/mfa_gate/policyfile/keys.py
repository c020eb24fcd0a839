"""What each key takes, and which way is stricter: one row a key."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache

from ..core.options import KEY, PLAIN, Direction, Key, length, number, some_of, text, words
from ..core.rules import (
    METHODS,
    AgreementRules,
    AttemptRules,
    AuditRules,
    BrandRules,
    CodeRules,
    CompareRules,
    CountRules,
    EnrollmentRules,
    Exemption,
    FactorRules,
    FreshnessRules,
    IPChangeRules,
    PriceRules,
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
    UnansweredRules,
)
from ..factors import BUILT_IN, Registry
from . import predicates as is_
from .faults import listed
from .scenario import REASONS, Example, Expect, Given

ONE_FACTOR = ("pwd", "kba", "pin", "user", "geo", "rba", "wia")
"""Words of RFC 8176, 2 that tell of a password, of a place or of mere presence, and so of no second factor."""


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
        "choice": words(),
        "first_offer": words(),
        "auto_send": words(),
        "mask": words(False, True),
    },
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
    CountRules: {"count": number(1, 20, "lower"), "window": length("1m", "1d", "higher")},
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
        "phishing_resistant": words(False, True),
        "report_only": words(True, False),
        "groups_any": groups(empty=False, stricter="more"),
        "groups_none": groups(empty=True, stricter="fewer"),
    },
    Example: {"name": text(200)},
    Given: {
        "tenant": text(255),
        "groups": groups(empty=True),
    },
    Expect: {"reason": choice(REASONS)},
}


@cache
def _kind_keys(factors: Registry) -> Mapping[type, Mapping[str, Key]]:
    """The rows of the keys that name kinds of factors."""
    kinds = tuple(factors)
    return {
        FactorRules: {"allowed": some_of(kinds, stricter="fewer"), "order": some_of(kinds)},
        StepUpRule: {"factors_any": some_of(kinds, stricter="fewer")},
        Given: {"enrolled": some_of(kinds, empty=True), "proof_factor": choice(("", *kinds))},
        Expect: {"factors": some_of(kinds, empty=True)},
    }


def key_for(cls: type, name: str, factors: Registry = BUILT_IN) -> Key:
    """Find the row of the field ``name`` of ``cls``: what the field says itself, else the tables of this file."""
    own = {entry.name: entry.metadata.get(KEY) for entry in dataclasses.fields(cls)}.get(name)
    if isinstance(own, Key):
        return own
    row = _kind_keys(factors).get(cls, {}).get(name) or KEYS.get(cls, {}).get(name)
    return row or PLAIN
