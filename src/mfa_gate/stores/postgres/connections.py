"""Connections to the server in charge.

They are made in time, lent to one call each, and cut when they hang.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar
from weakref import WeakSet

from psycopg import AsyncConnection, Error, OperationalError
from psycopg.conninfo import make_conninfo
from psycopg.errors import Diagnostic, FeatureNotSupported, InsufficientPrivilege
from psycopg_pool import AsyncConnectionPool, PoolClosed, PoolTimeout, TooManyRequests

from ...errors import StoreUnavailable
from .outcomes import Contention, OutcomeUnknown, outage
from .url import Place

T = TypeVar("T")
Connection = AsyncConnection[Any]
Work = Callable[[Connection], Awaitable[T]]
Admit = Callable[[Connection, str, int], Awaitable[None]]

_TURNS = 4
_RECONNECT_WITHIN = 0.5
"""Seconds after which the pool gives a connection up; the next call asks for a new one."""
_JUST = 0.4
"""Seconds; the listener tries more often."""
_WAITING_AT_MOST = 1_000
_LIVES_FOR = 3_600.0
_WARNING = "01000"
"""The code of a warning. None of our statements has one but a commit whose wait for the standby was cancelled."""

_IDENTITY = (
    "SELECT (SELECT system_identifier::text FROM pg_catalog.pg_control_system()),"
    " pg_catalog.substr(pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn()), 1, 8)"
)
_OWN_NAMES = "SET search_path = pg_catalog, pg_temp; SET row_security = off"
"""Nobody else's function is called for one of PostgreSQL's, and a policy that hides rows is an error.

A pooler takes no settings. So statements name ``pg_catalog`` where another function of that name could fit better."""
_SESSION = (
    "SELECT set_config('statement_timeout', %s, false), set_config('lock_timeout', %s, false),"
    " set_config('idle_session_timeout', '0', false), set_config('idle_in_transaction_session_timeout', '10s', false),"
    " set_config('default_transaction_isolation', 'read committed', false),"
    # A plan that was made while a table was empty would read all of it later; compiling it takes longer than running it.
    " set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false),"
    # A commit whose wait for the standby was cancelled is told by a warning alone.
    " set_config('client_min_messages', 'warning', false)"
)


class Dialer:
    """Makes connections to the host that takes writes.

    ``admit`` is called with each connection and the identity of its server (system identifier, timeline). It raises
    ``StoreUnavailable`` for a server that must not be used. ``is_pooled`` tells that a pooler stands between: it keeps no
    setting of a session.
    """

    def __init__(self, place: Place, admit: Admit) -> None:
        self._place = place
        self._admit = admit
        self._first = 0
        self.is_pooled = False
        self.unsafe: WeakSet[Connection] = WeakSet()
        """Connections whose last commit may be on this server only: somebody cancelled its wait for the standby."""
        self.trouble = ""
        """The fault of the last try, "" if it succeeded."""
        self._failed_at = 0.0

    @property
    def has_just_failed(self) -> bool:
        """Tell if a try failed a moment ago. The listener tries again and again."""
        return bool(self.trouble) and asyncio.get_running_loop().time() < self._failed_at + _JUST

    async def dial(self) -> Connection:
        """Connect to the first host that takes writes, the last good one before the others.

        Raises ``psycopg.OperationalError`` or ``StoreUnavailable``.
        """
        hosts, timing = self._place.hosts, self._place.timing
        trouble: Exception = OperationalError("no host was tried")
        for turn in range(len(hosts)):
            at = (self._first + turn) % len(hosts)
            try:
                connection = await self._dial_one(
                    *hosts[at], within=timing.connect_within if len(hosts) > 1 else timing.reach_within
                )
            except TimeoutError:  # before OSError, of which it is one, without words
                trouble = OperationalError(f"{hosts[at][0] or 'the server'} does not answer in time")
                continue
            except (Error, OSError, StoreUnavailable) as error:
                trouble = error
                continue
            self._first, self.trouble = at, ""
            return connection
        self.trouble, self._failed_at = " ".join(str(trouble).split())[:300], asyncio.get_running_loop().time()
        if isinstance(trouble, OSError):
            raise OperationalError(str(trouble)) from trouble
        raise trouble

    async def _dial_one(self, host: str, port: str, *, within: float) -> Connection:
        given = {name: value for name, value in (("host", host), ("port", port)) if value}
        parameters = {
            "application_name": "mfa_gate",
            **self._place.parameters,
            **given,
            "target_session_attrs": "read-write",
            "client_encoding": "utf8",
        }
        async with asyncio.timeout(within):
            connection: Connection = await AsyncConnection.connect(make_conninfo("", **parameters), autocommit=True)
        try:
            async with deadline(connection, within):
                await self._greet(connection)
        except BaseException:
            await connection.close()
            raise
        return connection

    async def _greet(self, connection: Connection) -> None:
        """Recognize the server, and set the session's limits where the session is ours alone."""

        def heed(notice: Diagnostic) -> None:
            if (notice.severity_nonlocalized, notice.sqlstate) == ("WARNING", _WARNING):
                self.unsafe.add(connection)

        connection.add_notice_handler(heed)
        connection.prepare_threshold = None
        asked = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery()"
        found = await (await connection.execute(asked)).fetchone()
        if found is None or found[1]:
            raise StoreUnavailable("the PostgreSQL server is a standby, not the primary")
        # A pooler gives its own number for the session; a setting would stay behind for the next user of its connection.
        self.is_pooled = found[0] != connection.info.backend_pid
        if not self.is_pooled:
            timing = self._place.timing
            limits = (f"{timing.answer_within * 1e3:.0f}ms", f"{timing.lock_within * 1e3:.0f}ms")
            await connection.execute(_OWN_NAMES)
            await connection.execute(_SESSION, limits)
            connection.prepare_threshold = 2
        await self._admit(connection, *await _identity_of(connection))


async def _identity_of(connection: Connection) -> tuple[str, int]:
    """Return the server's system identifier and timeline.

    Some services hide them from their users: then a primary from before a failover is not recognized.
    """
    try:
        found = await (await connection.execute(_IDENTITY)).fetchone()
    except (InsufficientPrivilege, FeatureNotSupported):
        return "", 0
    return ("", 0) if found is None else (str(found[0]), int(found[1], 16))


class _Made(AsyncConnection[Any]):
    """A connection that the pool makes by a ``Dialer``."""

    @classmethod
    async def connect(cls, conninfo: str = "", **kwargs: Any) -> Any:
        """Dial. ``kwargs`` has the ``dialer``."""
        try:
            return await kwargs["dialer"].dial()
        except asyncio.CancelledError:
            _end(asyncio.current_task())
            raise


def _end(task: asyncio.Task[Any] | None) -> None:
    """Cancel a worker of the pool until it ends.

    It takes a cancellation while it connects for a fault of the connection, and an event loop that ends would wait for it
    for ever.
    """
    if task is not None and not task.done():
        asyncio.get_running_loop().call_later(0.02, _cancel, task)


def _cancel(task: asyncio.Task[Any]) -> None:
    task.cancel()
    _end(task)


class Connections:
    """A pool of connections for calls of one kind, on one event loop."""

    def __init__(self, dialer: Dialer, place: Place, *, size: int) -> None:
        self._timing = place.timing
        self._dialer = dialer
        self._lent = 0
        self._running: set[asyncio.Task[Any]] = set()
        self._pool: AsyncConnectionPool[Connection] = AsyncConnectionPool(
            "",
            connection_class=_Made,
            kwargs={"dialer": dialer},
            min_size=1,
            max_size=size,
            open=False,
            name="mfa_gate",
            timeout=place.timing.reach_within,
            max_waiting=_WAITING_AT_MOST,
            max_lifetime=_LIVES_FOR,
            reconnect_timeout=_RECONNECT_WITHIN,
        )

    async def open(self) -> None:
        """Begin to connect."""
        await self._pool.open()

    async def aclose(self) -> None:
        """Close all connections; calls that run are given a moment."""
        if self._running:
            await asyncio.wait(set(self._running), timeout=0.5)
        await self._pool.close(timeout=1.0)

    async def run(self, work: Work[T], *, within: float, reads: bool = False) -> T:
        """Let ``work`` have a connection, and return its result within so many seconds.

        A caller that is cancelled leaves the work to its end (F-12, S-117). Work that lost to another writer is done again;
        so is work that only ``reads`` and whose connection broke. Raises ``OutcomeUnknown`` where the work may have been
        committed, else ``StoreUnavailable``.
        """
        clock = asyncio.get_running_loop().time
        until, turns = clock() + within, _TURNS
        while True:
            turns -= 1
            try:
                return await self.run_once(work, within=until - clock())
            except Contention:
                if turns == 0:
                    raise
            except OutcomeUnknown:
                if turns == 0 or not reads or clock() >= until:
                    raise

    async def run_once(self, work: Work[T], *, within: float) -> T:
        """Do as ``run`` does, without another try. Raises ``Contention`` as well."""
        lent: list[Connection] = []
        task = asyncio.create_task(self._lend(work, lent))
        self._running.add(task)
        task.add_done_callback(self._end)
        done, _ = await asyncio.wait((task,), timeout=within)
        if done:
            return task.result()
        if lent:
            cut(lent[0])
            raise OutcomeUnknown("PostgreSQL does not answer in time")
        task.cancel()
        raise self._busy()

    def _end(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled():
            task.exception()  # the caller may be gone: then nobody else asks for it

    async def _lend(self, work: Work[T], lent: list[Connection]) -> T:
        try:
            connection = await self._take()
            lent.append(connection)
            self._lent += 1
            self._dialer.unsafe.discard(connection)
            try:
                task = asyncio.current_task()
                if task is not None and task.cancelling():
                    raise asyncio.CancelledError  # psycopg_pool passes over it if a connection comes at that moment
                result = await work(connection)
                if connection in self._dialer.unsafe:
                    raise OutcomeUnknown("PostgreSQL has committed without its standby: the wait for it was cancelled")
                return result
            finally:
                self._lent -= 1
                lent.clear()
                await self._pool.putconn(connection)
        except (PoolTimeout, TooManyRequests, PoolClosed) as error:
            raise self._busy() from error
        except (Error, OSError) as error:
            raise outage(error) from error

    def _busy(self) -> StoreUnavailable:
        if trouble := self._dialer.trouble:
            return StoreUnavailable(f"no connection to PostgreSQL: {trouble}")
        return StoreUnavailable("no connection to PostgreSQL is free")

    async def _take(self) -> Connection:
        """Take a connection that the server has not ended meanwhile."""
        until = asyncio.get_running_loop().time() + self._timing.reach_within
        if not self._lent and self._dialer.has_just_failed and not self._pool.get_stats().get("pool_available"):
            raise self._busy()  # at once: many who wait in turn for a server that is away would wait long
        while True:
            connection = await self._pool.getconn(timeout=until - asyncio.get_running_loop().time())
            if not has_news(connection):
                return connection
            await connection.close()
            await self._pool.putconn(connection)


def has_news(connection: Connection) -> bool:
    """Tell if the server has said something on an idle connection.

    Mostly it says that it has ended it.
    """
    try:
        news = select.poll()
        news.register(connection.fileno(), select.POLLIN)
        return bool(news.poll(0))
    except (Error, OSError, ValueError):
        return True


def cut(connection: Connection) -> None:
    """Break a connection, so that whatever waits for it fails at once.

    The descriptor stays open until psycopg closes it: its number must not be given to another connection meanwhile.
    """
    with contextlib.suppress(Error, OSError), socket.socket(fileno=os.dup(connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


@contextlib.asynccontextmanager
async def deadline(connection: Connection, seconds: float) -> AsyncIterator[None]:
    """Cut the connection if the block takes longer.

    A cancelled statement would wait for a server that hangs, to tell it so.
    """
    handle = asyncio.get_running_loop().call_later(seconds, cut, connection)
    try:
        yield
    finally:
        handle.cancel()
