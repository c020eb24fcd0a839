"""The ASGI shell: around any app, as thin as it gets."""

from __future__ import annotations

from asyncio import current_task, get_running_loop
from collections.abc import MutableMapping
from typing import Any, Protocol

from ..errors import SettingsError
from .connection import Connection
from .gate import Gate
from .lifespan import ASYNCIO_ONLY
from .types import App, Receive, Send


class HasGate(Protocol):
    """What the middleware is given: an ``MFAGate``."""

    @property
    def web(self) -> Gate:
        """The gate's judgement."""


class MFAGateMiddleware:
    """``MFAGateMiddleware(app, gate=gate)`` around any ASGI app; the same as ``gate.install(app)`` without its check."""

    def __init__(self, app: App, *, gate: HasGate) -> None:
        self.app = app
        self.gate = gate
        self._gate = gate.web
        self._gate.endpoint_demands.add_app(app)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Judge one connection."""
        gate = self._gate
        try:
            loop = get_running_loop()
        except RuntimeError:
            if scope["type"] != "lifespan":  # there the fault is told to the server
                raise SettingsError(ASYNCIO_ONLY) from None
        # ASGI says dict; Starlette's types say less, and whoever is typed by them must be able to hold us.
        whole: dict[str, Any] = scope  # type: ignore[assignment]
        passed = gate.remembered(whole)
        if passed is None:
            return await gate(self.app, whole, receive, send)
        # What follows is ``gate.enter`` once more: nearly every request comes by here, and each call less is a tenth of
        # what the gate costs.
        watch = gate.connections
        if watch.loop is not loop:
            watch.start(loop)
        connection = Connection(gate, current_task(loop), whole, receive, send, passed)
        scope["mfa_gate"] = connection
        watch.open.add(connection)
        try:
            await self.app(whole, connection.receive, connection.send)
        except BaseException as error:
            if not connection.over:
                raise
            await connection.finish(error)
        else:
            if connection.over:
                await connection.finish(None)
        finally:
            watch.open.discard(connection)
            scope.pop("mfa_gate", None)
