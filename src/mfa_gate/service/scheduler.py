"""Work that is done from time to time, by one process at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from ..storage import take_one
from .accounts import Engine

log = logging.getLogger("mfa_gate")

TICK = 5.0
SKEW = 5
"""Seconds by which the clocks of two workers may differ before this is logged."""
PLACES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that is due every ``every`` seconds.

    The process that takes it has it until it is due again. Work that is not ``shared`` is done by each process.
    """

    name: str
    every: int
    work: Callable[[], Awaitable[object]]
    shared: bool = True


class Worker:
    """One timer that runs the jobs, every ``tick`` seconds.

    It keeps no process alive.
    """

    def __init__(self, engine: Engine, jobs: Sequence[Job]) -> None:
        self.engine = engine
        self.jobs = tuple(jobs)
        self.tick = TICK
        self._due = dict.fromkeys((job.name for job in jobs), 0.0)
        self._timer: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._round: asyncio.Task[None] | None = None
        self._ahead: set[str] = set()

    def start(self) -> None:
        """Start the timer on the running event loop, after a random wait.

        So the processes of a machine do not begin at the same time.
        """
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(self.tick * (0.5 + random.random()), self._tick)  # noqa: S311 - only spreads

    def _tick(self) -> None:
        if self._loop is None:
            return
        self._timer = self._loop.call_later(self.tick, self._tick)
        if self._round is None or self._round.done():
            self._round = self._loop.create_task(self.round())

    async def round(self) -> None:
        """Do the work that is due, if no other process has taken it.

        While the store is away, nothing is asked of it here. Only requests ask it.
        """
        for job in self.jobs:
            if self.engine.away_since is not None:
                return
            if monotonic() < self._due[job.name]:
                continue
            self._due[job.name] = monotonic() + job.every
            try:
                if not job.shared or await self._takes(job):
                    await job.work()
            except Exception as error:
                log.warning(
                    "the job %s could not be done and is tried again when it is due: %s: %s",
                    job.name,
                    type(error).__name__,
                    error,
                )

    async def _takes(self, job: Job) -> bool:
        """Tell if this worker has taken the job until it is due again.

        A mark that lies ahead of this clock does not count. Otherwise a worker whose clock runs ahead would stop all
        others for as long. The others then take the next place, so that still only one of them works.
        """
        for place in range(PLACES):
            name = f"work:{job.name}" + (f"#{place}" if place else "")
            wait = await take_one(self.engine.store, name, limit=1, window=job.every, now=self.engine.now())
            if wait <= job.every + SKEW:
                return not wait
            if job.name not in self._ahead:
                self._ahead.add(job.name)
                log.error(
                    "the job %s: another worker's clock is %d s ahead of this one, or this one is behind: set both right",
                    job.name,
                    wait - job.every,
                )
        return True

    def stop(self) -> None:
        """Begin no further round. Any thread may call this."""
        self._loop = None

    async def aclose(self) -> None:
        """Stop the timer and the round under way."""
        loop, self._loop = self._loop, None
        if loop is not asyncio.get_running_loop():
            return
        if self._timer is not None:
            self._timer.cancel()
        if self._round is not None and not self._round.done():
            self._round.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._round
