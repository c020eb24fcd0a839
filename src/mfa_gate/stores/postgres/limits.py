"""Limits in PostgreSQL: a row for each bucket, which expires."""

from __future__ import annotations

from collections.abc import Sequence

from ...storage import Take, Taken
from ..common.documents import SWEPT_AFTER
from .session import Session


async def take_all(session: Session, takes: Sequence[Take]) -> Taken:
    """Take from all buckets in one transaction, or from none if one has no room."""
    statement = f"SELECT {session.schema}.take_1(%s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint)"
    values = (
        [take.bucket for take in takes],
        [take.limit for take in takes],
        [take.window for take in takes],
        [take.at for take in takes],
        [take.count for take in takes],
        SWEPT_AFTER,
    )
    refused, wait, *totals = await session.call(statement, values)
    return Taken(totals=tuple(totals)) if refused < 0 else Taken(refused=refused, wait=wait)


async def total(session: Session, bucket: str, *, window: int, now: int) -> int:
    """Return how much was taken from a bucket in the window."""
    statement = (
        f"SELECT coalesce(sum(r.c), 0)::bigint FROM {session.schema}.taken t, unnest(t.times, t.counts) AS r(a, c)"
        " WHERE t.bucket = %s AND r.a > %s"
    )
    row = await session.row(statement, (bucket, now - window))
    return int(row[0]) if row else 0
