"""The host's hooks and the counters run after the commit, beside the answer.

They are ``on_lock``, ``on_event`` and the counters. They are never in the answer's way.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from dataclasses import replace
from typing import Any

import pytest

from mfa_gate import Event, Subject
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.service.outbox import LAG
from tests.harness import World, make_world, running


async def lock_both_ways(world: World) -> None:
    """Ann uses up her attempts, an administrator locks bob."""
    await world.enrolled("ann")
    await (await world.browser("ann", address="203.0.113.50")).lock()
    await world.enrolled("bob")
    boss = await world.enrolled("boss", groups=["admin"])
    assert (await boss.api("POST", "admin/accounts/bob/lock", {"reason": "stolen"})).status == 200
    await world.engine.effects.idle()


@pytest.mark.parametrize("kind", ["sync", "async", "raising", "async-raising", "slow"])
async def test_on_lock(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """The host hears of every lock once, whoever locked.

    A hook that fails or hangs changes nothing and delays nobody.
    """
    called: list[tuple[Subject, str, str]] = []

    def sync(subject: Subject, event: Event) -> None:
        called.append((subject, event.kind, event.actor))
        if "raising" in kind:
            raise RuntimeError("down")

    async def later(subject: Subject, event: Event) -> None:
        await asyncio.sleep(1 if kind == "slow" else 0)
        sync(subject, event)

    hook = sync if kind in ("sync", "raising") else later
    with caplog.at_level(logging.ERROR):
        async with running(make_world(on_lock=hook)) as world:
            await lock_both_ways(world)
            ann, bob = Subject(id="ann", tenant="alpha"), Subject(id="bob", tenant="alpha")
            assert called == [(ann, "account.locked", "ann"), (bob, "account.locked", "boss")]
            for id in ("ann", "bob"):
                assert (await world.account(id)).lock is not None
    assert caplog.text.count("the on_lock hook failed") == (2 if "raising" in kind else 0)


class Meter:
    """A meter that keeps the counts."""

    def __init__(self) -> None:
        self.counted: list[tuple[str, dict[str, str]]] = []

    def create_counter(self, name: str, **_: object) -> Any:
        """A counter of that name."""
        meter = self

        class Counter:
            def add(self, amount: int, labels: dict[str, str]) -> None:
                assert amount == 1
                meter.counted.append((name, dict(labels)))

        return Counter()


async def test_counters(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts, proofs, locks and sends are counted by factor and cause.

    No label contains an id, an address or a name.
    """
    meter = Meter()
    monkeypatch.setattr("opentelemetry.metrics.get_meter", lambda name: meter)
    async with running(make_world()) as world:
        await lock_both_ways(world)
    names = [name for name, _ in meter.counted]
    assert names.count("mfa_gate.attempts") == 7
    assert names.count("mfa_gate.enrollments") == 3
    locks = [labels for name, labels in meter.counted if name == "mfa_gate.locks"]
    assert [labels["cause"] for labels in locks] == ["attempts", "administrator"]
    assert {key for _, labels in meter.counted for key in labels} <= {"factor", "cause"}
    assert {value for _, labels in meter.counted for value in labels.values()} <= {"totp", "attempts", "administrator"}


async def test_without_its_api_nothing_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """OpenTelemetry is an extra: without it everything works."""
    monkeypatch.setitem(__import__("sys").modules, "opentelemetry.metrics", None)
    async with running(make_world()) as world:
        assert await (await world.enrolled()).is_in()


@pytest.mark.parametrize("name", ["on_event", "on_lock", "on_reset"])
async def test_a_plain_hook_that_waits_stops_no_request(name: str) -> None:
    """A plain hook that waits for an answered request does not stop that request.

    On the event loop, neither the hook nor the request would ever come to its end.
    """
    begun, answered = threading.Event(), threading.Event()
    released: list[bool] = []

    def hook(*_: object) -> None:
        begun.set()
        released.append(answered.wait(10))

    hooks: dict[str, Any] = {name: hook}
    async with running(make_world(**hooks)) as world:
        await world.enrolled("bob")
        boss = await world.enrolled("boss", groups=["admin"])
        act, body = ("reset", {"ticket": "T-1"}) if name == "on_reset" else ("lock", {})
        assert (await boss.api("POST", f"admin/accounts/bob/{act}", {"reason": "stolen", **body})).status == 200
        assert await asyncio.to_thread(begun.wait, 10)
        assert await boss.is_in()
        answered.set()
        await world.engine.effects.idle()
    assert released
    assert all(released)


@pytest.mark.parametrize("name", ["on_event", "on_lock"])
async def test_a_hook_that_was_not_called_has_not_failed(
    name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Only the call that takes too long has failed, not the calls behind it.

    The calls behind it had no time left. Each is logged in one line and made later.
    """
    meter, answered, called = Meter(), threading.Event(), list[str]()
    monkeypatch.setattr("opentelemetry.metrics.get_meter", lambda name: meter)

    def hook(*arguments: Any) -> None:
        called.append(arguments[-1].id)
        answered.wait(10)

    hooks: dict[str, Any] = {name: hook}
    async with running(make_world(**hooks)) as world:
        world.engine.effects.hook_within = 0.2
        moment = world.engine.moment(actor="operator:eve")
        locked = [
            replace(moment.event("account.locked", SubjectKey("alpha", id)), id=id) for id in ("one", "two", "three")
        ]
        await world.store.append(locked)
        for event in locked:
            await world.engine.effects.follow([event], Account(key=SubjectKey("alpha", event.id)))
        await world.engine.effects.idle()
        assert called == ["one"]
        assert meter.counted.count(("mfa_gate.hook_failures", {"hook": name})) == 1
        assert caplog.text.count(f"the {name} hook failed") == 1
        assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"]
        assert caplog.text.count(f"the {name} hook was not called") == 2
        answered.set()
        world.clock.advance(LAG)
        await world.gate.service.outbox.catch_up(shared=False)
        assert sorted(called) == ["one", "one", "three", "two"]


async def test_a_plain_hook_is_called_in_the_order_of_the_events() -> None:
    heard: list[Event] = []
    async with running(make_world(on_event=heard.append)) as world:
        await lock_both_ways(world)
        trail = (await world.store.trail("alpha")).items
        assert len(trail) > 10
        committed = {event.id for event in trail}
        assert [event.id for event in heard if event.id in committed] == [event.id for event in trail]
