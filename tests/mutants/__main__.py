"""Draw faults, run the tests against each, and print the share that was noticed.

Run as ``python3 tests/run.py --mutants 100``, with ``--room core`` for one room and ``--seed N`` for the same faults again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from .rooms import ROOMS, Copy, Mutant, asked, drawn, measure

WANTED = {"core": 95, "service": 92, "factors": 92, "web": 88, "stores": 88}
"""Percent that the tests have to notice."""
AT_ONCE = 2


def main() -> int:
    """Returns 1 when a room of fifty drawn faults or more is below what is wanted, else 0."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("number", type=int, help="how many faults")
    made.add_argument("--room", choices=ROOMS, action="append", help="only this room; may be given again")
    made.add_argument("--seed", type=int, default=random.randrange(10**6), help="the same number draws the same faults")
    given = made.parse_args()
    mutants = drawn(given.number, given.seed, given.room or ROOMS)
    print(f"{len(mutants)} faults, --seed {given.seed}", flush=True)
    survivors = judged(mutants)
    print(table(mutants, survivors))
    return 1 if below(mutants, survivors) else 0


def judged(mutants: Sequence[Mutant]) -> list[Mutant]:
    """Run the tests against each fault, two at a time.

    Returns those that nobody noticed.
    """
    survivors: list[Mutant] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        copies: SimpleQueue[Copy] = SimpleQueue()
        for number in range(AT_ONCE):
            copies.put(copy := Copy(Path(folder) / str(number)))
            copy.compile()
        measure(sorted({mutant.room for mutant in mutants}), Path(folder) / "marked", AT_ONCE)

        def judge(mutant: Mutant) -> None:
            copy, started = copies.get(), time.monotonic()
            try:
                noticed = copy.notices(mutant, asked(mutant))
            finally:
                copies.put(copy)
            if not noticed:
                survivors.append(mutant)
            seconds = time.monotonic() - started
            said = noticed[:120] or f"SURVIVED, line {mutant.change.line}"
            print(f"{seconds:6.1f} s  {mutant}\n          {said}", flush=True)

        with ThreadPoolExecutor(AT_ONCE) as at_once:
            list(at_once.map(judge, mutants))
    return sorted(survivors)


def scores(mutants: Sequence[Mutant], survivors: Sequence[Mutant]) -> dict[str, tuple[int, int]]:
    """Count the noticed ones and all of them, by room."""
    every, left = Counter(one.room for one in mutants), Counter(one.room for one in survivors)
    return {room: (count - left[room], count) for room, count in sorted(every.items())}


def below(mutants: Sequence[Mutant], survivors: Sequence[Mutant]) -> list[str]:
    """Name the rooms that do not reach what is wanted.

    Under fifty faults a share says too little.
    """
    return [
        room
        for room, (noticed, count) in scores(mutants, survivors).items()
        if count >= 50 and 100 * noticed < WANTED.get(room, 0) * count
    ]


def table(mutants: Sequence[Mutant], survivors: Sequence[Mutant]) -> str:
    """Return the report: the survivors, and a line a room."""
    lines = ["", *(f"survived  {one}" for one in survivors), ""]
    for room, (noticed, count) in scores(mutants, survivors).items():
        wanted = f", wanted {WANTED[room]} %" if room in WANTED else ""
        lines.append(f"{room:12} {noticed:4} of {count:4} noticed, {100 * noticed / count:.0f} %{wanted}")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
