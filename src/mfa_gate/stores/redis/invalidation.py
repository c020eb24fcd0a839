"""Change notices that Redis pushes.

After a possible gap in the notices the answer is "everything changed".
"""

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
from ..common.change_log import ChangeLog, Operations
from ..common.high_water_mark import HighWaterMark
from .monitor import sound
from .names import STORE
from .pipeline import connection_to, hang_up
from .resp import Replies
from .topology import Topology
from .url import Address, Place

BEAT = 0.2
"""Seconds between two pings."""
SILENCE = 0.7
"""Seconds without an answer after which the channel is broken (F-1)."""
_GRACE = 0.05
_PAUSE = (0.1, 0.4)
_LONGEST_PAUSE = 5.0


class Invalidation:
    """A listener on every primary.

    The notices of each tenant are numbered. A gap in the numbers means that a notice was missed. ``log`` is the log of
    changes; None while the channel is down.
    """

    def __init__(
        self,
        place: Place,
        topology: Topology,
        name: str,
        high_water_mark: HighWaterMark,
        *,
        on_loss: Callable[[], None],
        on_return: Callable[[], Coroutine[Any, Any, bool]],
    ) -> None:
        self._on_loss = on_loss
        self._on_return = on_return
        self._place = place
        self._high_water_mark = high_water_mark
        self._topology = topology
        self.name = name
        self._log = ChangeLog()
        self.log: ChangeLog | None = None
        self._operations = Operations()
        self._up = asyncio.Event()
        self._owing = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen."""
        self._task = asyncio.get_running_loop().create_task(self._listen())

    async def wait(self, seconds: float) -> None:
        """Wait until the channel is up, at most ``seconds``."""
        try:
            await asyncio.wait_for(self._up.wait(), seconds)
        except TimeoutError:
            return

    async def aclose(self) -> None:
        """Listen no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def confirm(self, key: SubjectKey | None, op: str) -> None:
        """Note a change that this process committed, and ignore its notice later.

        A change whose reply is still open is not noted here. It is noted when its notice arrives.
        """
        if self._operations.is_new(op):
            self._log.note(key)

    def went_back(self) -> None:
        """Report that the servers have less than before.

        Everything may have changed, and lost changes must be put back.
        """
        self._on_loss()
        self._log.note(None)
        self._owing.set()

    async def _listen(self) -> None:
        """Listen, and begin anew each time the channel breaks.

        Each try is a task of its own. Before Python 3.13 a group whose tasks fail at that moment swallows the cancellation
        of the task that it runs in, and ``aclose`` or an event loop that ends would wait for ever.
        """
        while True:
            attempt = asyncio.ensure_future(self._listen_once())
            try:
                await asyncio.wait({attempt})
            finally:
                attempt.cancel()
                await asyncio.gather(attempt, return_exceptions=True)
            self._log.note(None)
            self._on_loss()
            await asyncio.sleep(random.uniform(*_PAUSE))  # noqa: S311

    async def _listen_once(self) -> None:
        try:
            addresses = await self._topology.primaries()
            async with asyncio.TaskGroup() as group:
                ready = [asyncio.Event() for _ in addresses]
                for address, event in zip(addresses, ready, strict=True):
                    group.create_task(self._listen_to(address, event))
                group.create_task(self._declare_up(ready))
                group.create_task(self._put_back())
                group.create_task(self._watch(addresses))
        except* Exception:  # whatever broke it: it is made anew, and until then nobody is told "nothing"
            self.log = None
            self._up.clear()

    async def _declare_up(self, ready: Iterable[asyncio.Event]) -> None:
        """Open the channel once the store answers.

        A server that takes subscribers may not answer yet: while it loads its file, say.
        """
        for event in ready:
            await event.wait()
        sound(await self._topology.ask(STORE, ("GET", STORE)))
        self._log.note(None)
        self.log = self._log
        self._up.set()
        self._owing.set()

    async def _put_back(self) -> None:
        """Have lost changes put back; try again until all are there."""
        pause = BEAT
        while True:
            await self._owing.wait()
            self._owing.clear()
            if await self._on_return():
                pause = BEAT
                continue
            self._owing.set()
            await asyncio.sleep(random.uniform(0.5, 1) * pause)  # noqa: S311
            pause = min(2 * pause, _LONGEST_PAUSE)

    async def _watch(self, addresses: tuple[Address, ...]) -> None:
        """Raise ``StoreUnavailable`` if another server took over: its notices would be missed."""
        while True:
            await asyncio.sleep(BEAT * 5)
            if await self._topology.primaries() != addresses:
                raise StoreUnavailable("another Redis server is in charge")

    async def _listen_to(self, address: Address, ready: asyncio.Event) -> None:
        connection = connection_to(self._place, address)
        try:
            async with asyncio.timeout(self._place.timing.reach_within):
                replies = Replies(connection)
                for command in (("PING",), ("SUBSCRIBE", self.name)):
                    await connection.send_packed_command(connection.pack_command(*command), check_health=False)
                    if isinstance(refused := await replies.next(), ResponseError) and not _answers_a_ping(refused):
                        raise refused
            ready.set()
            async with asyncio.TaskGroup() as group:
                heard_at = [asyncio.get_running_loop().time()]
                group.create_task(self._ping(connection, heard_at))
                group.create_task(self._read(replies, heard_at))
        finally:
            await hang_up(connection)

    async def _ping(self, connection: Connection, heard_at: list[float]) -> None:
        """Ping the server. Raises ``StoreUnavailable`` if it is silent too long.

        A dead server and a server without news look the same without a ping.
        """
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
        last: dict[str, int] = {}
        while True:
            reply = await replies.next()
            heard_at[0] = clock()
            match reply:
                case [b"message", _, bytes() as message]:
                    self._hear(message, last, heard_at[0])
                case [b"pong", *_] | [b"subscribe", *_]:
                    continue
                case ResponseError() if _answers_a_ping(reply):
                    continue
                case _:
                    raise StoreUnavailable(f"the push channel answers {reply!r:.80}")

    def _hear(self, message: bytes, last: dict[str, int], now: float) -> None:
        """Note the change that a notice announces.

        ``last`` holds the last number of each tenant on this connection.
        """
        text, _, payload = message.partition(b" ")
        tenant, id, op = json.loads(payload)
        number, seen = int(text), last.get(tenant)
        last[tenant] = number
        self._high_water_mark.note(tenant, number, now)
        if seen is not None and number <= seen:
            self.went_back()
        elif seen is not None and number != seen + 1:
            self._log.note(None)
        if self._operations.is_new(op):
            self._log.note(None if id is None else SubjectKey(tenant, id))


def _answers_a_ping(refused: ResponseError) -> bool:
    """Tell whether a server refused a ping because it cannot write to its disk (F-2).

    It serves all reads.
    """
    return str(refused).startswith("MISCONF")
