"""Run a helper's coroutine from plain code, on the loop that the gate is open on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from ..gate import MFAGate

__all__ = ["run", "run_for"]

T = TypeVar("T")


def run(make: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine function to its end from plain code, even inside a running event loop."""
    done: list[T] = []
    failed: list[BaseException] = []

    async def waited() -> T:
        return await make()

    def work() -> None:
        try:
            done.append(asyncio.run(waited()))
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="mfa_gate-testing")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return done[0]


def run_for(gate: MFAGate, make: Callable[[], Awaitable[T]]) -> T:
    """Do as ``run``, on the loop of a server that serves ``gate`` in another thread.

    Without such a server it is a loop of its own. A connection to Redis belongs to the loop that made it.
    """
    loop = gate.web.lifespan.loop
    if loop is None or not loop.is_running() or loop is _running():
        return run(make)

    async def waited() -> T:
        return await make()

    return asyncio.run_coroutine_threadsafe(waited(), loop).result()


def _running() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
