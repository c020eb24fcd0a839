"""The bytes that a store keeps for an account with much in it."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path

from mfa_gate import MFAGate
from mfa_gate.core.codec import encode
from mfa_gate.core.model import Account, SubjectKey
from mfa_gate.errors import StoreUnavailable
from tests.harness import Browser, make_world, running

LIKE_IT = 300


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


async def sizes(gate: MFAGate, folder: Path) -> None:
    """Measure the bytes of such an account: its document, and all that the store keeps for it."""
    example, store = await example_account(), gate.service.engine.store
    before = await taken(gate, folder)
    for number in range(LIKE_IT):
        key = SubjectKey("sizes", f"{number:036d}")
        with contextlib.suppress(StoreUnavailable):
            await store.swap(replace(example, key=key, version=0))
    after = await taken(gate, folder)
    each = (after - before) / LIKE_IT
    print(
        f"  bytes of an account: document {len(encode(example))}, in the store {each:.0f} (to reach: 3072; "
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
