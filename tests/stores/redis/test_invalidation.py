"""The listener for change notices, without a server."""

from __future__ import annotations

import asyncio

from mfa_gate.stores.redis.invalidation import Invalidation
from mfa_gate.stores.redis.pipeline import Command
from mfa_gate.stores.redis.resp import Reply
from mfa_gate.stores.redis.store import mark_for
from mfa_gate.stores.redis.timing import USUAL
from mfa_gate.stores.redis.url import Address, place_of


class Breaking:
    """Servers that break at the very moment at which the caller is cancelled."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()

    async def primaries(self) -> tuple[Address, ...]:
        """Name no server."""
        return ()

    async def ask(self, key: str, *commands: Command, writes: bool = False) -> list[Reply]:
        """Answer a cancellation with an error of the connection."""
        self.asked.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise ConnectionError("the connection broke") from None
        return []

    async def aclose(self) -> None:
        """Hold nothing."""


async def test_cancelled_while_it_breaks() -> None:
    """A listener that is cancelled while its channel breaks comes to an end.

    Nobody has closed the store here. An event loop that ends cancels all that runs, and waits for it.
    """

    async def returned() -> bool:
        return True

    servers = Breaking()
    listener = Invalidation(
        place_of("redis://h"), servers, "changed", mark_for(USUAL), on_loss=lambda: None, on_return=returned
    )
    listener.start()
    await servers.asked.wait()
    task = listener._task
    assert task is not None
    try:
        task.cancel()
        await asyncio.wait({task}, timeout=5)
        assert task.done()
    finally:
        await listener.aclose()
