"""The open parts of a Redis store on one event loop: servers, push channel, and the watch."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

from redis.exceptions import NoScriptError, ResponseError

from ...errors import SettingsError, StoreMissing, StoreUnavailable
from ..common.change_log import ChangeLog
from ..common.fork_safety import watch
from ..common.generation_file import GenerationFile, Memory
from ..common.high_water_mark import HighWaterMark
from .first_open import faults_at, remains_at
from .invalidation import Invalidation
from .monitor import FLUSHED, Watch, fault_of_id, number_of, sound
from .names import PREFIX, RESTORED, STORE, TENANTS, TenantKeys
from .pipeline import Command
from .replication_ids import ReplicationIds
from .resp import Reply
from .schema import require_known_schema
from .scripts import ENTER, Script
from .topology import Topology, topology_of
from .url import Place

log = logging.getLogger("mfa_gate")


async def _nothing() -> bool:
    return True


class Session:
    """The connections of one event loop of one process. Another loop has its own (F-40).

    ``forked`` says that this process is a fork of the one that opened the session.
    """

    def __init__(
        self,
        place: Place,
        high_water_mark: HighWaterMark,
        replication_ids: ReplicationIds,
        *,
        on_loss: Callable[[], None] = lambda: None,
        on_return: Callable[[], Coroutine[Any, Any, bool]] = _nothing,
        generation_file: GenerationFile | None = None,
    ) -> None:
        """Connect to nothing yet. ``high_water_mark`` and ``replication_ids`` outlive the session.

        ``on_loss`` is called when the servers may have lost something. Then, as soon as they answer and hold the store,
        ``on_return`` is called until it returns True: all is there again.
        """
        self.place = place
        self.topology: Topology = topology_of(place, replication_ids)
        self.loop = asyncio.get_running_loop()
        self.store_id = ""
        self._high_water_mark = high_water_mark
        self._generation_file = generation_file
        self._on_loss = on_loss
        self._on_return = on_return
        self.forked = False
        self._invalidation: Invalidation | None = None
        self._watch: Watch | None = None
        self._watching: asyncio.Task[None] | None = None
        self._entering: dict[str, asyncio.Task[None]] = {}
        self._listed: set[str] = set()

    async def start(self, store_id: str, *, make: bool) -> None:
        """Check the servers, find the store's id, and begin to listen.

        ``store_id`` is the id that must be there, or "". If there is no store, makes one if ``make`` is True. Raises
        ``SettingsError`` if starting would be wrong, ``StoreMissing`` if there is no store and ``make`` is False, and
        ``StoreUnavailable`` if a server does not answer.
        """
        if faults := await faults_at(self.place, await self.topology.primaries(), rights=True):
            raise SettingsError([f"store {self.place.shown!r}: {fault}" for fault in faults])
        found, restored = await self.ask(STORE, ("GET", STORE), ("GET", RESTORED))
        if store_id and found != store_id.encode():
            raise StoreUnavailable(fault_of_id(found))
        require_known_schema(self.place, found)
        memory = None if store_id else await self._remembered(found or b"")
        if found is None and self._high_water_mark.store_id:
            raise SettingsError(f"store {self.place.shown!r}: {FLUSHED}")
        if found is None:
            found = await self._made(make=make)
            require_known_schema(self.place, found)
        self.store_id = found.decode()
        self._high_water_mark.begin(self.store_id, number_of(restored))
        if memory is not None:
            self._high_water_mark.recall(memory)
        self._watch = Watch(
            self.place, self.topology, self._high_water_mark, self._generation_file, on_loss=self.went_back
        )
        self._invalidation = Invalidation(
            self.place,
            self.topology,
            f"{PREFIX}changed:{self.store_id}",
            self._high_water_mark,
            on_loss=self._on_loss,
            on_return=self._returned,
        )
        self._invalidation.start()
        self._watching = self.loop.create_task(self._watch.run())
        watch(self)

    async def _made(self, *, make: bool) -> bytes:
        """Make a store where there is none, and log a warning: a store may be lost (F-6, F-8).

        Returns its id. Raises ``StoreMissing``, and writes nothing, if ``make`` is False.
        """
        found = await remains_at(self.place, await self.topology.primaries())
        fresh = secrets.token_hex(16).encode()
        (known,) = await self.ask(STORE, ("GET", STORE))
        if found.keys and known is None:
            raise SettingsError(
                f"store {self.place.shown!r}: Redis holds parts of a store ({found.keys[0]}) but not the store itself. An "
                "empty store means that everybody is unenrolled: put the newest copy back, or delete those keys to begin anew"
            )
        others = "".join(f"; database {number} of this server holds a store" for number in found.databases)
        if known is not None:  # another worker was faster
            return bytes(known)
        if not make:
            raise StoreMissing(f"store {self.place.shown!r}", others)
        (before,) = await self.ask(STORE, ("SET", STORE, fresh, "NX", "GET"), writes=True)
        if before is not None:  # another worker was faster
            return bytes(before)
        log.warning(
            "Redis held no store at %s: a new, empty one was made, in which nobody is enrolled. If people were enrolled "
            "here before, stop every worker now, and put the newest copy back or correct the URL%s",
            self.place.shown,
            others,
        )
        return fresh

    async def _remembered(self, store_id: bytes) -> Memory | None:
        return (
            None
            if self._generation_file is None
            else await asyncio.to_thread(self._generation_file.require, store_id.decode())
        )

    async def require_newest(self) -> None:
        """Raise ``SettingsError`` if the servers hold less than this process or machine knows of."""
        if self._watch is not None and (self._high_water_mark.settled or self._high_water_mark.restored_at):
            await self._watch.look()
            if self.trouble:
                raise SettingsError(f"store {self.place.shown!r}: {self.trouble}")

    async def _returned(self) -> bool:
        if self._watch is not None:
            await self._watch.returned()
        return not self.trouble and await self._on_return()

    @property
    def trouble(self) -> str:
        """Return the reason to refuse every call, or ""."""
        return self._watch.trouble if self._watch is not None else ""

    @property
    def restored_at(self) -> int:
        """Return the time of the last accepted copy that is known here (UTC seconds)."""
        return self._high_water_mark.restored_at

    def newest(self, tenant: str) -> int:
        """Return the tenant's newest known change number. Call this before the servers are asked."""
        return self._high_water_mark.newest.get(tenant, 0)

    def went_back(self) -> None:
        """Report that the servers have less than before: no cache may be trusted."""
        if self._invalidation is not None:
            self._invalidation.went_back()

    def require_current(self, tenant: str, number: bytes | None, newest: int = 0) -> None:
        """Check the tenant's change ``number``, which was read together with the data.

        Raises ``StoreUnavailable`` if it is behind the settled number: the data is of an older copy. If it is only less than
        ``newest``, changes of the last minute were lost, and they are put back.
        """
        if number_of(number) < newest:
            self._high_water_mark.newest[tenant] = number_of(number)
            self.went_back()
        if self._high_water_mark.is_behind(tenant, number_of(number)):
            if self._watch is not None:
                self._watch.look_soon()
            raise StoreUnavailable(self._high_water_mark.older_copy(tenant, number_of(number)))

    async def aclose(self) -> None:
        """Close everything."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        if self._invalidation is not None:
            await self._invalidation.aclose()
        await self.topology.aclose()

    @property
    def invalidation(self) -> Invalidation:
        """Return the push channel of a started session."""
        assert self._invalidation is not None
        return self._invalidation

    def changes(self) -> ChangeLog | None:
        """Return the log of changes; None while everything may have changed.

        Raises ``StoreUnavailable`` in trouble.
        """
        watch = self._watch
        if self.forked:
            raise StoreUnavailable("the Redis store is not open")
        if watch is not None and watch.trouble:
            raise StoreUnavailable(watch.trouble)
        return None if self._invalidation is None else self._invalidation.log

    def before_fork(self) -> None:
        """Do nothing: open connections stay the parent's."""

    def after_fork(self, *, child: bool) -> None:
        """Mark a child's copy of the session as unusable: the connections are its parent's."""
        self.forked = self.forked or child

    async def ask(self, key: str, *commands: Command, writes: bool = False) -> list[Reply]:
        """Return the replies of the server in charge of ``key``.

        Raises ``StoreUnavailable``, also if one of the replies is an error.
        """
        if trouble := self.trouble:
            raise StoreUnavailable(trouble)
        return sound(await self.topology.ask(key, *commands, writes=writes))

    async def run(
        self, script: Script, keys: Sequence[str], *arguments: str | bytes | int, writes: bool = True
    ) -> Reply:
        """Run a script and return its reply. Raises ``StoreUnavailable``."""
        if trouble := self.trouble:
            raise StoreUnavailable(trouble)
        rest = (len(keys), *keys, *arguments)
        (reply,) = await self.topology.ask(keys[0], ("EVALSHA", script.sha, *rest), writes=writes)
        if isinstance(reply, NoScriptError):
            (reply,) = await self.topology.ask(keys[0], ("EVAL", script.text, *rest), writes=writes)
        if isinstance(reply, ResponseError):
            raise StoreUnavailable(f"Redis refuses: {reply}") from reply
        return reply

    async def is_unknown(self, tenant: str) -> bool:
        """Tell whether a tenant without a head was never written.

        Raises ``StoreUnavailable`` if it was written and is lost.
        """
        found, member = await self.ask(STORE, ("GET", STORE), ("SISMEMBER", TENANTS, tenant))
        if found != self.store_id.encode():
            raise StoreUnavailable(fault_of_id(found))
        if member:
            (head,) = await self.ask(TenantKeys(tenant).head, ("HGET", TenantKeys(tenant).head, "store"))
            if head != found:
                raise StoreUnavailable(f"Redis has lost the accounts of tenant {tenant!r}: restore them from a copy")
        return not member

    async def enter(self, tenant: str) -> None:
        """Register a tenant before its first account. One caller does it for all who wait.

        Raises ``StoreUnavailable`` if the tenant was registered before and is lost.
        """
        task = self._entering.get(tenant)
        if task is None:
            task = self._entering[tenant] = self.loop.create_task(self._enter(tenant))
            task.add_done_callback(lambda _: self._entering.pop(tenant, None))
        await asyncio.shield(task)

    async def _enter(self, tenant: str) -> None:
        self.require_current(tenant, None)
        if not await self.is_unknown(tenant):
            return
        (head,) = await self.run(ENTER, [TenantKeys(tenant).head], self.store_id)
        if head != self.store_id.encode():
            raise StoreUnavailable(
                f"the accounts of tenant {tenant!r} in Redis belong to another store: restore one whole copy"
            )
        await self._list(tenant)

    async def make_listed(self, tenant: str) -> None:
        """Add a registered tenant to the list of all tenants, once for each session.

        The process that registered it may have been killed between the two writes, which lie on two servers of a Cluster.
        Rotation, export and verification would pass over a tenant outside of the list, and nobody would notice its loss.
        """
        if tenant in self._listed:
            return
        (head,) = await self.ask(TenantKeys(tenant).head, ("HGET", TenantKeys(tenant).head, "store"))
        if head == self.store_id.encode():
            await self._list(tenant)

    async def _list(self, tenant: str) -> None:
        await self.ask(STORE, ("SADD", TENANTS, tenant), writes=True)
        self._listed.add(tenant)
