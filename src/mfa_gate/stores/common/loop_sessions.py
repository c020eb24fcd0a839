"""One session with the servers for each event loop (F-40).

Connections belong to the loop that made them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Generic, Protocol, TypeVar


class Session(Protocol):
    """The open connections of one event loop.

    ``forked``: they are those of the process that this one is a fork of.
    """

    loop: asyncio.AbstractEventLoop
    forked: bool


S = TypeVar("S", bound=Session)


class LoopSessions(Generic[S]):
    """The sessions of a store, by event loop."""

    def __init__(self) -> None:
        self._sessions: dict[asyncio.AbstractEventLoop, S] = {}
        self._starting: dict[asyncio.AbstractEventLoop, asyncio.Task[S]] = {}

    def of_this_loop(self) -> S | None:
        """Return the session of the running loop.

        None also where no loop runs: in a fork, outside of its parent's loop.
        """
        try:
            return self._sessions.get(asyncio.get_running_loop())
        except RuntimeError:
            return None

    @property
    def any_forked(self) -> bool:
        """Tell if a session of the parent process is among them."""
        return any(session.forked for session in self._sessions.values())

    async def started(self, start: Callable[[], Coroutine[Any, Any, S]]) -> S:
        """Return the running loop's session.

        One caller starts it, and all who come meanwhile wait for the same.
        """
        session, loop = self.of_this_loop(), asyncio.get_running_loop()
        if session is not None and not session.forked:
            return session
        starting = self._starting.get(loop)
        if starting is None or starting.done():
            starting = self._starting[loop] = loop.create_task(start())
            starting.add_done_callback(lambda _: self._starting.pop(loop, None))
        return await asyncio.shield(starting)

    def add(self, session: S) -> None:
        """Take a session in. Those of loops that have ended, and of a parent process, go."""
        for loop, known in list(self._sessions.items()):
            if loop.is_closed() or known.forked:
                del self._sessions[loop]
        self._sessions[session.loop] = session

    def take_all(self) -> S | None:
        """Forget all sessions. Returns that of the running loop, which is to be closed."""
        session = self.of_this_loop()
        self._sessions.clear()
        return session
