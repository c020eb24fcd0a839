"""The time that the gate adds to a request, as microseconds and ratios.

The same stack runs with and without the gate, side by side in one run.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import pstats
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mfa_gate import MFAGate
from tests.benchmarks._host import (
    BATCH,
    REFERENCE_SESSION,
    App,
    gate_on,
    gated,
    one_batch,
    percentile,
    plain,
    prove,
    session_cookie,
    with_session,
)
from tests.stores import postgres_servers, servers

ROUNDS = 60
TURNS = 20
OVER = {
    "+ session": "bare app",
    "+ session, both cookies": "bare app",
    "+ session + gate, memory": "+ session, both cookies",
    "+ session + gate, SQLite": "+ session, both cookies",
    "+ session + gate, PostgreSQL": "+ session, both cookies",
    "+ session + gate, Redis": "+ session, both cookies",
    "+ session + gate, anonymous": "+ session, anonymous",
    "+ session + gate, exempt path": "+ session, free path",
}
TO_REACH = {
    "+ session + gate, memory": 0.25,
    "+ session + gate, SQLite": 0.25,
    "+ session + gate, PostgreSQL": 0.25,
    "+ session + gate, Redis": 8 / REFERENCE_SESSION,
    "+ session + gate, anonymous": 3 / REFERENCE_SESSION,
    "+ session + gate, exempt path": 3 / REFERENCE_SESSION,
}
Row = tuple[str, App, str, bytes]


async def measure(rows: Sequence[Row]) -> dict[str, list[float]]:
    """Measure every stack in turn, round by round.

    So a drift of the machine meets them all alike.
    """
    found: dict[str, list[float]] = {name: [] for name, *_ in rows}
    for round_ in range(ROUNDS + 3):
        gc.collect()
        for name, app, path, cookie in rows:
            for _ in range(TURNS):
                await asyncio.sleep(0)  # Redis's push channel is read meanwhile, as between requests of a server
            spent = await one_batch(app, path, cookie)
            if round_ >= 3:
                found[name].append(spent)
    return found


class Loads:
    """Counts the reads of a gate's store."""

    def __init__(self, gate: MFAGate) -> None:
        self.count = 0
        store = gate.service.engine.store
        inner = store.load

        async def load(*arguments: Any) -> Any:
            self.count += 1
            return await inner(*arguments)

        store.load = load  # type: ignore[method-assign]


async def run() -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.single(Path(folder)) as redis,
        postgres_servers.server() as postgres,
    ):
        gates = {
            "memory": gate_on("memory://"),
            "SQLite": gate_on(f"sqlite:///{Path(folder) / 'bench.db'}"),
            "PostgreSQL": gate_on(postgres.url),
            "Redis": gate_on(f"redis://127.0.0.1:{redis.port}"),
        }
        host = session_cookie()
        session = with_session(plain())
        rows: list[Row] = [("bare app", plain(), "/", host), ("+ session", session, "/", host)]
        apps: dict[str, App] = {}
        for name, gate in gates.items():
            cookie = await prove(gate)
            apps[name] = gated(gate)
            both = host + b"; " + cookie
            if name == "memory":
                rows.append(("+ session, both cookies", session, "/", both))
            rows.append((f"+ session + gate, {name}", apps[name], "/", both))
        rows += [
            ("+ session, anonymous", session, "/", b""),
            ("+ session + gate, anonymous", apps["memory"], "/", b""),
            ("+ session, free path", session, "/free", host),
            ("+ session + gate, exempt path", apps["memory"], "/free", host),
        ]
        loads = {name: Loads(gates[name]) for name in ("PostgreSQL", "Redis")}
        await asyncio.sleep(0.3)
        found = await measure(rows)
        report(found)
        requests = (ROUNDS + 3) * BATCH
        for name, count in loads.items():
            print(f"round trips to {name} in {requests:,} requests: {count.count}")
        if "--profile" in sys.argv:
            await profile(rows[4])
        for gate in gates.values():
            await gate.web.aclose()


async def profile(row: Row) -> None:
    """Print the time of the gate over SQLite by function."""
    with cProfile.Profile() as found:
        await one_batch(*row[1:], times=20_000)
    pstats.Stats(found).sort_stats("tottime").print_stats(25)


def report(found: dict[str, list[float]]) -> None:
    """The table: medians, 99th percentiles, and what is added over which stack."""
    session = added(found, "+ session")
    print(f"{'stack':34}{'median':>9}{'p99':>9}{'least':>9}{'added':>9}{'of session':>12}{'to reach':>10}")
    for name, times in found.items():
        line = f"{name:34}{statistics.median(times):9.1f}{percentile(times, 0.99):9.1f}{min(times):9.1f}"
        if name in OVER:
            line += f"{added(found, name):9.1f}{added(found, name) / session:12.2f}"
        if name in TO_REACH:
            line += f"{TO_REACH[name]:10.2f}"
        print(line)
    print("microseconds of processor time a request, in batches of", BATCH)
    print("both cookies: the same request, with the gate's cookie, which SessionMiddleware parses as well")
    print("added: median of the differences, round by round; of session: of what SessionMiddleware adds")
    print(
        f"to reach: 6, 6, 8, 3 and 3 where SessionMiddleware adds {REFERENCE_SESSION:.0f}; here it adds {session:.0f}"
    )


def added(found: dict[str, list[float]], name: str) -> float:
    """Return the time that a stack adds to the one below it."""
    return statistics.median(a - b for a, b in zip(found[name], found[OVER[name]], strict=True))


def main() -> None:
    """Run the benchmark."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
