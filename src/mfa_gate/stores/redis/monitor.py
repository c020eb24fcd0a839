"""Regular checks that the servers hold the same store, and are still fit for it.

An older copy of the store is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable

from redis.exceptions import ResponseError

from ...errors import StoreUnavailable
from ..common.generation_file import GenerationFile
from ..common.high_water_mark import HighWaterMark
from .first_open import faults_at
from .names import RESTORED, STORE, TENANTS, keys_of
from .pipeline import Command
from .resp import Reply
from .schema import SCHEMA, schema_of
from .topology import Topology
from .url import Place

log = logging.getLogger("mfa_gate")

_EVERY = 0.4
_KEEP_FIRST = 5.0
"""Longer than a command runs, which may be another user's than the service."""
_AT_ONCE = 100

FLUSHED = (
    "Redis no longer holds the store that was opened: it was flushed or replaced; restore it, or restart every worker to "
    "begin anew with nobody enrolled"
)
UNACCEPTED = (
    "Redis holds an older copy of the store than the one that was accepted last: what was used since would be valid again. Put "
    "that one back, or accept this one: mfa-gate store accept"
)


def fault_of_id(found: bytes | None) -> str:
    """Say what became of the store, whose id is no longer the one that was opened."""
    version = schema_of(found)
    if version == SCHEMA:
        return FLUSHED
    return f"the store has schema {version}, this process knows {SCHEMA}: restart it with that release"


class Watch:
    """A background task that looks after the store.

    ``trouble`` is the reason to refuse every call, or "". The task asks beside the callers. Callers do not depend on its
    speed: each of their reads carries the tenant's change number itself.
    """

    def __init__(
        self,
        place: Place,
        topology: Topology,
        high_water_mark: HighWaterMark,
        generation_file: GenerationFile | None,
        *,
        on_loss: Callable[[], None],
    ) -> None:
        self._on_loss = on_loss
        self.trouble = high_water_mark.trouble
        self._place = place
        self._timing = place.timing
        self._topology = topology
        self._high_water_mark = high_water_mark
        self._generation_file = generation_file
        self._store_id = high_water_mark.store_id.encode()
        self._clock = asyncio.get_running_loop().time
        self._flushed = ""
        self._unaccepted = ""
        self._unfit = ""
        self._look_at = 0.0
        self._check_at = self._clock() + self._timing.check_every
        self._keep_at = self._clock() + _KEEP_FIRST

    async def run(self) -> None:
        """Look at the servers again and again, until this task is cancelled."""
        while True:
            await asyncio.sleep(_EVERY)
            with contextlib.suppress(StoreUnavailable):  # every call finds that out for itself
                await self._recognize()
                if not self._flushed and self._clock() >= self._look_at:
                    await self._compare()
                if not self._flushed and self._clock() >= self._check_at:
                    self._unfit = "; ".join(await faults_at(self._place, await self._topology.primaries()))
                    self._check_at = self._clock() + (
                        self._timing.look_again if self._unfit else self._timing.check_every
                    )
            self._judge()
            if self._generation_file is not None and not self.trouble and self._clock() >= self._keep_at:
                self._keep_at = self._clock() + self._timing.keep_every
                await asyncio.to_thread(self._generation_file.keep, self._high_water_mark.memory())

    def look_soon(self) -> None:
        """Make the next look come at once: somebody read a number that is behind."""
        self._look_at = 0.0

    async def returned(self) -> None:
        """Look at the servers at once after they are back, or after others took over."""
        self.look_soon()
        with contextlib.suppress(StoreUnavailable):
            await self.look()
        self._judge()

    async def look(self) -> None:
        """Look at the servers now. Raises ``StoreUnavailable`` if they do not answer."""
        await self._recognize()
        if not self._flushed:
            await self._compare()
        self._judge()

    async def _recognize(self) -> None:
        found, restored = sound(await self._topology.ask(STORE, ("GET", STORE), ("GET", RESTORED)))
        self._flushed = "" if found == self._store_id else fault_of_id(found)
        if not self._flushed:
            self._high_water_mark.begin(self._high_water_mark.store_id, number_of(restored))
            self._unaccepted = UNACCEPTED if number_of(restored) < self._high_water_mark.restored_at else ""

    async def _compare(self) -> None:
        """Compare each tenant's change number on the servers with the known one."""
        began, known = self._clock(), dict(self._high_water_mark.newest)
        found = await _numbers(self._topology)
        self._high_water_mark.compare(found, began)
        if back := [tenant for tenant, number in known.items() if found.get(tenant, 0) < number]:
            for tenant in back:
                self._high_water_mark.newest[tenant] = found.get(tenant, 0)
            self._on_loss()
        self._look_at = began + (self._timing.look_again if self._high_water_mark.trouble else self._timing.look_every)

    def _judge(self) -> None:
        before, self.trouble = (
            self.trouble,
            self._flushed or self._unaccepted or self._high_water_mark.trouble or self._unfit,
        )
        if self.trouble and self.trouble != before:
            log.error("the Redis store is refused: %s", self.trouble)


async def _numbers(topology: Topology) -> dict[str, int]:
    """Return the number of every tenant's newest change.

    Many tenants are asked for together, each on its own server.
    """
    (names,) = sound(await topology.ask(STORE, ("SMEMBERS", TENANTS)))
    tenants = sorted(name.decode() for name in names)
    found: dict[str, int] = {}
    for at in range(0, len(tenants), _AT_ONCE):
        piece = tenants[at : at + _AT_ONCE]
        for tenant, number in zip(piece, await asyncio.gather(*(_number(topology, t) for t in piece)), strict=True):
            found[tenant] = number
    return found


async def _number(topology: Topology, tenant: str) -> int:
    head = keys_of(tenant).head
    command: Command = ("HGET", head, "seq")
    (reply,) = sound(await topology.ask(head, command))
    return number_of(reply)


def sound(replies: list[Reply]) -> list[Reply]:
    """Return the replies. Raises ``StoreUnavailable`` if one of them is an error."""
    for reply in replies:
        if isinstance(reply, ResponseError):
            raise StoreUnavailable(f"Redis refuses: {reply}") from reply
    return replies


def number_of(reply: bytes | None) -> int:
    """Read a stored number. A missing value, or one that is no number, gives 0."""
    return int(reply) if reply is not None and reply.isdigit() else 0
