"""Severity and outcome of events, for log systems."""

from __future__ import annotations

import pytest

from mfa_gate.core.events import KINDS, Event
from mfa_gate.core.events import weight as module
from mfa_gate.core.events.weight import HIGH, LOW, MEDIUM, outcome_of, severity_of


def event(kind: str, **detail: str) -> Event:
    return Event(id="E", kind=kind, at=1, tenant="clinic", detail=detail)


@pytest.mark.parametrize(
    ("kind", "severity", "outcome"),
    [
        ("account.locked", HIGH, "success"),
        ("challenge.denied", HIGH, "failure"),
        ("attempt.failed", MEDIUM, "failure"),
        ("recovery.requested", MEDIUM, "unknown"),
        ("challenge.sent", LOW, "unknown"),
        ("proof.granted", LOW, "success"),
        ("clock.suspect", HIGH, "unknown"),
    ],
)
def test_the_weight_of_an_event(kind: str, severity: int, outcome: str) -> None:
    """An attacker's or an administrator's act weighs more than everyday events."""
    assert (severity_of(event(kind)), outcome_of(event(kind))) == (severity, outcome)


def test_an_alarm_is_high() -> None:
    """An event that asked for an alarm is high, whatever its kind."""
    assert severity_of(event("proof.granted", alarm="odd")) == HIGH
    assert (LOW, MEDIUM, HIGH) == (1, 2, 3)


def test_each_kind_that_is_named_exists() -> None:
    """A kind that was renamed would lose its weight without a word."""
    named = module._HIGH | module._MEDIUM | module._FAILED | module._UNKNOWN
    assert named - {*KINDS} == set()
    assert set() == module._HIGH & module._MEDIUM
    assert set() == module._FAILED & module._UNKNOWN
