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

from tests.benchmarks._host import REFERENCE_SESSION, percentile, session_adds
from tests.benchmarks._people import AT_ONCE, fill, id_of, settle, stores

PEOPLE = 2000
ROUND = 200
TO_REACH = {
    "SQLite, synchronous=FULL": 500,
    "PostgreSQL, synchronous_commit=on": 500,
    "Redis, appendfsync everysec": 1000,
}


async def run() -> None:
    """Measure and print."""
    print(
        f"{'store':50}{'a second':>10}{'to reach':>10}{'processor':>12}{'least':>10}{'median':>10}{'p99':>10}"
        f"{'in sessions':>13}{'to reach':>10}"
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
        shares = [1e6 / rate / session for rate, session in zip(rates, sessions[name], strict=True)]
        to_reach = TO_REACH[name.removesuffix(", new browser")]
        print(
            f"{name:50}{statistics.median(rates):10.0f}{to_reach:10}{statistics.median(spent[name]):9.2f} ms"
            f"{min(spent[name]):7.2f} ms{statistics.median(ms):7.1f} ms{percentile(ms, 0.99):7.1f} ms"
            f"{statistics.median(shares):13.0f}{1e6 / to_reach / REFERENCE_SESSION:10.0f}"
        )
    print(
        f"processor: of this process for one challenge, and in the best of {PEOPLE // ROUND // 2} rounds, when others disturbed it "
        f"least;\nmedian and p99: how long one waits with {AT_ONCE} at once;\n"
        f"in sessions: how long a challenge keeps this process, as a multiple of what SessionMiddleware adds to a request, "
        f"{statistics.median(all_of(sessions)):.0f} µs here;\nto reach: the rate where that is {REFERENCE_SESSION:.0f} µs"
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
