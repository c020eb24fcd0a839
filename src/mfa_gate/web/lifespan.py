"""Open and close the gate with its app: a fault is reported before the first request."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from ..errors import MFAGateError, SettingsError, StoreUnavailable
from ..service import Service
from .callers import Callers
from .forwarders import FAULT, is_forwarded, server_believes_everybody
from .types import App, Receive, Scope, Send

log = logging.getLogger("mfa_gate")

ASYNCIO_ONLY = (
    "event loop: mfa_gate needs asyncio, and this server runs the app on trio or another loop: start it with asyncio, e.g. "
    "hypercorn --worker-class asyncio"
)

TWO_GATES = (
    "two gates are around one app, so people are asked twice, or the proof at one serves the other: keep the outermost one, and "
    "take the other out"
)


def running_loop() -> asyncio.AbstractEventLoop:
    """Return the running event loop. Raises ``SettingsError`` outside of asyncio."""
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        raise SettingsError(ASYNCIO_ONLY) from None


class ChecksApp(Protocol):
    """A check of an app's layers and routes."""

    def __call__(self, app: Any, *, inside: bool) -> Sequence[str]:
        """List the faults. ``inside``: ``app`` is only the part that the gate is around."""


class Lifespan:
    """The opening and closing of the gate with its app.

    It remembers if the store is open, and if the server was looked at. ``check`` lists the faults of an app's
    middleware order. ``any_forwarder`` allows a server that believes every client's forwarded address.
    """

    def __init__(self, *, service: Service, callers: Callers, check: ChecksApp, any_forwarder: bool) -> None:
        self._service = service
        self._callers = callers
        self._check = check
        self._any_forwarder = any_forwarder
        self.looked: set[bool] = set()
        self.at_open: list[Callable[[], None]] = []
        """Called each time that the gate has opened."""
        self._opening: asyncio.Task[None] | None = None
        self.loop: asyncio.AbstractEventLoop | None = None
        """The event loop that opened the store, None while it is not open."""
        self._process = 0

    @property
    def opened(self) -> bool:
        """Tell if the store was opened, and not closed since."""
        return self.loop is not None

    @property
    def is_open(self) -> bool:
        """Tell if the gate is open in this process, on an event loop that runs.

        A start script may have opened it, and have ended its loop or forked workers since. Each worker opens it anew, for
        it has connections and background work of its own (F-40).
        """
        return self.loop is not None and self._process == os.getpid() and self.loop.is_running()

    async def open(self) -> None:
        """Open the store and check the keys, once.

        Raises ``SettingsError`` or ``StoreUnavailable``. After an error the next call tries again.
        """
        if self.is_open:
            return
        self.forget()
        self._look_at_server(replaced=False)
        self.looked.clear()
        if self._opening is None or self._opening.done() or self._opening.get_loop() is not asyncio.get_running_loop():
            self._opening = asyncio.create_task(self._open())
        await asyncio.shield(self._opening)

    def forget(self) -> None:
        """Count the gate as not open. Nothing is closed."""
        self.loop = None

    async def _open_at_start(self) -> None:
        """Open the store.

        One that is away stops no app whose policy only reports: a request opens it later.
        """
        try:
            await self.open()
        except StoreUnavailable as error:
            policy = self._service.engine.policy
            if any(rules.mode != "report-only" for rules in (policy.base, *policy.tenants.values())):
                raise
            log.error("mfa_gate: report-only: the app starts without the store, which is away: %s", error)

    async def _open(self) -> None:
        fault = await self._service.open()
        if fault:
            await self._service.aclose()
            raise SettingsError(fault)
        self.loop, self._process = asyncio.get_running_loop(), os.getpid()
        self._callers.check_sessions()
        for look in self.at_open:
            look()

    async def aclose(self) -> None:
        """Let go of store and senders, and of all that was remembered.

        A later request opens them again.
        """
        self.forget()
        self._service.engine.forget_all()
        await self._service.aclose()

    def look_at_server(self, scope: Scope) -> None:
        """Look at the server during the first requests. Raises ``SettingsError``.

        A request that came through another gate is refused as well: no start could see that one. The gate may have been
        opened outside of the server's calls, where the server cannot be seen.
        """
        if "mfa_gate" in scope:
            raise SettingsError(f"middleware order: {TWO_GATES}")
        if len(self.looked) < 2 and (replaced := is_forwarded(scope)) not in self.looked:
            self._look_at_server(replaced=replaced)

    def _look_at_server(self, *, replaced: bool) -> None:
        """Refuse to work behind a server that believes every client's word for its address.

        Raises ``SettingsError``.
        """
        if self._any_forwarder or replaced in self.looked:
            return
        if server_believes_everybody(replaced=replaced):
            raise SettingsError(FAULT)
        self.looked.add(replaced)

    async def __call__(self, app: App, scope: Scope, receive: Receive, send: Send) -> None:
        """Check and open before the app starts, and close after the app has ended.

        An app without a lifespan does no harm.
        """
        first: Any = await receive()
        ended = False
        try:
            running_loop()
            faults = self._check(scope["app"], inside=False) if "app" in scope else self._check(app, inside=True)
            if faults:
                raise SettingsError(faults)
            await self._open_at_start()
        except MFAGateError as error:
            log.error("mfa_gate cannot start: %s", error)
            await send({"type": "lifespan.startup.failed", "message": f"mfa_gate cannot start: {error}"})
            # Raise it as Starlette does: a server prints only the message, but a test client sees only a raised error.
            raise

        async def relay() -> Any:
            nonlocal first, ended
            if first is not None:
                message, first = first, None
                return message
            message = await receive()
            ended = message["type"] == "lifespan.shutdown"
            return message

        async def close_first(message: Any) -> None:
            """Close before the server hears that the app is done: then it ends its event loop."""
            nonlocal ended
            if ended and message["type"].startswith("lifespan.shutdown."):
                ended = False
                await self.aclose()
            await send(message)

        try:
            await app(scope, relay, close_first)
        finally:
            if ended:
                await self.aclose()
