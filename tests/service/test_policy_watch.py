"""The watch over the policy's files: changes are read once, and again after a failure."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
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
async def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
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
