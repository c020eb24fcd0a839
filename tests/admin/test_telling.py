"""Each hook and notice hears of each event at least once: after a failure, after a crash, and of what a command did."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mfa_gate import Senders, Subject
from mfa_gate.core.events import Event
from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import SendFailed, StoreUnavailable
from mfa_gate.service import Actor, Service
from mfa_gate.service.telling import COMMANDS, FIRST_WAIT, LAG, LONGEST_WAIT, MAX_TRIES
from mfa_gate.service.working import Job, Worker
from mfa_gate.stores.memory import MemoryStore
from tests.harness import POLICY, World, make_world, running

from . import struck

ROOT = Path(__file__).resolve().parents[2]
ANN = SubjectKey("alpha", "ann")
OPERATOR = Actor(name="operator:eve")


class Ear:
    """A hook that fails as it is told to, and keeps what it heard."""

    def __init__(self) -> None:
        self.heard: list[Any] = []
        self.deaf = False

    def __call__(self, what: Any) -> None:
        if self.deaf:
            raise RuntimeError("down")
        self.heard.append(what)


async def catch_up(world: World, *, after: float = LAG) -> int:
    """Let time pass, write down what was heard, and tell what was not."""
    world.clock.advance(after)
    telling = world.gate.service.telling
    await world.engine.effects.idle()
    await telling.flush()
    return await telling.catch_up(shared=True) + await telling.catch_up(shared=False)


async def test_what_was_heard_is_not_told_again() -> None:
    """In the ordinary course nobody hears anything twice, and nothing is left behind in the store."""
    lock = Ear()
    async with running(make_world(on_lock=lock)) as world:
        await world.enrolled()
        await (await world.browser(address="203.0.113.50")).lock()
        told, mails = len(world.events), len(world.email.messages)
        assert await catch_up(world) == 0
        assert await catch_up(world) == 0
        assert (len(world.events), len(world.email.messages)) == (told, mails)
        assert lock.heard == [Subject(id="ann", tenant="alpha")]
        store = world.store
        assert isinstance(store, MemoryStore)
        assert not any(store._contents.marks.values())


async def test_a_hook_that_failed_hears_later() -> None:
    """Again with growing waits, until it goes well; the person never waits, and other events are not held up by it."""
    lock = Ear()
    async with running(make_world(on_lock=lock)) as world:
        for id in ("ann", "bob"):
            await world.enrolled(id)
        lock.deaf = True
        desk = world.gate.service.administering
        assert await desk.lock(OPERATOR, ANN, reason="stolen") is None
        await world.engine.effects.idle()
        assert await catch_up(world) == 1
        assert await catch_up(world, after=FIRST_WAIT - 1) == 0
        assert await catch_up(world, after=1) == 1
        lock.deaf = False
        assert await desk.lock(OPERATOR, SubjectKey("alpha", "bob"), reason="stolen") is None
        await world.engine.effects.idle()
        assert [subject.id for subject in lock.heard] == ["bob"]
        assert await catch_up(world, after=LONGEST_WAIT) == 1
        assert [subject.id for subject in lock.heard] == ["bob", "ann"]
        assert await catch_up(world, after=LONGEST_WAIT) == 0


async def test_a_hook_that_never_recovers_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    """After days of trying the log says so, with the reference, and what comes later is told."""
    lock = Ear()
    lock.deaf = True
    async with running(make_world(on_lock=lock)) as world:
        await world.enrolled()
        await world.gate.service.administering.lock(OPERATOR, ANN, reason="stolen")
        calls = 0
        for _ in range(MAX_TRIES + 10):
            calls += await catch_up(world, after=LONGEST_WAIT)
        assert calls == MAX_TRIES + 1
        assert "is given up" in caplog.text


async def test_what_a_crash_left_is_told_by_who_comes_after() -> None:
    """A process that died between the commit and the hook: another one reads on from the cursor; no old history is told."""
    store, first = MemoryStore(), Ear()
    world = make_world(store=store)
    await world.gate.guard.open()
    await world.enrolled()
    await world.engine.effects.idle()
    await world.gate.service.telling.flush()
    # The process dies here: the change is committed, nobody was told, and nothing is written down.
    event = Event(id="LOST", kind="account.reset", at=int(world.clock.at), tenant="alpha", account="ann", actor="boss")
    account = await store.load(ANN)
    assert await store.swap(account, (event,))
    mails = len(world.email.messages)
    async with running(make_world(store=store.another(), on_reset=first, clock=world.clock)) as after:
        assert await catch_up(after, after=LAG - 1) == 0
        assert await catch_up(after, after=1) > 0
        assert [told.id for told in after.events] == ["LOST"]
        assert [m.subject for m in after.email.messages] == ["Example: Your sign-in methods were removed"]
        assert len(after.sms.messages) == 1
        # on_reset is new to this store: what was before it is history.
        assert first.heard == []
        assert await catch_up(after) == 0
    assert len(world.email.messages) == mails


def command_on(store: MemoryStore, world: World) -> Service:
    """The service as a command has it: the store, the keys, and nothing that sends."""
    wiring = replace(
        world.engine.wiring,
        store=store.another(),
        senders=Senders(),
        contacts=None,
        on_event=None,
        on_reset=None,
        on_lock=None,
        app=COMMANDS,
    )
    return Service(wiring, POLICY)


async def test_a_command_has_no_sender_and_the_person_is_told() -> None:
    """Unlock, lock and reset by command: the running application sends the notice and calls the host, once."""
    store, reset, lock = MemoryStore(), Ear(), Ear()
    async with running(make_world(store=store, on_reset=reset, on_lock=lock)) as world:
        await world.enrolled()
        await world.engine.effects.idle()
        mails = len(world.email.messages)
        command = command_on(store, world)
        assert await command.open() == ""
        desk = command.administering
        assert await desk.lock(OPERATOR, ANN, reason="stolen") is None
        assert await desk.unlock(OPERATOR, ANN, reason="found") is None
        assert await desk.reset(OPERATOR, ANN, ticket="T-1", reason="new phone") is None
        await command.aclose()
        assert len(world.email.messages) == mails
        await catch_up(world)
        subjects = [message.subject.removeprefix("Example: ") for message in world.email.messages[mails:]]
        assert subjects == ["Your account is locked", "Your account is unlocked", "Your sign-in methods were removed"]
        assert [subject.id for subject in (*reset.heard, *lock.heard)] == ["ann", "ann"]
        assert [event.kind for event in world.events[-3:]] == ["account.locked", "account.unlocked", "account.reset"]
        await catch_up(world)
        assert len(world.email.messages) == mails + 3


async def test_a_mail_that_failed_for_a_while_goes_out_later() -> None:
    """A provider's hiccup delays a notice; a refused address does not come back again and again."""
    async with running(make_world()) as world:
        await world.enrolled()
        await catch_up(world)
        mails = len(world.email.messages)
        for transient, comes in ((True, 1), (False, 0)):
            world.email.failure = SendFailed("no", transient=transient)
            await world.gate.service.administering.lock(OPERATOR, ANN, reason="stolen")
            await world.engine.effects.idle()
            world.email.failure = None
            await catch_up(world)
            assert len(world.email.messages) == mails + comes
            await world.gate.service.administering.unlock(OPERATOR, ANN, reason="found")
            await catch_up(world)
            mails = len(world.email.messages)


async def test_applications_hear_of_their_own_and_notices_go_out_once() -> None:
    """Two applications on one store: each one's hook hears of what it did itself; one of them sends a missed notice."""
    store = MemoryStore()
    first = make_world(store=store)
    second = make_world(store=store.another(), clock=first.clock)
    for world, app in ((first, "web"), (second, "desktop")):
        world.engine.wiring = replace(world.engine.wiring, app=app)
    async with running(first), running(second):
        event = Event(id="M", kind="account.unlocked", at=int(first.clock.at), tenant="alpha", account="ann", app="web")
        await store.append([event])
        await catch_up(second)
        await catch_up(first)
        assert [event.id for event in first.events] == ["M"]
        assert second.events == []
        assert len(first.email.messages) + len(second.email.messages) == 1


async def test_one_worker_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several processes one has the work until it is due again; a store that is away stops nobody."""
    store, done = MemoryStore(), list[int]()

    async def work(number: int) -> None:
        done.append(number)

    worlds = [make_world(store=store if not number else store.another()) for number in range(3)]
    workers = []
    for number, world in enumerate(worlds):
        await world.gate.guard.open()
        job = Job(name="x", every=20, work=lambda number=number: work(number))  # type: ignore[misc]
        workers.append(Worker(world.engine, [job]))
    await asyncio.gather(*(worker.round() for worker in workers))
    assert len(done) == 1

    async def gone(*_: object, **__: object) -> int:
        raise StoreUnavailable("away")

    monkeypatch.setattr(store, "take", gone)
    workers[0]._due["x"] = 0
    await workers[0].round()
    for world in worlds:
        await world.gate.guard.aclose()


async def test_failures_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A counter names the hook, and nobody."""
    from .test_hooks import Meter

    meter, lock = Meter(), Ear()
    lock.deaf = True
    monkeypatch.setattr("opentelemetry.metrics.get_meter", lambda name: meter)
    async with running(make_world(on_lock=lock)) as world:
        await world.enrolled()
        await world.gate.service.administering.lock(OPERATOR, ANN, reason="stolen")
        await catch_up(world)
    assert meter.counted.count(("mfa_gate.hook_failures", {"hook": "on_lock"})) == 2


@pytest.mark.slow
def test_a_kill_between_commit_and_hook(tmp_path: Path) -> None:
    """``kill -9`` inside the hook, after the commit, in a real process on SQLite: the process after it tells the event, by its
    own worker."""

    def run(mode: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "tests.admin.struck", str(tmp_path / "mfa.db"), mode],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert run("ready").returncode == 0
    assert run("strike").returncode == -signal.SIGKILL
    again = run("after")
    assert again.returncode == 0, again.stderr
    told = json.loads(again.stdout.splitlines()[-1])
    assert told == {"locked": True, "on_lock": [struck.WHO], "mails": ["Example: Your account is locked"]}
    once_more = json.loads(run("after").stdout.splitlines()[-1])
    assert once_more == {"locked": True, "on_lock": [], "mails": []}
