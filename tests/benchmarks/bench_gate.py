"""The time that the gate adds to a request, beside what other middlewares add.

The same stack runs with and without each of them, side by side in one run, and every row is a ratio to what SessionMiddleware
adds. django-otp and django-multifactor run in the same process, over a Django of their own.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import pstats
import secrets
import statistics
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from starlette.middleware.base import BaseHTTPMiddleware

from mfa_gate import MFAGate
from mfa_gate.core.model import SubjectKey
from mfa_gate.keyring import make_key
from mfa_gate.web.callers import OpenedCookies
from tests.benchmarks import _django
from tests.benchmarks._host import (
    App,
    PassOn,
    gate_on,
    gated,
    one_batch,
    pass_on,
    percentile,
    plain,
    prove,
    session_cookie,
    with_middleware,
    with_session,
)
from tests.stores import postgres_servers, servers

ROUNDS = 150
BATCH = 50
WARM = 10
"""Requests before each batch: the first after another stack find nothing of theirs in the processor's caches."""
TURNS = 20
TO_REACH = {"remembered": 0.15, "full look": 1.5, "anonymous": 0.06, "exempt path": 0.06}
Row = tuple[str, str, App, str, bytes, int]
"""Name, name of the row below it, app, path, cookies, and the status of the answer."""


async def measure(rows: Sequence[Row]) -> dict[str, list[float]]:
    """Measure every stack in turn, round by round, each time in another order.

    So a drift of the machine, and the state in which a stack leaves the processor, meets them all alike.
    """
    found: dict[str, list[float]] = {name: [] for name, *_ in rows}
    others = _django.batches()
    found |= {name: [] for name in others}
    for round_ in range(ROUNDS + 3):
        gc.collect()
        first = round_ % len(rows)
        for name, _, app, path, cookie, status in (*rows[first:], *rows[:first]):
            for _ in range(TURNS):
                await asyncio.sleep(0)  # Redis's push channel is read meanwhile, as between requests of a server
            await one_batch(app, path, cookie, times=WARM, status=status)
            spent = await one_batch(app, path, cookie, times=BATCH, status=status)
            if round_ >= 3:
                found[name].append(spent)
        for name, batch in others.items():
            batch(2)
            spent = batch(10)
            if round_ >= 3:
                found[name].append(spent)
    return found


class _Forgets(OrderedDict[SubjectKey, OpenedCookies]):
    """The opened cookies of a gate to which every browser is new."""

    def __setitem__(self, key: SubjectKey, value: OpenedCookies) -> None:
        """Keep nothing."""


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


async def rows_of(gates: dict[str, tuple[MFAGate, MFAGate]]) -> list[Row]:
    """Make all stacks.

    The second gate of a store forgets each decision, so it looks at the account every time.
    """
    host = session_cookie()
    session = with_session(plain())
    first = gate_on("memory://")
    unknown = host + b"; " + await prove(first)
    first.service.access.remember = lambda *_: None  # type: ignore[method-assign]
    first.web.callers.opened = _Forgets()
    rows: list[Row] = [
        ("bare app", "", plain(), "/", host, 200),
        ("+ session", "bare app", session, "/", host, 200),
        ("+ session, anonymous", "bare app", session, "/", b"", 200),
        ("+ session, free path", "bare app", session, "/free", host, 200),
        ("+ no-op middleware", "+ session", with_session(with_middleware(plain(), PassOn)), "/", host, 200),
        (
            "+ BaseHTTPMiddleware",
            "+ session",
            with_session(with_middleware(plain(), BaseHTTPMiddleware, dispatch=pass_on)),
            "/",
            host,
            200,
        ),
    ]
    for name, (gate, forgetful) in gates.items():
        both = host + b"; " + await prove(gate)
        other = host + b"; " + await prove(forgetful)
        if name == "memory":
            rows.append(("+ session, both cookies", "bare app", session, "/", both, 200))
            rows.append(("memory: first look", "+ session, both cookies", gated(first), "/", unknown, 200))
        app, looking = gated(gate), gated(forgetful)
        forgetful.service.access.remember = lambda *_: None  # type: ignore[method-assign]
        rows += [
            (f"{name}: remembered", "+ session, both cookies", app, "/", both, 200),
            (f"{name}: full look", "+ session, both cookies", looking, "/", other, 200),
            (f"{name}: anonymous", "+ session, anonymous", app, "/", b"", 200),
            (f"{name}: exempt path", "+ session, free path", app, "/free", host, 200),
            (f"{name}: owed, answered by the gate", "+ session", app, "/", host, 403),
        ]
    return rows


async def run() -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.single(Path(folder)) as redis,
        postgres_servers.server() as postgres,
    ):
        key = make_key(secrets.token_bytes(32))
        urls = {
            "memory": "memory://",
            "SQLite": f"sqlite:///{Path(folder) / 'bench.db'}",
            "PostgreSQL": postgres.url,
            "Redis": f"redis://127.0.0.1:{redis.port}",
        }
        gates = {name: (gate_on(url, key=key), gate_on(url, key=key)) for name, url in urls.items()}
        rows = await rows_of(gates)
        loads = {name: Loads(gates[name][0]) for name in ("PostgreSQL", "Redis")}
        await asyncio.sleep(0.3)
        found = await measure(rows)
        report(rows, found)
        for name, count in loads.items():
            print(f"reads of accounts from {name} by remembered, anonymous, exempt and owed requests: {count.count}")
        if "--profile" in sys.argv:
            await profile(next(row for row in rows if row[0] == "SQLite: remembered"))
        for one, other in gates.values():
            await one.web.aclose()
            await other.web.aclose()


async def profile(row: Row) -> None:
    """Print the time of the gate over SQLite by function."""
    with cProfile.Profile() as found:
        await one_batch(*row[2:5], times=20_000)
    pstats.Stats(found).sort_stats("tottime").print_stats(25)


def report(rows: Sequence[Row], found: dict[str, list[float]]) -> None:
    """The table: medians, 99th percentiles, and what is added over which stack."""
    below = {name: under for name, under, *_ in rows if under}
    below |= {"+ django-otp": "Django, signed in", "+ django-multifactor": "Django, signed in"}
    session = added(found, below, "+ session")
    print(f"{'stack':40}{'median':>9}{'p99':>9}{'least':>9}{'added':>9}{'of session':>12}{'to reach':>10}")
    for name, times in found.items():
        line = f"{name:40}{statistics.median(times):9.1f}{percentile(times, 0.99):9.1f}{min(times):9.1f}"
        if name in below:
            line += f"{added(found, below, name):9.1f}{added(found, below, name) / session:12.3f}"
            if (wanted := TO_REACH.get(name.partition(": ")[2])) is not None:
                line += f"{wanted:10.2f}"
        print(line)
    remembered = added(found, below, "SQLite: remembered")
    for name in ("+ django-otp", "+ django-multifactor"):
        print(f"{name[2:]} adds {added(found, below, name) / remembered:.0f} times what the gate does (to reach: 80)")
    print(f"microseconds of processor time a request, in {ROUNDS} rounds of {BATCH}, each in another order")
    print(
        "full look: nothing is remembered, the account is in the cache; first look: the cookie was never opened before"
    )
    print("both cookies: the same request with the gate's cookie, which SessionMiddleware parses as well")
    print(
        "added: median of the differences to the stack below, round by round; of session: of what SessionMiddleware adds"
    )
    print("django-otp, django-multifactor: what they add to a Django page of a signed-in person, with SQLite in memory")


def added(found: dict[str, list[float]], below: dict[str, str], name: str) -> float:
    """Return the time that a stack adds to the one below it."""
    return statistics.median(a - b for a, b in zip(found[name], found[below[name]], strict=True))


def main() -> None:
    """Run the benchmark."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
