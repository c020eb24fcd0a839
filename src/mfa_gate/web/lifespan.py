"""The start and the end of an app with a gate around it: what is wrong is said before the first request."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from ..errors import MFAGateError, SettingsError
from .callers import Scope

if TYPE_CHECKING:
    from .gate import App, Gate, Receive, Send

log = logging.getLogger("mfa_gate")


async def lifespan(gate: Gate, app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Check and open before the app starts, close after it has ended. An app without a lifespan does no harm."""
    first: Any = await receive()
    ended = False
    try:
        faults = gate.faults(scope.get("app"))
        if faults:
            raise SettingsError(faults)
        await gate.open()
    except MFAGateError as error:
        log.error("mfa_gate cannot start: %s", error)
        await send({"type": "lifespan.startup.failed", "message": f"mfa_gate cannot start: {error}"})
        # As Starlette does: servers print the message alone, while a test client sees the fault only when it is raised.
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
        """The server ends its event loop, and whatever runs on it, once it has heard that the app is done."""
        nonlocal ended
        if ended and message["type"].startswith("lifespan.shutdown."):
            ended = False
            await gate.aclose()
        await send(message)

    try:
        await app(scope, relay, close_first)
    finally:
        if ended:
            await gate.aclose()
