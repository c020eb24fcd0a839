"""The watch over the policy's files: changes are read once, and again after a failure."""

from __future__ import annotations

import asyncio
import io
import signal
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from mfa_gate.errors import SettingsError, StoreUnavailable
from mfa_gate.service import policy_watch as module
from mfa_gate.service.policy_life import ON_CHANGE, ON_SIGNAL
from mfa_gate.service.policy_watch import PolicyWatch


@dataclass
class Life:
    """The life of a policy, which writes down each reload, and fails or waits as it is told."""

    source: Any
    engine: Any
    reloads: list[str] = field(default_factory=list)
    fails: Exception | None = None
    holds: asyncio.Event | None = None

    async def reload(self, by: str) -> None:
        """Note the reload."""
        self.reloads.append(by)
        if self.holds is not None:
            await self.holds.wait()
        if self.fails is not None:
            raise self.fails


@dataclass
class Stage:
    """A policy file, its watch, and the seconds that have passed."""

    file: Path
    life: Life
    watch: PolicyWatch
    now: float = 0.0

    async def look(self) -> int:
        """Let the watch look once. Returns the number of reloads until now."""
        self.watch._tick()
        assert self.watch._timer is not None
        self.watch._timer.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
        return len(self.life.reloads)


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process without a terminal, in which nobody listens to SIGHUP yet."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    monkeypatch.setattr(module, "has_terminal", lambda: False)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alone: None) -> AsyncIterator[Stage]:
    """A policy with a logo, watched by hand."""
    file = tmp_path / "policy.toml"
    file.write_text("version = 1")
    (tmp_path / "logo.svg").write_text("<svg/>")
    change = SimpleNamespace(reload=True)
    policy = SimpleNamespace(files=("logo.svg",), base=SimpleNamespace(change=change))
    life = Life(SimpleNamespace(path=str(file)), SimpleNamespace(policy=policy))
    made = Stage(file, life, PolicyWatch(life))  # type: ignore[arg-type]
    monkeypatch.setattr(module, "monotonic", lambda: made.now + 1.0)
    made.watch.every = 1e6
    made.watch.start()
    yield made
    await made.watch.aclose()


async def test_a_change_is_read_once(stage: Stage) -> None:
    """Each change of the policy or of a file that it names is read once; a quiet file never."""
    assert await stage.look() == 0
    stage.file.write_text("version = 1\n")
    assert await stage.look() == 1
    assert await stage.look() == 1
    (stage.file.parent / "logo.svg").write_text("<svg></svg>")
    assert await stage.look() == 2
    stage.file.unlink()
    assert await stage.look() == 3
    assert await stage.look() == 3
    stage.file.write_text("version = 1")
    assert await stage.look() == 4
    assert set(stage.life.reloads) == {ON_CHANGE}


@pytest.mark.parametrize("error", [SettingsError(["bad"]), StoreUnavailable("away"), OSError("disk")])
async def test_what_fails_is_tried_again(stage: Stage, error: Exception) -> None:
    """A policy that could not be read is read again after the pause, and not before."""
    stage.life.fails = error
    stage.file.write_text("version = 2")
    assert await stage.look() == 1
    stage.now += stage.watch.again - 1
    assert await stage.look() == 1
    stage.now += 1
    assert await stage.look() == 2
    stage.life.fails = None
    stage.now += stage.watch.again
    assert await stage.look() == 3
    stage.now += stage.watch.again
    assert await stage.look() == 3


async def test_one_reload_at_a_time(stage: Stage) -> None:
    """A change while a reload is under way waits for its end, and is read then."""
    stage.life.holds = asyncio.Event()
    stage.file.write_text("version = 2")
    assert await stage.look() == 1
    stage.file.write_text("version = 22")
    assert await stage.look() == 1
    stage.life.holds.set()
    await asyncio.sleep(0.01)
    assert await stage.look() == 2


async def test_the_policy_may_forbid_it(stage: Stage) -> None:
    """A policy that says no reload is not read again while the app runs."""
    stage.life.engine.policy.base.change.reload = False
    stage.file.write_text("version = 2")
    assert await stage.look() == 0


async def test_nothing_is_read_after_the_end(stage: Stage) -> None:
    """A reload under way is given up with the app, and none begins after it."""
    stage.life.holds = asyncio.Event()
    stage.file.write_text("version = 2")
    assert await stage.look() == 1
    await stage.watch.aclose()
    stage.file.write_text("version = 22")
    stage.watch._tick()
    stage.watch._begin(ON_SIGNAL)
    await asyncio.sleep(0)
    assert len(stage.life.reloads) == 1


async def test_the_signal_reads_the_policy_again(stage: Stage) -> None:
    """SIGHUP reads an unchanged file again, as the operator's wish.

    After the end the system's own answer is back.
    """
    assert signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL
    signal.raise_signal(signal.SIGHUP)
    for _ in range(5):
        await asyncio.sleep(0)
    assert stage.life.reloads == [ON_SIGNAL]
    await stage.watch.aclose()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


async def test_the_signal_of_a_terminal_is_left_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a terminal SIGHUP ends the process, as it does without the gate."""
    await stage.watch.aclose()
    monkeypatch.setattr(module, "has_terminal", lambda: True)
    stage.watch.start()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
    await stage.watch.aclose()


async def test_the_servers_own_handler_stays(stage: Stage) -> None:
    """A server that listens to SIGHUP goes on doing so, also after the end of the watch."""
    await stage.watch.aclose()
    heard: list[str] = []
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, heard.append, "server")
    stage.watch.start()
    await stage.watch.aclose()
    signal.raise_signal(signal.SIGHUP)
    for _ in range(5):
        await asyncio.sleep(0)
    assert (heard, stage.life.reloads) == (["server"], [])
    asyncio.get_running_loop().remove_signal_handler(signal.SIGHUP)


async def test_only_the_main_thread_takes_a_signal(stage: Stage) -> None:
    """A loop in another thread watches the files, and takes no signal: Python would refuse it."""
    await stage.watch.aclose()

    async def begin() -> bool:
        stage.watch.start()
        watches = stage.watch._timer is not None and not stage.watch._timer.cancelled()
        await stage.watch.aclose()
        return watches

    watched: list[bool] = []
    thread = threading.Thread(target=lambda: watched.append(asyncio.run(begin())))
    thread.start()
    await asyncio.to_thread(thread.join)
    assert watched == [True]
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL


@pytest.mark.parametrize("error", [NotImplementedError, ValueError, RuntimeError])
async def test_a_loop_without_signals_is_no_fault(stage: Stage, error: type[Exception]) -> None:
    """A loop that takes no signals (as on Windows) is watched by its files alone."""

    def add_signal_handler(*_: object) -> None:
        raise error

    assert stage.watch._take_signal(SimpleNamespace(add_signal_handler=add_signal_handler)) is False  # type: ignore[arg-type]


async def test_nothing_begins_where_nothing_may_change(stage: Stage) -> None:
    """There is no timer and no signal is taken.

    That is so without a file, or by a policy that says no reload.
    """
    await stage.watch.aclose()
    for source, reload in ((None, True), (stage.life.source, False)):
        stage.life.source, stage.life.engine.policy.base.change.reload = source, reload
        watch = PolicyWatch(stage.life)  # type: ignore[arg-type]
        watch.start()
        assert watch._timer is None
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_DFL
        await watch.aclose()


async def test_the_end_leaves_no_timer(stage: Stage) -> None:
    """The end stops the next look, and a loop that is not its own stops nothing."""
    timer = stage.watch._timer
    assert timer is not None
    await asyncio.to_thread(asyncio.run, PolicyWatch(stage.life).aclose())  # type: ignore[arg-type]
    other = PolicyWatch(stage.life)  # type: ignore[arg-type]
    other.start()
    theirs = other._timer
    assert theirs is not None
    await asyncio.to_thread(asyncio.run, other.aclose())
    assert not theirs.cancelled()
    theirs.cancel()
    await stage.watch.aclose()
    assert timer.cancelled()
    await stage.watch.aclose()


async def test_a_change_while_it_is_read_is_seen(stage: Stage) -> None:
    """A policy that is written again between the look and the reading is read once more."""
    stage.life.holds = asyncio.Event()
    stage.file.write_text("version = 2")
    assert await stage.look() == 1
    stage.file.write_text("version = 222")
    stage.life.holds.set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert await stage.look() == 2


async def test_files_that_a_new_policy_names_are_watched(stage: Stage) -> None:
    """After a reload its own files are watched, and their first look is no change."""
    stage.file.write_text("version = 2")
    stage.life.engine.policy.files = ("logo.svg", "terms.md")
    assert await stage.look() == 1
    assert await stage.look() == 1
    (stage.file.parent / "terms.md").write_text("Be kind.")
    assert await stage.look() == 2


@pytest.mark.parametrize(
    ("stdin", "has"),
    [
        (None, False),
        (io.StringIO(), False),
        (SimpleNamespace(isatty=lambda: True), True),
    ],
)
def test_a_terminal_is_told_from_a_service(stdin: Any, has: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody at a keyboard has started a process without a terminal as its input."""
    monkeypatch.setattr(sys, "stdin", stdin)
    assert module.has_terminal() is has


def test_a_closed_input_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service manager may close the input before the app starts."""
    stdin = io.StringIO()
    stdin.close()
    monkeypatch.setattr(sys, "stdin", stdin)
    assert module.has_terminal() is False
