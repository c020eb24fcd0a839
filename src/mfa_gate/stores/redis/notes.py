"""Small values and marks in Redis."""

from __future__ import annotations

from collections.abc import Sequence

from .names import mark_key, meta_key
from .session import Session


async def meta(session: Session, name: str) -> bytes | None:
    """Return a small value, or None."""
    (value,) = await session.ask(meta_key(name), ("GET", meta_key(name)))
    return None if value is None else bytes(value)


async def put_meta(session: Session, name: str, value: bytes) -> None:
    """Write a small value."""
    await session.ask(meta_key(name), ("SET", meta_key(name), value), writes=True)


async def mark(session: Session, name: str, ids: Sequence[str]) -> None:
    """Remember ``ids`` under ``name``."""
    if ids:
        await session.ask(mark_key(name), ("SADD", mark_key(name), *ids), writes=True)


async def marked(session: Session, name: str, ids: Sequence[str]) -> frozenset[str]:
    """Return those of ``ids`` that are remembered under ``name``."""
    if not ids:
        return frozenset()
    (found,) = await session.ask(mark_key(name), ("SMISMEMBER", mark_key(name), *ids))
    return frozenset(id for id, there in zip(ids, found, strict=True) if there)


async def unmark(session: Session, name: str, ids: Sequence[str]) -> None:
    """Forget ``ids`` under ``name``."""
    if ids:
        await session.ask(mark_key(name), ("SREM", mark_key(name), *ids), writes=True)
