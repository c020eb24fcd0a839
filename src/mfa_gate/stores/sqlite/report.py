"""Keep the records of report-only in the SQLite store."""

from __future__ import annotations

from collections.abc import Sequence

from ...storage import ReportPart
from .worker_thread import WorkerThread


async def add(thread: WorkerThread, tenant: str, hour: int, body: bytes) -> None:
    """Add a part."""
    statement = "INSERT INTO report (tenant, hour, body) VALUES (?, ?, ?)"
    await thread.run(lambda connection: connection.execute(statement, (tenant, hour, body)).close())


async def parts(thread: WorkerThread, tenant: str, *, since: int, until: int) -> Sequence[ReportPart]:
    """List the parts of some hours, the oldest hour first."""
    statement = "SELECT seq, hour, body FROM report WHERE tenant = ? AND hour BETWEEN ? AND ? ORDER BY hour, seq"
    rows = await thread.run(lambda connection: connection.execute(statement, (tenant, since, until)).fetchall())
    return [ReportPart(str(seq), hour, bytes(body)) for seq, hour, body in rows]


async def replace(thread: WorkerThread, tenant: str, part: ReportPart, body: bytes) -> None:
    """Replace a part, or remove it."""
    statement = "UPDATE report SET body = ? WHERE tenant = ? AND seq = ?"
    if not body:
        statement = "DELETE FROM report WHERE ? = x'' AND tenant = ? AND seq = ?"
    await thread.run(lambda connection: connection.execute(statement, (body, tenant, int(part.id))).close())


async def prune(thread: WorkerThread, tenant: str, *, before: int) -> int:
    """Remove the parts of old hours."""
    statement = "DELETE FROM report WHERE tenant = ? AND hour < ?"
    return await thread.run(lambda connection: connection.execute(statement, (tenant, before)).rowcount)


async def tenants(thread: WorkerThread) -> tuple[str, ...]:
    """List the tenants that have parts."""
    statement = "SELECT DISTINCT tenant FROM report ORDER BY 1"
    return await thread.run(lambda connection: tuple(row[0] for row in connection.execute(statement)))
