"""Locks of whole tables, taken without holding up the workers.

Who waits for a table that somebody reads makes everybody else wait behind. So it waits for a moment only, again and again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

from psycopg.errors import LockNotAvailable

from ...errors import StoreUnavailable
from .connections import Connection
from .url import Place

T = TypeVar("T")
TRIES, PAUSE = 60, 1.0
"""Tries to lock a table, and the seconds between two of them."""
_MOMENT = "SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = '200ms'"
_ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended('mfa_gate:{schema}', 0::bigint))"


async def patiently(connection: Connection, statement: str) -> None:
    """Run statements in one transaction that waits for others a moment at a time."""

    async def work() -> None:
        async with connection.transaction():
            await connection.execute(_MOMENT)
            await connection.execute(statement)

    await until_free(work)


async def until_free(work: Callable[[], Awaitable[T]]) -> T:
    """Do a piece of work again until nobody else holds what it locks.

    Raises ``StoreUnavailable`` that says who may hold it.
    """
    for turn in range(TRIES):
        if turn:
            await asyncio.sleep(PAUSE)
        with contextlib.suppress(LockNotAvailable):
            return await work()
    raise StoreUnavailable(
        "another session holds a table of the store all the time (pg_dump, VACUUM FULL, a transaction that was left open): "
        "end it, and run the upgrade again. It goes on where it was"
    )


@contextlib.asynccontextmanager
async def alone(connection: Connection, place: Place) -> AsyncIterator[None]:
    """Open a transaction in which no other process upgrades the same store.

    It asks again and again instead of waiting in a statement: an index that is made beside others waits for those. It
    also waits for statements with arguments, which the server keeps until their transaction ends; so this one has none.
    """
    asked = _ALONE.replace("{schema}", place.schema)
    while True:
        async with connection.transaction():
            await connection.execute(f"{_MOMENT}; SET LOCAL idle_in_transaction_session_timeout = 0")
            row = await (await connection.execute(asked, prepare=False)).fetchone()
            if row is not None and row[0]:
                yield
                return
        await asyncio.sleep(0.05)
