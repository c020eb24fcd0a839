"""People with an authenticator app each, put into a store directly.

Their whole challenges are measured.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import sqlite3
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from math import inf
from pathlib import Path

import psycopg
import pyotp

from mfa_gate import MFAGate, Subject
from mfa_gate.core.codec import encode
from mfa_gate.core.entropy import handle_digest
from mfa_gate.core.model import Account, Authenticator, Browser, Caller, Proof, SubjectKey
from mfa_gate.core.summary import summary_of
from mfa_gate.errors import StoreUnavailable
from mfa_gate.factors.totp import PURPOSE
from mfa_gate.service import Verified
from mfa_gate.stores.common.documents import checksum, search_text
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.sqlite.accounts import Swap
from tests.benchmarks._host import gate_on
from tests.stores import postgres_servers, servers
from tests.stores.patience import POSTGRES

SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
HOME = "203.0.113.7"
AT_ONCE = 32
FILLED_AT_ONCE = 200
POURED_AT_ONCE = 5_000
ON_DISK = ("fsync=on", "shared_buffers=128MB", "max_wal_size=2GB")


def handle_of(id: str) -> str:
    """The handle of a person's one browser."""
    return id.zfill(48)


def person(gate: MFAGate, id: str) -> Account:
    """Somebody with an authenticator app, and a browser whose proof is an hour old."""
    sealed = gate.service.engine.keyring.seal(PURPOSE, SECRET.encode(), row=("default", id), nonce=b"n" * 12)
    now = int(time.time()) - 3600
    app = Authenticator(
        id="totp-1",
        factor="totp",
        label="Authenticator app",
        created_at=now,
        data={"secret": sealed, "digits": 6, "period": 30, "step": 0},
    )
    proof = Proof(factor="totp", authenticator=app.id, at=now, network=HOME, epoch=0)
    browser = Browser(
        id="b1", handle=handle_digest(handle_of(id)), label="Firefox on Linux", created_at=now, proofs=(proof,)
    )
    return Account(key=SubjectKey("default", id), authenticators=(app,), browsers=(browser,))


async def patiently(work: Callable[[], Awaitable[object]]) -> None:
    """Do the work, again where a busy machine did not get it done in time."""
    until = time.monotonic() + 60
    while True:
        try:
            await work()
            return
        except StoreUnavailable:
            if time.monotonic() > until:
                raise
            await asyncio.sleep(0.1)


async def fill(gate: MFAGate, ids: Sequence[str]) -> None:
    """Put these people into the gate's store.

    A write that a busy machine did not get done in time is done again.
    """
    store = gate.service.engine.store

    async def put(id: str) -> None:
        if (await store.load(SubjectKey("default", id))).version == 0:
            await store.swap(person(gate, id))

    for at in range(0, len(ids), FILLED_AT_ONCE):
        await asyncio.gather(*(patiently(partial(put, id)) for id in ids[at : at + FILLED_AT_ONCE]))


def pour(gate: MFAGate, path: Path, ids: Iterable[str]) -> None:
    """Put these people into an SQLite store by a few long transactions.

    They are written in the store's own documents and tables.
    """
    with contextlib.closing(sqlite3.connect(path, isolation_level=None, timeout=60)) as connection:
        connection.execute("PRAGMA synchronous = NORMAL")
        left = iter(ids)
        while piece := list(itertools.islice(left, POURED_AT_ONCE)):
            connection.execute("BEGIN IMMEDIATE")
            for id in piece:
                Swap.of(person(gate, id), ()).write(connection)
            connection.execute("COMMIT")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


REAL_EACH = 20
"""Of the people of a large PostgreSQL store each twentieth can be challenged; the others' rows are only as large."""


def pour_postgres(gate: MFAGate, url: str, count: int, *, each: int = 1) -> None:
    """Put so many people into a PostgreSQL store, by statements that go into its own tables.

    Those whose number is a multiple of ``each`` are real.
    """
    numbers = f"generate_series(0, {count - 1}) n WHERE n % {each} <> 0"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off; SET maintenance_work_mem = '512MB'")
        index = connection.execute("SELECT pg_get_indexdef(to_regclass('mfa_gate.roster_search'))").fetchone()
        connection.execute("DROP INDEX IF EXISTS mfa_gate.roster_search")
        for at in range(0, count, each * POURED_AT_ONCE):
            numbered = range(at, min(count, at + each * POURED_AT_ONCE), each)
            people = [person(gate, id_of(number)) for number in numbered]
            with connection.transaction():
                with connection.cursor().copy("COPY mfa_gate.account FROM STDIN") as copy:
                    for one in people:
                        body = encode(one)
                        copy.write_row((one.key.tenant, one.key.id, 1, "poured", checksum(one.key, 1, body), body))
                with connection.cursor().copy("COPY mfa_gate.roster FROM STDIN") as copy:
                    for one in people:
                        line = summary_of(one)
                        parts = (line.name, line.status, " ".join(line.factors), line.locked_at, line.last_proof_at)
                        copy.write_row((one.key.tenant, one.key.id, *parts, search_text(line)))
        connection.execute(
            "INSERT INTO mfa_gate.account SELECT tenant, 'person-' || lpad(n::text, 7, '0'), 1, 'poured', 0, body"
            f" FROM (SELECT * FROM mfa_gate.account ORDER BY tenant, id LIMIT 1) o, {numbers}"
        )
        connection.execute(
            "INSERT INTO mfa_gate.roster SELECT tenant, 'person-' || lpad(n::text, 7, '0'), name, status, factors,"
            " locked_at, last_proof_at, 'person-' || lpad(n::text, 7, '0') || chr(10)"
            f" FROM (SELECT * FROM mfa_gate.roster ORDER BY tenant, id LIMIT 1) o, {numbers}"
        )
        connection.execute(
            "INSERT INTO mfa_gate.tally SELECT tenant, status, count(*) FROM mfa_gate.roster GROUP BY 1, 2"
            " ON CONFLICT (tenant, status) DO UPDATE SET people = excluded.people"
        )
        if index and index[0]:
            connection.execute(index[0])
        connection.execute("VACUUM ANALYZE")
        connection.execute("CHECKPOINT")


async def settle(gate: MFAGate, ids: Sequence[str], *, at_once: int = AT_ONCE, new: bool = True) -> list[float]:
    """Settle one right answer of each person, many at once.

    ``new``: the answer comes from a browser that was never seen, so its owner gets a mail about it. Return the seconds that
    each took, infinite if it was refused.
    """
    verification = gate.service.verification
    code = pyotp.TOTP(SECRET).now()  # all have the same secret, and making codes is not what is measured
    turns = asyncio.Semaphore(at_once)

    async def one(id: str) -> float:
        async with turns:
            started = time.perf_counter()
            handle = "f" + handle_of(id)[1:] if new else handle_of(id)
            caller = Caller(subject=Subject(id), handle=handle_digest(handle), network=HOME)
            try:
                result = await verification.verify(caller, handle=handle, authenticator="totp-1", response=code)
            except StoreUnavailable:
                return inf  # the machine was too busy to answer in time
            if not isinstance(result, Verified):
                raise SystemExit(f"{id}: {result.reason}: nothing worth measuring")
            return time.perf_counter() - started

    return await asyncio.gather(*(one(id) for id in ids))


@asynccontextmanager
async def stores(folder: Path, *, only: str = "") -> AsyncIterator[dict[str, MFAGate]]:
    """Open a gate over SQLite, one over PostgreSQL, and one over Redis.

    With ``only``: the one whose name begins so.

    SQLite has ``synchronous=FULL``, PostgreSQL ``synchronous_commit=on`` on the same disk, Redis ``appendfsync everysec``.
    """
    with (
        servers.single(folder, "--appendonly", "yes", "--appendfsync", "everysec") as redis,
        postgres_servers.server(*ON_DISK, place=folder) as postgres,
    ):
        postgres.say("CREATE EXTENSION pg_trgm")
        (folder / "postgres.url").write_text(postgres.url)
        await PostgresStore(postgres.url, timing=POSTGRES).upgrade()  # a busy machine makes tables slowly
        gates = {
            "SQLite, synchronous=FULL": gate_on(f"sqlite:///{folder / 'bench.db'}"),
            "PostgreSQL, synchronous_commit=on": gate_on(postgres.url),
            "Redis, appendfsync everysec": gate_on(f"redis://127.0.0.1:{redis.port}"),
        }
        (folder / "redis.port").write_text(str(redis.port))
        gates = {name: gate for name, gate in gates.items() if name.startswith(only)}
        for gate in gates.values():
            await patiently(gate.web.open)
        try:
            yield gates
        finally:
            for gate in gates.values():
                await gate.web.aclose()


def id_of(number: int) -> str:
    """The id of a person."""
    return f"person-{number:07d}"
