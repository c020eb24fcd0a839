"""Keep small values and marks in the SQLite store."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from .worker_thread import WorkerThread


async def meta(thread: WorkerThread, name: str) -> bytes | None:
    """Return a small value, or None."""
    statement = "SELECT value FROM meta WHERE name = ?"
    row = await thread.run(lambda connection: connection.execute(statement, (name,)).fetchone())
    return None if row is None else bytes(row[0])


async def put_meta(thread: WorkerThread, name: str, value: bytes, until: int) -> None:
    """Write a small value, with its end."""
    statement = (
        "INSERT INTO meta (name, value, until) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET value = excluded.value, until = excluded.until"
    )
    await thread.run(lambda connection: connection.execute(statement, (name, value, until)).close())


async def drop_meta(thread: WorkerThread, name: str) -> None:
    """Remove a small value."""
    statement = "DELETE FROM meta WHERE name = ?"
    await thread.run(lambda connection: connection.execute(statement, (name,)).close())


async def prune_meta(thread: WorkerThread, *, before: int, limit: int) -> int:
    """Remove small values that nobody needs any more."""
    statement = (
        "DELETE FROM meta WHERE name IN (SELECT name FROM meta WHERE until > 0 AND until <= ? ORDER BY until LIMIT ?)"
    )
    return await thread.run(lambda connection: connection.execute(statement, (before, limit)).rowcount)


async def mark(thread: WorkerThread, name: str, ids: Sequence[str]) -> None:
    """Remember ``ids`` under ``name``."""
    statement = "INSERT INTO mark VALUES (?, ?) ON CONFLICT DO NOTHING"
    rows = [(name, id) for id in ids]
    await thread.run(lambda connection: connection.executemany(statement, rows).close())


async def marked(thread: WorkerThread, name: str, ids: Sequence[str]) -> frozenset[str]:
    """Return those of ``ids`` that are remembered under ``name``."""
    statement = "SELECT 1 FROM mark WHERE name = ? AND id = ?"

    def work(connection: sqlite3.Connection) -> frozenset[str]:
        return frozenset(id for id in ids if connection.execute(statement, (name, id)).fetchone())

    return await thread.run(work)


async def unmark(thread: WorkerThread, name: str, ids: Sequence[str]) -> None:
    """Forget ``ids`` under ``name``."""
    statement = "DELETE FROM mark WHERE name = ? AND id = ?"
    rows = [(name, id) for id in ids]
    await thread.run(lambda connection: connection.executemany(statement, rows).close())
