"""How fast the desk's lists are: pages and counts of 100,000 people beside those of 1,000, in SQLite, in one run."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from mfa_gate.core.model import Account, Authenticator, SubjectKey
from mfa_gate.stores.sqlite import SQLiteStore

MANY, FEW = 100_000, 1_000
ROUNDS = 15
LIMITS = {"counts": 200.0}
PAGE_LIMIT = 100.0
STATUSES = ("verified", "verified", "verified", "not_enrolled", "locked", "recovery", "verified", "not_enrolled")
Work = Callable[[SQLiteStore], Awaitable[object]]


def cases(tenant: str, size: int) -> dict[str, Work]:
    """What an administrator looks at, from the first page to the last and the most seldom."""
    middle, last = f"user{size // 2:06d}", f"user{size - 20:06d}"
    return {
        "first page": lambda store: store.page(tenant, limit=50),
        "page in the middle": lambda store: store.page(tenant, after=middle, limit=50),
        "last page": lambda store: store.page(tenant, after=last, limit=50),
        "locked": lambda store: store.page(tenant, status="locked", limit=50),
        "locked, in the middle": lambda store: store.page(tenant, status="locked", after=middle, limit=50),
        "search, many": lambda store: store.page(tenant, query="person 1", limit=50),
        "search, one": lambda store: store.page(tenant, query=f"person {size - 1}", limit=50),
        "search, nobody": lambda store: store.page(tenant, query="no such name", limit=50),
        "counts": lambda store: store.counts(tenant),
    }


async def fill(path: Path) -> SQLiteStore:
    """Both tenants. One account is written by the store itself, the others are its line of the roster, renamed."""
    store = SQLiteStore(path)
    await store.open()
    for tenant in ("many", "few"):
        own = (Authenticator(id="a", factor="totp", label="App", created_at=1_700_000_000),)
        assert await store.swap(Account(key=SubjectKey(tenant, "user"), authenticators=own, name="Person"))
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("BEGIN")
        for tenant, size in (("many", MANY), ("few", FEW)):
            connection.executemany(
                "INSERT INTO roster (tenant, id, name, status, factors, locked_at, last_proof_at, search)"
                " SELECT tenant, ?, ?, ?, factors, locked_at, last_proof_at, ? FROM roster WHERE tenant = ? AND id = 'user'",
                (
                    (f"user{n:06d}", f"Person {n}", STATUSES[n % 8], f"user{n:06d}\nperson {n}", tenant)
                    for n in range(size)
                ),
            )
        connection.execute("COMMIT")
    return store


async def timed(store: SQLiteStore, work: Work) -> float:
    """Milliseconds of processor time over all threads, the median of some rounds: what others do on this machine is left out."""
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        await work(store)
        found.append((time.process_time() - start) * 1e3)
    return statistics.median(found)


async def run() -> int:
    """Measure and print; 1 where a limit is not kept."""
    with tempfile.TemporaryDirectory() as folder:
        store = await fill(Path(folder) / "bench.db")
        print(f"{'SQLite':24}{FEW:>10,}{MANY:>12,}{'ratio':>8}{'limit':>9}   (milliseconds, medians)")
        slow = 0
        many, few = cases("many", MANY), cases("few", FEW)
        for name in many:
            small, large = await timed(store, few[name]), await timed(store, many[name])
            limit = LIMITS.get(name, PAGE_LIMIT)
            slow += large > limit
            print(
                f"{name:24}{small:10.2f}{large:12.2f}{large / small:8.1f}{limit:9.0f}{'  too slow' * (large > limit)}"
            )
        await store.aclose()
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(run()))
