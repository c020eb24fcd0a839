"""Counts of the people of a tenant, which each swap keeps."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from mfa_gate.core.model import Account, Lock, SubjectKey
from mfa_gate.stores.postgres import PostgresStore
from mfa_gate.testing.store_suite import enrolled

from .. import postgres_servers
from ..patience import POSTGRES

pytestmark = pytest.mark.waits
PEOPLE = 24


def lives(key: SubjectKey, number: int) -> list[Account]:
    """Return the states of an account in turn; each person begins with another one."""
    lock = Lock(at=50, cause="attempts", ref="r")
    states = [enrolled(key), enrolled(key, lock=lock), Account(key=key)]
    gone = [] if number % 4 else [replace(enrolled(key), forgotten_at=9).without_person()]
    return [*states[number % 3 :], *states[: number % 3], *gone]


async def test_the_counts_keep_up() -> None:
    """The counts are those of the lines, while several workers change people.

    The people of two tenants change their status in opposite directions, so their counts are wanted in any order.
    """
    server = postgres_servers.shared()
    url = server.schema()
    stores = [PostgresStore(url, timing=POSTGRES) for _ in range(2)]
    for store in stores:
        await store.open()

    async def live(store: PostgresStore, key: SubjectKey, number: int) -> None:
        for version, account in enumerate(lives(key, number)):
            assert await store.swap(replace(account, version=version))

    keys = [SubjectKey(tenant, f"u{number}") for number in range(PEOPLE) for tenant in ("clinic", "archive")]
    await asyncio.gather(*(live(stores[number % 2], key, number) for number, key in enumerate(keys)))
    schema = url.rpartition("=")[2]
    counted = server.say(f"SELECT tenant, status, count(*) FROM {schema}.roster GROUP BY 1, 2 ORDER BY 1, 2")
    assert counted == server.say(f"SELECT * FROM {schema}.tally WHERE people <> 0 ORDER BY 1, 2")
    assert sum((await stores[0].counts("clinic")).values()) == sum(row[2] for row in counted if row[0] == "clinic")
    for store in stores:
        await store.aclose()
