"""The speed of the desk's lists: pages and counts of 100,000 people beside 1,000.

SQLite and Redis are measured in one run.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from pathlib import Path

from mfa_gate.core.model import Account, Authenticator, SubjectKey
from mfa_gate.storage import Store
from mfa_gate.stores.redis import RedisStore, name_bits
from mfa_gate.stores.redis.lua import NAMES_IN_ONE
from mfa_gate.stores.redis.names import keys_of
from mfa_gate.stores.sqlite import SQLiteStore, name_index
from tests.stores import servers

MANY, FEW = 300_000, 1_000
ROUNDS = 15
LIMITS = {"counts": 200.0, "counts and plot": 200.0}
PAGE_LIMIT = 100.0
STATUSES = ("verified", "verified", "verified", "not_enrolled", "locked", "recovery", "verified", "not_enrolled")
AT_ONCE = 5_000
PLOT = json.dumps([[20_000 + day, 500 + day, 1_000 + day] for day in range(400)]).encode()
Work = Callable[[Store], Awaitable[object]]


def cases(tenant: str, size: int) -> dict[str, Work]:
    """Return the looks of an administrator by name.

    They go from the first page to the last and the most seldom.
    """
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
        "counts and plot": lambda store: counts_and_plot(store, tenant),
    }


async def counts_and_plot(store: Store, tenant: str) -> None:
    """Read the parts of the tenant's page that are about its people."""
    await store.counts(tenant)
    json.loads(await store.meta(f"enrolled:{tenant}") or b"[]")


async def begin(store: Store) -> None:
    """Write one account of each tenant by the store itself, and a plot of 400 days."""
    await store.open()
    for tenant in ("many", "few"):
        own = (Authenticator(id="a", factor="totp", label="App", created_at=1_700_000_000),)
        assert await store.swap(Account(key=SubjectKey(tenant, "user"), authenticators=own, name="Person"))
        await store.put_meta(f"enrolled:{tenant}", PLOT)


async def fill_redis(server: servers.Server) -> RedisStore:
    """The same in Redis: lines, ids and statuses as the store writes them."""
    store = RedisStore(f"redis://127.0.0.1:{server.port}")
    await begin(store)
    client = server.client()
    for tenant, size in (("many", MANY), ("few", FEW)):
        keys = keys_of(tenant)
        line = client.hget(keys.lines, "user").decode().partition("\n")[0]
        names: defaultdict[int, str] = defaultdict(str)
        indexed = 1
        for start in range(0, size, AT_ONCE):
            pipe = client.pipeline(transaction=False)
            for n in range(start, min(start + AT_ONCE, size)):
                id, status = f"user{n:06d}", STATUSES[n % 8]
                own = line.replace('"Person"', f'"Person {n}"').replace('"verified"', f'"{status}"')
                pipe.hset(keys.lines, id, f"{own}\n{id}\nperson {n}")
                pipe.zadd(keys.ids, {id: 0})
                names[indexed // NAMES_IN_ONE] += f"\2{id}\0{id}\nperson {n}\1"
                pipe.hset(keys.places, id, indexed // NAMES_IN_ONE)
                indexed += 1
                pipe.zadd(keys.status(status), {id: 0})
            pipe.execute()
        names[0] = client.hget(keys.names, "0").decode() + names[0]
        for place, text in names.items():
            client.hset(keys.names, str(place), text)
        client.hset(keys.head, "indexed", indexed)
        made, before = 0, -1
        while made != before:
            before, made = made, await name_bits.make(await store._ready(), keys, indexed, made)
    client.close()
    return store


async def fill(path: Path) -> SQLiteStore:
    """Fill both tenants.

    The store itself writes one account. The others are its line of the roster, renamed.
    """
    store = SQLiteStore(path)
    await begin(store)
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
        while name_index.fill(connection):
            pass
        connection.execute("COMMIT")
    return store


async def timed(store: Store, work: Work, clock: Callable[[], float]) -> float:
    """Milliseconds by ``clock``, the median of some rounds."""
    found = []
    for _ in range(ROUNDS):
        start = clock()
        await work(store)
        found.append((clock() - start) * 1e3)
    return statistics.median(found)


async def compare(name: str, store: Store, clock: Callable[[], float]) -> None:
    """Measure and print one store."""
    print(f"{name:24}{FEW:>10,}{MANY:>12,}{'ratio':>8}{'limit':>9}   (milliseconds, medians)")
    many, few = cases("many", MANY), cases("few", FEW)
    for case in many:
        small, large = await timed(store, few[case], clock), await timed(store, many[case], clock)
        limit = LIMITS.get(case, PAGE_LIMIT)
        print(f"{case:24}{small:10.2f}{large:12.2f}{large / small:8.1f}{limit:9.0f}{'  too slow' * (large > limit)}")


async def load_while(store: Store, work: Work | None) -> tuple[float, float]:
    """Measure a load in milliseconds: the median and the worst of some.

    The store is idle, or four others do ``work`` meanwhile.
    """
    found = []
    for _ in range(ROUNDS):
        busy = [asyncio.ensure_future(work(store)) for _ in range(4)] if work else []
        await asyncio.sleep(0.001)
        start = time.perf_counter()
        await store.load(SubjectKey("many", "user"))
        found.append((time.perf_counter() - start) * 1e3)
        await asyncio.gather(*busy)
    return statistics.median(found), max(found)


async def hold_up(store: Store) -> None:
    """Print how much a load waits for lists."""
    idle, worst = await load_while(store, None)
    print(f"\na load, idle: {idle:.2f} ms, {worst:.2f} at worst")
    for case in ("search, nobody", "counts"):
        busy, worst = await load_while(store, cases("many", MANY)[case])
        print(f"a load during four times '{case}': {busy:.2f} ms, {worst:.2f} at worst; ratio {busy / idle:.1f}")


async def run() -> None:
    """Measure and print.

    SQLite works in this process: its processor time over all threads, so that what others do on this machine is left out.
    Redis works in its own: the time until its answer is here.
    """
    with tempfile.TemporaryDirectory() as folder:
        store = await fill(Path(folder) / "bench.db")
        await compare("SQLite", store, time.process_time)
        await hold_up(store)
        await store.aclose()
        (Path(folder) / "redis").mkdir()
        with servers.single(Path(folder) / "redis") as server:
            redis = await fill_redis(server)
            print()
            await compare("Redis", redis, time.perf_counter)
            await redis.aclose()


if __name__ == "__main__":
    asyncio.run(run())
