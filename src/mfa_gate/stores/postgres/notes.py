"""Small values and marks in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from .session import Session


async def meta(session: Session, name: str) -> bytes | None:
    """Return a small value, or None."""
    row = await session.row(f"SELECT value FROM {session.schema}.meta WHERE name = %s", (name,))
    return None if row is None else bytes(row[0])


async def put_meta(session: Session, name: str, value: bytes, until: int) -> None:
    """Write a small value, with its end."""
    await session.call(
        f"INSERT INTO {session.schema}.meta (name, value, until) VALUES (%s, %s, %s)"
        " ON CONFLICT (name) DO UPDATE SET value = excluded.value, until = excluded.until",
        (name, value, until),
    )


async def drop_meta(session: Session, name: str) -> None:
    """Remove a small value."""
    await session.call(f"DELETE FROM {session.schema}.meta WHERE name = %s", (name,))


async def prune_meta(session: Session, *, before: int, limit: int) -> int:
    """Remove small values that nobody needs any more."""
    table = f"{session.schema}.meta"
    count = await session.call(
        f"WITH old AS (SELECT name FROM {table} WHERE until > 0 AND until <= %s ORDER BY until LIMIT %s"
        f" FOR UPDATE SKIP LOCKED), gone AS (DELETE FROM {table} m USING old WHERE m.name = old.name RETURNING 1)"
        " SELECT count(*) FROM gone",
        (before, limit),
    )
    return int(count)


async def mark(session: Session, name: str, ids: Sequence[str]) -> None:
    """Remember ``ids`` under ``name``."""
    await session.call(
        f"INSERT INTO {session.schema}.mark SELECT %s, i FROM pg_catalog.unnest(%s::text[]) i ORDER BY i ON CONFLICT DO NOTHING",
        (name, list(ids)),
    )


async def marked(session: Session, name: str, ids: Sequence[str]) -> frozenset[str]:
    """Return those of ``ids`` that are remembered under ``name``."""
    statement = f"SELECT id FROM {session.schema}.mark WHERE name = %s AND id = ANY(%s::text[])"
    return frozenset(row[0] for row in await session.rows(statement, (name, list(ids))))


async def unmark(session: Session, name: str, ids: Sequence[str]) -> None:
    """Forget ``ids`` under ``name``."""
    statement = f"DELETE FROM {session.schema}.mark WHERE name = %s AND id = ANY(%s::text[])"
    await session.call(statement, (name, list(ids)))
