"""The time of PostgreSQL's clock.

A worker's clock is compared with it. No limit, lock or code is measured by it.
"""

from __future__ import annotations

from .session import Session


async def time(session: Session) -> float:
    """Return the time in UTC seconds."""
    row = await session.row("SELECT extract(epoch FROM clock_timestamp())::double precision", ())
    return float(row[0]) if row is not None else 0.0
