"""Ask the tests about a fault in processes that import everything anew.

That is slow, and holds for every fault: also for one that works at the import.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue

from .copies import Copy
from .processes import Chosen, run
from .reach import Reached
from .rooms import Mutant, by_file

PATIENCE = 60
"""Seconds of processor time that are left to the tests besides ten times their usual ones: a loop without end is noticed."""
NEAR, FEW = 5, 4
"""The seconds and the files of the tests that are asked first."""


def with_everything_anew(
    asked_of: Mapping[Mutant, Sequence[Reached]], copies: Sequence[Copy], say: Callable[..., None]
) -> None:
    """Ask about these faults, as many at once as there are copies, and ``say`` each verdict."""
    free: SimpleQueue[Copy] = SimpleQueue()
    for copy in copies:
        free.put(copy)

    def judge(mutant: Mutant) -> None:
        copy, started = free.get(), time.monotonic()
        try:
            noticed = notices(copy, mutant, asked_of[mutant])
        finally:
            free.put(copy)
        say(mutant, noticed, time.monotonic() - started)

    with ThreadPoolExecutor(len(copies)) as at_once:
        list(at_once.map(judge, asked_of))


def notices(copy: Copy, mutant: Mutant, tests: Sequence[Reached]) -> str:
    """Run the tests against the fault, the first ones first.

    Returns the test that noticed it, or "".
    """
    copy.put(mutant.file, mutant.faulty())
    try:
        return next(filter(None, (_fails(copy, step) for step in steps_of(tests))), "")
    finally:
        copy.restore()


def steps_of(tests: Sequence[Reached]) -> list[list[Reached]]:
    """Divide the tests, so that few files have to be read for what the nearest notice."""
    near: list[Reached] = []
    for some in by_file(tests).values():
        if near and (sum(test.seconds for test in near) > NEAR or len({test.file for test in near}) >= FEW):
            break
        near += some
    return [step for step in (near, list(tests[len(near) :])) if step]


def _fails(copy: Copy, tests: Sequence[Reached]) -> str:
    chosen = Chosen(test.test for test in tests)
    seconds = PATIENCE + 10 * sum(test.seconds for test in tests)
    return run(copy.source, ["-x", *by_file(tests)], [chosen], seconds=seconds).failed
