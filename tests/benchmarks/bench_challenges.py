"""Whole TOTP challenges a second in one process: charge, verify, settle.

Each is of another person, and many run at once. The first half comes from browsers that the people have used before, the second
half from new ones: about these a mail is written, which is counted as well.
"""

from __future__ import annotations

import asyncio
import cProfile
import math
import pstats
import statistics
import sys
import tempfile
import time
from pathlib import Path

from tests.benchmarks._host import percentile, session_adds
from tests.benchmarks._people import AT_ONCE, fill, id_of, settle, stores

PEOPLE = 2000
ROUND = 200
TO_REACH = {
    "SQLite, synchronous=FULL": 30,
    "PostgreSQL, synchronous_commit=on": 35,
    "Redis, appendfsync everysec": 25,
}
"""Processor time of a challenge in a browser that is known, as a multiple of what SessionMiddleware adds to a request."""


async def run() -> None:
    """Measure and print."""
    print(
        f"{'store':50}{'a second':>10}{'median':>12}{'p99':>12}{'processor':>12}{'least':>10}{'in sessions':>13}{'to reach':>10}"
    )
    with tempfile.TemporaryDirectory() as folder:
        async with stores(Path(folder)) as gates:
            for gate in gates.values():
                await fill(gate, [id_of(number) for number in range(PEOPLE)])
            rows = {(name, new): f"{name}{', new browser' * new}" for new in (False, True) for name in gates}
            found: dict[str, list[float]] = {row: [] for row in rows.values()}
            spent: dict[str, list[float]] = {row: [] for row in rows.values()}
            sessions: dict[str, list[float]] = {row: [] for row in rows.values()}
            waits: dict[str, list[float]] = {row: [] for row in rows.values()}
            for at in range(0, PEOPLE, ROUND):
                new, session = at >= PEOPLE // 2, await session_adds()
                for name, gate in gates.items():
                    row, ids = rows[name, new], [id_of(number) for number in range(at, at + ROUND)]
                    began, cpu = time.perf_counter(), time.process_time()
                    with cProfile.Profile() if "--profile" in sys.argv and at == ROUND else _Nothing() as profile:
                        took = await settle(gate, ids, new=new)
                    settled = sum(map(math.isfinite, took))
                    waits[row] += took
                    found[row].append(settled / (time.perf_counter() - began))
                    spent[row].append((time.process_time() - cpu) / ROUND * 1e3)
                    sessions[row].append(session)
                    if isinstance(profile, cProfile.Profile):
                        pstats.Stats(profile).sort_stats("tottime").print_stats(25)
    for name, rates in found.items():
        ms = [wait * 1e3 for wait in waits[name]]
        least = min(spent[name])
        print(
            f"{name:50}{statistics.median(rates):10.0f}{statistics.median(ms):9.1f} ms{percentile(ms, 0.99):9.1f} ms"
            f"{statistics.median(spent[name]):9.2f} ms{least:7.2f} ms"
            f"{least * 1e3 / min(all_of(sessions)):13.0f}{TO_REACH.get(name, ''):>10}"
        )
    print(
        f"median and p99: how long one waits with {AT_ONCE} at once;\n"
        f"processor: of this process for one challenge; least: in the best of {PEOPLE // ROUND // 2} rounds, when others disturbed "
        f"it least;\nin sessions: the least, as a multiple of what SessionMiddleware adds to a request, "
        f"{min(all_of(sessions)):.0f} µs here"
    )


def all_of(lists: dict[str, list[float]]) -> list[float]:
    """All numbers of several lists."""
    return [one for numbers in lists.values() for one in numbers]


class _Nothing:
    """No profile."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, *_: object) -> None:
        return None


def main() -> None:
    """Run the benchmark."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
