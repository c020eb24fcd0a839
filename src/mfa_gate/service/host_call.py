"""Calls of the host's hooks, which must not stop the event loop."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

from ..thread_pool import ThreadPool


class HostCall:
    """The way to call one hook.

    A plain function runs in a thread of its own, one call at a time and in their order: the host's function need not be
    safe for threads. ``threads``: up to so many calls at a time, for a function that is. An async function runs on the
    event loop.
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        self._threads = ThreadPool(name, threads)

    async def run(self, hook: Callable[..., object], *arguments: object) -> object:
        """Call ``hook`` with ``arguments``, wait for its end and return its value.

        Raises what the hook raises. A caller that gives up does not end a plain function that has begun.
        """
        result = hook(*arguments) if is_async(hook) else await self._threads.run(partial(hook, *arguments))
        return await result if inspect.isawaitable(result) else result

    def close(self) -> None:
        """Let go of the thread, without waiting for a call that hangs."""
        self._threads.close()


def is_async(hook: Callable[..., object]) -> bool:
    """Tell if ``hook`` is an async function, or an object with an async ``__call__``."""
    return inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(type(hook).__call__)
