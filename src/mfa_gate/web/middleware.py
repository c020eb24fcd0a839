"""The ASGI shell: around any app, as thin as it gets."""

from __future__ import annotations

from collections.abc import MutableMapping
from typing import Any, Protocol

from .guard import App, Guard, Receive, Send


class HasGuard(Protocol):
    """What the middleware is given: an ``MFAGate``."""

    @property
    def guard(self) -> Guard:
        """The gate's judgement."""


class MFAGateMiddleware:
    """``MFAGateMiddleware(app, gate=gate)`` around any ASGI app; the same as ``gate.install(app)`` without its check."""

    def __init__(self, app: App, *, gate: HasGuard) -> None:
        self.app = app
        self.gate = gate
        self._guard = gate.guard

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Judge one connection."""
        guard = self._guard
        # ASGI says dict; Starlette's types say less, and whoever is typed by them must be able to hold us.
        whole: dict[str, Any] = scope  # type: ignore[assignment]
        if guard.waves_through(whole):
            await guard.enter(self.app, whole, receive, send)
        else:
            await guard(self.app, whole, receive, send)
