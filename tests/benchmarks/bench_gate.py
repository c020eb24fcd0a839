"""What the gate adds to a request: the same stack with and without it, side by side in one run, as microseconds and ratios."""

from __future__ import annotations

import asyncio
import cProfile
import gc
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mfa_gate import MFAGate
from tests.benchmarks._host import App, gate_on, gated, percentile, plain, prove, scope_of, session_cookie, with_session
from tests.stores import servers

ROUNDS = 60
BATCH = 250
TURNS = 20
OVER = {
    "+ session": "bare app",
    "+ session, both cookies": "bare app",
    "+ session + gate, memory": "+ session, both cookies",
    "+ session + gate, SQLite": "+ session, both cookies",
    "+ session + gate, Redis": "+ session, both cookies",
    "+ session + gate, anonymous": "+ session, anonymous",
    "+ session + gate, exempt path": "+ session, free path",
}
Row = tuple[str, App, str, bytes]


async def one_batch(app: App, path: str, cookie: bytes, times: int = BATCH) -> float:
    """Microseconds of processor time a request over one batch: what others do on this machine is left out."""
    body = {"type": "http.request", "body": b"", "more_body": False}
    status: list[int] = []

    async def receive() -> dict[str, Any]:
        return body

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            status.append(message["status"])

    scopes = [scope_of(path, cookie) for _ in range(times)]
    start = time.thread_time()
    for scope in scopes:
        await app(scope, receive, send)
    spent = time.thread_time() - start
    if set(status) != {200}:
        raise SystemExit(f"{path}: answered {sorted(set(status))}, not 200: nothing worth measuring")
    return spent / times * 1e6


async def measure(rows: Sequence[Row]) -> dict[str, list[float]]:
    """Every stack in turn, round by round, so that a drift of the machine meets them all alike."""
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
    with tempfile.TemporaryDirectory() as folder, servers.single(Path(folder)) as redis:
        gates = {
            "memory": gate_on("memory://"),
            "SQLite": gate_on(f"sqlite:///{Path(folder) / 'bench.db'}"),
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
        loads = Loads(gates["Redis"])
        await asyncio.sleep(0.3)
        found = await measure(rows)
        report(found)
        requests = (ROUNDS + 3) * BATCH
        print(f"round trips to Redis in {requests:,} requests: {loads.count}")
        if "--profile" in sys.argv:
            await profile(rows[4])
        for gate in gates.values():
            await gate.guard.aclose()


async def profile(row: Row) -> None:
    """Where the time of the gate over SQLite goes, by function."""
    with cProfile.Profile() as found:
        await one_batch(*row[1:], times=20_000)
    pstats.Stats(found).sort_stats("tottime").print_stats(25)


def report(found: dict[str, list[float]]) -> None:
    """The table: medians, 99th percentiles, and what is added over which stack."""
    session = added(found, "+ session")
    print(f"{'stack':34}{'median':>9}{'p99':>9}{'least':>9}{'added':>9}{'of session':>12}")
    for name, times in found.items():
        line = f"{name:34}{statistics.median(times):9.1f}{percentile(times, 0.99):9.1f}{min(times):9.1f}"
        if name in OVER:
            line += f"{added(found, name):9.1f}{added(found, name) / session:12.2f}"
        print(line)
    print("microseconds of processor time a request, in batches of", BATCH)
    print("both cookies: the same request, with the gate's cookie, which SessionMiddleware parses as well")
    print("added: median of the differences, round by round; of session: of what SessionMiddleware adds")


def added(found: dict[str, list[float]], name: str) -> float:
    """What a stack adds to the one below it."""
    return statistics.median(a - b for a, b in zip(found[name], found[OVER[name]], strict=True))


def main() -> None:
    """Run the benchmark."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
