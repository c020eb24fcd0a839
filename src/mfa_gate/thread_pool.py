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

from .host_faults import as_exception

T = TypeVar("T")


def _answerable(call: Callable[[], T]) -> T:
    try:
        return call()
    except StopIteration as error:
        raise as_exception("the call", error) from error
    except Exception:
        raise
    except BaseException as error:
        raise as_exception("the call", error) from error


class ThreadPool:
    """A pool of at most ``size`` threads for blocking calls. They start when they are needed."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._pool: ThreadPoolExecutor | None = None
        self._pid = 0

    async def run(self, call: Callable[[], T]) -> T:
        """Run ``call`` in a thread and return its value.

        If the caller gives up before the call has begun, the call is not made. A call that throws something else than an
        exception fails with ``RuntimeError``: ``SystemExit`` ends a thread alone, and would end the whole server behind an
        ``await``. So does ``StopIteration``, which no ``await`` can raise: its caller would wait in vain.
        """
        if self._pool is None or self._pid != os.getpid():
            self._pool, self._pid = (
                ThreadPoolExecutor(self._size, thread_name_prefix=f"mfa_gate-{self._name}"),
                os.getpid(),
            )
        return await asyncio.get_running_loop().run_in_executor(self._pool, copy_context().run, _answerable, call)

    def close(self) -> None:
        """Stop the threads, without waiting for calls that hang.

        A later call starts new ones.
        """
        pool, self._pool = self._pool, None
        if pool is not None:
            pool.shutdown(wait=False, cancel_futures=True)
