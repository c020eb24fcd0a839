"""Counters for OpenTelemetry, if its API is installed. They count events, never people."""

from __future__ import annotations

import importlib
from typing import Any

from ..core.events import EVENTS, Event
from .accounts import Engine


class Metrics:
    """Counters of committed events.

    Labels are the factor and the cause of a lock: few values, no ids (S-124).
    """

    def __init__(self, engine: Engine) -> None:
        try:
            api = importlib.import_module("opentelemetry.metrics")
        except ImportError:
            return
        meter: Any = api.get_meter("mfa_gate")
        self._counters = {
            row.kind: meter.create_counter(row.counter.name, unit="1", description=row.counter.about)
            for row in EVENTS.values()
            if row.counter is not None
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
