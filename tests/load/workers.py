"""Workers of three applications on one store.

One interpreter gets the orders, forks, and sets all workers off at once.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
import sys
import time
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

from mfa_gate import Subject
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Caller, SubjectKey
from mfa_gate.errors import MFAGateError, StoreUnavailable
from mfa_gate.service import Verified
from tests.attacks import worker
from tests.attacks.mistakes import break_the_counter
from tests.beside import beside
from tests.harness import HOME, World
from tests.stores.patience import patient_store

APPS = ("web", "desktop", "api")
AT_ONCE = 60
"""Answers in flight in one worker: with many more, a busy machine's clock runs out before its stores do."""
Answers = Sequence[tuple[str, str]]
T = TypeVar("T")


def world_of(url: str, now: float, app: str) -> World:
    """A gate of its own on the store, of the application ``app``."""
    world = worker.world_on(patient_store(url), now)
    world.engine.wiring = replace(world.engine.wiring, app=app)
    return world


def rounds(
    url: str, now: float, jobs: Sequence[tuple[str, Sequence[Answers]]], *, broken: bool = False
) -> list[tuple[int, Counter[str]]]:
    """Run the jobs, and return for each the comparisons and the count of each outcome.

    A job is a subject, and each worker's answers as handle and code.
    """
    told = {"url": url, "now": now, "jobs": jobs, "broken": broken}
    with beside("tests.load.workers") as ask:
        found = ask(told)
    return [(compared, Counter(outcomes)) for compared, outcomes in found]


async def patiently(call: Callable[[], Awaitable[T]]) -> T:
    """Return the result of ``call``, as soon as a busy machine gets it done.

    The machine is busy with sixteen workers.
    """
    until = time.monotonic() + 60
    while True:
        try:
            return await call()
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.2)


async def answer_all(world: World, id: str, answers: Answers, *, again: bool = False) -> Counter[str]:
    """All answers at once.

    ``again``: one that a busy machine did not get done in time is sent once more.
    """
    account = await patiently(lambda: world.store.load(SubjectKey("alpha", id)))
    authenticator = account.authenticators[0].id
    verification = world.gate.service.verification
    turns = asyncio.Semaphore(AT_ONCE)

    async def one(handle: str, code: str) -> str:
        caller = Caller(subject=Subject(id, "alpha", session="s"), handle=handle_digest(handle), network=HOME)
        verify = partial(verification.verify, caller, handle=handle, authenticator=authenticator, response=code)
        try:
            async with turns:
                result = await (patiently(verify) if again else verify())
        except MFAGateError as error:
            return f"{type(error).__name__}: {error}"
        if isinstance(result, Verified):
            return "again" if result.again else "granted"
        return result.reason

    return Counter(await asyncio.gather(*(one(handle, code) for handle, code in answers)))


async def work(told: dict[str, Any], number: int, barrier: Any) -> list[tuple[int, Counter[str]]]:
    """One worker's share of every job."""
    world = world_of(told["url"], told["now"], APPS[number % len(APPS)])
    await patiently(world.gate.web.open)
    results: list[tuple[int, Counter[str]]] = []
    for id, shares in told["jobs"]:
        before = worker.compared
        await asyncio.to_thread(barrier.wait)
        outcomes = await answer_all(world, id, shares[number], again=True)
        results.append((worker.compared - before, outcomes))
    await world.engine.effects.idle()
    await asyncio.to_thread(barrier.wait)
    await world.gate.web.aclose()
    return results


def live(told: dict[str, Any], number: int, barrier: Any, results: Any) -> None:
    """A worker's process. One that fails says so, and keeps nobody waiting."""
    try:
        results.put(asyncio.run(work(told, number, barrier)))
    except BaseException:
        barrier.abort()
        results.put(traceback.format_exc())
        raise


def main() -> None:
    """Fork the workers, let them go, and print their results together."""
    told = json.loads(sys.stdin.readline())
    if told["broken"]:
        break_the_counter()
    worker.count_comparisons()
    fork = multiprocessing.get_context("fork")
    count = len(told["jobs"][0][1])
    barrier, results = fork.Barrier(count, timeout=120), fork.SimpleQueue()
    processes = [fork.Process(target=live, args=(told, number, barrier, results)) for number in range(count)]
    for process in processes:
        process.start()
    totals: list[tuple[int, Counter[str]]] = [(0, Counter()) for _ in told["jobs"]]
    for _ in processes:
        found = results.get()
        if isinstance(found, str):
            sys.exit(found)
        for number, (compared, outcomes) in enumerate(found):
            totals[number] = (totals[number][0] + compared, totals[number][1] + outcomes)
    for process in processes:
        process.join()
    print(json.dumps(totals), flush=True)


if __name__ == "__main__":
    main()
