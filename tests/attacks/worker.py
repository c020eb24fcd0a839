"""Processes on one SQLite file, for the tests of races.

One interpreter is told its work, and forks.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from mfa_gate import Subject
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Caller, SubjectKey
from mfa_gate.errors import StoreUnavailable
from mfa_gate.factors.email import Email
from mfa_gate.factors.totp import Totp
from mfa_gate.service import Verified
from mfa_gate.storage import Store
from tests.attacks.mistakes import break_the_counter
from tests.harness import HOME, FixedClock, World, make_world

KEY = SubjectKey("alpha", "ann")
SUBJECT = Subject(id="ann", tenant="alpha", session="s")
compared = 0
_counting = threading.Lock()


def count_comparisons(marks: Path | None = None) -> None:
    """Count every comparison of an answer from now on.

    Each is marked in a file before it happens.
    """

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


def world_on(store: Store | str, now: float) -> World:
    """A gate of its own on the store, at a fixed time."""
    return make_world(store=store, clock=FixedClock(now))


BUSY = "store_unavailable"


def child(work: Callable[[], Coroutine[Any, Any, None]]) -> int:
    """The id of a child that does this and ends, with status 0 where it went well."""
    id = os.fork()
    if not id:
        try:
            asyncio.run(work())
            os._exit(0)
        except BaseException:  # noqa: BLE001 - a child that must end here
            traceback.print_exc()
        finally:
            os._exit(7)
    return id


def bursts(path: Path, now: float, answers: Sequence[Sequence[tuple[str, str]]]) -> dict[str, Any]:
    """Run one process for each list of answers, all at once.

    Returns the number of comparisons, and the count of each outcome.
    """

    async def one(number: int) -> None:
        result = await burst(path, now, answers[number], workers=len(answers), number=number)
        (path.parent / f"result-{number}").write_text(json.dumps(result))

    children = [child(partial(one, number)) for number in range(len(answers))]
    assert [os.waitpid(id, 0)[1] for id in children] == [0] * len(children)
    results = [json.loads((path.parent / f"result-{number}").read_text()) for number in range(len(answers))]
    outcomes: Counter[str] = Counter()
    for result in results:
        outcomes.update(result["outcomes"])
    return {"compared": sum(result["compared"] for result in results), "outcomes": outcomes}


async def burst(
    path: Path, now: float, answers: Sequence[tuple[str, str]], *, workers: int, number: int
) -> dict[str, Any]:
    """All answers (handle, code) at once, as soon as every worker is ready."""
    world = world_on(f"sqlite:///{path}", now)
    await world.gate.web.open()
    verification = world.gate.service.verification
    account = await world.store.load(KEY)
    id = account.authenticators[0].id
    (path.parent / f"ready-{number}").touch()
    while not all((path.parent / f"ready-{worker}").exists() for worker in range(workers)):
        time.sleep(0.001)

    async def one(handle: str, code: str) -> str:
        try:
            result = await verification.verify(caller(handle), handle=handle, authenticator=id, response=code)
        except StoreUnavailable:
            return BUSY  # a machine so full that the second is over: refused, as the contract says
        if isinstance(result, Verified):
            return "again" if result.again else "granted"
        return result.reason

    outcomes = Counter(await asyncio.gather(*(one(handle, code) for handle, code in answers)))
    await world.gate.web.aclose()
    return {"compared": compared, "outcomes": outcomes}


def main() -> None:
    """Do a burst, told in JSON on standard input, and print the results in JSON."""
    told = json.loads(sys.stdin.readline())
    if told["broken"]:
        break_the_counter()
    count_comparisons()
    answers = [[(handle, code) for handle, code in mine] for mine in told["answers"]]
    print(json.dumps(bursts(Path(told["path"]), told["now"], answers)), flush=True)


if __name__ == "__main__":
    main()
