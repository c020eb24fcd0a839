"""Small values and marks in Redis."""

from __future__ import annotations

from collections.abc import Sequence

from .names import NOTE_ENDS, mark_key, meta_key
from .session import Session


async def meta(session: Session, name: str) -> bytes | None:
    """Return a small value, or None."""
    (value,) = await session.ask(meta_key(name), ("GET", meta_key(name)))
    return None if value is None else bytes(value)


async def put_meta(session: Session, name: str, value: bytes, until: int) -> None:
    """Write a small value, with its end.

    The end comes first: a value without its end would stay for good.
    """
    command = ("ZADD", NOTE_ENDS, until, name) if until else ("ZREM", NOTE_ENDS, name)
    await session.ask(NOTE_ENDS, command, writes=True)
    await session.ask(meta_key(name), ("SET", meta_key(name), value), writes=True)


async def drop_meta(session: Session, name: str) -> None:
    """Remove a small value."""
    await session.ask(meta_key(name), ("DEL", meta_key(name)), writes=True)
    await session.ask(NOTE_ENDS, ("ZREM", NOTE_ENDS, name), writes=True)


async def prune_meta(session: Session, *, before: int, limit: int) -> int:
    """Remove small values that nobody needs any more.

    The value goes before its end, so that a crash in between leaves nothing for good.
    """
    (found,) = await session.ask(NOTE_ENDS, ("ZRANGEBYSCORE", NOTE_ENDS, "-inf", before, "LIMIT", 0, limit))
    for member in found:
        await drop_meta(session, member.decode())
    return len(found)


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
