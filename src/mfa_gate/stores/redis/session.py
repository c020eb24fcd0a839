"""What a Redis store has open on one event loop: the servers, the push channel, and the watch over both."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from redis.asyncio.connection import Connection
from redis.exceptions import AuthenticationError, NoScriptError, ResponseError

from ...errors import SettingsError, StoreUnavailable
from ...ports import Changed
from ..forks import watch
from .channel import Channel
from .checks import QUESTIONS, faults_of
from .names import PREFIX, STORE, TENANTS, TenantKeys
from .resp import Reply
from .scripts import ENTER, Script
from .topology import Topology, topology_of
from .url import Place
from .wire import COMMAND_WITHIN, CONNECT_WITHIN, Command, connection_to, dial, hang_up

_WATCH_EVERY = 0.4
_CHECK_EVERY = 30.0


class Session:
    """Connections belong to one event loop of one process; another one needs a session of its own (F-40)."""

    def __init__(self, place: Place, *, on_return: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """``on_return`` is called when the servers are back after they were away, or another one is in charge."""
        self.place = place
        self._on_return = on_return
        self.topology: Topology = topology_of(place)
        self.loop = asyncio.get_running_loop()
        self._forked = False
        self.store_id = ""
        self._channel: Channel | None = None
        self._watching: asyncio.Task[None] | None = None
        self._entering: dict[str, asyncio.Task[None]] = {}
        self._listed: set[str] = set()
        self._trouble = ""

    async def start(self, store_id: str) -> None:
        """Check the servers, find or make the store's id, begin to listen. ``store_id``: the one that must be there, if any.

        Raises ``SettingsError`` where starting would be wrong, ``StoreUnavailable`` where nobody answers.
        """
        if faults := await self._faults():
            raise SettingsError([f"store {self.place.shown!r}: {fault}" for fault in faults])
        fresh = store_id or secrets.token_hex(16)
        if store_id:
            (found,) = await self.ask(STORE, ("GET", STORE))
        else:
            (found,) = await self.ask(STORE, ("SET", STORE, fresh, "NX", "GET"), writes=True)
        self.store_id = fresh if found is None else found.decode()
        if store_id and found != store_id.encode():
            raise StoreUnavailable(_FLUSHED)
        self._channel = Channel(
            self.place, self.topology, f"{PREFIX}changed:{self.store_id}", on_return=self._on_return
        )
        self._channel.start()
        self._watching = self.loop.create_task(self._watch())
        watch(self)

    async def aclose(self) -> None:
        """Let go of everything."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._channel is not None:
            await self._channel.aclose()
        await self.topology.aclose()

    def is_here(self) -> bool:
        """Whether this is the process and the event loop that the connections belong to."""
        return self.loop is asyncio.get_running_loop() and self.is_of_this_process()

    def is_of_this_process(self) -> bool:
        """Whether nobody forked since."""
        return not self._forked

    @property
    def channel(self) -> Channel:
        """The push channel of a started session."""
        assert self._channel is not None
        return self._channel

    def changed(self) -> Changed:
        """As the port says."""
        if self._trouble:
            raise StoreUnavailable(self._trouble)
        return self.channel.changed()

    def before_fork(self) -> None:
        """What is open stays the parent's."""

    def after_fork(self, *, child: bool) -> None:
        """A child must not speak on its parent's connections."""
        self._forked = self._forked or child

    async def ask(self, key: str, *commands: Command, writes: bool = False) -> list[Reply]:
        """The replies of the server in charge of ``key``. Raises ``StoreUnavailable``, also for an error among them."""
        if self._trouble:
            raise StoreUnavailable(self._trouble)
        replies = await self.topology.ask(key, *commands, writes=writes)
        for reply in replies:
            if isinstance(reply, ResponseError):
                raise StoreUnavailable(f"Redis refuses: {reply}") from reply
        return replies

    async def run(
        self, script: Script, keys: Sequence[str], *arguments: str | bytes | int, writes: bool = True
    ) -> Reply:
        """What the script returns. Raises ``StoreUnavailable``."""
        if self._trouble:
            raise StoreUnavailable(self._trouble)
        rest = (len(keys), *keys, *arguments)
        (reply,) = await self.topology.ask(keys[0], ("EVALSHA", script.sha, *rest), writes=writes)
        if isinstance(reply, NoScriptError):
            (reply,) = await self.topology.ask(keys[0], ("EVAL", script.text, *rest), writes=writes)
        if isinstance(reply, ResponseError):
            raise StoreUnavailable(f"Redis refuses: {reply}") from reply
        return reply

    async def is_unknown(self, tenant: str) -> bool:
        """Whether a tenant without a head was never written; raises ``StoreUnavailable`` where it was, and is lost."""
        found, member = await self.ask(STORE, ("GET", STORE), ("SISMEMBER", TENANTS, tenant))
        if found != self.store_id.encode():
            raise StoreUnavailable(_FLUSHED)
        if member:
            (head,) = await self.ask(TenantKeys(tenant).head, ("HGET", TenantKeys(tenant).head, "store"))
            if head != found:
                raise StoreUnavailable(f"Redis has lost the accounts of tenant {tenant!r}: restore them from a copy")
        return not member

    async def enter(self, tenant: str) -> None:
        """Make a tenant known before its first account; one does it for all who wait.

        Raises ``StoreUnavailable`` where it was known and is lost.
        """
        task = self._entering.get(tenant)
        if task is None:
            task = self._entering[tenant] = self.loop.create_task(self._enter(tenant))
            task.add_done_callback(lambda _: self._entering.pop(tenant, None))
        await asyncio.shield(task)

    async def _enter(self, tenant: str) -> None:
        if not await self.is_unknown(tenant):
            return
        (head,) = await self.run(ENTER, [TenantKeys(tenant).head], self.store_id)
        if head != self.store_id.encode():
            raise StoreUnavailable(f"the accounts of tenant {tenant!r} in Redis belong to another store")
        await self._list(tenant)

    async def make_listed(self, tenant: str) -> None:
        """See to it, once, that a tenant which was made known is in the list of all: whoever made it known may have been
        killed between the two, which lie on two servers of a Cluster. A tenant outside of the list would be passed over by
        rotation, export and verification, and nobody would notice its loss."""
        if tenant in self._listed:
            return
        (head,) = await self.ask(TenantKeys(tenant).head, ("HGET", TenantKeys(tenant).head, "store"))
        if head == self.store_id.encode():
            await self._list(tenant)

    async def _list(self, tenant: str) -> None:
        await self.ask(STORE, ("SADD", TENANTS, tenant), writes=True)
        self._listed.add(tenant)

    async def _watch(self) -> None:
        checked_at = self.loop.time()
        while True:
            await asyncio.sleep(_WATCH_EVERY)
            try:
                (found,) = await self.topology.ask(STORE, ("GET", STORE))
                if not isinstance(found, ResponseError):
                    self._trouble = "" if found == self.store_id.encode() else _FLUSHED
                if self.loop.time() > checked_at + _CHECK_EVERY and not self._trouble:
                    checked_at = self.loop.time()
                    self._trouble = "; ".join(await self._faults())
            except StoreUnavailable:
                continue  # every call finds that out for itself

    async def _faults(self) -> list[str]:
        faults: list[str] = []
        for address in await self.topology.primaries():
            connection = connection_to(self.place, address)
            try:
                replies = await _answers(connection)
            except AuthenticationError as error:
                faults.append(
                    f"{address[0]}:{address[1]} refuses the sign-in ({error}): check user and password in the URL"
                )
                continue
            except Exception as error:
                raise StoreUnavailable(f"Redis at {address[0]}:{address[1]} does not answer: {error}") from error
            finally:
                await hang_up(connection)
            faults += [
                f"{address[0]}:{address[1]}: {fault}" for fault in faults_of(replies, durable=self.place.durable)
            ]
        return faults


async def _answers(connection: Connection) -> list[Reply]:
    replies: list[Reply] = []
    async with asyncio.timeout(CONNECT_WITHIN + COMMAND_WITHIN):
        await dial(connection)
        for question in QUESTIONS:
            await connection.send_packed_command(connection.pack_command(*question), check_health=False)
            try:
                replies.append(await connection.read_response())
            except ResponseError as error:
                replies.append(error)
    return replies


_FLUSHED = (
    "Redis holds no longer the store that was opened: it was flushed or replaced; restore it, or restart every worker to "
    "begin anew with nobody enrolled"
)
