"""Fuzz for hours: ``python -m tests.fuzz --minutes 60 [TARGET …]``.

Each found input is written to ``tests/fuzz/found/TARGET``, where the tests find it.
"""

from __future__ import annotations

import argparse
import logging
import random
import sys
import time

from .search import Search
from .target import Target, keep
from .targets import TARGETS

TURN = 20.0
"""Seconds for one target, before the next has its turn."""


def main() -> int:
    """Run. Returns 1 if something was found."""
    made = argparse.ArgumentParser(description=__doc__)
    made.add_argument("targets", nargs="*", choices=[[], *(target.name for target in TARGETS)], metavar="TARGET")
    made.add_argument("--minutes", type=float, default=10)
    made.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    options = made.parse_args()
    logging.disable(logging.CRITICAL)
    chosen = [target for target in TARGETS if not options.targets or target.name in options.targets]
    print(f"seed {options.seed}: {', '.join(target.name for target in chosen)}", flush=True)
    searches = [Search(target, seed=options.seed, guided=True) for target in chosen]
    until, found = time.monotonic() + 60 * options.minutes, 0
    while time.monotonic() < until:
        for search in searches:
            found += turn(search, min(TURN, until - time.monotonic()))
    for search in searches:
        print(f"{search.target.name}: {search.count} inputs, {len(search.reached)} steps between lines reached")
    return 1 if found else 0


def turn(search: Search, seconds: float) -> int:
    """Search for a while. Returns the number of new faults."""
    found = 0
    for broken in search.run(seconds=max(seconds, 0.01)):
        found += 1
        print(f"{broken.target.name}: {broken.where}\n{keep(broken.target, broken.data)}\n{broken.told}", flush=True)
    return found


def target_named(name: str) -> Target:
    """Return the target with this name."""
    return next(target for target in TARGETS if target.name == name)


if __name__ == "__main__":
    sys.exit(main())
