"""Counters for OpenTelemetry, where its API is installed: what happened how often, never to whom."""

from __future__ import annotations

import importlib
from typing import Any

from ..core.events import Event
from .accounts import Engine

COUNTED = {
    "attempt.failed": ("mfa_gate.attempts", "Wrong answers"),
    "proof.granted": ("mfa_gate.proofs", "Second factors proven"),
    "account.locked": ("mfa_gate.locks", "Accounts locked"),
    "challenge.sent": ("mfa_gate.sends", "Codes and requests sent"),
    "factor.enrolled": ("mfa_gate.enrollments", "Authenticators confirmed"),
    "account.disputed": ("mfa_gate.disputes", "Changes that people said were not theirs"),
}
"""Which events are counted under which name."""


class Metrics:
    """Counts what was committed. Labels are the factor and the cause of a lock: few values, no ids (S-124)."""

    def __init__(self, engine: Engine) -> None:
        try:
            api = importlib.import_module("opentelemetry.metrics")
        except ImportError:
            return
        meter: Any = api.get_meter("mfa_gate")
        self._counters = {
            kind: meter.create_counter(name, unit="1", description=about) for kind, (name, about) in COUNTED.items()
        }
        self._failures = meter.create_counter(
            "mfa_gate.hook_failures", unit="1", description="Calls of hooks that failed"
        )
        engine.effects.counters.append(self)
        engine.effects.failures.append(self.failed)

    def failed(self, hook: str) -> None:
        """Count a failure of a hook or a notice."""
        self._failures.add(1, {"hook": hook})

    def __call__(self, event: Event) -> None:
        """Count ``event``."""
        counter = self._counters.get(event.kind)
        if counter is None:
            return
        labels = {"factor": event.factor} if event.factor else {}
        if event.kind == "account.locked":
            labels["cause"] = str(event.detail.get("cause", "attempts"))
        counter.add(1, labels)
