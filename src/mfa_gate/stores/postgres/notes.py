"""Small values and marks in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from .session import Session


async def meta(session: Session, name: str) -> bytes | None:
    """Return a small value, or None."""
    row = await session.row(f"SELECT value FROM {session.schema}.meta WHERE name = %s", (name,))
    return None if row is None else bytes(row[0])


async def put_meta(session: Session, name: str, value: bytes) -> None:
    """Write a small value."""
    await session.call(
        f"INSERT INTO {session.schema}.meta VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )


async def mark(session: Session, name: str, ids: Sequence[str]) -> None:
    """Remember ``ids`` under ``name``."""
    await session.call(
        f"INSERT INTO {session.schema}.mark SELECT %s, i FROM unnest(%s::text[]) i ORDER BY i ON CONFLICT DO NOTHING",
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
