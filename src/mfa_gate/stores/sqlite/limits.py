"""Count what was taken from limits in the SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ...storage import Take, Taken
from ..common.documents import SWEPT_AFTER, wait_for_room
from .worker_thread import WorkerThread

_SWEPT_AT_ONCE = 8


async def take_all(thread: WorkerThread, takes: Sequence[Take]) -> Taken:
    """Take from all buckets in one transaction, or from none if one has no room."""

    def work(connection: sqlite3.Connection) -> Taken:
        connection.execute(
            "DELETE FROM taken WHERE (bucket, at) IN (SELECT bucket, at FROM taken WHERE ends_at <= ? LIMIT ?)",
            (min((take.at for take in takes), default=0) - SWEPT_AFTER, _SWEPT_AT_ONCE),
        )
        sums = []
        for place, take in enumerate(takes):
            rows = connection.execute(
                "SELECT at, count FROM taken WHERE bucket = ? AND at > ? ORDER BY at",
                (take.bucket, take.at - take.window),
            ).fetchall()
            wait = wait_for_room(rows, limit=take.limit, window=take.window, now=take.at, more=take.count)
            if wait:
                return Taken(refused=place, wait=wait)
            sums.append(sum(count for _, count in rows) + take.count)
        connection.executemany(
            "INSERT INTO taken VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
            [(take.bucket, take.at, take.count, take.at + take.window) for take in takes],
        )
        return Taken(totals=tuple(sums))

    return await thread.run(work)


async def total(thread: WorkerThread, bucket: str, *, window: int, now: int) -> int:
    """Return how much was taken from a bucket in the window."""
    statement = "SELECT coalesce(sum(count), 0) FROM taken WHERE bucket = ? AND at > ?"
    values = (bucket, now - window)
    return await thread.run(lambda connection: int(connection.execute(statement, values).fetchone()[0]))
