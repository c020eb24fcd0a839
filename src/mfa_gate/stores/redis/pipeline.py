"""One connection to one Redis server, shared by many callers.

Commands that are asked at the same time go out together, and each caller gets its own replies.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from redis.asyncio.connection import Connection, SSLConnection
from redis.exceptions import RedisError

from ...errors import StoreUnavailable
from .replication_ids import ReplicationIds
from .resp import Replies, Reply, fields_of
from .url import Address, Place

log = logging.getLogger("mfa_gate")

_PAUSE = (0.05, 0.25)
_BATCH = 128

Command = tuple[str | bytes | int, ...]
Find = Callable[[], Awaitable[Address]]


class OutcomeUnknown(StoreUnavailable):
    """The commands were sent and no reply came: Redis may have run them."""


class Job:
    """Some commands of one caller, run in a row with no others in between."""

    __slots__ = ("abandoned", "commands", "due_at", "future", "writes")

    def __init__(
        self, commands: Sequence[Command], loop: asyncio.AbstractEventLoop, *, due_at: float, writes: bool
    ) -> None:
        self.commands = commands
        self.writes = writes
        self.future: asyncio.Future[list[Reply]] = loop.create_future()
        self.due_at = due_at
        self.abandoned = False

    def fail(self, error: StoreUnavailable) -> None:
        """Raise ``error`` in the caller, unless a reply came already."""
        if not self.future.done():
            self.future.set_exception(error)

    def give_up(self) -> None:
        """Stop the caller's wait. Commands that were not sent yet will not be sent."""
        self.abandoned = True
        self.fail(OutcomeUnknown("Redis did not answer in time"))


def connection_to(place: Place, address: Address, *, signs_in: bool = True) -> Connection:
    """Make a connection that never repeats anything by itself.

    It connects when the first command is sent. The caller limits the time of each command. A Sentinel never gets the
    password of the servers: without ``signs_in`` it is the one for Sentinels.
    """
    options: dict[str, Any] = {
        "host": address[0],
        "port": address[1],
        "socket_connect_timeout": place.timing.connect_within
        * (2 if place.tls else 1),  # its handshake is a round trip and a signature more
        "socket_timeout": None,
        "protocol": 2,
    }
    if signs_in:
        options |= {"db": place.database, "username": place.username or None, "password": place.password or None}
    else:
        options |= {"username": place.sentinel_user or None, "password": place.sentinel_password or None}
    if place.tls:
        # Before version 6, redis-py takes a certificate for any other name.
        return SSLConnection(ssl_ca_certs=place.ca or None, ssl_check_hostname=True, **options)
    return Connection(**options)


def words_of(error: BaseException) -> str:
    """Return the words of a fault. A ``TimeoutError`` has none."""
    return str(error) or "no answer in time"


def packed(commands: Sequence[Command]) -> bytes:
    """Write the commands as Redis reads them (RESP arrays of bulk strings)."""
    parts: list[bytes] = []
    for command in commands:
        parts.append(b"*%d\r\n" % len(command))
        raws = [word if isinstance(word, bytes) else str(word).encode() for word in command]
        parts += [b"$%d\r\n%b\r\n" % (len(raw), raw) for raw in raws]
    return b"".join(parts)


async def hang_up(connection: Connection | None) -> None:
    """Close without waiting for the other side."""
    if connection is not None:
        with contextlib.suppress(RedisError, OSError, asyncio.TimeoutError):
            await connection.disconnect(nowait=True)


class Pipeline:
    """A connection that is made when it is needed, and carries the commands of all callers.

    One caller connects for all (F-28). After a failure no new try is made for a moment. Callers never touch the
    connection: if one is cancelled, its reply is still read, and dropped (S-117).
    """

    def __init__(self, place: Place, find: Find, replication_ids: ReplicationIds) -> None:
        self._place = place
        self._find = find
        self._lineage = replication_ids
        self._server = ""
        self._turn = 0
        self._connection: Connection | None = None
        self._replies: Replies | None = None
        self._waiting: deque[Job] = deque()
        self._asked: deque[Job] = deque()
        self._alarm: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._resting_until = 0.0
        self._trouble = ""

    async def ask(self, *commands: Command, writes: bool = False) -> list[Reply]:
        """Return the replies; an error of a single command is among them as a ``ResponseError``.

        Raises ``StoreUnavailable`` within a second. Raises ``OutcomeUnknown`` if Redis may have run the commands. With
        ``writes``, raises ``StoreUnavailable`` unless as many replicas as configured have the change (S-114).
        """
        loop = asyncio.get_running_loop()
        if loop.time() < self._resting_until:
            raise StoreUnavailable(self._trouble)
        job = Job(commands, loop, due_at=loop.time() + self._place.timing.answer_within, writes=writes)
        self._waiting.append(job)
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._work())
        while self._asked and self._asked[0].future.done():
            self._asked.popleft()
        self._asked.append(job)
        if self._alarm is None:
            self._alarm = loop.call_at(job.due_at, self._ring, loop)
        return await job.future

    def _ring(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give up the jobs whose time is over, and set the timer for the next one.

        One timer serves all jobs. They wait in the order in which their time ends.
        """
        self._alarm, now = None, loop.time()
        while self._asked:
            job = self._asked[0]
            if not job.future.done():
                if job.due_at > now:
                    self._alarm = loop.call_at(job.due_at, self._ring, loop)
                    return
                job.give_up()
            self._asked.popleft()

    async def aclose(self) -> None:
        """Close the connection. Callers that still wait get ``StoreUnavailable``."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._drop("the Redis store was closed")

    async def _work(self) -> None:
        while jobs := self._next_jobs():
            try:
                await self._connect()
            except BaseException as error:
                self._waiting.extendleft(reversed(jobs))
                if not isinstance(error, Exception):
                    raise
                if not isinstance(error, TimeoutError | RedisError | OSError | StoreUnavailable):
                    log.exception("the way to Redis could not be found")
                self._resting_until = asyncio.get_running_loop().time() + random.uniform(*_PAUSE)  # noqa: S311
                await self._drop(f"Redis cannot be reached: {words_of(error)}")
                return
            jobs = [job for job in jobs if not job.abandoned]  # others gave up while it was connected
            try:
                async with asyncio.timeout(self._place.timing.command_within):
                    await self._exchange(jobs)
            except BaseException as error:
                # Whatever it was: replies may still come for what was asked, and no later caller may get them.
                for job in jobs:
                    job.fail(OutcomeUnknown(f"Redis did not answer: {type(error).__name__}: {error}"))
                await self.hang_up()
                if not isinstance(error, Exception):
                    raise
                if not isinstance(error, TimeoutError | RedisError | OSError):
                    log.exception("a reply of Redis could not be read; its connection was given up")

    def _next_jobs(self) -> list[Job]:
        jobs: list[Job] = []
        while self._waiting and len(jobs) < _BATCH:
            job = self._waiting.popleft()
            if not job.abandoned:
                jobs.append(job)
        return jobs

    async def _connect(self) -> None:
        if self._is_sound() and not self._lineage.is_superseded(self._server):
            return
        await self.hang_up()
        connection = connection_to(self._place, await self._find())
        try:
            async with asyncio.timeout(self._place.timing.reach_within):
                await connection.send_packed_command(connection.pack_command("INFO", "replication"), check_health=False)
                self._server = self._lineage.admit(fields_of(await connection.read_response()))
        except BaseException:
            await hang_up(connection)
            raise
        self._connection, self._replies = connection, Replies(connection)

    def _is_sound(self) -> bool:
        """Tell whether there is a connection, still open, with no unexpected bytes on it."""
        return self._connection is not None and self._replies is not None and not self._replies.has_news

    async def _exchange(self, jobs: Sequence[Job]) -> None:
        connection = self._connection
        assert connection is not None
        assert self._replies is not None
        commands = [command for job in jobs for command in job.commands]
        waits = self._place.replicas > 0 and any(job.writes for job in jobs)
        if waits:
            commands.append(("WAIT", self._place.replicas, int(self._place.timing.command_within * 600)))
        self._turn += 1
        mark = b"mfa_gate:%d" % self._turn
        commands.append(("ECHO", mark))  # a server whose disk is full refuses a PING
        await connection.send_packed_command(packed(commands), check_health=False)
        replies = [await self._replies.next() for _ in commands]
        if replies.pop() != mark:  # there was one too many, or one too few: none is known to belong to its question
            raise ConnectionError("the replies of Redis do not fit the commands that it was sent")
        acknowledged = replies.pop() if waits else 0
        enough = isinstance(acknowledged, int) and acknowledged >= self._place.replicas
        at = 0
        for job in jobs:
            if job.writes and not enough:
                job.fail(StoreUnavailable(f"{acknowledged} of {self._place.replicas} replicas have the change"))
            elif not job.future.done():
                job.future.set_result(replies[at : at + len(job.commands)])
            at += len(job.commands)

    async def _drop(self, trouble: str) -> None:
        connection, self._connection, self._replies = self._connection, None, None
        self._trouble = trouble
        while self._waiting:
            self._waiting.popleft().fail(StoreUnavailable(trouble))
        await hang_up(connection)

    async def hang_up(self) -> None:
        """Close the connection: the server is not the expected one. The next command reconnects."""
        connection, self._connection, self._replies = self._connection, None, None
        await hang_up(connection)
