"""Tell what a function of the host throws from the end of the task that called it."""

from __future__ import annotations

import asyncio


def misbehaved(name: str, error: BaseException) -> RuntimeError:
    """Return an exception for what the host's function ``name`` threw in place of one.

    Raises ``error`` again where it is the end of the caller: the running task is being cancelled, the generator closed, or the
    process ended. A function that waits for a task of its own which was cancelled has failed like any other: its caller
    answers, logs and goes on.
    """
    if _is_end(error):
        raise error
    return as_exception(name, error)


def as_exception(name: str, error: BaseException) -> RuntimeError:
    """Return an exception that says how ``name`` ended."""
    if isinstance(error, asyncio.CancelledError):
        return RuntimeError(f"{name} was cancelled by something of its own")
    return RuntimeError(f"{name} ended with {type(error).__name__}")


def _is_end(error: BaseException) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return any(map(_is_end, error.exceptions))
    if isinstance(error, asyncio.CancelledError):
        task = asyncio.current_task()
        return task is None or bool(task.cancelling())
    return isinstance(error, (KeyboardInterrupt, SystemExit, GeneratorExit))
