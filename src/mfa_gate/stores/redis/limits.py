"""Counters of the limits in Redis: each bucket on the server that has its key."""

from __future__ import annotations

from collections.abc import Sequence

from ...storage import Take, Taken
from . import scripts
from .names import bucket_key
from .session import Session


async def take_all(session: Session, takes: Sequence[Take]) -> Taken:
    """Take from all buckets, or from none if one has no room.

    The buckets may lie on several servers. So all are looked at first, and then taken from one by one.
    """
    if len(takes) > 1:
        for place, take in enumerate(takes):
            wait, _ = await _run(session, take, count=take.count, taking=False)
            if wait:
                return Taken(refused=place, wait=wait)
    totals = []
    for place, take in enumerate(takes):
        wait, taken = await _run(session, take, count=take.count, taking=True)
        if wait:
            return Taken(refused=place, wait=wait)
        totals.append(taken)
    return Taken(totals=tuple(totals))


async def total(session: Session, bucket: str, *, window: int, now: int) -> int:
    """Return how much was taken from a bucket in the window."""
    take = Take(bucket=bucket, limit=1, window=window, at=now)
    return (await _run(session, take, count=0, taking=False))[1]


async def _run(session: Session, take: Take, *, count: int, taking: bool) -> tuple[int, int]:
    """Take, or only look if ``taking`` is False.

    Returns the seconds to wait (0: taken, or there is room), and the amount taken in the window, this one included.
    """
    arguments = (take.limit, take.window, take.at, count, int(taking))
    wait, taken = await session.run(scripts.TAKE, [bucket_key(take.bucket)], *arguments, writes=taking)
    return int(wait), int(taken)
