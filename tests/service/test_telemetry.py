"""OpenTelemetry with its real SDK: counters, durations, span events.

The trail is a log as well.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import opentelemetry.metrics._internal as metrics_api
import opentelemetry.trace as trace_api
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from mfa_gate.core.events import EVENTS
from tests.harness import FETCH, World, make_world, running

COUNTERS = {row.counter.name for row in EVENTS.values() if row.counter}


class Telemetry:
    """An app's SDK for metrics and traces, kept in memory."""

    def __init__(self) -> None:
        self.reader = InMemoryMetricReader()
        self.metrics = MeterProvider(metric_readers=[self.reader])
        self.spans = InMemorySpanExporter()
        self.tracing = TracerProvider()
        self.tracing.add_span_processor(SimpleSpanProcessor(self.spans))

    def points(self, name: str) -> list[Any]:
        """The data points of one instrument."""
        data = self.reader.get_metrics_data()
        found = data.resource_metrics[0].scope_metrics if data is not None and data.resource_metrics else []
        every = [metric for scope in found if scope.scope.name == "mfa_gate" for metric in scope.metrics]
        return [point for metric in every if metric.name == name for point in metric.data.data_points]

    def total(self, name: str, **labels: str) -> int:
        """The sum of a counter over the points with these labels.

        For a histogram it is the count of a histogram's records.
        """
        mine = [p for p in self.points(name) if labels.items() <= dict(p.attributes).items()]
        return sum(point.count if hasattr(point, "count") else point.value for point in mine)

    def everything(self) -> str:
        """All that would leave the process, as text."""
        data = self.reader.get_metrics_data()
        return f"{data.to_json() if data else ''}{[span.to_json() for span in self.spans.get_finished_spans()]}"


@pytest.fixture
def telemetry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Telemetry]:
    """An SDK that is set up as an app does it before it makes its gate.

    It is taken away after the test.
    """
    made = Telemetry()
    monkeypatch.setattr(metrics_api, "_METER_PROVIDER", made.metrics)
    monkeypatch.setattr(trace_api, "_TRACER_PROVIDER", made.tracing)
    yield made
    made.metrics.shutdown()
    made.tracing.shutdown()


async def in_span(telemetry: Telemetry, world: World, work: Any) -> list[Any]:
    """Run ``work`` inside a request's span, as an instrumented server does.

    Returns the span's events.
    """
    telemetry.spans.clear()
    with telemetry.tracing.get_tracer("server").start_as_current_span("GET"):
        await work()
    (span,) = telemetry.spans.get_finished_spans()
    return list(span.events)


async def test_events_refusals_and_durations_are_recorded(telemetry: Telemetry) -> None:
    """Each name of the README is there, with its labels.

    No id, address, code or secret is in any of them.
    """
    async with running(make_world()) as world:
        ann = await world.enrolled()
        await ann.is_in()
        await ann.guess()
        await ann.prove()
        thief = await world.browser()
        assert not await thief.is_in()
        assert not await thief.is_in()
        await ann.api("POST", "verify", {"response": 5}, headers=FETCH)
    assert telemetry.total("mfa_gate.attempts", factor="totp") == 1
    assert telemetry.total("mfa_gate.proofs", factor="totp") == 2
    assert telemetry.total("mfa_gate.enrollments", factor="totp") == 1
    assert telemetry.total("mfa_gate.refusals", reason="proof_required", state="challenge") == 2
    assert telemetry.total("mfa_gate.refusals", reason="wrong_code") == 1
    assert telemetry.total("mfa_gate.refusals", reason="csrf") == 1
    assert telemetry.total("mfa_gate.verify.duration", factor="totp", outcome="wrong_code") == 1
    assert telemetry.total("mfa_gate.verify.duration", factor="totp", outcome="granted") == 2
    assert telemetry.total("mfa_gate.judge.duration", state="challenge") == 2
    (verify, *_) = telemetry.points("mfa_gate.verify.duration")
    assert 0 < verify.sum < 10
    assert verify.explicit_bounds[0] == 0.001
    told = telemetry.everything()
    assert not [text for text in ("ann", "203.0.113", ann.secret, *ann.backup, *ann.cookies.values()) if text in told]


async def test_a_remembered_request_is_not_measured(telemetry: Telemetry) -> None:
    """The fast path meets no observer: what it costs is what the benchmark says."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        assert await ann.is_in()
        before = telemetry.total("mfa_gate.judge.duration", state="verified")
        for _ in range(5):
            assert await ann.is_in()
        assert telemetry.total("mfa_gate.judge.duration", state="verified") == before == 1


async def test_each_refusal_is_an_event_of_its_span(telemetry: Telemetry) -> None:
    """A blocked request, a refused call, a page with a problem, a fault.

    One event each, and none for what passes.
    """
    async with running(make_world()) as world:
        ann = await world.enrolled()
        assert await in_span(telemetry, world, ann.is_in) == []
        thief = await world.browser()
        (blocked,) = await in_span(telemetry, world, thief.is_in)
        assert blocked.name == "mfa_gate.refused"
        assert dict(blocked.attributes) == {"mfa_gate.reason": "proof_required", "mfa_gate.state": "challenge"}
        (wrong,) = await in_span(telemetry, world, ann.guess)
        assert dict(wrong.attributes) == {"mfa_gate.reason": "wrong_code"}
        id = await ann.authenticator("totp")
        token = await thief.token(f"/mfa/challenge/{id}")
        fields = {"code": thief.wrong(5000), "csrf_token": token}
        (shown,) = await in_span(telemetry, world, lambda: thief.form(f"/mfa/challenge/{id}", fields, token=token))
        assert dict(shown.attributes) == {"mfa_gate.reason": "wrong_code"}
        (lost,) = await in_span(telemetry, world, lambda: ann.page("/mfa/nowhere"))
        assert dict(lost.attributes) == {"mfa_gate.reason": "not_found"}

        async def broken(*_: object) -> None:
            raise RuntimeError("a fault of ours")

        world.gate.service.access.judge = broken  # type: ignore[method-assign,assignment]
        (fault,) = await in_span(telemetry, world, lambda: thief.ask("GET", "/records", headers=FETCH))
        assert dict(fault.attributes) == {"mfa_gate.reason": "fault"}


async def test_without_an_sdk_nothing_is_observed() -> None:
    """The API alone is no wish to be measured.

    There is no observer, and no clock is compared for one.
    """
    async with running(make_world()) as world:
        assert world.engine.effects.observer is None
        assert await (await world.enrolled()).is_in()


async def test_an_api_without_bounds_starts(telemetry: Telemetry, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another package may have pinned an API from before 1.30.

    The durations then have the SDK's buckets.
    """
    meter, make = type(telemetry.metrics.get_meter("x")), type(telemetry.metrics.get_meter("x")).create_histogram

    def older(self: Any, name: str, unit: str = "", description: str = "") -> Any:
        return make(self, name, unit, description)

    monkeypatch.setattr(meter, "create_histogram", older)
    async with running(make_world()) as world:
        await world.enrolled()
    assert telemetry.total("mfa_gate.verify.duration", outcome="granted") == 1


async def test_the_names_are_in_the_readme(telemetry: Telemetry, root: Any) -> None:
    """The page on counters lists every instrument, the span event and the loggers.

    It names nothing that is not there.
    """
    async with running(make_world()) as world:
        assert world.engine.effects.observer is not None
    text = (root / "src/mfa_gate/service/README.md").read_text()
    named = {word for word in text.replace("`", " ").split() if word.startswith("mfa_gate.") and word[9:10].isalpha()}
    instruments = {*COUNTERS, "mfa_gate.hook_failures", "mfa_gate.refusals"}
    instruments |= {"mfa_gate.judge.duration", "mfa_gate.verify.duration"}
    assert instruments <= named
    assert {"mfa_gate.refused", "mfa_gate.audit"} <= named


async def test_the_trail_is_a_log_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    """One record an event: the whole line as JSON.

    Each part is an attribute besides, for handlers.
    """
    with caplog.at_level(logging.INFO, logger="mfa_gate.audit"):
        async with running(make_world()) as world:
            ann = await world.enrolled()
            await ann.guess()
    records = [record for record in caplog.records if record.name == "mfa_gate.audit"]
    (failed,) = [record for record in records if record.__dict__["mfa_kind"] == "attempt.failed"]
    parts = failed.__dict__
    assert (parts["mfa_account"], parts["mfa_tenant"], parts["mfa_factor"]) == ("ann", "alpha", "totp")
    assert parts["mfa_id"] == world.kinds("attempt.failed")[0].id
    line = json.loads(failed.getMessage())
    assert line == {name.removeprefix("mfa_"): part for name, part in parts.items() if name.startswith("mfa_")}
    assert ann.secret not in str([record.__dict__ for record in records])
