"""Watch the policy's files, and reload on a change or on SIGHUP."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from pathlib import Path
from time import monotonic

from ..errors import MFAGateError, SettingsError
from .policy_life import ON_CHANGE, ON_SIGNAL, PolicyLife

log = logging.getLogger("mfa_gate")

EVERY = 2.0
"""Seconds between two looks at the files."""
AGAIN = 30.0
"""Seconds after which a refused policy is tried again: it may have been approved since."""

Seen = tuple[tuple[str, tuple[int, int, int] | None], ...]
"""Name of each file, with its inode, size and time of change; None for one that is not there."""


def has_terminal() -> bool:
    """Tell if somebody started this process in a terminal."""
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:
        return False


class PolicyWatch:
    """One timer for each process: every worker reads the file by itself."""

    def __init__(self, life: PolicyLife) -> None:
        self.life = life
        self.every = EVERY
        self.again = AGAIN
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._reload: asyncio.Task[None] | None = None
        self._seen: Seen = ()
        self._refused_at = 0.0
        self._has_signal = False

    def start(self) -> None:
        """Begin to watch, if there is a file and the policy does not forbid it."""
        if self.life.source is None or not self.life.engine.policy.base.change.reload:
            return
        self._loop = asyncio.get_running_loop()
        self._seen, self._refused_at = self._look(), 0.0
        self._timer = self._loop.call_later(self.every, self._tick)
        self._has_signal = self._take_signal(self._loop)

    def _take_signal(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Listen to SIGHUP, where nobody else does: a server's own handler stays.

        In a terminal the signal says that the terminal was closed, and must end the process as before.
        """
        if has_terminal() or threading.current_thread() is not threading.main_thread():
            return False
        if signal.getsignal(signal.SIGHUP) is not signal.SIG_DFL:
            return False
        try:
            loop.add_signal_handler(signal.SIGHUP, self._begin, ON_SIGNAL)
        except (NotImplementedError, ValueError, RuntimeError):
            return False
        return True

    def _look(self) -> Seen:
        """Look at the policy and the files that it names."""
        source = self.life.source
        if source is None:
            return ()
        path = Path(source.path)
        names = [path, *(path.parent / name for name in self.life.engine.policy.files)]
        return tuple((str(name), _state(name)) for name in names)

    def _tick(self) -> None:
        loop = self._loop
        if loop is None:
            return
        self._timer = loop.call_later(self.every, self._tick)
        is_due = bool(self._refused_at) and monotonic() - self._refused_at >= self.again
        if self._look() != self._seen or is_due:
            self._begin(ON_CHANGE)

    def _begin(self, by: str) -> None:
        """Reload in the background, one at a time, as long as the policy in force allows it."""
        if not self.life.engine.policy.base.change.reload:
            return
        if self._loop is not None and (self._reload is None or self._reload.done()):
            self._reload = self._loop.create_task(self._work(by))

    async def _work(self, by: str) -> None:
        # The files are looked at before they are read: a change in between is seen at the next look.
        self._seen = self._look()
        try:
            await self.life.reload(by)
            self._refused_at = 0.0
        except SettingsError:
            self._refused_at = monotonic()  # The life of the policy has said why.
        except MFAGateError as error:
            log.warning("mfa_gate: the policy is read again in %d seconds: %s", self.again, error)
            self._refused_at = monotonic()
        except Exception:
            log.exception("mfa_gate: the policy could not be read again; the one before stays in force")
            self._refused_at = monotonic()
        if not self._refused_at:
            self._seen = (self._seen[0], *self._look()[1:]) if self._seen else self._look()

    async def aclose(self) -> None:
        """Stop the timer, and a reload under way."""
        loop, self._loop = self._loop, None
        if loop is None or loop is not asyncio.get_running_loop():
            return
        if self._has_signal:
            loop.remove_signal_handler(signal.SIGHUP)
        if self._timer is not None:
            self._timer.cancel()
        if self._reload is not None and not self._reload.done():
            self._reload.cancel()
            await asyncio.gather(self._reload, return_exceptions=True)


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        state = os.stat(file)
    except OSError:
        return None
    return state.st_ino, state.st_size, state.st_mtime_ns
