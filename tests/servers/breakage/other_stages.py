"""A PostgreSQL that stands still, and clocks that jump."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.stores import postgres_servers

from .crew import APPS, Crew, Stage, Way

PAUSE = 10.0
DAY = 86_400.0
SOON = 90.0
"""Seconds: three steps of a code."""


@contextmanager
def paused_postgres(_: Path) -> Iterator[Stage]:
    """A PostgreSQL that stands still for ten seconds with all its processes."""
    with postgres_servers.server() as server:

        def breaks(_: Crew) -> Sequence[float]:
            server.signal(signal.SIGSTOP)
            time.sleep(PAUSE)
            server.signal(signal.SIGCONT)
            return [time.monotonic()] * len(APPS)

        yield Stage([Way(server.url)] * len(APPS), breaks, PAUSE)


@contextmanager
def jumping_clock(place: Path) -> Iterator[Stage]:
    """A worker whose clock jumps ahead, and back by a day.

    The clocks of the others are right.
    """

    def breaks(crew: Crew) -> Sequence[float]:
        for seconds in (SOON, -SOON, -DAY, 0.0):
            crew.one(2, "apart", seconds=seconds)
            time.sleep(2.5)
        return [time.monotonic()] * len(APPS)

    yield Stage([Way(f"sqlite:///{place / 'mfa.db'}")] * len(APPS), breaks, PAUSE)
