"""Strikes at a worker in the midst of a deed.

They hit its process, its caller, or its sessions on a server.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Callable

from mfa_gate.stores.postgres.connections import Connection, Dialer

_sessions: set[int] = set()


def die() -> None:
    """End this process by ``kill -9``."""
    os.kill(os.getpid(), signal.SIGKILL)


def cancel() -> None:
    """Cancel the deed, as a server does whose client went away."""
    for task in asyncio.all_tasks():
        if task.get_name() == "deed":
            task.cancel()


def overhear_sessions() -> None:
    """Note the PostgreSQL process of each session of this worker from now on."""
    dial = Dialer.dial

    async def dialed(self: Dialer) -> Connection:
        connection = await dial(self)
        _sessions.add(connection.info.backend_pid)
        return connection

    Dialer.dial = dialed  # type: ignore[method-assign]


def _hit(number: signal.Signals) -> None:
    for process in _sessions:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, number)


STRIKES: dict[str, Callable[[], None]] = {
    "worker": die,
    "caller": cancel,
    # As an operator ends it: pg_terminate_backend.
    "session": lambda: _hit(signal.SIGTERM),
    # kill -9 of a process of the server: it ends all sessions, and recovers from its log.
    "server": lambda: _hit(signal.SIGKILL),
}
"""By the victim."""
