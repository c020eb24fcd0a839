"""The severity and the outcome of events, for log systems."""

from __future__ import annotations

from typing import Literal

from .record import Event

Outcome = Literal["success", "failure", "unknown"]

_HIGH = frozenset(
    (
        "policy.loosened",
        "policy.differs",
        "audit.accepted",
        "account.locked",
        "account.disputed",
        "account.dispute_undone",
        "account.reset",
        "recovery.used",
        "audit.altered",
        "audit.unreadable",
        "audit.prune_held",
        "break_glass.granted",
        "act.asked",
        "token.created",
        "tenant.enabled",
        "tenant.many_locks",
        "tenant.proofs_ended",
        "act.confirmed",
        "break_glass.used",
        "browser.takeover",
        "browser.moving",
        "challenge.denied",
        "factor.copied",
        "gate.tripwire",
        "clock.suspect",
        "sends.cap_reached",
    )
)
_MEDIUM = frozenset(
    (
        "attempt.failed",
        "challenge.send_failed",
        "challenge.refused",
        "admin.denied",
        "gate.fault",
        "factor.removed",
        "browser.new",
        "browser.new_network",
        "break_glass.asked",
        "recovery.requested",
        "recovery.waiting",
        "recovery.reminded",
        "recovery.restarted",
        "recovery.open",
        "account.unlocked",
        "account.impersonated",
        "account.forgotten",
        "proofs.revoked",
        "sends.cap_near",
        "sends.unanswered",
        "offline.action",
    )
)
_FAILED = frozenset(
    (
        "token.refused",
        "attempt.failed",
        "attempt.refused",
        "factor.copied",
        "challenge.send_failed",
        "challenge.refused",
        "challenge.denied",
        "admin.denied",
        "gate.fault",
        "recovery.refused",
        "agreement.declined",
        "audit.altered",
        "audit.unreadable",
        "audit.prune_held",
        "sends.cap_reached",
    )
)
_UNKNOWN = frozenset(
    (
        "decision.report",
        "challenge.sent",
        "recovery.requested",
        "recovery.waiting",
        "recovery.reminded",
        "recovery.restarted",
        "recovery.open",
        "clock.suspect",
        "sends.unanswered",
    )
)

LOW, MEDIUM, HIGH = 1, 2, 3


def severity_of(event: Event) -> int:
    """Return ``LOW``, ``MEDIUM`` or ``HIGH``. An event that asked for an alarm is high."""
    if event.kind in _HIGH or "alarm" in event.detail:
        return HIGH
    return MEDIUM if event.kind in _MEDIUM else LOW


def outcome_of(event: Event) -> Outcome:
    """Return how the act ended that the event tells of."""
    if event.kind in _FAILED:
        return "failure"
    return "unknown" if event.kind in _UNKNOWN else "success"
