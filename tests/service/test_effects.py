"""Effects of a commit: listeners that want it, the host's hook, the end of a gate."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace

import pytest

from mfa_gate.core.events import Event
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.service.effects import Effects, HostCall, NotCalled
from tests.harness import START, World, make_world, running

ANN = Account(key=SubjectKey("alpha", "ann"))
LINE = Event(id="e1", kind="factor.enrolled", at=START, tenant="alpha", account="ann", factor="totp")


@dataclass
class Listener:
    """A receiver of some kinds."""

    kinds: dict[str, list[str] | None]
    got: list[list[str]] = field(default_factory=list)
    fails: bool = False
    slow: bool = False

    async def __call__(self, events: Sequence[Event], account: Account) -> None:
        """Note the kinds."""
        assert account is ANN
        if self.slow:
            await asyncio.sleep(30)
        self.got.append([event.kind for event in events])
        if self.fails:
            raise RuntimeError("broken")


@pytest.fixture
async def effects() -> AsyncIterator[Effects]:
    """Effects without a hook."""
    made = Effects(None)
    yield made
    await made.settle()


async def test_a_listener_gets_the_commits_that_it_wants(effects: Effects, caplog: pytest.LogCaptureFixture) -> None:
    """By kind and factor, once a commit with all its events; one that fails hinders no other."""
    every, of_sms, broken = (
        Listener({"factor.enrolled": None}),
        Listener({"factor.enrolled": ["sms"]}),
        Listener({"x": None}),
    )
    broken.fails = True
    effects.listeners += [broken, every, of_sms]
    other = replace(LINE, kind="x")
    await effects.follow((other, LINE, LINE), ANN)
    assert (every.got, of_sms.got, broken.got) == (
        [["x", "factor.enrolled", "factor.enrolled"]],
        [],
        [["x", "factor.enrolled", "factor.enrolled"]],
    )
    assert "Listener failed on an event" in caplog.text
    await effects.follow((replace(LINE, factor="sms"),), ANN)
    assert (len(every.got), len(of_sms.got)) == (2, 1)


async def test_an_answer_waits_a_moment_for_its_listeners(effects: Effects, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow listener goes on behind the answer; without one nothing is waited for."""
    waits, wait = list[float | None](), asyncio.wait

    async def noted(tasks: object, *, timeout: float | None = None) -> object:
        waits.append(timeout)
        return await wait(tasks, timeout=0)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "wait", noted)
    await effects.follow((LINE,), ANN)
    assert waits == []
    effects.listeners.append(Listener({"factor.enrolled": None}, slow=True))
    await effects.follow((LINE,), ANN)
    assert waits == [0.3]
    closed: list[str] = []
    effects.closers = [lambda: closed.append("hook")]
    await effects.settle()
    assert (waits, closed) == ([0.3, 5], ["hook"])
    monkeypatch.undo()
    for task in effects._under_way:
        task.cancel()


async def test_the_hosts_hook_is_heard(caplog: pytest.LogCaptureFixture) -> None:
    """A committed event that failed is noted as such, so it comes again; others are told once."""
    told: list[tuple[str, str, bool]] = []
    fails = False

    async def hook(event: Event) -> None:
        if fails:
            raise RuntimeError("broken")

    effects = Effects(hook)
    effects.heard = lambda name, event, *, ok: told.append((name, event.id, ok))
    effects.tell(LINE)
    await effects.idle()
    assert told == []
    effects.tell(LINE, committed=True)
    await effects.idle()
    fails = True
    effects.tell(LINE, committed=True)
    await effects.idle()
    assert told == [("on_event", "e1", True), ("on_event", "e1", False)]
    assert "the on_event hook failed (ref e1)" in caplog.text
    effects.tell(LINE)
    await effects.follow((LINE,), ANN)
    await effects.idle()
    assert told[2:] == [("on_event", "e1", False)]
    await effects.settle()


async def test_a_counter_that_fails_hinders_nothing(effects: Effects, caplog: pytest.LogCaptureFixture) -> None:
    """The next counter counts, and it is logged."""
    counted: list[str] = []

    def broken(event: Event) -> None:
        raise RuntimeError("broken")

    effects.counters += [broken, lambda event: counted.append(event.id)]
    effects.tell(LINE)
    assert counted == ["e1"]
    assert "an event could not be counted (ref e1)" in caplog.text


async def test_a_call_of_the_host() -> None:
    """Functions of either kind give their value; the time holds for both."""

    async def later(text: str) -> str:
        return text

    async def hangs() -> None:
        await asyncio.sleep(30)

    call = HostCall("probe")
    assert await call.run(later, "a", within=1) == "a"
    assert await call.run(lambda text: text, "b", within=1) == "b"
    assert await call.run(lambda text: later(text), "c", within=1) == "c"
    with pytest.raises(TimeoutError) as late:
        await call.run(hangs, within=0.01)
    assert not isinstance(late.value, NotCalled)
    call.close()


@pytest.mark.parametrize("is_plain", [True, False])
async def test_a_hook_that_is_cancelled_by_itself_has_failed(*, is_plain: bool) -> None:
    """It ends nothing of ours; the cancellation of the caller is one."""

    def plain() -> None:
        raise asyncio.CancelledError

    async def awaits() -> None:
        await cancelled

    cancelled = asyncio.ensure_future(asyncio.sleep(60))
    cancelled.cancel()
    call = HostCall("probe")
    with pytest.raises(RuntimeError, match="cancelled by something of its own"):
        await call.run(plain if is_plain else awaits, within=5)
    ours = asyncio.ensure_future(call.run(asyncio.sleep, 60, within=90))
    await asyncio.sleep(0)
    ours.cancel()
    with pytest.raises(asyncio.CancelledError):
        await ours
    call.close()


async def test_a_hook_that_is_cancelled_by_itself_ends_no_background_work() -> None:
    """The round of the outbox ends as with any other failure, and the mark of the event stays."""

    async def on_event(event: Event) -> None:
        raise asyncio.CancelledError

    async with running(make_world(on_event=on_event)) as world:
        await world.enrolled("ann")
        await world.engine.effects.idle()
        world.clock.advance(3600)
        outbox = world.gate.service.outbox
        assert await outbox.catch_up(shared=True) + await outbox.catch_up(shared=False) > 0


async def test_the_line_of_the_log_is_plain_ascii(effects: Effects, caplog: pytest.LogCaptureFixture) -> None:
    """A line of JSON with every part, which no terminal and no reader of lines takes for two."""
    with caplog.at_level("INFO", "mfa_gate.audit"):
        effects.tell(replace(LINE, reason="caf\u00e9\u2028"))
    (record,) = caplog.records
    told = record.getMessage()
    assert told.isascii()
    assert json.loads(told)["reason"] == "caf\u00e9\u2028"
    assert vars(record)["mfa_kind"] == "factor.enrolled"


class Down(logging.Handler):
    """A handler that sends the lines to a collector which is away, and does not hide it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Fail."""
        raise OSError("the collector is away")


@pytest.mark.parametrize("name", ["mfa_gate.audit", "mfa_gate", ""])
async def test_a_log_handler_that_fails_stops_nobody(world: World, name: str, caplog: pytest.LogCaptureFixture) -> None:
    """The event is in the trail, the person is in, and what was written is answered (S-125)."""
    down, audit = Down(), logging.getLogger(name)
    with caplog.at_level("INFO", "mfa_gate.audit"):
        audit.addHandler(down)
        try:
            ann = await world.enrolled()
            assert (await ann.prove()).status == 200
            assert await ann.is_in()
            assert (await ann.guess()).reason == "wrong_code"
        finally:
            audit.removeHandler(down)
    kinds = [event.kind for event in (await world.store.trail("alpha")).items]
    assert [kinds.count(kind) for kind in ("factor.enrolled", "proof.granted", "attempt.failed")] == [1, 2, 1]
    if name == "mfa_gate.audit":
        assert "could not be logged" in caplog.text
        assert "OSError" in caplog.text
