"""The files of ours that one request walks through stay few: a reader must open them."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import mfa_gate
from mfa_gate import Subject
from mfa_gate.core.model import Caller
from mfa_gate.core.policy import Facts, requirement_for
from mfa_gate.factors import DEFAULT_FACTORS
from mfa_gate.factors.base import Accepted, Context, Rejected
from mfa_gate.factors.totp import Totp
from tests.attacks.deeds import boss_of_a_locked, deeds_world
from tests.harness import FETCH, Browser, World, make_world, running

HOME = str(Path(mfa_gate.__file__).parent) + "/"


@dataclass
class Walk:
    """The calls of ours in one request.

    ``calls`` counts named functions by file and name, and ``jumps`` the steps from file to file. ``aside`` are the tasks that
    do work in the background, such as writing a mail: they are of no request.
    """

    calls: Counter[str] = field(default_factory=Counter)
    files: Counter[str] = field(default_factory=Counter)
    jumps: int = 0
    aside: Collection[asyncio.Task[None]] = ()
    _seen: dict[int, FrameType] = field(default_factory=dict)

    def __call__(self, frame: FrameType, event: str, _: Any) -> None:
        """Count a call of ours; a coroutine that goes on after waiting is no new one.

        The gate's own timer is of no request: it ticks in the loop whenever it is time.
        """
        code = frame.f_code
        ours = code.co_filename.startswith(HOME) and code.co_filename.endswith(".py")
        if event != "call" or not ours or code.co_name.startswith("<") or code.co_name == "_tick":
            return
        if id(frame) in self._seen or (self.aside and asyncio.current_task() in self.aside):
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


async def walk(asking: Callable[[], Awaitable[Any]], aside: Collection[asyncio.Task[None]] = ()) -> tuple[Walk, Any]:
    """Trace one request, and return its walk and its answer."""
    found = Walk(aside=aside)
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
    """Shell and connection."""
    async with running(make_world()) as world:
        ann = await world.browser()
        await ann.ask("GET", "/open/x", headers=FETCH)
        found, _ = await walk(lambda: ann.ask("GET", "/open/x", headers=FETCH))
    check(found, files=2, calls=4, jumps=1, judged=0)


async def test_remembered() -> None:
    """A remembered request walks through few files: adapter, decision and two of the store.

    The files of the store say which accounts have changed.
    """
    async with running(make_world()) as world:
        ann = await world.enrolled()
        await ann.is_in()
        found, reply = await walk(lambda: ann.ask("GET", "/records", headers=FETCH))
    assert reply.status == 200
    check(found, files=5, calls=8, jumps=4, judged=0)
    assert found.of("MemoryStore.load") == 0


async def test_allowed_after_a_full_look() -> None:
    """Judged once, without a label of the browser: nothing is written."""
    async with running(make_world()) as world:
        ann = await world.enrolled()
        await ann.is_in()
        world.gate.service.access._passes.clear()
        world.gate.web.callers.opened.clear()
        found, reply = await walk(lambda: ann.ask("GET", "/records", headers=FETCH))
    assert reply.status == 200
    check(found, files=23, calls=79, jumps=53)
    assert found.of("Access.judge") == found.of("Access.free") == 1
    assert found.of("browser_label") == found.of("MemoryStore.load") == 0


async def test_allowed_after_a_look_at_a_known_browser() -> None:
    """A browser whose cookie was opened before is judged once, without waiting.

    Its cookie is not opened again, and nothing is read or written.
    """
    async with running(make_world()) as world:
        ann = await world.enrolled()
        await ann.is_in()
        world.gate.service.access._passes.clear()
        found, reply = await walk(lambda: ann.ask("GET", "/records", headers=FETCH))
    assert reply.status == 200
    check(found, files=18, calls=40, jumps=26)
    assert found.of("QuickLook.judge") == 1
    assert found.of("Access.judge") == found.of("_opened") == found.of("MemoryStore.load") == 0


async def _owing(world: World) -> tuple[Browser, str]:
    """Return a browser that owes the second factor, and the address of its page.

    The browser has seen the page. It is the first one of the person, so nobody is told that it is new.
    """
    ann = await world.enrolled()
    account = await world.account("ann")
    unused = tuple(replace(item, last_used_at=0) for item in account.authenticators)
    assert await world.store.swap(replace(account, authenticators=unused, browsers=()))
    owing = await world.browser()
    owing.secret = ann.secret
    place = f"/mfa/challenge/{await owing.authenticator('totp')}"
    await owing.page(place)
    return owing, place


async def test_the_challenge_page() -> None:
    """The challenge page is judged once, and loads nothing that was judged a moment ago."""
    async with running(make_world()) as world:
        owing, place = await _owing(world)
        found, reply = await walk(lambda: owing.page(place))
    assert reply.status == 200
    check(found, files=39, calls=181, jumps=101)
    assert found.of("MemoryStore.load") == 0


async def test_a_right_code() -> None:
    """A right code is judged once, and its attempt is taken from the loaded account.

    The page's findings serve the answer, too.
    """
    async with running(make_world()) as world:
        found = await _proving(world)
    check(found, files=52, calls=327, jumps=190)
    assert found.of("MemoryStore.load") == 0
    assert found.of("MemoryStore.swap") == 2


async def test_judging_twice_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second judgement is noticed: the bounds above can tell it apart."""
    async with running(make_world()) as world:
        verification = world.gate.service.verification
        monkeypatch.setattr(
            verification,
            "verify",
            lambda *args, judgement, **more: type(verification).verify(verification, *args, **more),
        )
        found = await _proving(world)
    with pytest.raises(AssertionError):
        check(found, files=100, calls=1000, jumps=1000)


async def quiet(world: World) -> None:
    """Sign the heads of the trails now.

    The gate's own timer would do it in the middle of a request.
    """
    await world.gate.service.trail_signer.flush()
    world.gate.service.engine.sign_heads = None


async def _proving(world: World) -> Walk:
    """Trace a right code on the challenge page."""
    owing, place = await _owing(world)
    token = await owing.token(place)
    world.clock.advance(30)
    code = {"code": owing.totp()}
    await world.gate.service.outbox.aclose()  # the marks of the events before are stored
    await quiet(world)
    found, reply = await walk(lambda: owing.form(place, code, token=token))
    assert reply.status == 303
    assert await owing.is_in()
    return found


@pytest.mark.parametrize(
    ("how", "bounds"),
    [
        ("page", {"files": 50, "calls": 291, "jumps": 146}),
        ("json", {"files": 55, "calls": 315, "jumps": 168}),
    ],
)
async def test_an_unlock(how: str, bounds: dict[str, int]) -> None:
    """An unlock is judged once, and loads the account once, for the change.

    The page has just looked at the administrator's own account.
    """
    async with running(deeds_world()) as world:
        boss = (await boss_of_a_locked(world)).browser
        token = await boss.token()
        # On a busy machine the marks of earlier events would be stored in the middle of this request.
        await world.engine.effects.idle()
        await world.gate.service.outbox.flush()
        await quiet(world)
        aside = world.engine.effects._under_way
        if how == "page":
            fields = {"action": "unlock", "reason": "called"}
            found, reply = await walk(lambda: boss.form("/mfa/admin/accounts/bob", fields, token=token), aside)
        else:
            found, reply = await walk(
                lambda: boss.api("POST", "admin/accounts/bob/unlock", {"reason": "called"}), aside
            )
        assert reply.status == (303 if how == "page" else 200)
        assert (await world.account("bob")).lock is None
    check(found, **bounds)
    assert found.of("MemoryStore.load") == 1


async def test_a_notice() -> None:
    """A notice is made of the event alone: words, reader, form, and the link of a dispute.

    Its sender works in the background, so that one that hangs holds nothing up.
    """
    async with running(deeds_world()) as world:
        await boss_of_a_locked(world)
        await world.engine.effects.idle()
        (event,) = world.kinds("account.locked")
        found, _ = await walk(lambda: world.gate.service.notices.mail(event))
    check(found, files=19, calls=122, jumps=67, judged=0)


@pytest.mark.parametrize("quick", [True, False])
async def test_only_a_slow_factor_is_verified_in_a_thread(quick: bool) -> None:
    """Only a slow factor is verified in a thread.

    To hand a few digests to a thread and back costs more than they do. The event loop does not wait for a factor that
    does not say that it is quick.
    """
    names: list[str] = []

    class Watched(Totp):
        traits = replace(Totp.traits, quick=quick)

        def verify(self, context: Context, /, **more: Any) -> Accepted | Rejected:
            names.append(threading.current_thread().name)
            return super().verify(context, **more)

    async with running(
        make_world(factors=[Watched(), *(f for f in DEFAULT_FACTORS if f.traits.kind != "totp")])
    ) as world:
        await _proving(world)
    assert [name.startswith("mfa-verify") for name in names[-1:]] == [not quick]


async def test_a_page_of_ours_leaves_what_another_request_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """``free`` and ``judge`` of one request share its demands.

    This holds although a page of ours is judged between the two.
    """
    made: list[str] = []

    def counted(policy: Any, facts: Facts, *more: Any) -> Any:
        made.append(facts.path)
        return requirement_for(policy, facts, *more)

    async with running(make_world()) as world:
        access = world.gate.service.access
        caller = Caller(subject=Subject("ann", "alpha"), handle="", network="203.0.113.7")
        facts = Facts(tenant="alpha", groups=frozenset(), method="GET", path="/records", clean=True)
        await world.engine.settings("alpha")
        monkeypatch.setattr("mfa_gate.service.access.requirement_for", counted)
        assert access.free(caller.subject, facts) is None
        await access.own(caller)
        await access.judge(caller, facts)
    assert made == ["/records", ""]
