"""Swaps of accounts, several of them in one transaction.

Those that come while another is committed share the next one.

A commit waits for the disk, and commits with a notice wait for each other. So one commit serves all who wait.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass, field

from ...core.model import Account
from ...core.summary import Summary
from ...errors import StoreUnavailable
from ..common.documents import search_text
from .connections import Connection
from .monitor import GONE
from .outcomes import Contention, OutcomeUnknown
from .session import CHANNEL, Session
from .trail import LINE_PARTS, Lines, arguments_of

_TOGETHER = 64


@dataclass(frozen=True, slots=True)
class Swap:
    """One conditional write of an account, with all that commits with it.

    ``before`` is the operation that made the version, or "". ``line`` is the line of the list, None for a forgotten person.
    """

    account: Account
    before: str
    op: str
    checksum: int
    body: bytes
    line: Summary | None
    lines: Lines


@dataclass(slots=True, eq=False)
class _Waiting:
    swap: Swap
    until: float
    number: asyncio.Future[int] = field(default_factory=lambda: asyncio.get_running_loop().create_future())
    is_begun: bool = False


class Writer:
    """The queue of a session's swaps."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._queue: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None

    async def swap(self, swap: Swap) -> int:
        """Write; return the number of the change, or 0 if another writer was faster.

        A caller that is cancelled leaves its swap to its end. Raises ``OutcomeUnknown`` or ``StoreUnavailable``.
        """
        within = self._session.timing.swap_within
        mine = _Waiting(swap, self._session.loop.time() + within)
        self._queue.append(mine)
        if self._task is None or self._task.done():
            self._task = self._session.loop.create_task(self._work())
        done, _ = await asyncio.wait((mine.number,), timeout=within)
        if done:
            return mine.number.result()
        if mine.is_begun:
            raise OutcomeUnknown("PostgreSQL does not answer in time")
        raise StoreUnavailable("PostgreSQL did not come to the write in time")

    async def _work(self) -> None:
        while self._queue:
            now, batch = self._session.loop.time(), list[_Waiting]()
            while self._queue and len(batch) < _TOGETHER:
                waiting = self._queue.popleft()
                if waiting.until > now:  # else its caller was told that nothing was written
                    batch.append(waiting)
            if batch:
                await self._commit(batch)

    async def _commit(self, batch: list[_Waiting]) -> None:
        """Commit all in one transaction. If the server takes that back, commit each alone."""
        batch.sort(key=lambda waiting: (waiting.swap.account.key.tenant, waiting.swap.account.key.id))
        for waiting in batch:
            waiting.is_begun = True
        try:
            numbers = await self._written([waiting.swap for waiting in batch])
        except OutcomeUnknown as error:
            self._fail(batch, error)
        except StoreUnavailable as error:
            if len(batch) > 1:
                for waiting in batch:
                    await self._commit([waiting])
            elif isinstance(error, Contention):
                self._tell(batch, [0])
            else:
                self._fail(batch, error)
        except Exception as error:
            if len(batch) > 1:
                for waiting in batch:
                    await self._commit([waiting])
            else:
                self._fail(batch, error)
        else:
            self._tell(batch, numbers)

    @staticmethod
    def _tell(batch: list[_Waiting], numbers: list[int]) -> None:
        for waiting, number in zip(batch, numbers, strict=True):
            if not waiting.number.done():
                waiting.number.set_result(number)

    @staticmethod
    def _fail(batch: list[_Waiting], error: Exception) -> None:
        for waiting in batch:
            if not waiting.number.done():
                waiting.number.set_exception(error)
                waiting.number.exception()  # the caller may be gone

    async def _written(self, swaps: list[Swap]) -> list[int]:
        session = self._session
        statement = (
            f"SELECT {session.schema}.swap_1(%s, %s, %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[],"
            " %s::bigint[], %s::bytea[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::text[],"
            f" %s::integer[], {LINE_PARTS})"
        )
        values = (session.store_id, CHANNEL + session.store_id, *_columns(swaps))

        async def work(connection: Connection) -> list[int] | None:
            row = await (await connection.execute(statement, values)).fetchone()
            found: list[int] | None = None if row is None else row[0]
            return found

        numbers = await session.swap(work)
        if numbers is None:
            raise StoreUnavailable(GONE)
        return numbers


def _columns(swaps: list[Swap]) -> list[object]:
    owners = [owner for owner, swap in enumerate(swaps, 1) for _ in swap.lines]
    lines = [line for swap in swaps for line in swap.lines]
    return [
        [swap.account.key.tenant for swap in swaps],
        [swap.account.key.id for swap in swaps],
        [swap.account.version for swap in swaps],
        [swap.before for swap in swaps],
        [swap.op for swap in swaps],
        [swap.checksum for swap in swaps],
        [swap.body for swap in swaps],
        [swap.line.name.replace("\0", "\N{REPLACEMENT CHARACTER}") if swap.line else "" for swap in swaps],
        [swap.line.status if swap.line else "" for swap in swaps],
        [" ".join(swap.line.factors) if swap.line else "" for swap in swaps],
        [swap.line.locked_at if swap.line else 0 for swap in swaps],
        [swap.line.last_proof_at if swap.line else 0 for swap in swaps],
        [search_text(swap.line).replace("\0", "\N{REPLACEMENT CHARACTER}") if swap.line else "" for swap in swaps],
        owners,
        *arguments_of(lines),
    ]
