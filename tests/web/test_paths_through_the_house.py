"""The files of ours that one request walks through: what a reader must open to explain it stays small."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import mfa_gate
from tests.attacks.deeds import boss_of_a_locked, deeds_world
from tests.harness import FETCH, make_world, running

HOME = str(Path(mfa_gate.__file__).parent) + "/"


@dataclass
class Walk:
    """The calls of ours in one request: ``calls`` of named functions by file and name, ``jumps`` from file to file."""

    calls: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    jumps: int = 0
    _seen: dict[int, FrameType] = field(default_factory=dict)

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Count a call of ours; a coroutine that goes on after waiting is no new one."""
        code = frame.f_code
        ours = code.co_filename.startswith(HOME) and code.co_filename.endswith(".py")
        if event != "call" or not ours or code.co_name.startswith("<"):
            return
        if id(frame) in self._seen:
            return
        self._seen[id(frame)] = frame  # kept, so that no later frame has the same address
        file = code.co_filename.removeprefix(HOME)
        self.calls[f"{file}:{code.co_qualname}"] += 1
        self.files[file] += 1
        before = frame.f_back
        if before is not None and before.f_code.co_filename.startswith(HOME):
            self.jumps += before.f_code.co_filename != code.co_filename

    def of(self, name: str) -> int:
        """Tell how often a function of this name was called."""
        return sum(count for place, count in self.calls.items() if place.endswith(f":{name}"))


async def walk(asking: Callable[[], Awaitable[Any]]) -> tuple[Walk, Any]:
    """Trace one request."""
    found = Walk()
    sys.setprofile(found)
    try:
        reply = await asking()
    finally:
        sys.setprofile(None)
    return found, reply


def check(found: Walk, *, files: int, calls: int, jumps: int, judged: int = 1) -> None:
    """Hold the bounds. They may only go down: a path that grows is longer to explain."""
    told = f"{len(found.files)} files, {found.calls.total()} calls, {found.jumps} jumps: {sorted(found.files)}"
    assert len(found.files) <= files, told
    assert found.calls.total() <= calls, told
    assert found.jumps <= jumps, told
    assert found.of("decide") == judged, told


async def test_exempt() -> None:
    """Shell, gate and connection."""
    async with running(make_world()) as world:
        ann = await world.browser()
        await ann.ask("GET", "/open/x", headers=FETCH)
        found, _ = await walk(lambda: ann.ask("GET", "/open/x", headers=FETCH))
    check(found, files=3, calls=5, jumps=2, judged=0)


async def test_remembered() -> None:
    """The same, with the adapter, the remembered decision, and two files of the store that say what has changed."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        await ann.is_in()
        found, reply = await walk(lambda: ann.ask("GET", "/records", headers=FETCH))
    assert reply.status == 200
    check(found, files=7, calls=11, jumps=6, judged=0)
    assert found.of("MemoryStore.load") == 0


async def test_allowed_after_a_full_look() -> None:
    """Judged once, without a label of the browser: nothing is written."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        await ann.is_in()
        world.gate.service.access._passes.clear()
        found, reply = await walk(lambda: ann.ask("GET", "/records", headers=FETCH))
    assert reply.status == 200
    check(found, files=26, calls=113, jumps=74)
    assert found.of("Access.judge") == found.of("Access.free") == 1
    assert found.of("browser_label") == found.of("MemoryStore.load") == 0


async def test_the_challenge_page_and_a_right_code() -> None:
    """The page is judged once, a right code before it is charged and after it."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        owing = await world.browser()
        owing.secret = ann.secret
        id = await owing.authenticator("totp")
        await owing.page(f"/mfa/challenge/{id}")
        token = await owing.token()
        shown, _ = await walk(lambda: owing.page(f"/mfa/challenge/{id}"))
        world.clock.advance(30)
        code = {"code": owing.totp()}
        proven, reply = await walk(lambda: owing.form(f"/mfa/challenge/{id}", code, token=token))
        assert reply.status == 303
        assert await owing.is_in()
    check(shown, files=50, calls=260, jumps=150)
    check(proven, files=66, calls=520, jumps=290, judged=2)


@pytest.mark.parametrize("how", ["page", "json"])
async def test_an_unlock(how: str) -> None:
    """Two loads: one to find the account, one that the change begins with."""
    async with running(deeds_world()) as world:
        boss = (await boss_of_a_locked(world)).browser
        token = await boss.token()
        if how == "page":
            fields = {"action": "unlock", "reason": "called"}
            found, reply = await walk(lambda: boss.form("/mfa/admin/accounts/bob", fields, token=token))
        else:
            found, reply = await walk(lambda: boss.api("POST", "admin/accounts/bob/unlock", {"reason": "called"}))
        assert reply.status == (303 if how == "page" else 200)
        assert (await world.account("bob")).lock is None
    check(found, files=67, calls=580, jumps=245, judged=2 if how == "page" else 1)
    assert found.of("MemoryStore.load") == 2
