"""The defaults and the bounds that people rely on without writing them."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from importlib import import_module
from typing import Any

from mfa_gate.core.model import bounds
from mfa_gate.core.rules import DAY, Rules

DEFAULTS: dict[str, object] = {
    "factors.auto_send": True,
    "factors.mask": True,
    "sends.per_destination": (30, DAY),
    "sends.per_range": (300, 3600),
    "sends.per_network": (1000, 3600),
    "sends.per_tenant": (20_000, DAY),
    "sends.price": (0, 0),
    "sends.warn_at": 80,
    "sends.unanswered": (30, 50),
    "enrollment.stage": "required",
    "enrollment.skip": ("next-sign-in", 0),
    "enrollment.permanent": True,
    "enrollment.first": "contact",
    "enrollment.ticket_life": DAY,
    "enrollment.nudge": ("", (), 30 * DAY, 3, (), ()),
    "freshness.max_age": 7 * DAY,
    "freshness.renew_early": 0,
    "freshness.remember": "browser",
    "freshness.outage_grace": 0,
    "freshness.ip_change.action": "challenge",
    "freshness.ip_change.compare": (32, 64),
    "freshness.ip_change.known_networks": 5,
    "attempts.max": 7,
    "attempts.rolling": (50, 30 * DAY),
    "attempts.lock_ends_sessions": False,
    "roles.actor_max_age": 300,
    "recovery.hold": 0,
    "recovery.self_service": 0,
    "audit.mail_heads": False,
    "report.retention": 30 * DAY,
    "change.approvals": 1,
    "change.grace": 7 * DAY,
    "change.reload": True,
    "brand.show_name": True,
    "brand.radius": 10,
    "mode": "enforce",
}
"""The keys that decide or limit something."""

BOUNDS = {
    "MAX_AUTHENTICATORS": 20,
    "MAX_CODES": 10,
    "MAX_OTHER_CHALLENGES": 6,
    "MAX_OTHERS_OF_ALL": 12,
    "MAX_ENROLLMENTS": 3,
    "MAX_ENROLLMENTS_OF_ALL": 8,
    "MAX_BROWSERS": 10,
    "MAX_CLIENTS": 4,
    "MAX_SIGN_OUTS": 32,
    "MAX_PROOFS_PER_NETWORK": 3,
    "MAX_SKIPS": 20,
    "MAX_FREE_SENDS": 40,
    "MAX_ACCEPTANCES": 5,
    "MAX_GRANT_BROWSERS": 5,
    "MAX_LOGINS": 10,
    "MAX_UNCOUNTED": 40,
    "MAX_BYTES": 16_000,
    "MAX_AUTHENTICATOR_BYTES": 12_000,
}


def value_of(path: str) -> Any:
    """Read a key; a small table of its own is the tuple of its values."""
    found: Any = Rules()
    for name in path.split("."):
        found = getattr(found, name)
    return tuple(getattr(found, item.name) for item in fields(found)) if is_dataclass(found) else found


def test_defaults() -> None:
    """A policy that says nothing is as strict as it was.

    A looser default would open every app at an upgrade.
    """
    assert {path: value_of(path) for path in DEFAULTS} == DEFAULTS


def test_bounds_of_an_account() -> None:
    """One account stays one small document, and an account of an earlier version still fits."""
    assert {name: value for name, value in vars(bounds).items() if name.startswith("MAX_")} == BOUNDS


NUMBERS = {
    "automation": {"MAX_TOKENS": 50, "MAX_NAME": 60, "MIN_LIFE": 60, "MAX_LIFE": 366 * DAY},
    "break_glass": {"DEFAULT_HOURS": 4, "MAX_HOURS": 11},
    "evidence": {"SESSION_LIFE": 12 * 3600},
    "changes.base": {"KEEP_PROOFS": 90 * DAY, "FAR": 60, "TWIN_LIFE": 30},
    "changes.charge": {"UNCOUNTED_PER_HOUR": 20, "DRIFTS_PER_HOUR": 3, "LOST_ANSWER": 30},
    "changes.enroll": {"ENROLLMENT_LIFE": 1800, "KEPT_REPLACED": 2, "MAX_LABEL": 40},
    "changes.enroll_rights": {"CHANGE_AGE": 300, "LEAVE_LIFE": 900},
    "changes.self_service": {"MAX_ABOUT": 500},
    "text_safety": {"MAX_REASON": 200, "LABEL_LENGTH": 40, "SMS_LENGTH": 160, "SMS_UNITS": 70},
    "messages.letter": {"SUBJECT_LENGTH": 120, "SERVICE_LENGTH": 60, "LINE_LENGTH": 100},
    "model.subject": {"MAX_ID_BYTES": 255},
}
"""The lengths and limits of the steps that no key of the policy changes."""


def test_numbers_that_no_policy_changes() -> None:
    """Each of them is told to people or limits a thief, so a change of one is meant."""
    for place, numbers in NUMBERS.items():
        module = import_module(f"mfa_gate.core.{place}")
        assert {name: getattr(module, name) for name in numbers} == numbers
