"""Break the stores round by round, and audit each round: ``--hours 4``, ``--only NAME``."""

from __future__ import annotations

import argparse
import itertools
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from .audit import faults_of, growth_over, summary
from .crew import Round, crew
from .stages import ONCE, STAGES

IN_A_ROW = 5
"""Rounds with the same workers, so that one that grows is seen."""


def rounds_of(name: str, until: float) -> list[str]:
    """Work for some rounds with the same servers and workers. Returns all faults."""
    faults: list[str] = []
    done: list[Round] = []
    with tempfile.TemporaryDirectory() as place, STAGES[name](Path(place)) as stage, crew(stage.ways) as workers:
        for number in range(1 if name in ONCE else IN_A_ROW):
            done.append(workers.work(stage))
            faults += faults_of(done[-1], stage)
            print(f"{name}, round {number + 1}: {summary(done[-1])}", *faults, sep="\n  ", flush=True)
            if faults or time.monotonic() > until:
                break
    return [*faults, *growth_over(done)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Return 1 at the first fault, 0 where the time has ended without one."""
    parser = argparse.ArgumentParser(prog="python -m tests.servers.breakage", description=__doc__)
    parser.add_argument(
        "--hours", type=float, default=0.0, help="go on for so long; without it each one has its rounds"
    )
    parser.add_argument("--only", choices=STAGES, help="this breakage alone")
    chosen = parser.parse_args(arguments)
    names = [chosen.only] if chosen.only else [*STAGES]
    until = time.monotonic() + chosen.hours * 3600
    for name in itertools.cycle(names) if chosen.hours else names:
        if faults := rounds_of(name, until if chosen.hours else float("inf")):
            print(f"{name} FAILED", *faults, sep="\n  ")
            return 1
        if chosen.hours and time.monotonic() > until:
            break
    return 0


if __name__ == "__main__":
    sys.exit(main())
