"""The records of report-only in Redis: a sorted set for each tenant, by hour.

A member is the part's id, followed by its body.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence

from ...storage import ReportPart
from .names import REPORTED, keys_of
from .session import Session

_ID = 16
"""Characters of a part's id."""


async def add(session: Session, tenant: str, hour: int, body: bytes) -> None:
    """Add a part."""
    key = keys_of(tenant).report
    await session.ask(REPORTED, ("SADD", REPORTED, tenant), writes=True)
    await session.ask(key, ("ZADD", key, hour, secrets.token_hex(_ID // 2).encode() + body), writes=True)


async def parts(session: Session, tenant: str, *, since: int, until: int) -> Sequence[ReportPart]:
    """List the parts of some hours, the oldest hour first."""
    key = keys_of(tenant).report
    (found,) = await session.ask(key, ("ZRANGEBYSCORE", key, since, until, "WITHSCORES"))
    pairs = zip(found[::2], found[1::2], strict=True)
    return [ReportPart(member[:_ID].decode(), int(float(hour)), bytes(member[_ID:])) for member, hour in pairs]


async def replace(session: Session, tenant: str, part: ReportPart, body: bytes) -> None:
    """Replace a part, or remove it."""
    key, id = keys_of(tenant).report, part.id.encode()
    (gone,) = await session.ask(key, ("ZREM", key, id + part.body), writes=True)
    if gone and body:
        await session.ask(key, ("ZADD", key, part.hour, id + body), writes=True)


async def prune(session: Session, tenant: str, *, before: int) -> int:
    """Remove the parts of old hours."""
    key = keys_of(tenant).report
    (count,) = await session.ask(key, ("ZREMRANGEBYSCORE", key, "-inf", f"({before}"), writes=True)
    return int(count)


async def tenants(session: Session) -> tuple[str, ...]:
    """List the tenants that have had parts."""
    (found,) = await session.ask(REPORTED, ("SMEMBERS", REPORTED))
    return tuple(sorted(name.decode() for name in found))
