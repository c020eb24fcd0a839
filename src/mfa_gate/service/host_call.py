"""Calls of the host's hooks, which must not stop the event loop."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

from ..thread_pool import ThreadPool


class NotCalled(TimeoutError):
    """Raised if time ended before the call's turn came.

    Earlier calls of the same hook took all of it, so the host's function has not failed.
    """


class HostCall:
    """The way to call one hook.

    A plain function runs in a thread of its own, one call at a time and in their order: the host's function need not be
    safe for threads. ``threads``: up to so many calls at a time, for a function that is. An async function runs on the
    event loop.
    """

    def __init__(self, name: str, threads: int = 1) -> None:
        self._threads = ThreadPool(name, threads)

    async def run(self, hook: Callable[..., object], *arguments: object, within: float) -> object:
        """Call ``hook`` with ``arguments``, wait for its end and return its value.

        Raises what the hook raises, and ``TimeoutError`` after ``within`` seconds. They include the wait for the call's
        turn: ``NotCalled`` if it did not come. A plain function that has begun goes on behind a ``TimeoutError``.
        """
        has_begun = False

        def call() -> object:
            nonlocal has_begun
            has_begun = True
            return hook(*arguments)

        try:
            async with asyncio.timeout(within):
                result = call() if is_async(hook) else await self._threads.run(call)
                return await result if inspect.isawaitable(result) else result
        except TimeoutError as error:
            if has_begun:
                raise
            raise NotCalled(f"earlier calls took all of {within:g} s") from error

    def close(self) -> None:
        """Let go of the thread, without waiting for a call that hangs."""
        self._threads.close()


def is_async(hook: Callable[..., object]) -> bool:
    """Tell if ``hook`` is an async function, or an object with an async ``__call__``."""
    return inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(type(hook).__call__)
