"""Processes on one SQLite file, for the tests of races and crashes: one interpreter that is told what to do and forks."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mfa_gate import Subject
from mfa_gate.core import changes
from mfa_gate.core.changes import Charge
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Account, Caller, SubjectKey
from mfa_gate.core.reasons import Refusal
from mfa_gate.core.rules import Rules
from mfa_gate.errors import StoreUnavailable
from mfa_gate.factors.email import Email
from mfa_gate.factors.totp import Totp
from mfa_gate.service import Verified
from mfa_gate.service.engine import Engine
from mfa_gate.service.proving import Proving
from mfa_gate.stores.sqlite import SQLiteStore
from tests.harness import HOME, FixedClock, World, make_world

KEY = SubjectKey("alpha", "ann")
SUBJECT = Subject(id="ann", tenant="alpha", session="s")
compared = 0
_counting = threading.Lock()


def count_comparisons(marks: Path | None = None) -> None:
    """From now on every comparison of an answer is counted, and marked in a file before it happens."""

    def counted(verify: Any) -> Any:
        def wrapper(*arguments: Any, **named: Any) -> Any:
            global compared
            with _counting:
                compared += 1
                if marks is not None:
                    with marks.open("ab") as file:
                        file.write(b"x")
            return verify(*arguments, **named)

        return wrapper

    for factor in (Totp, Email):
        factor.verify = counted(factor.verify)  # type: ignore[method-assign]


def caller(handle: str) -> Caller:
    """Ann's password, in the browser with this handle."""
    return Caller(subject=SUBJECT, handle=handle_digest(handle), network=HOME)


def world_on(path: Path, now: float) -> World:
    """A gate of its own on the file, at a fixed time."""
    return make_world(store=f"sqlite:///{path}", clock=FixedClock(now))


BUSY = "store_unavailable"

# -- bursts ------------------------------------------------------------------------------------------------------------


def break_the_counter() -> None:
    """The mistake that this project is about: look, compare, then count; and nothing lines up."""

    async def look(self: Proving, caller: Caller, rules: Rules, answer: str) -> Charge | Refusal:
        account = await self.engine.store.load(caller.subject.key)
        if account.lock is not None or account.attempts.used >= rules.attempts.max:
            return Refusal(reason="locked")
        await asyncio.sleep(0.005)
        return Charge(series=account.attempts.series, remaining=0)

    async def count(self: Proving, caller: Caller, rules: Rules, *_: Any) -> Refusal:
        moment = self.engine.moment()

        def step(account: Account) -> Any:
            taken = changes.charge(account, moment, rules)
            return replace(taken, answer=Refusal(reason="wrong_code"))

        return await self.engine.change(caller.subject.key, step)

    Proving.charge = look  # type: ignore[method-assign]
    Proving.fail = count  # type: ignore[assignment,method-assign]
    Engine.turn = lambda self, key: asyncio.Lock()  # type: ignore[method-assign]


def bursts(path: Path, now: float, answers: Sequence[Sequence[tuple[str, str]]]) -> dict[str, Any]:
    """One process for each list of answers, all at once: comparisons, and how often each outcome came."""
    children = []
    for number, mine in enumerate(answers):
        child = os.fork()
        if not child:
            try:
                result = asyncio.run(burst(path, now, mine, workers=len(answers), number=number))
                (path.parent / f"result-{number}").write_text(json.dumps(result))
                os._exit(0)
            except BaseException:
                traceback.print_exc()
            finally:
                os._exit(7)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * len(children)
    results = [json.loads((path.parent / f"result-{number}").read_text()) for number in range(len(answers))]
    outcomes: Counter[str] = Counter()
    for result in results:
        outcomes.update(result["outcomes"])
    return {"compared": sum(result["compared"] for result in results), "outcomes": outcomes}


async def burst(
    path: Path, now: float, answers: Sequence[tuple[str, str]], *, workers: int, number: int
) -> dict[str, Any]:
    """All answers (handle, code) at once, as soon as every worker is ready."""
    world = world_on(path, now)
    await world.gate.guard.open()
    proving = world.gate.service.proving
    account = await world.store.load(KEY)
    id = account.authenticators[0].id
    (path.parent / f"ready-{number}").touch()
    while not all((path.parent / f"ready-{worker}").exists() for worker in range(workers)):
        time.sleep(0.001)

    async def one(handle: str, code: str) -> str:
        try:
            result = await proving.verify(caller(handle), handle=handle, authenticator=id, response=code)
        except StoreUnavailable:
            return BUSY  # a machine so full that the second is over: refused, as the contract says
        if isinstance(result, Verified):
            return "again" if result.again else "granted"
        return result.reason

    outcomes = Counter(await asyncio.gather(*(one(handle, code) for handle, code in answers)))
    await world.gate.guard.aclose()
    return {"compared": compared, "outcomes": outcomes}


# -- kills -------------------------------------------------------------------------------------------------------------

CALLS = ("load", "swap", "append", "take", "claim", "settings", "meta")


class Killing:
    """A store that ends its process, like ``kill -9``, before or after its n-th call."""

    def __init__(self, inner: SQLiteStore, *, at: int, after: bool) -> None:
        self._inner = inner
        self._left = at
        self._after = after

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if name not in CALLS:
            return found

        async def counted(*arguments: Any, **named: Any) -> Any:
            self._left -= 1
            if not self._left and not self._after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = await found(*arguments, **named)
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return counted


async def act(world: World, place: Path, deed: dict[str, Any], *, at: int, after: bool) -> None:
    """Do one deed on the file in ``place``, and die on the way."""
    store = SQLiteStore(place / "mfa.db")
    await store.open()
    world.engine.store = Killing(store, at=at, after=after)
    service = world.gate.service
    who = caller(deed["handle"])
    match deed["kind"]:
        case "verify":
            await service.proving.verify(
                who, handle=deed["handle"], authenticator=deed["authenticator"], response=deed["response"]
            )
        case "confirm":
            await service.enrollments.confirm(
                who, handle=deed["handle"], enrollment=deed["enrollment"], response=deed["response"]
            )
        case "send":
            await service.issuing.begin(who, deed["authenticator"])
    os._exit(0)


def kills(origin: Path, target: Path, now: float, deeds: dict[str, dict[str, Any]]) -> dict[str, int]:
    """Every deed once for every call of the store that it makes, killed before and after it; how often each was killed."""
    died: Counter[str] = Counter()
    world = world_on(origin / "mfa.db", now)
    for name, deed in deeds.items():
        for at in range(1, 40):
            finished = False
            for after in (False, True):
                place = target / f"{name}-{at:02d}-{'after' if after else 'before'}"
                shutil.copytree(origin, place)
                child = os.fork()
                if not child:
                    count_comparisons(place / "marks")
                    try:
                        asyncio.run(act(world, place, deed, at=at, after=after))
                    finally:
                        os._exit(7)
                _, status = os.waitpid(child, 0)
                assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, (place, status)
                if os.WIFSIGNALED(status):
                    died[name] += 1
                else:
                    finished = True
                    shutil.rmtree(place)
            if finished:
                break
    return died


def main() -> None:
    """``burst`` or ``kills``, with JSON on standard input."""
    told = json.loads(sys.stdin.readline())
    match told["do"]:
        case "burst":
            if told["broken"]:
                break_the_counter()
            count_comparisons()
            answers = [[(handle, code) for handle, code in mine] for mine in told["answers"]]
            result: Any = bursts(Path(told["path"]), told["now"], answers)
        case _:
            result = kills(Path(told["origin"]), Path(told["target"]), told["now"], told["deeds"])
    print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
