"""The records of report-only in PostgreSQL."""

from __future__ import annotations

from collections.abc import Sequence

from ...storage import ReportPart
from .session import Session


async def add(session: Session, tenant: str, hour: int, body: bytes) -> None:
    """Add a part."""
    statement = f"INSERT INTO {session.schema}.report (tenant, hour, body) VALUES (%s, %s, %s)"
    await session.call(statement, (tenant, hour, body))


async def parts(session: Session, tenant: str, *, since: int, until: int) -> Sequence[ReportPart]:
    """List the parts of some hours, the oldest hour first."""
    statement = (
        f"SELECT seq, hour, body FROM {session.schema}.report"
        " WHERE tenant = %s AND hour BETWEEN %s AND %s ORDER BY hour, seq"
    )
    rows = await session.rows(statement, (tenant, since, until), is_list=True)
    return [ReportPart(str(seq), hour, bytes(body)) for seq, hour, body in rows]


async def replace(session: Session, tenant: str, part: ReportPart, body: bytes) -> None:
    """Replace a part, or remove it."""
    where = (tenant, int(part.id))
    if body:
        await session.call(
            f"UPDATE {session.schema}.report SET body = %s WHERE tenant = %s AND seq = %s", (body, *where)
        )
    else:
        await session.call(f"DELETE FROM {session.schema}.report WHERE tenant = %s AND seq = %s", where)


async def prune(session: Session, tenant: str, *, before: int) -> int:
    """Remove the parts of old hours."""
    count = await session.call(
        f"WITH gone AS (DELETE FROM {session.schema}.report WHERE tenant = %s AND hour < %s RETURNING 1)"
        " SELECT count(*) FROM gone",
        (tenant, before),
    )
    return int(count)


async def tenants(session: Session) -> tuple[str, ...]:
    """List the tenants that have parts."""
    rows = await session.rows(f"SELECT DISTINCT tenant FROM {session.schema}.report ORDER BY 1", (), is_list=True)
    return tuple(row[0] for row in rows)
