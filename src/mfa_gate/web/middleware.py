"""The ASGI shell around any app, as thin as it gets."""

from __future__ import annotations

from asyncio import current_task, get_running_loop
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from ..errors import SettingsError
from .connection import Connection
from .gate import Gate
from .lifespan import ASYNCIO_ONLY
from .types import App, Receive, Send


class HasGate(Protocol):
    """An object with a gate, such as ``MFAGate``."""

    @property
    def web(self) -> Gate:
        """Return the gate of the web layer, which judges connections."""


class MFAGateMiddleware:
    """The gate as a middleware around any ASGI app.

    ``MFAGateMiddleware(app, gate=gate)`` does the same as ``gate.install(app)``. Only an app of Starlette's kind is checked at
    its start.
    """

    def __init__(self, app: Callable[..., Awaitable[Any]], *, gate: HasGate) -> None:
        # Each framework has types of its own for the three arguments; a narrower type would refuse most apps.
        self.app: App = app
        self.gate = gate
        self._gate = gate.web
        self._gate.add_app(app)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Judge one connection."""
        __tracebackhide__ = True  # a report of the app's fault needs no frame of ours, which holds the cookies
        gate = self._gate
        try:
            loop = get_running_loop()
        except RuntimeError:
            if scope["type"] != "lifespan":  # there the fault is told to the server
                raise SettingsError(ASYNCIO_ONLY) from None
        # ASGI says dict. Starlette's types say only MutableMapping, and its typed code must be able to call us.
        whole: dict[str, Any] = scope  # type: ignore[assignment]
        passed = gate.remembered(whole)
        if passed is None:
            return await gate(self.app, whole, receive, send)
        # The lines below repeat ``OpenConnections.run``. Nearly every request comes by here, and each call that is saved
        # is a tenth of the gate's cost.
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
