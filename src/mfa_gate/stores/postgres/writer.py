"""Swaps of accounts, several of them in one transaction.

Those that come while another is committed share the next one.

A commit waits for the disk, and commits with a notice wait for each other. So one commit serves all who wait. It waits for
no row that somebody else holds: the swap of such a row goes on alone, in a lane where it delays nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from ...core.model import Account
from ...core.summary import Summary
from ...errors import StoreUnavailable
from ..common.documents import search_text
from .batches import Batches
from .connections import Connection
from .monitor import GONE
from .outcomes import Contention, OutcomeUnknown
from .session import CHANNEL, Session
from .trail import LINE_PARTS, Lines, arguments_of

_HELD = -1
"""The number of a change whose row somebody else holds. Nothing of it was written."""
_HELD_LANES = 2


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


class Writer:
    """The swaps of a session."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._batches: Batches[Swap, int] = Batches(partial(self._commit, waits=False), lanes=1)
        self._held: Batches[Swap, int] = Batches(partial(self._commit, waits=True), lanes=_HELD_LANES, together=1)

    async def swap(self, swap: Swap) -> int:
        """Write; return the number of the change, or 0 if another writer was faster.

        A caller that is cancelled leaves its swap to its end. Raises ``OutcomeUnknown`` or ``StoreUnavailable``.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + self._session.timing.swap_within
        number = await self._batches.ask(swap, within=until - clock())
        return number if number != _HELD else await self._held.ask(swap, within=until - clock())

    async def _commit(self, swaps: Sequence[Swap], *, waits: bool) -> list[int | Exception]:
        """Commit all in one transaction. If the server takes that back, commit each alone.

        ``waits``: a row that somebody else holds is waited for; else its swap is not done, and gets ``_HELD``.
        """
        clock = asyncio.get_running_loop().time
        until = clock() + self._session.timing.swap_within
        order = sorted(range(len(swaps)), key=lambda place: _order_of(swaps[place]))
        results: list[int | Exception] = [0] * len(swaps)
        try:
            numbers = await self._written([swaps[place] for place in order], waits=waits)
            for place, number in zip(order, numbers, strict=True):
                results[place] = number
        except OutcomeUnknown:
            raise
        except Exception as error:
            if len(swaps) == 1:
                return [0 if isinstance(error, Contention) else error]
            for place in order:  # later than that its caller has gone, and was told that it may not be done
                results[place] = await self._alone(swaps[place], waits=waits) if clock() < until else error
        return results

    async def _alone(self, swap: Swap, *, waits: bool) -> int | Exception:
        try:
            return (await self._commit([swap], waits=waits))[0]
        except OutcomeUnknown as error:
            return error

    async def _written(self, swaps: list[Swap], *, waits: bool) -> list[int]:
        session = self._session
        statement = (
            f"SELECT {session.schema}.swap_3(%s, %s, %s, %b::text[], %b::text[], %s::bigint[], %b::text[], %b::text[],"
            " %s::bigint[], %b::bytea[], %b::text[], %b::text[], %b::text[], %s::bigint[], %s::bigint[], %b::text[],"
            f" %s::integer[], {LINE_PARTS})"
        )
        values = (session.store_id, CHANNEL + session.store_id, waits, *_columns(swaps))

        async def work(connection: Connection) -> list[int] | None:
            row = await (await connection.execute(statement, values)).fetchone()
            found: list[int] | None = None if row is None else row[0]
            return found

        numbers = await session.swap(work)
        if numbers is None or None in numbers:  # another store, or one whose counter is gone
            raise StoreUnavailable(GONE)
        return numbers


def _order_of(swap: Swap) -> tuple[str, str]:
    return swap.account.key.tenant, swap.account.key.id


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
