"""What changed since the last look, pushed by Redis; where the push may have a hole, the answer is "everything"."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Coroutine, Iterable
from typing import Any

from redis.asyncio.connection import Connection
from redis.exceptions import ResponseError

from ...core.model import SubjectKey
from ...errors import StoreUnavailable
from ...ports import EVERYTHING, Changed
from .past import Past
from .resp import Replies
from .topology import Topology
from .url import Address, Place
from .wire import COMMAND_WITHIN, CONNECT_WITHIN, connection_to, dial, hang_up

BEAT = 0.2
"""Seconds between two pings."""
SILENCE = 0.7
"""Seconds without an answer after which the channel is broken (F-1)."""
_GRACE = 0.05
_REMEMBERED = 10_000
_OWN_REMEMBERED = 500
_PAUSE = (0.1, 0.4)
_NOTHING: frozenset[SubjectKey] = frozenset()


class Channel:
    """Listens to every primary. Each tenant's notices are numbered: a gap means that something was missed."""

    def __init__(
        self,
        place: Place,
        topology: Topology,
        name: str,
        past: Past,
        *,
        on_return: Callable[[], Coroutine[Any, Any, None]],
    ) -> None:
        self._on_return = on_return
        self._was_up = False
        self._place = place
        self._past = past
        self._topology = topology
        self.name = name
        self._pending: set[SubjectKey] | None = None
        self._last: dict[str, int] = {}
        self._own: dict[str, None] = {}
        self._up = asyncio.Event()
        self._closing = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.get_running_loop().create_task(self._listen())

    async def wait(self, seconds: float) -> None:
        """Until the channel is up, or the time is over."""
        try:
            await asyncio.wait_for(self._up.wait(), seconds)
        except TimeoutError:
            return

    async def aclose(self) -> None:
        """Listen no more."""
        self._closing = True
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def changed(self) -> Changed:
        """As the port says; ``EVERYTHING`` each time while nobody can know."""
        pending = self._pending
        if pending is None:
            if self._up.is_set():
                self._pending = set()
            return EVERYTHING
        if not pending:
            return _NOTHING
        self._pending = set()
        return frozenset(pending)

    def confirm(self, key: SubjectKey | None, op: str) -> None:
        """A change of one's own is told at once, and not once more when its push comes. Only one that is known to be
        committed: what may still be on its way must be told when it arrives."""
        self.note(key)
        self._own[op] = None
        if len(self._own) > _OWN_REMEMBERED:
            del self._own[next(iter(self._own))]

    def note(self, key: SubjectKey | None) -> None:
        """Something changed: an account, or (None) everything."""
        if key is None or self._pending is None or len(self._pending) >= _REMEMBERED:
            self._pending = None
        else:
            self._pending.add(key)

    async def _listen(self) -> None:
        while True:
            try:
                addresses = await self._topology.primaries()
                async with asyncio.TaskGroup() as group:
                    ready = [asyncio.Event() for _ in addresses]
                    for address, event in zip(addresses, ready, strict=True):
                        group.create_task(self._listen_to(address, event))
                    group.create_task(self._declare_up(ready))
                    group.create_task(self._watch(addresses))
            except* Exception:  # whatever broke it: it is made anew, and until then nobody is told "nothing"
                self._up.clear()
            self._pending = None
            if self._closing:  # before Python 3.13 a group whose tasks fail at that moment swallows the cancellation
                return
            await asyncio.sleep(random.uniform(*_PAUSE))  # noqa: S311

    async def _declare_up(self, ready: Iterable[asyncio.Event]) -> None:
        for event in ready:
            await event.wait()
        self._last.clear()
        self._pending = None
        self._up.set()
        if self._was_up:
            await self._on_return()
        self._was_up = True

    async def _watch(self, addresses: tuple[Address, ...]) -> None:
        """Somebody else in charge means that notices may go where nobody listens."""
        while True:
            await asyncio.sleep(BEAT * 5)
            if await self._topology.primaries() != addresses:
                raise StoreUnavailable("another Redis server is in charge")

    async def _listen_to(self, address: Address, ready: asyncio.Event) -> None:
        connection = connection_to(self._place, address)
        try:
            async with asyncio.timeout(CONNECT_WITHIN + COMMAND_WITHIN):
                await dial(connection)
                await connection.send_packed_command(
                    connection.pack_command("SUBSCRIBE", self.name), check_health=False
                )
                replies = Replies(connection)
                if isinstance(refused := await replies.next(), ResponseError):
                    raise refused
            ready.set()
            async with asyncio.TaskGroup() as group:
                heard_at = [asyncio.get_running_loop().time()]
                group.create_task(self._ping(connection, heard_at))
                group.create_task(self._read(replies, heard_at))
        finally:
            await hang_up(connection)

    async def _ping(self, connection: Connection, heard_at: list[float]) -> None:
        """A server that is gone without a word must not be taken for one with nothing to tell."""
        clock = asyncio.get_running_loop().time
        while True:
            await connection.send_packed_command(connection.pack_command("PING"), check_health=False)
            await asyncio.sleep(BEAT)
            if clock() > heard_at[0] + SILENCE:
                await asyncio.sleep(
                    _GRACE
                )  # this process itself may have stood still: what came meanwhile is read first
                if clock() > heard_at[0] + SILENCE:
                    raise StoreUnavailable("the push channel does not answer")

    async def _read(self, replies: Replies, heard_at: list[float]) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            reply = await replies.next()
            heard_at[0] = clock()
            if reply[0] == b"message":
                self._hear(reply[2], heard_at[0])

    def _hear(self, message: bytes, now: float) -> None:
        number, _, payload = message.partition(b" ")
        tenant, id, op = json.loads(payload)
        seen = self._last.get(tenant, int(number) - 1)
        if int(number) <= seen:
            return  # a Cluster's servers pass on each other's notices
        self._last[tenant] = int(number)
        self._past.note(tenant, int(number), now)
        if id is None or int(number) != seen + 1:
            self.note(None)
        elif op in self._own:
            del self._own[op]
        else:
            self.note(SubjectKey(tenant, id))
