"""Longer limits, for tests that do not measure time.

A busy machine is no fault of the store.
"""

from __future__ import annotations

from mfa_gate.storage import Store
from mfa_gate.stores import store_from_url
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.stores.postgres import timing as postgres
from mfa_gate.stores.redis import RedisStore
from mfa_gate.stores.redis import timing as redis
from mfa_gate.stores.sqlite import SQLiteStore
from mfa_gate.stores.sqlite import timing as sqlite

REDIS = redis.Timing(connect_within=5.0, command_within=5.0, answer_within=8.0, start_within=15.0)
SQLITE = sqlite.Timing(answer_within=8.0, lock_patience=7.0)
POSTGRES = postgres.Timing(
    connect_within=5.0,
    reach_within=6.0,
    answer_within=8.0,
    swap_within=7.0,
    read_back_within=3.0,
    start_within=15.0,
    lock_within=4.0,
    silence=5.0,
    hello_within=4.0,
)


def patient_store(url: str) -> Store:
    """Return the store that ``url`` names, with the longer limits."""
    kind, _, path = url.partition(":///")
    if kind == "sqlite":
        return SQLiteStore(path, timing=SQLITE)
    if kind.startswith("postgres") or url.startswith("postgres"):
        return PostgresStore(url, timing=POSTGRES)
    return RedisStore(url, timing=REDIS) if url.startswith("redis") else store_from_url(url)
