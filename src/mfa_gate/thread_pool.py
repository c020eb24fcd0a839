"""Threads for calls that may hang.

The event loop's own pool stays free for challenges, drafts and passkeys.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")


class ThreadPool:
    """A pool of at most ``size`` threads for blocking calls. They start when they are needed."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._pool: ThreadPoolExecutor | None = None
        self._pid = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Run ``call`` in a thread and return its value.

        If the caller gives up before the call has begun, the call is not made.
        """
        if self._pool is None or self._pid != os.getpid():
            self._pool, self._pid = (
                ThreadPoolExecutor(self._size, thread_name_prefix=f"mfa_gate-{self._name}"),
                os.getpid(),
            )
        return await asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, call)

    def close(self) -> None:
        """Stop the threads, without waiting for calls that hang.

        A later call starts new ones.
        """
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
