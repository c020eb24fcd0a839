"""The turns of long work that goes on beside requests.

All work of a process shares one event loop. A request waits there until the piece of work that has begun comes to its await.
So a piece is small, under a millisecond, and work of many pieces leaves two thirds of the time to others.
"""

from __future__ import annotations

import asyncio
from time import thread_time

AT_ONCE = 50
"""Rows or lines that are read from the store, and handled, between two awaits."""
LONGEST = 0.02
"""Seconds of the longest pause. The pieces of a busy loop hold the work of others as well."""


async def give_way() -> None:
    """Let others go on, between two pieces of work that are short by themselves."""
    await asyncio.sleep(0)


class Turns:
    """The pauses of one long work.

    Each is twice as long as the loop has worked since the one before.
    """

    __slots__ = ("_worked",)

    def __init__(self) -> None:
        self._worked = thread_time()

    async def give(self) -> None:
        """Let others have their turn."""
        await asyncio.sleep(min(LONGEST, 2 * (thread_time() - self._worked)))
        self._worked = thread_time()
