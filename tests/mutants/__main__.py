"""Draw faults, run the tests against each, and print the share that was noticed.

Run as ``python3 tests/run.py --mutants 100``, with ``--room core`` for one room and ``--seed N`` for the same faults again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .anew import with_everything_anew
from .copies import compiled
from .rooms import ROOMS, Mutant, asked, drawn, measure
from .session import in_one_session

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
    """Run the tests against each fault, two at a time. Returns those that nobody noticed.

    All are asked in one session first. Those that it cannot judge are asked with everything imported anew.
    """
    survivors: list[Mutant] = []
    with tempfile.TemporaryDirectory(prefix="mutants-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # some tests act as another user
        measure(sorted({mutant.room for mutant in mutants}), folder / "marked", AT_ONCE)
        asked_of = {mutant: asked(mutant) for mutant in mutants}
        sound, *copies = compiled(folder, 1 + AT_ONCE)

        def say(mutant: Mutant, noticed: str, seconds: float) -> None:
            if not noticed:
                survivors.append(mutant)
            said = noticed[:120] or f"SURVIVED, line {mutant.change.line}"
            print(f"{seconds:6.1f} s  {mutant}\n          {said}", flush=True)

        left = in_one_session(asked_of, sound, copies, say)
        with_everything_anew({mutant: asked_of[mutant] for mutant in left}, copies, say)
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
