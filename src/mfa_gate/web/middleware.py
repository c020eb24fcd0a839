"""The ASGI shell around any app, as thin as it gets."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Protocol

from .gate import Gate
from .types import App, Receive, Send


class HasGate(Protocol):
    """An object with a gate, such as ``MFAGate``."""

    @property
    def web(self) -> Gate:
        """Return the gate of the web layer, which judges connections."""


class MFAGateMiddleware:
    """The gate as a middleware around any ASGI app.

    ``MFAGateMiddleware(app, gate=gate)`` does the same as ``gate.install(app)``, without the check that ``install``
    makes.
    """

    def __init__(self, app: App, *, gate: HasGate) -> None:
        self.app = app
        self.gate = gate
        self._gate = gate.web
        self._open = gate.web.connections.open
        self._gate.endpoint_demands.add_app(app)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Judge one connection, call the app, and keep the connection while it lasts.

        The app's exceptions pass through.
        """
        # ASGI says dict. Starlette's types say only MutableMapping, and its typed code must be able to call us.
        whole: dict[str, Any] = scope  # type: ignore[assignment]
        connection = self._gate.remembered(whole, receive, send)
        if connection is None:
            if scope["type"] == "lifespan":
                return await self._gate.lifespan(self.app, whole, receive, send)
            connection = await self._gate.judge(whole, receive, send)
            if connection is None:
                return None
        scope["mfa_gate"] = connection
        self._open.add(connection)
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
            self._open.discard(connection)
            scope.pop("mfa_gate", None)
            if connection.afterwards is not None:
                await connection.afterwards()
