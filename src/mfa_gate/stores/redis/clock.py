"""The time of Redis' clock.

A worker's clock is compared with it. No limit, lock or code is measured by it.
"""

from __future__ import annotations

from .names import STORE
from .session import Session


async def time(session: Session) -> float:
    """Return the time in UTC seconds."""
    ((seconds, microseconds),) = await session.ask(STORE, ("TIME",))
    return int(seconds) + int(microseconds) / 1e6
