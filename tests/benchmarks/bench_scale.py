"""The cost of requests, challenges, lists and accounts from a thousand accounts to many.

A remembered request is one of an account in the cache; a full look is judged anew; a challenge is a whole one. The largest
store has a hundred thousand accounts by default; ``--accounts 1000000`` (or ``--long``) is for a million.
``--store SQLite`` measures that store alone.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from mfa_gate import MFAGate, Subject
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Caller
from mfa_gate.core.policy import Facts
from mfa_gate.errors import StoreUnavailable
from mfa_gate.storage import Store
from mfa_gate.stores.postgres import PostgresStore
from tests.benchmarks._host import percentile
from tests.benchmarks._people import HOME, REAL_EACH, fill, handle_of, id_of, pour, pour_postgres, settle, stores
from tests.benchmarks._sizes import sizes

FEW = 1_000
OPTIONS = argparse.ArgumentParser()
OPTIONS.add_argument("--long", action="store_true")
OPTIONS.add_argument("--accounts", type=int, default=1_000_000 if "--long" in sys.argv else 100_000)
OPTIONS.add_argument("--store", default="")
MANY: int = OPTIONS.parse_known_args()[0].accounts
STORE: str = OPTIONS.parse_known_args()[0].store
FILL_FOR = float("inf") if MANY > 100_000 else 16.0
"""Seconds in which Redis is filled; where the machine is too slow for that, with fewer accounts."""
SLICES = 10
REQUESTS, CHALLENGES, LISTS = 60, 5, 6
"""Of each slice."""
LIMITS = {
    "remembered": 1.1,
    "full look": 1.2,
    "challenge": 1.5,
    "search, one": 2.0,
    "search, many": 2.0,
    "search, nobody": 2.0,
    "count": 2.0,
}
PLAIN = "search without pg_trgm"


@dataclass
class Side:
    """A store of some size, and the microseconds of each thing that was measured there."""

    gate: MFAGate
    count: int
    each: int
    chosen: random.Random = field(default_factory=lambda: random.Random(1))
    took: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        self.left = self.chosen.sample(range(0, self.count, self.each), SLICES * CHALLENGES)

    async def timed(self, name: str, work: Awaitable[object]) -> None:
        """Do the work, and note how long it took. A busy machine's refusal measures nothing."""
        began = time.perf_counter()
        with contextlib.suppress(StoreUnavailable):
            await work
            self.took[name].append((time.perf_counter() - began) * 1e6)

    async def measure(self) -> None:
        """Measure a slice. Nobody proves twice."""
        self.gate.service.engine.forget_all()
        people = [id_of(number) for number in self.chosen.sample(range(0, self.count, self.each), REQUESTS)]
        facts = Facts(tenant="default", groups=frozenset(), method="GET", path="/", clean=True)
        for name in ("full look", "remembered"):
            for id in people:
                caller = Caller(subject=Subject(id), handle=handle_digest(handle_of(id)), network=HOME)
                await self.timed(name, self.gate.service.access.judge(caller, facts))
        for seconds in await settle(self.gate, [id_of(self.left.pop()) for _ in range(CHALLENGES)], at_once=1):
            self.took["challenge"].append(seconds * 1e6)
        await self.lists(self.gate.service.engine.store)
        for _ in range(LISTS):
            await self.timed("count", self.gate.service.engine.store.counts("default"))

    async def lists(self, store: Store, prefix: str = "search") -> None:
        """Look for people by words that one, many and none of them have."""
        for _ in range(LISTS):
            number = self.chosen.randrange(self.count)
            words = {"one": f"{number:07d}", "many": f"{number % 10}", "nobody": f"nobody {number}"}
            for name, word in words.items():
                await self.timed(f"{prefix}, {name}", store.page("default", query=word, limit=50))


async def run() -> None:
    """Measure small and large stores in turn, and print."""
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small", Path(folder) / "large"
        small.mkdir()
        large.mkdir()
        async with stores(small, only=STORE) as few, stores(large, only=STORE) as many:
            for name in few:
                is_large = "PostgreSQL" in name and MANY > FEW
                await filled(few[name], small, FEW)
                count = await filled(many[name], large, MANY)
                sides = [Side(few[name], FEW, 1), Side(many[name], count, REAL_EACH if is_large else 1)]
                for _ in range(SLICES):
                    for side in sides:
                        await side.measure()
                print_table(name, *sides)
                if "PostgreSQL" in name:
                    await print_plain(sides, (small, large))
                await sizes(few[name], small)


async def print_plain(sides: list[Side], folders: tuple[Path, Path]) -> None:
    """Measure searches without the index of parts of names."""
    async with contextlib.AsyncExitStack() as stack:
        plain = [await stack.enter_async_context(without_index(folder)) for folder in folders]
        for side in sides:
            side.took.clear()
        for _ in range(2):
            for side, store in zip(sides, plain, strict=True):
                await side.lists(store, PLAIN)
    print_table("PostgreSQL without pg_trgm", *sides)


@asynccontextmanager
async def without_index(folder: Path) -> AsyncIterator[PostgresStore]:
    """Open the PostgreSQL store of a folder, without its index of parts of names."""
    url = (folder / "postgres.url").read_text()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP INDEX mfa_gate.roster_search")
    store = PostgresStore(url)
    await store.open()
    try:
        yield store
    finally:
        await store.aclose()


async def filled(gate: MFAGate, folder: Path, wanted: int) -> int:
    """Put as many accounts as wanted into the store, or as the time allows: how many."""
    if "SQLite" in type(gate.service.engine.store).__name__:
        pour(gate, folder / "bench.db", map(id_of, range(wanted)))
        return wanted
    if "Postgres" in type(gate.service.engine.store).__name__:
        url = (folder / "postgres.url").read_text()
        pour_postgres(gate, url, wanted, each=1 if wanted == FEW else REAL_EACH)
        return wanted
    at, until = 0, time.monotonic() + FILL_FOR
    while at < wanted and time.monotonic() < until:
        await fill(gate, [id_of(number) for number in range(at, min(at + 2000, wanted))])
        at = min(at + 2000, wanted)
    return at


def print_table(name: str, few: Side, many: Side) -> None:
    """One row for each thing that was measured: milliseconds of both stores, and their ratio.

    The ratio of the shortest times is what the store itself does: the rest waits for a busy machine.
    """
    print(
        f"{name:36}{few.count:>12,}{'p99':>12}{many.count:>12,}{'p99':>12}{'times':>9}{'shortest':>10}{'to reach':>10}"
    )
    for what in few.took:
        figures = "".join(
            f"{statistics.median(took) / 1e3:9.3f} ms{percentile(took, 0.99) / 1e3:9.3f} ms"
            for took in (few.took[what], many.took[what])
        )
        times = statistics.median(many.took[what]) / statistics.median(few.took[what])
        shortest = min(many.took[what]) / min(few.took[what])
        print(f"  {what:34}{figures}{times:9.2f}{shortest:10.2f}{LIMITS.get(what, ''):>10}")


def main() -> None:
    """Run the benchmark."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
