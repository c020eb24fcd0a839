"""The gate closes the store before it tells the server that the app has ended.

The server ends the event loop then.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mfa_gate import MFAGateMiddleware
from mfa_gate.stores.memory import MemoryStore
from tests.harness import make_world


class Slow(MemoryStore):
    """A store that writes down when it was let go of."""

    def __init__(self, log: list[str]) -> None:
        super().__init__()
        self._log = log

    async def aclose(self) -> None:
        """Close, and say so."""
        await super().aclose()
        self._log.append("store closed")


async def deaf(scope: Any, receive: Any, send: Any) -> None:
    """An app that ends without a word."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()


@pytest.mark.parametrize("says", [True, False], ids=["an app that says goodbye", "an app that does not"])
async def test_closed_first(says: bool) -> None:
    """No part of the gate runs on after the server has heard the end.

    F-12. An app that does not report its end is closed after all.
    """
    log: list[str] = []
    world = make_world(store=Slow(log))
    incoming: list[dict[str, Any]] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Any:
        return incoming.pop(0)

    async def send(message: Any) -> None:
        log.append(message["type"])

    scope: dict[str, Any] = {"type": "lifespan", "asgi": {"version": "3.0"}, "state": {}}
    if says:
        await world.app(scope, receive, send)
    else:
        await MFAGateMiddleware(deaf, gate=world.gate)(scope, receive, send)
    wanted: Sequence[str] = ["lifespan.startup.complete", "store closed"]
    assert log == [*wanted, "lifespan.shutdown.complete"] if says else log == wanted
