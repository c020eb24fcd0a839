"""Counters, durations and span events for OpenTelemetry.

They tell of events and refusals, never of people. Labels are factors, reasons and states: few values, no ids (S-124).
"""

from __future__ import annotations

import importlib
from functools import partial
from time import perf_counter
from typing import Any

from ..core.decision import Decision, state_of
from ..core.events import EVENTS, Event
from .accounts import Engine

JUDGE_BOUNDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
VERIFY_BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the buckets, in seconds."""
REFUSED = "mfa_gate.refused"


class Metrics:
    """The only part that knows OpenTelemetry. Without its API nothing is counted.

    Durations and span events cost a little on each judged request. They begin only if the app has set up an SDK.
    """

    def __init__(self, engine: Engine) -> None:
        self._effects = engine.effects
        try:
            self._api: Any = importlib.import_module("opentelemetry.metrics")
        except ImportError:
            self._api = None
            return
        meter = self._api.get_meter("mfa_gate")
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

    def begin(self) -> None:
        """Observe durations and refusals, if the app has set up an SDK for metrics or traces."""
        if self._api is None or self._effects.observer is not None:
            return
        trace: Any = importlib.import_module("opentelemetry.trace")
        if any(map(_is_set_up, (self._api.get_meter_provider(), trace.get_tracer_provider()))):
            self._effects.observer = Observing(self._api.get_meter("mfa_gate"), trace.get_current_span)

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


class Observing:
    """The ``Observer`` that records to OpenTelemetry."""

    def __init__(self, meter: Any, current_span: Any) -> None:
        self._current_span = current_span
        self._refusals = meter.create_counter("mfa_gate.refusals", unit="1", description="Refusals that were sent")
        self._judge = _histogram(meter, "judge", "Judgements of requests, with their look at the account", JUDGE_BOUNDS)
        self._verify = _histogram(meter, "verify", "Answers, from the charge to the result", VERIFY_BOUNDS)

    def judged(self, began: float, decision: Decision) -> None:
        """Record the duration of a judgement."""
        self._judge.record(perf_counter() - began, {"state": state_of(decision)})

    def verified(self, began: float, factor: str, outcome: str) -> None:
        """Record the duration of a guess."""
        self._verify.record(perf_counter() - began, {"factor": factor, "outcome": outcome})

    def refused(self, reason: str, state: str) -> None:
        """Count a refusal, and note it in the span of the request."""
        named = {"reason": reason, "state": state} if state else {"reason": reason}
        self._refusals.add(1, named)
        self._current_span().add_event(REFUSED, {f"mfa_gate.{name}": word for name, word in named.items()})


def _histogram(meter: Any, name: str, about: str, bounds: tuple[float, ...]) -> Any:
    """Make a histogram of seconds.

    An API before 1.30 knows no bounds: there they are the SDK's own.
    """
    make = partial(meter.create_histogram, f"mfa_gate.{name}.duration", unit="s", description=about)
    try:
        return make(explicit_bucket_boundaries_advisory=bounds)
    except TypeError:
        return make()


def _is_set_up(provider: object) -> bool:
    """Tell if a provider is more than the stand-ins of the API."""
    return not type(provider).__module__.startswith(("opentelemetry.metrics", "opentelemetry.trace"))
