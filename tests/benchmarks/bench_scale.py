"""The cost of a request, a challenge and an account from a thousand accounts to many.

The request is judged anew, the challenge is a whole one, and the account is measured in bytes. The largest
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
from dataclasses import replace
from pathlib import Path

from mfa_gate import MFAGate, Subject
from mfa_gate.core.codec import encode
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Account, Caller, SubjectKey
from mfa_gate.core.policy import Facts
from mfa_gate.errors import StoreUnavailable
from tests.benchmarks._host import percentile
from tests.benchmarks._people import HOME, fill, handle_of, id_of, pour, pour_postgres, settle, stores
from tests.harness import Browser, make_world, running

FEW = 1_000
OPTIONS = argparse.ArgumentParser()
OPTIONS.add_argument("--long", action="store_true")
OPTIONS.add_argument("--accounts", type=int, default=1_000_000 if "--long" in sys.argv else 100_000)
OPTIONS.add_argument("--store", default="")
MANY: int = OPTIONS.parse_known_args()[0].accounts
STORE: str = OPTIONS.parse_known_args()[0].store
FILL_FOR = float("inf") if MANY > 100_000 else 16.0
"""Seconds in which Redis is filled; where the machine is too slow for that, with fewer accounts."""
REQUESTS = 600
CHALLENGES = 150
SLICES = 10
LIKE_IT = 300
Found = tuple[list[float], list[float]]


async def requests(gate: MFAGate, ids: list[str]) -> list[float]:
    """Microseconds of one judgement each, of accounts that are not in the cache."""
    found = []
    for id in ids:
        facts = Facts(tenant="default", groups=frozenset(), method="GET", path="/", clean=True)
        caller = Caller(subject=Subject(id), handle=handle_digest(handle_of(id)), network=HOME)
        started = time.perf_counter()
        with contextlib.suppress(StoreUnavailable):  # a busy machine: nothing was measured
            await gate.service.access.judge(caller, facts)
            found.append((time.perf_counter() - started) * 1e6)
    return found


async def slice_of(gate: MFAGate, count: int, chosen: random.Random, left: list[int], found: Found) -> None:
    """Measure some requests in microseconds and some challenges in milliseconds.

    They run over ``count`` accounts. Nobody proves twice.
    """
    gate.service.engine.forget_all()
    ids = [id_of(number) for number in chosen.sample(range(count), REQUESTS // SLICES)]
    found[0].extend(await requests(gate, ids))
    people = [id_of(left.pop()) for _ in range(CHALLENGES // SLICES)]
    found[1].extend(seconds * 1e3 for seconds in await settle(gate, people, at_once=1))


async def run() -> None:
    """Measure small and large stores in turn, and print."""
    print(f"{'store':34}{'accounts':>10}{'request':>11}{'p99':>9}{'challenge':>12}{'p99':>9}")
    example = await example_account()
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder) / "small", Path(folder) / "large"
        small.mkdir()
        large.mkdir()
        async with stores(small) as few, stores(large) as many:
            for name in few:
                if not name.startswith(STORE):
                    continue
                counts = [FEW, await filled(many[name], large)]
                await fill(few[name], [id_of(number) for number in range(FEW)])
                chosen = random.Random(1)
                left = [chosen.sample(range(count), CHALLENGES) for count in counts]
                found: list[Found] = [([], []), ([], [])]
                for _ in range(SLICES):
                    for which, gate in enumerate((few[name], many[name])):
                        await slice_of(gate, counts[which], chosen, left[which], found[which])
                for which, count in enumerate(counts):
                    line(name, count, found[which])
                ratios = [statistics.median(b) / statistics.median(a) for a, b in zip(*found, strict=True)]
                print(f"{'':34}{'times':>10}{ratios[0]:11.2f}{'':9}{ratios[1]:12.2f}   (to reach: 1.1, 1.5)")
                await sizes(few[name], small, example)


async def filled(gate: MFAGate, folder: Path) -> int:
    """Put as many accounts as wanted into the store, or as the time allows: how many."""
    if "SQLite" in type(gate.service.engine.store).__name__:
        pour(gate, folder / "bench.db", map(id_of, range(MANY)))
        return MANY
    if "Postgres" in type(gate.service.engine.store).__name__:
        pour_postgres(gate, (folder / "postgres.url").read_text(), map(id_of, range(MANY)))
        return MANY
    at, until = 0, time.monotonic() + FILL_FOR
    while at < MANY and time.monotonic() < until:
        await fill(gate, [id_of(number) for number in range(at, min(at + 2000, MANY))])
        at = min(at + 2000, MANY)
    return at


def line(name: str, count: int, found: Found) -> None:
    """One row."""
    us, ms = found
    print(
        f"{name:34}{count:10,}{statistics.median(us):8.0f} us{percentile(us, 0.99):6.0f} us"
        f"{statistics.median(ms):9.1f} ms{percentile(ms, 0.99):6.1f} ms"
    )


async def example_account() -> Account:
    """Make an account with an app, an e-mail address, ten backup codes and two browsers.

    It comes about as a person makes it.
    """
    async with running(make_world()) as world:
        first = await world.enrolled()
        await first.enroll_email()
        second: Browser = await world.browser()
        reply = await second.prove(first.secret)
        assert reply.status == 200
        account = await world.account()
    kinds = sorted(a.factor for a in account.authenticators)
    assert (kinds, len(account.browsers)) == (["backup-code", "email", "totp"], 2)
    return account


async def sizes(gate: MFAGate, folder: Path, example: Account) -> None:
    """Measure the bytes of such an account: its document, and all that the store keeps for it."""
    store = gate.service.engine.store
    before = await taken(gate, folder)
    for number in range(LIKE_IT):
        key = SubjectKey("sizes", f"{number:036d}")
        with contextlib.suppress(StoreUnavailable):
            await store.swap(replace(example, key=key, version=0))
    after = await taken(gate, folder)
    each = (after - before) / LIKE_IT
    print(
        f"{'':34}{'bytes of an account':>21}: document {len(encode(example))}, in the store {each:.0f} (to reach: 3072; "
        "PostgreSQL: 4096)"
    )


async def taken(gate: MFAGate, folder: Path) -> int:
    """Bytes of the store's data: the file without its log, or what Redis has allocated."""
    store = gate.service.engine.store
    if "SQLite" in type(store).__name__:
        import sqlite3

        with sqlite3.connect(folder / "bench.db") as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        connection.close()
        return (folder / "bench.db").stat().st_size
    if "Postgres" in type(store).__name__:
        import psycopg

        with psycopg.connect((folder / "postgres.url").read_text(), autocommit=True) as server:
            row = server.execute(
                "SELECT sum(pg_total_relation_size(c.oid)) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
                " WHERE n.nspname = 'mfa_gate' AND c.relkind = 'r'"
            ).fetchone()
            return int(row[0]) if row else 0
    import redis

    url = (folder / "redis.port").read_text()
    with redis.Redis(port=int(url)) as client:
        return int(client.info("memory")["used_memory"])


def main() -> None:
    """Run the benchmark."""
    asyncio.run(run())


if __name__ == "__main__":
    main()
