"""The time from a revocation at one worker to the refusal at another.

It is measured for 1,000 revocations, over PostgreSQL, Redis and SQLite.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from mfa_gate.core.model import SubjectKey
from mfa_gate.errors import StoreUnavailable
from tests.benchmarks._host import percentile
from tests.benchmarks._people import ON_DISK
from tests.harness import FETCH, World, make_world, running
from tests.stores import postgres_servers, servers

TIMES = 1_000
ANN = SubjectKey("alpha", "ann")


async def raise_epoch(world: World, by: int) -> None:
    """End every proof of the account, or take that back, as another worker does it."""
    while True:
        try:
            account = await world.store.load(ANN)
            if await world.store.swap(replace(account, epoch=account.epoch + by)):
                return
        except StoreUnavailable:  # a busy machine
            await asyncio.sleep(0.1)


async def measure(url: str) -> tuple[list[float], list[float]]:
    """Measure the milliseconds from each revocation's end to the first refusal elsewhere.

    Return these, and the milliseconds of as many plain reads of the store.
    """
    waits: list[float] = []
    trips: list[float] = []
    async with running(make_world(store=url)) as here, running(make_world(store=url)) as there:
        ann = await here.enrolled()

        async def status() -> int:
            return (await ann.ask("GET", "/records", headers=FETCH)).status

        for _ in range(TIMES):
            while await status() != 200:
                await asyncio.sleep(0.002)
            started = time.perf_counter()
            await there.store.load(ANN)
            trips.append((time.perf_counter() - started) * 1e3)
            await raise_epoch(there, +1)
            started = time.perf_counter()
            while await status() != 403:
                await asyncio.sleep(0.0005)
            waits.append((time.perf_counter() - started) * 1e3)
            await raise_epoch(there, -1)
    return waits, trips


async def run() -> None:
    """Measure and print."""
    with (
        tempfile.TemporaryDirectory() as folder,
        servers.single(Path(folder)) as redis,
        postgres_servers.server(*ON_DISK, place=Path(folder)) as postgres,
    ):
        stores = {
            "PostgreSQL": postgres.url,
            "Redis": f"redis://127.0.0.1:{redis.port}",
            "SQLite": f"sqlite:///{Path(folder) / 'bench.db'}",
        }
        print(f"{TIMES} revocations{'median':>14}{'p99':>12}{'most':>12}{'a read, p99':>16}")
        for name, url in stores.items():
            waits, trips = await measure(url)
            print(
                f"{name:16}{statistics.median(waits):11.1f} ms{percentile(waits, 0.99):9.1f} ms{max(waits):9.1f} ms"
                f"{percentile(trips, 0.99):13.1f} ms"
            )
    print("to reach: 50 ms at the 99th percentile; a read: what a plain round trip takes on this machine now")


def main() -> None:
    """Run the benchmark."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
