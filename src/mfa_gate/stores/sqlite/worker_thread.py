"""A thread that does the store's work one piece after the other, in time."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import random
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from ...errors import StoreUnavailable
from .connection import ConnectionPool, PooledConnection
from .file import Moved, is_busy, outage
from .schema import SCHEMA, version_of

_BATCH = 256
_LOOK_AFTER = 20_000
"""Steps of SQLite's machine, about a millisecond, after which a reading job is asked whether somebody still waits for it."""
_HAND_OUT_EVERY = 0.002
"""Seconds after which answers that are ready are handed out, although other jobs of the batch are not done."""

_OWN_FAULTS = (ValueError, TypeError, OverflowError, sqlite3.ProgrammingError, sqlite3.InterfaceError)
"""A job that cannot even be asked of SQLite; those that share its transaction are not to suffer."""

T = TypeVar("T")
Work = Callable[[sqlite3.Connection], T]


class Job:
    """One caller's piece of work.

    ``landed`` tells, after a commit whose outcome is unknown, if it was written.
    """

    __slots__ = (
        "abandoned",
        "answered",
        "asked_at",
        "error",
        "future",
        "is_grave",
        "landed",
        "loop",
        "result",
        "settled",
        "work",
    )

    def __init__(
        self,
        work: Work[Any],
        landed: Work[bool] | None,
        loop: asyncio.AbstractEventLoop | None = None,
        *,
        is_grave: bool = False,
    ) -> None:
        self.work = work
        self.landed = landed
        self.is_grave = is_grave
        self.loop = loop
        self.future: asyncio.Future[Any] | None = loop.create_future() if loop else None
        self.asked_at = time.monotonic()
        self.abandoned = False
        self.answered = False
        self.result: Any = None
        self.error: BaseException | None = None
        self.settled = False

    def fail(self, error: BaseException) -> None:
        """The outcome is ``error``, unless there is one already."""
        if not self.settled:
            self.error, self.settled = error, True

    def give_up(self) -> None:
        """Stop the work of a caller that waits no longer.

        Work that has not begun does not begin any more, and reading is stopped.
        """
        self.abandoned = True
        if self.future is not None and not self.future.done():
            self.future.set_exception(StoreUnavailable("the SQLite store did not answer in time"))

    def answer(self) -> None:
        """On the caller's loop: hand over the outcome."""
        if self.future is None or self.future.done():
            return
        if self.error is not None:
            self.future.set_exception(self.error)
        else:
            self.future.set_result(self.result)


class WorkerThread:
    """A thread that runs jobs on one connection.

    A cancelled caller changes nothing about a write.
    """

    def __init__(
        self, name: str, pooled: PooledConnection, pool: ConnectionPool, *, writes: bool, within: float = 0.0
    ) -> None:
        """Set ``within``, the seconds until a caller is told that there is no answer.

        0 stands for the usual ones.
        """
        self._name = name
        self._within = within or pooled.file.timing.answer_within
        self._pooled = pooled
        self._pool = pool
        self._writes = writes
        self._starting = threading.Lock()
        self.after_fork(child=True)

    def after_fork(self, *, child: bool) -> None:
        """In a child there is no thread yet, and no job of the parent's."""
        if child:
            self._starting = threading.Lock()
            self._queue: queue.SimpleQueue[Job | None] = queue.SimpleQueue()
            self._thread: threading.Thread | None = None
            self.trouble: BaseException | None = None

    def knock(self) -> Job:
        """See whether the file still answers; nobody waits for it.

        ``trouble`` is None from then on, or the fault that it met, until anything is answered again.
        """
        return self._put(Job(_nothing, None))

    async def run(self, work: Work[T], *, landed: Work[bool] | None = None, is_grave: bool = False) -> T:
        """Run ``work`` in the thread, and return its value.

        ``is_grave`` says that it must never be lost unseen. Raises ``StoreUnavailable`` if it cannot be done in time:
        within a second, or within some for a list.
        """
        loop = asyncio.get_running_loop()
        job = self._put(Job(work, landed, loop, is_grave=is_grave))
        assert job.future is not None
        timer = loop.call_later(self._within, job.give_up)
        try:
            answer: T = await job.future
            return answer
        finally:
            timer.cancel()
            if not self._writes and not job.settled:
                job.abandoned = True  # a caller that was cancelled waits for no answer either

    def _put(self, job: Job) -> Job:
        self._queue.put(job)
        if self._thread is None:
            self._start()
        return job

    def stop(self) -> threading.Thread | None:
        """Let the thread end after the jobs that wait; the thread, if there was one."""
        with self._starting:
            thread, self._thread = self._thread, None
            if thread is not None:
                self._queue.put(None)
                self._queue = queue.SimpleQueue()
        return thread

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._live, args=(self._queue,), name=self._name, daemon=True)
                self._thread.start()

    def _live(self, waiting: queue.SimpleQueue[Job | None]) -> None:
        while jobs := _next_jobs(waiting):
            try:
                self._serve(jobs)
                self.trouble = None
            except Exception as error:  # the thread must live, and every caller be answered
                if any(job.work is _nothing for job in jobs):
                    self.trouble = error
                for job in jobs:
                    job.fail(outage(error))
            _answer(jobs)

    def _serve(self, jobs: Sequence[Job]) -> None:
        for _ in range(2):
            with self._pooled.lock:
                try:
                    connection = self._pooled.ready()
                except Moved:
                    pass
                else:
                    try:
                        (self._write if self._writes else _read)(connection, jobs)
                    except sqlite3.Error as error:
                        if not is_busy(error):
                            self._pooled.drop()
                        raise
                    return
            self._pool.reopen()
        raise StoreUnavailable(f"the SQLite store {self._pooled.file.path} is being replaced")

    def _write(self, connection: sqlite3.Connection, jobs: Sequence[Job]) -> None:
        """Run all jobs in one transaction, so that they share one wait for the disk.

        Each job is conditional by itself.
        """
        self._pooled.file.require_writable()
        _begin(connection, until=jobs[-1].asked_at + self._pooled.file.timing.lock_patience)
        committing = False
        try:
            if version_of(connection) != SCHEMA:
                raise StoreUnavailable("a newer release upgraded the store: restart this process with that release")
            for job in jobs:
                if not job.abandoned:
                    job.result = job.work(connection)
            committing = True
            connection.execute("COMMIT")
            for job in jobs:
                job.settled = True
            self._pooled.file.guard(connection, is_grave=any(job.is_grave and job.result for job in jobs))
        except _OWN_FAULTS as error:
            _roll_back(connection)
            if len(jobs) == 1:
                jobs[0].fail(error)
                return
            for job in jobs:
                self._write(connection, [job])
        except BaseException as error:
            _roll_back(connection)
            if not committing:
                raise
            _read_back(connection, jobs, error)
            raise


def _nothing(_: sqlite3.Connection) -> None:
    """Work that only needs a connection."""


def _next_jobs(waiting: queue.SimpleQueue[Job | None]) -> list[Job]:
    """Return the waiting jobs, at least one; none when the thread is to end."""
    jobs: list[Job] = []
    job = waiting.get()
    while job is not None:
        jobs.append(job)
        if len(jobs) == _BATCH or waiting.empty():
            return jobs
        job = waiting.get()
    if jobs:
        waiting.put(None)
    return jobs


def _begin(connection: sqlite3.Connection, *, until: float) -> None:
    """Begin a transaction; ask again soon, with jitter, while the file is locked.

    That is fairer between processes than SQLite's own growing pauses.
    """
    while True:
        try:
            connection.execute("BEGIN IMMEDIATE")
            return
        except sqlite3.OperationalError as error:
            if not is_busy(error) or time.monotonic() >= until:
                raise
        time.sleep(random.uniform(0.0003, 0.002))  # noqa: S311


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):
            connection.execute("ROLLBACK")


def _read_back(connection: sqlite3.Connection, jobs: Sequence[Job], error: BaseException) -> None:
    """Look if the jobs of a failed commit were written, and never write again (F-7).

    A commit that failed may have written all the same.
    """
    for job in jobs:
        if job.landed is not None and job.result:
            with contextlib.suppress(sqlite3.Error):
                job.settled = job.landed(connection)
        job.fail(outage(error))


def _read(connection: sqlite3.Connection, jobs: Sequence[Job]) -> None:
    """Do one job after the other.

    A job that was given up is stopped, and no answer waits for the job behind it.
    """
    broken: sqlite3.Error | None = None
    running, ready = [jobs[0]], list[Job]()
    connection.set_progress_handler(lambda: running[0].abandoned, _LOOK_AFTER)
    handed_at = time.monotonic()
    for job in jobs:
        if job.abandoned:
            continue
        running[0] = job
        try:
            job.result = job.work(connection)
            job.settled = True
        except sqlite3.Error as error:
            job.fail(outage(error))
            broken = broken if job.abandoned else error
        except Exception as error:
            job.fail(error)
        ready.append(job)
        if (now := time.monotonic()) > handed_at + _HAND_OUT_EVERY:
            _answer(ready)
            ready, handed_at = [], now
    if broken is not None:
        raise broken


def _answer(jobs: Sequence[Job]) -> None:
    waiting: dict[asyncio.AbstractEventLoop, list[Job]] = {}
    for job in jobs:
        if job.loop is not None and not job.answered:
            job.answered = True
            waiting.setdefault(job.loop, []).append(job)
    for loop, its in waiting.items():
        with contextlib.suppress(RuntimeError):  # a loop that was closed has nobody waiting
            loop.call_soon_threadsafe(_deliver, its)


def _deliver(jobs: Sequence[Job]) -> None:
    for job in jobs:
        job.answer()
