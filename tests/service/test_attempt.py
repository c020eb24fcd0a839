"""One attempt from its charge to its end.

Gates end, stores go away, and attempts are given back.
"""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace

import pytest

from mfa_gate.core.changes import Charge
from mfa_gate.core.model import Account, Lock, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.errors import StoreUnavailable
from mfa_gate.factors.base import Rejected
from mfa_gate.service import attempt as module
from mfa_gate.service.attempt import Attempts, Guess
from tests.attacks.test_blame import caller_of
from tests.harness import Browser, World

ANN = SubjectKey("alpha", "ann")


def guess(world: World, browser: Browser, check: object, *, factor: str = "totp") -> Guess[object, object]:
    """Make an attempt whose verification is ``check``."""

    def settle(account: Account, moment: object, taken: Charge, outcome: object) -> object:
        raise AssertionError("nothing here is right")

    return Guess(
        caller=caller_of(browser),
        rules=world.engine.rules("alpha"),
        factor=factor,
        answer="",
        prepare=lambda _: check,  # type: ignore[arg-type, return-value]
        settle=settle,  # type: ignore[arg-type]
    )


async def used(world: World) -> int:
    """Count the attempts that are taken."""
    return (await world.store.load(ANN)).attempts.used


def wrong() -> Rejected:
    """Reject a response as wrong."""
    return Rejected(reason="wrong_code")


def broken() -> Rejected:
    """Fail by a fault of ours."""
    raise RuntimeError("a fault of ours")


async def test_a_fault_while_the_store_is_away_is_given_back_later(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The attempt comes back with the next one of the same person, once."""
    ann, attempts = await world.enrolled(), world.gate.service.attempts
    fail = Attempts._fail

    async def away(*_: object) -> Refusal:
        raise StoreUnavailable("the store is away")

    monkeypatch.setattr(Attempts, "_fail", away)
    for _ in range(2):
        with pytest.raises(RuntimeError):
            await attempts.attempt(guess(world, ann, broken))
        assert await used(world) == 1
    assert "could not be given back" in caplog.text
    assert len(attempts._owed[ANN]) == 1
    monkeypatch.setattr(Attempts, "_fail", fail)
    refused = await attempts.attempt(guess(world, ann, wrong))
    assert isinstance(refused, Refusal)
    assert (refused.reason, await used(world)) == ("wrong_code", 1)
    assert attempts._owed == {}
    await attempts.attempt(guess(world, ann, wrong))
    assert await used(world) == 2


async def test_a_wrong_answer_stays_charged(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """S-37: where its failure cannot be written, nothing is given back, now or later."""
    ann, attempts = await world.enrolled(), world.gate.service.attempts

    async def away(*_: object) -> Refusal:
        raise StoreUnavailable("the store is away")

    monkeypatch.setattr(Attempts, "_fail", away)
    with pytest.raises(StoreUnavailable):
        await attempts.attempt(guess(world, ann, wrong))
    assert (await used(world), attempts._owed) == (1, {})
    with pytest.raises(StoreUnavailable):
        await attempts.attempt(guess(world, ann, lambda: Rejected(reason="code_expired", free=True)))
    assert await used(world) == 2
    assert len(attempts._owed[ANN]) == 1


async def test_what_is_owed_is_bounded(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest people make room."""
    attempts = world.gate.service.attempts
    monkeypatch.setattr(module, "MAX_OWED", 2)

    async def away(*_: object) -> Refusal:
        raise StoreUnavailable("the store is away")

    monkeypatch.setattr(Attempts, "_fail", away)
    for id in ("ann", "bob", "cid"):
        with pytest.raises(RuntimeError):
            await attempts.attempt(guess(world, await world.enrolled(id), broken))
    assert [key.id for key in attempts._owed] == ["bob", "cid"]


async def test_a_gate_that_closes_waits_for_the_work_under_way(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work that a client has left runs to its end, up to five seconds.

    Then the threads are let go.
    """
    attempts, done = world.gate.service.attempts, list[str]()
    waited: list[float] = []
    wait = asyncio.wait

    async def waits(tasks: object, *, timeout: float) -> object:
        waited.append(timeout)
        return await wait(tasks, timeout=timeout)  # type: ignore[arg-type]

    async def work() -> None:
        await asyncio.sleep(0.01)
        done.append("done")

    task = asyncio.create_task(attempts.to_its_end(work()))
    await asyncio.sleep(0)
    task.cancel()
    attempts._threads().submit(lambda: None).result()
    monkeypatch.setattr(asyncio, "wait", waits)
    await attempts.aclose()
    assert (done, waited) == (["done"], [5])
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("mfa-verify") and attempts._pool]
    assert attempts._pool is None
    assert attempts._under_way == set()
    await attempts.aclose()
    assert waited == [5]


async def test_slow_kinds_verify_in_threads_of_their_own(world: World) -> None:
    """A kind that is quick is judged in the loop; another one holds up nobody."""
    ann, attempts, seen = await world.enrolled(), world.gate.service.attempts, list[str]()

    def look() -> Rejected:
        seen.append(threading.current_thread().name)
        return wrong()

    for factor in ("totp", "backup-code"):
        await attempts.attempt(guess(world, ann, look, factor=factor))
    quick = [world.engine.factors.traits[factor].quick for factor in ("totp", "backup-code")]
    assert [name.startswith("mfa-verify") for name in seen] == [not is_quick for is_quick in quick]


async def test_a_preparation_that_rejects_is_no_verification(world: World) -> None:
    """An authenticator that is gone costs nothing."""
    ann = await world.enrolled()
    gone = replace(guess(world, ann, None), prepare=lambda _: Rejected(reason="not_found", free=True))
    refused = await world.gate.service.attempts.attempt(gone)
    assert isinstance(refused, Refusal)
    assert (refused.reason, await used(world)) == ("not_found", 0)


async def test_what_is_owed_waits_for_an_attempt_that_is_taken(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal in between gives nothing back, and forgets nothing."""
    ann, attempts = await world.enrolled(), world.gate.service.attempts

    async def away(*_: object) -> Refusal:
        raise StoreUnavailable("the store is away")

    with monkeypatch.context() as patch:
        patch.setattr(Attempts, "_fail", away)
        with pytest.raises(RuntimeError):
            await attempts.attempt(guess(world, ann, broken))
    account = await world.store.load(ANN)
    assert await world.store.swap(replace(account, lock=Lock(at=1, cause="administrator", ref="R")))
    refused = await attempts.attempt(guess(world, ann, wrong))
    assert isinstance(refused, Refusal)
    assert (refused.reason, len(attempts._owed[ANN])) == ("locked", 1)
    assert await world.store.swap(replace(await world.store.load(ANN), lock=None))
    await attempts.attempt(guess(world, ann, wrong))
    assert (attempts._owed, await used(world)) == ({}, 1)


async def test_the_end_waits_for_no_thread(world: World) -> None:
    """A verification that hangs holds up no worker that ends."""
    attempts, goes_on = world.gate.service.attempts, threading.Event()
    work = attempts._threads().submit(goes_on.wait, 60)
    await attempts.aclose()
    assert not work.done()
    goes_on.set()
