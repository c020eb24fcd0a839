"""The choice of the server that has a key.

It is the only one, the one that the Sentinels name, or a node of the Cluster.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Protocol

from redis.crc import key_slot
from redis.exceptions import AuthenticationError, MovedError, ReadOnlyError, RedisError

from ...errors import StoreUnavailable
from .pipeline import Command, Pipeline, connection_to, hang_up, words_of
from .replication_ids import ReplicationIds
from .resp import Reply
from .url import Address, Place

ConnectionPool = tuple[int, int, Address]
_UNKNOWN = "?"


class Topology(Protocol):
    """The way to the primary that is in charge of a key."""

    async def ask(self, key: str, *commands: Command, writes: bool = False) -> list[Reply]:
        """Return the replies of the server that has ``key``, as ``Pipeline.ask`` does."""

    async def primaries(self) -> tuple[Address, ...]:
        """Return the servers in charge now. Raises ``StoreUnavailable``."""

    async def aclose(self) -> None:
        """Close all connections."""


def topology_of(place: Place, replication_ids: ReplicationIds) -> Topology:
    """Make the topology of a place."""
    return Cluster(place, replication_ids) if place.kind == "cluster" else One(place, replication_ids)


class One:
    """One primary. With Sentinels it is the one that they name."""

    def __init__(self, place: Place, replication_ids: ReplicationIds) -> None:
        self._place = place
        self._at: Address | None = None
        self._wire = Pipeline(place, self._find, replication_ids)

    async def _find(self) -> Address:
        self._at = await self._named()
        return self._at

    async def _named(self) -> Address:
        if self._place.kind == "single":
            return self._place.hosts[0]
        return await named_by_sentinels(self._place)

    async def ask(self, key: str, *commands: Command, writes: bool = False) -> list[Reply]:
        """Return the replies of the primary. Raises ``StoreUnavailable`` if it is no longer one."""
        replies = await self._wire.ask(*commands, writes=writes)
        if any(_redirects(reply) for reply in replies):
            await self._wire.hang_up()
            raise StoreUnavailable("the Redis server is no longer the primary")
        return replies

    async def primaries(self) -> tuple[Address, ...]:
        """Return the primary, and drop the connection to a former one."""
        address = await self._named()
        if self._at not in (None, address):  # the one before may not know yet that it is no longer the primary (F-4)
            self._at = None
            await self._wire.hang_up()
        return (address,)

    async def aclose(self) -> None:
        """Close the connection."""
        await self._wire.aclose()


async def named_by_sentinels(place: Place) -> Address:
    """Return the primary that the first Sentinel to answer names.

    Raises ``StoreUnavailable`` if no Sentinel names one.
    """
    asked = [
        asyncio.ensure_future(_ask_once(place, host, "SENTINEL", "get-master-addr-by-name", place.service))
        for host in place.hosts
    ]
    trouble = "no Sentinel answers"
    try:
        for answer in asyncio.as_completed(asked):
            try:
                _, reply = await answer
            except (TimeoutError, RedisError, OSError, RecursionError) as error:
                trouble = f"no Sentinel answers: {words_of(error)}"
                if isinstance(error, AuthenticationError):
                    trouble += " (the password of Sentinels is ?sentinel_password=… in the store's URL)"
                continue
            match reply:
                case [bytes() as host, bytes() as port] if port.isdigit():
                    return host.decode(errors="replace"), int(port)
                case None:
                    trouble = f"the Sentinels know no service {place.service!r}"
                case _:
                    trouble = f"a Sentinel answers {reply!r:.80}"
    finally:
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    raise StoreUnavailable(trouble)


async def _ask_once(place: Place, address: Address, *command: str) -> tuple[Address, Reply]:
    """Send one command to one server. Returns the server's address and the reply."""
    connection = connection_to(place, address, signs_in=command[0] != "SENTINEL")
    try:
        async with asyncio.timeout(place.timing.connect_within):
            await connection.send_packed_command(connection.pack_command(*command), check_health=False)
            return address, await connection.read_response()
    finally:
        await hang_up(connection)


class Cluster:
    """A Cluster: each key's slot has one primary.

    A key whose slot is being moved is refused, not guessed (F-5).
    """

    def __init__(self, place: Place, replication_ids: ReplicationIds) -> None:
        self._place = place
        self._lineage = replication_ids
        self._wires: dict[Address, Pipeline] = {}
        self._slots: list[ConnectionPool] = []
        self._reading: asyncio.Task[None] | None = None

    async def ask(self, key: str, *commands: Command, writes: bool = False) -> list[Reply]:
        """Return the replies of the server that has ``key``.

        The map of slots is read again if a server says that the map is out of date.
        """
        for turn in range(2):
            wire = await self._wire_of(key)
            try:
                replies = await wire.ask(*commands, writes=writes)
            except StoreUnavailable:
                self._slots = []
                raise
            if not any(_redirects(reply) for reply in replies):
                return replies
            self._slots = []
            if turn or (writes and not all(_redirects(reply) for reply in replies)):
                break
        raise StoreUnavailable("the Redis Cluster is moving the keys that were asked for")

    async def _wire_of(self, key: str) -> Pipeline:
        if not self._slots:
            await self._read_slots()
        slot = key_slot(key.encode())
        address = next((place for first, last, place in self._slots if first <= slot <= last), None)
        if address is None:
            raise StoreUnavailable(f"no server of the Redis Cluster has slot {slot}")
        wire = self._wires.get(address)
        if wire is None:
            wire = self._wires[address] = Pipeline(self._place, lambda: _resolved(address), self._lineage)
        return wire

    async def _read_slots(self) -> None:
        """Read the map of slots. One caller reads it for all who wait."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.ensure_future(self._ask_for_slots())
        await asyncio.shield(self._reading)

    async def _ask_for_slots(self) -> None:
        hosts = list(dict.fromkeys([*self._wires, *self._place.hosts]))
        asked = [asyncio.ensure_future(_ask_once(self._place, host, "CLUSTER", "SLOTS")) for host in hosts]
        trouble = "no server of the Redis Cluster answers"
        try:
            for answer in asyncio.as_completed(asked):
                try:
                    (host, _), reply = await answer
                    found = slots_from(reply, host)
                except (TimeoutError, RedisError, OSError, RecursionError) as error:
                    trouble = f"no server of the Redis Cluster answers: {words_of(error)}"
                    continue
                if found:
                    self._slots = found
                    return
                trouble = "the Redis Cluster has given its slots to no server"
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)
        raise StoreUnavailable(trouble)

    async def primaries(self) -> tuple[Address, ...]:
        """Return the primaries of all slots, in order."""
        await self._read_slots()
        return tuple(sorted({place for _, _, place in self._slots}))

    async def aclose(self) -> None:
        """Close the connections to all nodes."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        for wire in self._wires.values():
            await wire.aclose()


def slots_from(reply: Reply, asked: str) -> list[ConnectionPool]:
    """Read an answer of ``asked`` to ``CLUSTER SLOTS``: first slot, last slot, their primary.

    A server that gives no endpoint (nil, or "" before Redis 7) is reached at the address that was asked. A server that is
    set to give a host name and has none says "?"; its address is among the facts after the port. Raises ``RedisError`` for
    anything else.
    """
    found: list[ConnectionPool] = []
    for row in reply if isinstance(reply, list) else [None]:
        match row:
            case [int() as first, int() as last, [endpoint, int() as port, *more], *_]:
                host = (endpoint or b"").decode(errors="replace") if isinstance(endpoint, bytes | None) else _UNKNOWN
                if host == _UNKNOWN:
                    host = _address_in(more) or asked
                found.append((first, last, (host or asked, port)))
            case _:
                raise RedisError(f"its answer to CLUSTER SLOTS cannot be read: {row!r:.120}")
    return found


def _address_in(more: Sequence[Reply]) -> str:
    """Find the address among the values after endpoint and port: the id, and facts by name."""
    facts = more[1] if len(more) > 1 and isinstance(more[1], list) else []
    known = dict(zip(facts[::2], facts[1::2], strict=False))
    address = known.get(b"ip")
    return address.decode(errors="replace") if isinstance(address, bytes) else ""


async def _resolved(address: Address) -> Address:
    return address


def _redirects(reply: Reply) -> bool:
    """Tell whether the server refused a command because it is not in charge. Nothing was done."""
    return isinstance(reply, MovedError | ReadOnlyError)
